//! The packages that are built: their licences, how many versions there are of each, and those
//! that the profiles name. Cargo answers offline, from what a build has downloaded already.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use super::rust_code::root;

/// Licences whose terms are easy to keep for anyone who distributes a build: permissive ones, and
/// MPL-2.0, which binds only changes to the files of the package itself.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A licence that one package alone may have: the package, its licence, and why.
const LICENCES_OF_ONE: [(&str, &str, &str); 3] = [
    ("epaint_default_fonts", "OFL-1.1", FONTS),
    ("epaint_default_fonts", "Ubuntu-font-1.0", FONTS),
    (
        "webpki-roots",
        "CDLA-Permissive-2.0",
        "for data: the certificates that browsers trust",
    ),
];
const FONTS: &str = "for fonts: they may be built into programs and drawn with";

/// What is built in several versions on Linux: the package, the versions, and who asks for the
/// older ones.
const SEVERAL_VERSIONS: [(&str, &[&str], &str); 13] = [
    ("base64", &["0.13.1", "0.23.1"], "spm_precompiled, for tokenizers"),
    ("bitflags", &["1.3.2", "2.13.2"], "png, for plotters"),
    ("darling", DARLING, MACROS),
    ("darling_core", DARLING, MACROS),
    ("darling_macro", DARLING, MACROS),
    (
        "getrandom",
        &["0.2.17", "0.3.4", "0.4.3"],
        "ring; rand 0.9 and tokenizers",
    ),
    ("hashbrown", &["0.16.1", "0.17.2"], "burn and safetensors"),
    ("miniz_oxide", &["0.8.9", "0.9.1"], "png, for plotters"),
    ("nom", &["7.1.3", "8.0.0"], "spm_precompiled, for tokenizers"),
    ("rand", &["0.9.5", "0.10.4"], "tokenizers and hf-hub"),
    ("rand_chacha", &["0.9.0", "0.10.0"], "rand 0.9"),
    ("rand_core", &["0.9.5", "0.10.1"], "rand 0.9"),
    ("syn", &["2.0.119", "3.0.10"], "most derive macros"),
];
const DARLING: &[&str] = &["0.20.11", "0.21.3", "0.23.0", "0.24.1"];
const MACROS: &str = "macros of tokenizers (derive_builder), burn (enumset) and plotly";

/// The packages that this workspace builds: those of all members, and those that their tests use.
/// Each is a name, a version and a licence.
fn built(more: &[&str]) -> BTreeSet<(String, String, String)> {
    let mut command = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let arguments = "tree --workspace --offline --prefix none --edges normal,build,dev --format";
    command.args(arguments.split(' ')).arg("{p}|{l}").args(more);
    let output = command.current_dir(root()).output().unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let text = String::from_utf8(output.stdout).unwrap();
    let package = |line: &str| {
        // `(*)` says that what the package depends on was listed before.
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split(' ');
        let version = words.clone().nth(1)?.trim_start_matches('v');
        Some((words.next()?.into(), version.into(), licence.into()))
    };
    let packages = text.lines().filter(|line| !line.is_empty());
    packages
        .map(|line| package(line).unwrap_or_else(|| panic!("not a package: {line}")))
        .collect()
}

/// Whether the licences that are allowed are enough for an SPDX expression: one side of each `OR`,
/// both of each `AND`. `/` is an older way to write `OR`; `WITH` only adds permissions.
fn is_satisfied(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let satisfied = any_side(&mut rest, is_allowed);
    satisfied && rest.is_empty()
}

fn any_side(words: &mut &[&str], is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut satisfied = both_sides(words, is_allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        satisfied |= both_sides(words, is_allowed);
    }
    satisfied
}

fn both_sides(words: &mut &[&str], is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut satisfied = one_licence(words, is_allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        satisfied &= one_licence(words, is_allowed);
    }
    satisfied
}

fn one_licence(words: &mut &[&str], is_allowed: &dyn Fn(&str) -> bool) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let satisfied = any_side(words, is_allowed);
            let [")", rest @ ..] = *words else {
                return false;
            };
            *words = rest;
            satisfied
        }
        [licence, "WITH", _, rest @ ..] | [licence, rest @ ..] => {
            *words = rest;
            is_allowed(licence)
        }
        [] => false,
    }
}

/// The packages whose licence is not allowed, or not known.
fn refused(packages: &BTreeSet<(String, String, String)>) -> Vec<String> {
    let is_allowed = |name: &str, licence: &str| {
        let of_one = LICENCES_OF_ONE
            .iter()
            .any(|(package, other, _)| (*package, *other) == (name, licence));
        LICENCES.contains(&licence) || of_one
    };
    let mut refused = Vec::new();
    for (name, version, licence) in packages {
        if licence.is_empty() {
            refused.push(format!("{name} {version} names no licence"));
        } else if !is_satisfied(licence, &|licence| is_allowed(name, licence)) {
            refused.push(format!("{name} {version} is under {licence}"));
        }
    }
    refused
}

#[test]
fn every_package_that_is_built_here_has_a_licence_that_is_allowed() {
    let refused = refused(&built(&[]));
    assert!(
        refused.is_empty(),
        "look at these licences, then name them above: {refused:#?}"
    );
}

/// `.ci/run` asks for it after `cargo fetch`, since a build downloads only what it needs.
#[test]
#[ignore = "needs the sources of the packages of all platforms: cargo fetch"]
fn every_package_of_any_platform_and_feature_has_a_licence_that_is_allowed() {
    let packages = built(&["--target", "all", "--all-features"]);
    let refused = refused(&packages);
    assert!(
        refused.is_empty(),
        "look at these licences, then name them above: {refused:#?}"
    );
    let unused: Vec<&str> = (LICENCES_OF_ONE.iter().map(|(name, ..)| *name))
        .filter(|listed| !packages.iter().any(|(name, ..)| name == listed))
        .collect();
    assert!(unused.is_empty(), "strike these off the list: {unused:?}");
}

/// Two versions of a package are compiled twice and are in each program twice.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn no_package_is_built_in_several_versions_unless_the_list_says_why() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version, _) in built(&[]) {
        versions.entry(name).or_default().insert(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    for (name, listed, _) in SEVERAL_VERSIONS {
        let found = versions.remove(name).unwrap_or_default();
        let listed: BTreeSet<String> = listed.iter().map(|version| (*version).to_owned()).collect();
        assert_eq!(found, listed, "{name}: mend the list");
    }
    assert!(
        versions.is_empty(),
        "`cargo tree --duplicates` says who asks for them: {versions:#?}"
    );
}

/// A profile of a package that was renamed, or is gone, does nothing, and Cargo only warns.
#[test]
fn every_package_that_a_profile_names_exists() {
    let read = |name: &str| -> Table {
        toml::from_str(&fs_err::read_to_string(root().join(name)).unwrap()).unwrap()
    };
    let lock = read("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let mut known: BTreeSet<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    known.insert("*");
    let manifest = read("Cargo.toml");
    let mut named = 0;
    for (profile, settings) in manifest["profile"].as_table().unwrap() {
        let packages = settings.get("package").and_then(|packages| packages.as_table());
        for name in packages.into_iter().flat_map(Table::keys) {
            assert!(
                known.contains(name.as_str()),
                "profile.{profile}.package.{name}: no such package in Cargo.lock"
            );
            named += 1;
        }
    }
    assert!(named > 0);
}

#[test]
fn an_expression_of_licences_is_read_as_spdx_does() {
    let is_mit_or_isc = |licence: &str| ["MIT", "ISC"].contains(&licence);
    let is_satisfied = |expression| is_satisfied(expression, &is_mit_or_isc);
    for expression in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "GPL-3.0 / MIT",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "GPL-3.0 AND X OR MIT",
        "MIT WITH LLVM-exception",
    ] {
        assert!(is_satisfied(expression), "{expression}");
    }
    for expression in [
        "",
        "GPL-3.0",
        "GPL-3.0 AND MIT",
        "MIT AND (GPL-3.0 OR X)",
        "GPL-3.0 AND (MIT OR X)",
        "(MIT",
        "MIT ISC",
    ] {
        assert!(!is_satisfied(expression), "{expression}");
    }
}

#[test]
fn a_licence_for_one_package_is_for_no_other() {
    let package = |name: &str, licence: &str| (name.to_owned(), "1.0.0".to_owned(), licence.to_owned());
    let packages = [
        package("free", "MIT"),
        package("nothing", ""),
        package("other", "CDLA-Permissive-2.0"),
        package("viral", "AGPL-3.0-only"),
        package("webpki-roots", "CDLA-Permissive-2.0"),
    ];
    assert_eq!(
        refused(&packages.into()),
        [
            "nothing 1.0.0 names no licence",
            "other 1.0.0 is under CDLA-Permissive-2.0",
            "viral 1.0.0 is under AGPL-3.0-only",
        ]
    );
}

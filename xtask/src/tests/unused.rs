//! Every dependency is used where its manifest says: `[dependencies]` by the code, and
//! `[dev-dependencies]` by what only tests, examples and benches reach.

use std::collections::BTreeSet;

use proc_macro2::TokenTree;
use toml::Table;

use super::rust_code::{
    self, crate_folders, inside, is_path_separator, is_within_path, is_word, modules_elsewhere, root,
    rust_files, tokens, tokens_of, without_tests,
};

/// Dependencies that no code names: the crate, the dependency, and why it is there.
const FOR_FEATURES: [(&str, &str, &str); 7] = [
    (
        "crates/model",
        "cubecl-cuda",
        "the feature `cuda-nvrtc` turns on a feature of it",
    ),
    (
        "crates/results",
        "workspace-hack",
        "every stage reads results, so every stage is built with its features",
    ),
    ("crates/workspace-hack", "futures-core", HACK),
    ("crates/workspace-hack", "libc", HACK),
    ("crates/workspace-hack", "memchr", HACK),
    ("crates/workspace-hack", "percent-encoding", HACK),
    ("crates/workspace-hack", "serde_core", HACK),
];
const HACK: &str = "one feature set for the stages, the other programs and the tests";

/// What a crate's files name, as far as a dependency could be meant.
#[derive(Default)]
struct Names {
    code: BTreeSet<String>,
    /// With tests, examples and benches.
    all: BTreeSet<String>,
}

impl Names {
    fn of(folder: &str) -> Names {
        let folder = root().join(folder);
        let mut names = Names::default();
        let source = folder.join("src");
        for path in rust_files(&source) {
            let tokens = tokens(&path);
            collect(&tokens, &mut names.all);
            if !crate::code::is_test(&crate::hash::relative_name(&path, &source)) {
                collect(&without_tests(&tokens), &mut names.code);
            }
        }
        for other in ["tests", "examples", "benches"] {
            for path in rust_files(&folder.join(other)) {
                let tokens = tokens(&path);
                collect(&tokens, &mut names.all);
                for shared in modules_elsewhere(&path, &tokens) {
                    collect(&rust_code::tokens(&shared), &mut names.all);
                }
            }
        }
        if folder.join("build.rs").is_file() {
            collect(&tokens(&folder.join("build.rs")), &mut names.code);
        }
        names
    }
}

/// The first words of paths, and words after `use`. A module of the crate with the name of a
/// dependency counts as one, and so hides that it is unused.
fn collect(tokens: &[TokenTree], names: &mut BTreeSet<String>) {
    for (place, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect(&inside(group), names),
            TokenTree::Ident(name) => {
                let (before, after) = (&tokens[..place], &tokens[place + 1..]);
                let is_used = before.last().is_some_and(|word| is_word(word, "use"));
                if !is_within_path(before) && (is_used || is_path_separator(after)) {
                    names.insert(name.to_string());
                }
            }
            _ => {}
        }
    }
}

/// The names in the tables of this kind of a manifest, on any platform.
fn dependencies(manifest: &Table, kind: &str) -> Vec<String> {
    let platforms = manifest.get("target").and_then(|target| target.as_table());
    let platforms = platforms.into_iter().flat_map(Table::values);
    let tables = [manifest.get(kind)]
        .into_iter()
        .chain(platforms.map(|platform| platform.get(kind)));
    let tables = tables.flatten().filter_map(|table| table.as_table());
    tables.flat_map(Table::keys).cloned().collect()
}

/// The dependencies that a crate does not use where its manifest says.
fn misplaced(folder: &str, manifest: &Table, names: &Names) -> Vec<String> {
    let mut found = Vec::new();
    for name in dependencies(manifest, "dependencies") {
        let word = name.replace('-', "_");
        if names.code.contains(&word) {
            continue;
        }
        found.push(if names.all.contains(&word) {
            format!("{folder}: only tests use {name}; move it to [dev-dependencies]")
        } else {
            format!("{folder}: nothing uses {name}; remove it")
        });
    }
    for name in dependencies(manifest, "dev-dependencies") {
        if !names.all.contains(&name.replace('-', "_")) {
            found.push(format!("{folder}: no test uses {name}; remove it"));
        }
    }
    found
}

fn manifest(folder: &str) -> Table {
    let text = fs_err::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

#[test]
fn every_dependency_is_used_where_its_manifest_says() {
    let mut found = Vec::new();
    for folder in crate_folders() {
        found.extend(misplaced(&folder, &manifest(&folder), &Names::of(&folder)));
    }
    for (folder, name, reason) in FOR_FEATURES {
        let before = found.len();
        found.retain(|problem| !problem.starts_with(&format!("{folder}: nothing uses {name};")));
        assert!(
            before > found.len(),
            "{folder} does use {name}: strike it off the list ({reason})"
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_external_dependency_of_the_workspace_belongs_to_a_crate() {
    let mut used = BTreeSet::new();
    for folder in crate_folders() {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            used.extend(dependencies(&manifest(&folder), kind));
        }
    }
    let shared = manifest(".")["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .clone();
    let unused: Vec<&String> = shared.keys().filter(|name| !used.contains(*name)).collect();
    assert!(
        unused.is_empty(),
        "no crate asks for these of [workspace.dependencies]: {unused:?}"
    );
}

#[test]
fn a_dependency_that_only_tests_or_nobody_uses_is_found() {
    let text = "
        //! Not tempfile::tempdir.
        use ::anyhow::Result;
        fn f() { let serde_json = \"toml::Table\"; fs_err::read(crate::rayon::X); }
        #[cfg(test)] mod tests { use tempfile as t; }
    ";
    let tokens = tokens_of(text).unwrap();
    let mut names = Names::default();
    collect(&tokens, &mut names.all);
    collect(&without_tests(&tokens), &mut names.code);
    let manifest: Table = toml::from_str(
        "[dependencies]\nanyhow = '1'\nfs-err = '3'\nrayon = '1'\nserde_json = '1'\ntempfile = '3'
        [target.'cfg(unix)'.dependencies]\ntoml = '1'\n[dev-dependencies]\nhalf = '2'",
    )
    .unwrap();
    assert_eq!(
        misplaced("a", &manifest, &names),
        [
            "a: nothing uses rayon; remove it",
            "a: nothing uses serde_json; remove it",
            "a: only tests use tempfile; move it to [dev-dependencies]",
            "a: nothing uses toml; remove it",
            "a: no test uses half; remove it",
        ]
    );
}

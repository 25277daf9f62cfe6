//! No two files of a crate need each other, directly or through others: each can be read, and
//! moved, with what it needs and without what needs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    modules::Modules,
    rust_code::{crate_folders, root, rust_files},
    sandbox::Sandbox,
};

/// Circles that are there: the files in alphabetical order, and why they stay.
const CIRCLES: [(&[&str], &str); 2] = [
    (
        &["crates/model/src/footprint.rs", "crates/model/src/generate.rs"],
        "a footprint counts what generation holds at once, and generation asks it how many rows fit",
    ),
    (
        &[
            "crates/model/src/sampling/shortlist.rs",
            "crates/model/src/sampling/tail.rs",
        ],
        "a shortlist holds the tail behind it, and a draw from the tail begins with the shortlist",
    ),
];

type Arrows = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// The root files of the library and the programs of a crate.
fn roots(folder: &str) -> Vec<PathBuf> {
    let source = root().join(folder).join("src");
    let mut roots: Vec<PathBuf> = ["lib.rs", "main.rs"].map(|name| source.join(name)).into();
    let programs = source.join("bin");
    roots.extend(rust_files(&programs).into_iter().filter(|path| {
        let is_main = path.file_name().is_some_and(|name| name == "main.rs");
        is_main || path.parent() == Some(&programs)
    }));
    roots.retain(|path| path.is_file());
    roots
}

/// The groups of files that all lead to each other.
fn circles(arrows: &Arrows) -> Vec<Vec<&Path>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = arrows
        .keys()
        .map(|file| (file.as_path(), reached_from(file, arrows)))
        .collect();
    let mut circles = Vec::new();
    for (file, others) in &reached {
        let is_back = |other: &&&Path| reached[**other].contains(file);
        let circle: Vec<&Path> = others.iter().filter(is_back).copied().collect();
        // Each circle once, from its first file.
        if circle.first() == Some(file) {
            circles.push(circle);
        }
    }
    circles
}

fn reached_from<'a>(file: &Path, arrows: &'a Arrows) -> BTreeSet<&'a Path> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![file]);
    while let Some(file) = next.pop() {
        for target in &arrows[file] {
            if reached.insert(target.as_path()) {
                next.push(target);
            }
        }
    }
    reached
}

/// The circles of the workspace: their files in alphabetical order, and in words which of
/// them needs which.
fn circles_of_the_workspace() -> BTreeMap<Vec<String>, Vec<String>> {
    let name = |path: &Path| crate::hash::relative_name(path, &root());
    let mut found = BTreeMap::new();
    for start in crate_folders().iter().flat_map(|folder| roots(folder)) {
        let arrows = Modules::of(&start).arrows();
        for circle in circles(&arrows) {
            let mut files: Vec<String> = circle.iter().map(|file| name(file)).collect();
            files.sort();
            let needs = |file: &&Path| {
                let needed = arrows[*file].iter().map(|other| name(other));
                let needed: Vec<String> = needed.filter(|other| files.contains(other)).collect();
                format!("{} needs {}", name(file), needed.join(", "))
            };
            let needs = circle.iter().map(needs).collect();
            found.insert(files, needs);
        }
    }
    found
}

#[test]
fn no_two_files_of_a_crate_need_each_other() {
    let mut found = circles_of_the_workspace();
    for (files, reason) in CIRCLES {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        assert!(
            found.remove(&files).is_some(),
            "{files:?} are not a circle now; mend the list ({reason})"
        );
    }
    assert!(
        found.is_empty(),
        "these files need each other; move what ties them: {found:#?}"
    );
}

/// The circles of a crate that is these files.
fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sandbox = Sandbox::new();
    for (name, text) in files {
        sandbox.write(&format!("src/{name}"), text);
    }
    let source = sandbox.path("src");
    let arrows = Modules::of(&source.join("lib.rs")).arrows();
    let name = |path: &&Path| crate::hash::relative_name(path, &source);
    let circles = circles(&arrows);
    circles
        .iter()
        .map(|circle| circle.iter().map(name).collect())
        .collect()
}

#[test]
fn a_circle_is_found_through_re_exports_and_whatever_way_a_path_is_written() {
    let lib = (
        "lib.rs",
        "mod a; mod b { pub mod c; pub use c::*; } pub use a::A as Renamed;",
    );
    for (a, c) in [
        (
            "use crate::b::c::C; pub struct A;",
            "use crate::Renamed; pub struct C;",
        ),
        ("use crate::b::C; pub struct A;", "pub struct C(crate::a::A);"),
        (
            "pub struct A; fn f() { crate::b::C; }",
            "use super::super::a; pub struct C; fn f(_: a::A) {}",
        ),
        (
            "use crate::b::{self, c::{C as D}}; pub struct A;",
            "use crate::{Renamed}; pub struct C;",
        ),
    ] {
        assert_eq!(
            circles_of(&[lib, ("a.rs", a), ("b/c.rs", c)]),
            [["a.rs", "b/c.rs"]],
            "{a} {c}"
        );
    }
}

#[test]
fn a_re_export_a_test_and_another_crate_make_no_circle() {
    let lib = (
        "lib.rs",
        "mod a; mod b; pub use a::A; pub struct L; #[cfg(test)] mod tests;",
    );
    let a = ("a.rs", "use crate::L; use ::b::B; use other::b::C; pub struct A;");
    let b = (
        "b.rs",
        "use crate::A; #[cfg(test)] mod tests { use crate::tests; } pub struct B;",
    );
    assert!(circles_of(&[lib, a, b]).is_empty());
    let uses_it = ("lib.rs", "mod a; mod b; pub use a::A; pub struct L(A);");
    assert_eq!(circles_of(&[uses_it, a, b]), [["a.rs", "lib.rs"]]);
}

//! Code counts by its meaning.

use super::sandbox::{CODE, Sandbox, all_stages};
use crate::code::{is_test, token_hash};

#[track_caller]
fn check_same(text: &str, other: &str) {
    assert_eq!(token_hash(text).unwrap(), token_hash(other).unwrap());
}

#[track_caller]
fn check_other(text: &str, other: &str) {
    assert_ne!(token_hash(text).unwrap(), token_hash(other).unwrap());
}

#[test]
fn comments_doc_comments_and_white_space_mean_nothing() {
    for other in [
        "pub fn answer() -> u32 { 6 * 7 }",
        "//! A crate.\n\n/* Long\n/* nested */ */ pub fn answer() -> u32 {\n\t6 * 7 // why\n}\n",
        "#![doc = \"A crate.\"]\n#[doc = \"The answer.\"] pub fn answer()->u32{6*7}",
        "/** Block. */\npub fn answer() -> u32 {\n    //! Inner.\n    6 * 7\n}",
    ] {
        check_same(CODE, other);
    }
    check_same("let f = |x|-x;", "let f = |x| -x;");
    check_same("matches!(x, 1|2)", "matches!(x, 1 | 2)");
}

#[test]
fn everything_else_does() {
    for (text, other) in [
        ("6 * 7", "6 * 8"),
        ("6 * 7", "6 + 7"),
        ("a <= b", "a < b"),
        ("a && b", "a & b"),
        ("a && b", "a & & b"),
        ("ab", "a b"),
        ("\"// text\"", "\"// other text\""),
        ("(a) b", "(a b)"),
        ("(a)", "[a]"),
        ("'a", "'b"),
        ("#[inline] fn a() {}", "fn a() {}"),
        ("#![allow(dead_code)]", "#[allow(dead_code)]"),
        ("#[doc = include_str!(\"a\")] fn a() {}", "fn a() {}"),
    ] {
        check_other(text, other);
    }
    assert_eq!(token_hash("\"no end"), None);
}

#[test]
fn prose_makes_no_stage_stale() {
    let mut sandbox = Sandbox::fresh();
    sandbox.write(
        "crates/model/src/lib.rs",
        "//! A model.\n\n/// The right answer.\npub fn answer() -> u32 {\n    // As everyone knows.\n    6*7\n}\n",
    );
    sandbox.check(&[], "everything is fresh");
    let code = "pub fn answer() -> u32 {\n    6 + 7\n}\n";
    sandbox.write("crates/model/src/lib.rs", code);
    sandbox.check(
        &["verify", "extract", "steer", "dose", "locate"],
        "code changed: model",
    );
}

#[test]
fn the_layout_of_a_manifest_and_its_tests_make_no_stage_stale() {
    let mut sandbox = Sandbox::fresh();
    let manifest = "# A stage.\n[dependencies]\nresults = { workspace = true } # The tables.\n\
                    toml.workspace = true\n\n[package]\nname = 'report'\n\n[[test]]\nname = \"it\"\n\n\
                    [dev-dependencies]\nchat.workspace = true\n\n\
                    [target.'cfg(unix)'.dev-dependencies]\nchat.workspace = true\n";
    sandbox.write("crates/report/Cargo.toml", manifest);
    sandbox.write("crates/chat/src/lib.rs", "pub fn chat() {}\n");
    sandbox.check(&[], "everything is fresh");
    sandbox.edit("crates/report/Cargo.toml", "toml.workspace = true\n", "");
    sandbox.check(&["report"], "code changed: report");
}

#[test]
fn what_is_not_rust_counts_by_its_bytes() {
    let mut sandbox = Sandbox::fresh();
    for (file, text, other) in [
        ("page.html", "<p>", "<p> "),
        ("broken.rs", "\"no end", "\"no end // "),
    ] {
        let path = format!("crates/report/src/{file}");
        for text in [text, other] {
            sandbox.write(&path, text);
            sandbox.check(&["report"], "code changed: report");
        }
    }
}

#[test]
fn a_change_of_tests_makes_no_stage_stale() {
    let mut sandbox = Sandbox::fresh();
    for path in ["tests.rs", "tests/mod.rs", "page/tests.rs", "page/tests/words.rs"] {
        assert!(is_test(path));
        sandbox.write(
            &format!("crates/report/src/{path}"),
            "#[test]\nfn it_works() {}\n",
        );
    }
    sandbox.check(&[], "everything is fresh");
    for path in ["contests.rs", "tests_of_labels.rs", "lib.rs"] {
        assert!(!is_test(path));
    }
}

/// What is left out of the hash must not be in a binary.
#[test]
fn every_module_of_tests_is_compiled_for_tests_alone() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut files = 0;
    for folder in fs_err::read_dir(crates).unwrap() {
        for path in crate::hash::paths_below(&folder.unwrap().path().join("src")).unwrap() {
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            files += 1;
            let text = fs_err::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (number, line) in lines.iter().enumerate() {
                if line.ends_with("mod tests;") || line.starts_with("#[path") && line.contains("tests") {
                    let before = &lines[number.saturating_sub(2)..number];
                    assert!(before.contains(&"#[cfg(test)]"), "{}: {line}", path.display());
                }
            }
        }
    }
    assert!(files > 100, "{files}");
}

#[test]
fn a_known_hash_of_tokens_is_used_for_the_same_bytes_only() {
    let mut sandbox = Sandbox::fresh();
    let memo = sandbox.read("results/.token-memo.toml");
    let tokens = token_hash(CODE).unwrap();
    assert!(memo.contains(&tokens), "{memo}");
    // Only a hash that is not computed again can be another one.
    sandbox.write("results/.token-memo.toml", &memo.replace(&tokens, "forged"));
    let reason = "code changed: ";
    sandbox.check(&all_stages(), reason);
    sandbox.write("results/.token-memo.toml", "not TOML");
    sandbox.check(&all_stages(), reason);
    sandbox.write(
        "results/.token-memo.toml",
        &memo.replace("rules = 1", "rules = 0").replace(&tokens, "forged"),
    );
    sandbox.check(&[], "everything is fresh");
}

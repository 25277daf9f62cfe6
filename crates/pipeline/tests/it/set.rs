//! `--set table.key=value`.

use toml::Table;

use pipeline::assign;

const BEFORE: &str = "[model]\nsource = \"data/model\"\n[steer]\nseed = 0\nsampling = { top_k = 5 }\n";

/// Applies one assignment; expects `after` as TOML.
#[track_caller]
fn check(assignment: &str, after: &str) {
    let mut tables: Table = toml::from_str(BEFORE).unwrap();
    assign(&mut tables, assignment).unwrap();
    assert_eq!(tables, toml::from_str(after).unwrap(), "{assignment}");
}

#[track_caller]
fn check_refused(assignment: &str, message: &str) {
    let mut tables: Table = toml::from_str(BEFORE).unwrap();
    let error = assign(&mut tables, assignment).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("--set {assignment}: {message}")),
        "{error}"
    );
    assert_eq!(tables, toml::from_str(BEFORE).unwrap(), "nothing was changed");
}

#[test]
fn values_are_toml_or_else_strings() {
    check("steer.seed=1", &BEFORE.replace("seed = 0", "seed = 1"));
    check("steer.seed = 1", &BEFORE.replace("seed = 0", "seed = 1"));
    check("steer.seed=1.5", &BEFORE.replace("seed = 0", "seed = 1.5"));
    check("steer.seed=[1, 2]", &BEFORE.replace("seed = 0", "seed = [1, 2]"));
    check("steer.seed=true", &BEFORE.replace("seed = 0", "seed = true"));
    check("steer.seed=\"1\"", &BEFORE.replace("seed = 0", "seed = \"1\""));
    check(
        "model.source=data/other=1",
        &BEFORE.replace("data/model", "data/other=1"),
    );
    check("steer.seed=", &BEFORE.replace("seed = 0", "seed = \"\""));
    // One value is one value: what follows a line break is not a second key.
    check(
        "steer.seed=1\ntop_p = 2",
        &BEFORE.replace("seed = 0", "seed = \"1\\ntop_p = 2\""),
    );
}

#[test]
fn keys_reach_into_tables_and_make_them() {
    check(
        "steer.sampling.top_k=9",
        &BEFORE.replace("top_k = 5", "top_k = 9"),
    );
    check("contrast.layer=3", &format!("{BEFORE}[contrast]\nlayer = 3\n"));
}

#[test]
fn a_bad_assignment_is_named() {
    check_refused("steer.seed", "there is no `=`");
    check_refused("steer=1", "names no key of a table");
    check_refused("=1", "names no key of a table");
    check_refused(
        "steering.seed=1",
        "unknown table `steering`; the tables are model, ",
    );
    check_refused("steer..seed=1", "`` is not a plain key");
    check_refused("steer.\"seed\"=1", "`\"seed\"` is not a plain key");
    check_refused("steer.seed.deeper=1", "`seed` is not a table");
}

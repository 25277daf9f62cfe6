//! `why` says what changed, in full.

use super::sandbox::Sandbox;
use crate::{stage, why};

fn explained(sandbox: &Sandbox, stage: Option<&str>) -> String {
    let mut out = Vec::new();
    let stage = stage.map(|name| stage::named(name).unwrap());
    why::print(&sandbox.project, &sandbox.pipeline().unwrap(), stage, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn each_kind_of_change_is_named_with_its_old_and_new_state() {
    let sandbox = Sandbox::fresh();
    let long = format!("[{}1.0]", "0.5, ".repeat(30));
    sandbox.edit("pipelines/tiny.toml", "[1.0, 2.0]", &long);
    sandbox.change_code("steer");
    sandbox.write("data/model/config.json", "{ }");
    sandbox.remove("results/tiny/steer/out.txt");
    let text = explained(&sandbox, Some("steer"));
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().as_str()[..8].to_owned();
    for part in [
        "steer is stale: `cargo xtask steer` runs it again\n".to_owned(),
        // In full, however long.
        format!("  parameter steer.coefficients: [1.0, 2.0] -> {long}\n"),
        format!(
            "  input data/model/config.json: {} -> {}\n",
            hash("{}"),
            hash("{ }")
        ),
        "  sources of the crate steer (crates/steer): ".to_owned(),
        "  its own output out.txt: ".to_owned(),
        " -> absent\n".to_owned(),
        "its last run took ".to_owned(),
        " on cpu, ".to_owned(),
        "at commit 0123abc".to_owned(),
        "if its outputs change, these run too: report, which took ".to_owned(),
    ] {
        assert!(text.contains(&part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn a_fresh_stage_shows_what_it_depends_on() {
    let sandbox = Sandbox::fresh();
    let text = explained(&sandbox, Some("analyze"));
    for part in [
        "analyze is fresh",
        "  parameter contrast.layer: 2\n",
        "  outputs of extract: ",
        "  sources of the crate statistics: ",
        "these run too: steer, dose, ",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(explained(&sandbox, None).starts_with("everything is fresh"));
    assert!(explained(&sandbox, Some("report")).contains("no stage depends on it"));
}

#[test]
fn without_a_name_everything_that_is_not_fresh_is_explained() {
    let sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "layer = 2", "layer = 3");
    let text = explained(&sandbox, None);
    assert!(text.starts_with("analyze is stale"), "{text}");
    assert!(
        text.contains("\nsteer waits for analyze: it runs if their outputs change"),
        "{text}"
    );
    assert!(!text.contains("extract is"), "{text}");
    let never = explained(&Sandbox::new(), Some("extract"));
    assert!(never.contains("  it never ran with this pipeline\n"), "{never}");
}

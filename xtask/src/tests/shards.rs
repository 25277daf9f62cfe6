//! What a stage with shards is told, and what becomes of a stage that others work on.

use super::sandbox::{Mishap, Sandbox};
use crate::goal::Goal;

impl Sandbox {
    /// The key of extract's shards when it runs now.
    fn key(&mut self) -> String {
        self.runner.keys.clear();
        self.run(&Goal::stage(crate::stage::named("extract").unwrap(), true))
            .unwrap();
        let (stage, key) = self.runner.keys.pop().unwrap();
        assert_eq!(stage, "extract");
        key.unwrap()
    }
}

#[test]
fn the_key_holds_all_but_the_rows() {
    let mut sandbox = Sandbox::new();
    let first = sandbox.key();
    sandbox.write("data/prompts.jsonl", "who are you\nand you\n");
    assert_eq!(sandbox.key(), first, "each shard has the hash of its own rows");
    sandbox.edit("pipelines/tiny.toml", "\"normal\"", "\"other\"");
    let other_parameters = sandbox.key();
    sandbox.write("data/model/model.safetensors", "other weights");
    let other_weights = sandbox.key();
    sandbox.change_code("model");
    let other_code = sandbox.key();
    let mut all = vec![first, other_parameters, other_weights, other_code];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn only_stages_with_shards_have_a_key() {
    let mut sandbox = Sandbox::new();
    sandbox.run_all().unwrap();
    for (stage, key) in &sandbox.runner.keys {
        assert_eq!(
            key.is_some(),
            crate::stage::named(stage).unwrap().has_shards,
            "{stage}"
        );
    }
}

#[test]
fn force_makes_the_shards_again() {
    let mut sandbox = Sandbox::fresh();
    sandbox.write("results/tiny/extract.shards/key/00000-a/out.txt", "a shard");
    sandbox.run_all().unwrap();
    assert!(sandbox.path("results/tiny/extract.shards").exists());
    sandbox.key();
    assert!(!sandbox.path("results/tiny/extract.shards").exists());
}

#[test]
fn what_others_work_on_is_not_recorded_and_nothing_runs_after_it() {
    let mut sandbox = Sandbox::new();
    sandbox.runner.mishap = ("extract", Mishap::IsElsewhere);
    let text = sandbox.run_all().unwrap();
    assert!(text.ends_with("extract  submitted\n"), "{text}");
    assert_eq!(sandbox.runner.take_ran(), ["verify", "extract"]);
    assert!(sandbox.lock("extract").is_none());
}

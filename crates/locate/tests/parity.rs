//! Patched runs and knock-outs against hooks in Hugging Face transformers, which
//! `crates/model/reference/make_patches.py` wrote from the definitions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use locate::{Activations, Change, Context, Place, scores};
use model::{ModelFiles, Network, Precision};
use serde_json::Value;

/// Of log-odds, in nats per token.
const TOLERANCE: f64 = 1e-4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn tiny(device: &Device) -> Network {
    let (config, checkpoint) = ModelFiles::at(&root().join("data/tiny"))
        .unwrap()
        .network()
        .unwrap();
    Network::load(&config, &checkpoint, device, Precision::F32, &mut |_| ()).unwrap()
}

fn numbers(value: &Value) -> Vec<usize> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|number| number.as_u64().unwrap() as usize).collect()
}

fn tokens(value: &Value) -> [Vec<u32>; 2] {
    [0, 1].map(|side| numbers(&value[side]).into_iter().map(|id| id as u32).collect())
}

/// The change that a recorded run makes, in the text `into`.
fn change(run: &Value, captured: &[Activations]) -> Change {
    let number = |key: &str| run[key].as_u64().unwrap() as usize;
    if run["kind"] == "knock-out" {
        let layers = numbers(&run["layers"]);
        return Change::Hidden {
            layers: layers[0]..=layers[1],
            queries_from: number("queries_from"),
            keys: numbers(&run["keys"]),
        };
    }
    let place = Place {
        site: run["site"].as_str().unwrap().parse().unwrap(),
        layer: number("layer"),
        head: run["head"].as_u64().map(|head| head as usize),
    };
    let source = &captured[1 - number("into")];
    let value = |pair: &Value| {
        let pair = numbers(pair);
        (pair[0], source.at(place, pair[1]).unwrap().into())
    };
    Change::Values {
        place,
        values: run["tokens"].as_array().unwrap().iter().map(value).collect(),
    }
}

/// The worst difference in log-odds from the record, and how many runs of each kind were compared.
fn compared(network: &Network, every: usize) -> (f64, BTreeMap<String, usize>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/patches_tiny.json");
    let record: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let (mut worst, mut kinds) = (0.0_f64, BTreeMap::new());
    for pair in record["pairs"].as_array().unwrap() {
        let (texts, answers) = (tokens(&pair["texts"]), tokens(&pair["answers"]));
        let captured: Vec<Activations> = texts
            .iter()
            .map(|text| Activations::of(network, text).unwrap())
            .collect();
        for into in 0..2 {
            let runs = pair["runs"].as_array().unwrap().iter().step_by(every);
            let runs: Vec<&Value> = runs.filter(|run| run["into"] == into).collect();
            let changes: Vec<Change> = runs.iter().map(|run| change(run, &captured)).collect();
            let context = Context {
                tokens: &texts[into],
                answers: [&answers[0], &answers[1]],
            };
            let (unpatched, scored) = scores(network, &context, &changes).unwrap();
            let expected = pair["log_odds"][into].as_f64().unwrap();
            worst = worst.max((unpatched.log_odds - expected).abs());
            for (run, score) in runs.iter().zip(scored) {
                let difference = (score.log_odds - run["log_odds"].as_f64().unwrap()).abs();
                assert!(difference < TOLERANCE, "off by {difference:e}: {run}");
                worst = worst.max(difference);
                let kind = run["site"].as_str().unwrap_or("knock-out");
                *kinds.entry(kind.to_owned()).or_insert(0) += 1;
            }
        }
    }
    (worst, kinds)
}

#[test]
fn patched_runs_have_the_log_odds_of_hooks_in_transformers() {
    let (worst, kinds) = compared(&tiny(&Device::flex()), 1);
    assert!(worst < TOLERANCE, "{worst:e}");
    assert!(kinds.values().sum::<usize>() >= 200, "{kinds:?}");
    assert!(
        kinds.len() == 5 && kinds.values().all(|count| *count >= 20),
        "{kinds:?}"
    );
}

/// On whole tensors, as other devices compute: autodiff has to follow each operation.
#[test]
fn whole_tensors_have_them_too() {
    let (worst, kinds) = compared(&tiny(&Device::flex().autodiff()), 5);
    assert!(worst < TOLERANCE, "{worst:e}");
    assert!(kinds.values().sum::<usize>() >= 30, "{kinds:?}");
}

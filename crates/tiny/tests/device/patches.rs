//! What `locate` does: activations put in at every kind of place, and keys hidden, against hooks in Hugging Face transformers and
//! against the CPU.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{DType, Tensor};
use locate::{Activations, Change, Changes, Context, Place, scores};
use model::{Batch, Network, ResidualTap, Site};
use serde_json::Value;
use testkit::{Reference, assert_close, family_folders, root};

use crate::{Kept, TOLERANCE, both, numbers};

/// Of log-odds and divergences in nats, as on the CPU.
const NATS: f64 = 1e-4;

/// The texts of a family: as long, with other tokens.
const LENGTH: usize = 20;

fn indices(value: &Value) -> Vec<usize> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|number| number.as_u64().unwrap() as usize).collect()
}

fn ids(value: &Value) -> Vec<u32> {
    indices(value).into_iter().map(|id| id as u32).collect()
}

/// The change that a recorded run makes, with what the other text has in its place.
fn recorded(run: &Value, captured: &[Activations]) -> Change {
    let number = |key: &str| run[key].as_u64().unwrap() as usize;
    if run["kind"] == "knock-out" {
        let layers = indices(&run["layers"]);
        return Change::Hidden {
            layers: layers[0]..=layers[1],
            queries_from: number("queries_from"),
            keys: indices(&run["keys"]),
        };
    }
    let place = Place {
        site: run["site"].as_str().unwrap().parse().unwrap(),
        layer: number("layer"),
        head: run["head"].as_u64().map(|head| head as usize),
    };
    let source = &captured[1 - number("into")];
    let value = |pair: &Value| {
        let pair = indices(pair);
        (pair[0], source.at(place, pair[1]).unwrap().into())
    };
    Change::Values {
        place,
        values: run["tokens"].as_array().unwrap().iter().map(value).collect(),
    }
}

#[test]
fn patched_runs_have_the_scores_of_transformers_and_of_the_cpu() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let [cpu, gpu] = both(&root().join("data/tiny"));
    let file = root().join("crates/locate/tests/fixtures/patches_tiny.json");
    let record: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let (mut worst, mut kinds) = (0.0f64, BTreeMap::new());
    for pair in record["pairs"].as_array().unwrap() {
        let texts = [0, 1].map(|side| ids(&pair["texts"][side]));
        let answers = [0, 1].map(|side| ids(&pair["answers"][side]));
        let captured: Vec<Activations> = texts
            .iter()
            .map(|text| Activations::of(&gpu, text).unwrap())
            .collect();
        for into in 0..2 {
            let runs = pair["runs"].as_array().unwrap().iter();
            let runs: Vec<&Value> = runs.filter(|run| run["into"] == into).collect();
            let changes: Vec<Change> = runs.iter().map(|run| recorded(run, &captured)).collect();
            let context = Context {
                tokens: &texts[into],
                answers: [&answers[0], &answers[1]],
            };
            let [(plain, expected), (unpatched, found)] =
                [&cpu, &gpu].map(|network| scores(network, &context, &changes).unwrap());
            assert!((plain.log_odds - unpatched.log_odds).abs() < NATS);
            for ((run, found), expected) in runs.iter().zip(found).zip(expected) {
                let differences = [
                    found.log_odds - run["log_odds"].as_f64().unwrap(),
                    found.log_odds - expected.log_odds,
                    found.kl - expected.kl,
                ];
                for difference in differences {
                    assert!(difference.abs() < NATS, "off by {difference:e}: {run}");
                    worst = worst.max(difference.abs());
                }
                let kind = run["site"].as_str().unwrap_or("knock-out");
                *kinds.entry(kind.to_owned()).or_insert(0) += 1;
            }
        }
    }
    println!("patched runs: {kinds:?}, at most {worst:e} off");
    assert!(
        kinds.len() == 5 && kinds.values().all(|count| *count >= 20),
        "{kinds:?}"
    );
}

/// A change at every kind of place of the first, a middle and the last layer, and keys hidden in all layers or some.
fn changes(network: &Network, other: &Activations) -> Vec<Change> {
    let layers = network.config().layers.len();
    let mut changes = Vec::new();
    for layer in [0, layers / 2, layers - 1] {
        let whole = [
            Site::ResidualPost,
            Site::AttentionOutput,
            Site::FeedForwardOutput,
            Site::HeadOutputs,
        ];
        let mut places: Vec<(Site, Option<usize>)> = whole.map(|site| (site, None)).to_vec();
        places.push((Site::HeadOutputs, Some(1)));
        for (site, head) in places {
            let place = Place { site, layer, head };
            let value = |position: usize| -> (usize, Arc<[f32]>) {
                (position, Arc::from(other.at(place, position).unwrap()))
            };
            changes.push(Change::Values {
                place,
                values: [LENGTH / 2, LENGTH - 2].map(value).to_vec(),
            });
        }
    }
    for first in [0, layers / 2] {
        changes.push(Change::Hidden {
            layers: first..=layers - 1,
            queries_from: LENGTH - 4,
            keys: vec![0, LENGTH / 2, LENGTH - 5],
        });
    }
    changes
}

/// Every layer's output for all rows of a batch in which each row has a change of its own; the first has none.
fn residuals(network: &Network, text: &[u32], changes: &[Change]) -> Vec<Vec<f32>> {
    let dims = network.config().layers.iter().map(|layer| layer.head_dim);
    let mut tap = Kept(Changes::new(changes.to_vec(), 1, dims.collect()), Vec::new());
    let mut batch = Batch::with_forks(tap.forks());
    for row in 0..=changes.len() {
        batch.push(row, 0, text).unwrap();
    }
    network.forward(&batch, None, &mut tap).unwrap();
    tap.1.into_iter().map(numbers).collect()
}

#[test]
fn changes_at_all_places_are_the_cpus_in_every_family() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for folder in family_folders() {
        let [cpu, gpu] = both(&folder);
        let tokens = &Reference::read(&folder.join("reference.safetensors")).tokens["tokens"];
        let text: Vec<u32> = tokens.iter().cycle().take(LENGTH).copied().collect();
        let other: Vec<u32> = text.iter().rev().copied().collect();
        let changes = changes(&cpu, &Activations::of(&cpu, &other).unwrap());
        let [expected, found] = [&cpu, &gpu].map(|network| residuals(network, &text, &changes));
        let plain = residuals(&cpu, &text, &[]);
        for (layer, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let what = format!("{}, layer {layer}", folder.display());
            assert_close(&what, found, expected, TOLERANCE);
        }
        // The first row is the text as it is; the last changed one is another.
        let (last, length) = (expected.last().unwrap(), plain.last().unwrap().len());
        assert!(last.len() > length && last[last.len() - length..] != plain[plain.len() - 1][..]);
    }
}

/// What is put in is there to the bit, and what is beside it isn't touched.
#[test]
fn what_is_put_in_is_there_to_the_bit() {
    let [_, gpu] = both(&root().join("data/tiny"));
    let text: Vec<u32> = (0..LENGTH as u32).map(|at| 40 + at * 7).collect();
    let place = Place {
        site: Site::ResidualPost,
        layer: 1,
        head: None,
    };
    let value: Vec<f32> = (0..gpu.config().hidden_size)
        .map(|at| (at as f32).cos())
        .collect();
    let change = Change::Values {
        place,
        values: vec![(3, Arc::from(value.as_slice()))],
    };
    let width = value.len();
    let of = |changes: Vec<Change>| {
        let mut tap = Changes::new(changes, 1, Vec::new());
        let mut tokens = Batch::of(&[&text]).unwrap().tokens().to_vec();
        tokens.iter_mut().for_each(|token| token.row = 1);
        let h = Tensor::<2>::ones([LENGTH, width], (&gpu.device(), DType::F32));
        numbers(tap.residual(1, &tokens, h))
    };
    let found = of(vec![change]);
    for (position, found) in found.chunks(width).enumerate() {
        match position {
            3 => assert_eq!(found, value),
            _ => assert!(found.iter().all(|number| *number == 1.0), "{position}"),
        }
    }
}

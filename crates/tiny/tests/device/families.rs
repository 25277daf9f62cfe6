//! A tiny checkpoint of each family against Hugging Face transformers, in both formats.

use std::path::{Path, PathBuf};

use burn::tensor::Device as Tensors;
use interventions::{ablation, addition, capping, mean_ablation};
use model::{Batch, GenerationRequest, ModelFiles, Network, Precision, Sampling, StreamedNetwork, generate};
use serde_json::Value;
use steer::{Intervention, Steer};
use terms::Positions;
use testkit::{Reference, assert_close, family_folders, golden_folder};

use crate::{Kept, TOLERANCE, device, load, numbers};

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// All fixtures with their references: folders and GGUF files.
fn fixtures() -> Vec<(PathBuf, Reference)> {
    let of_family = |name: &str| {
        golden_folder()
            .join("family")
            .join(name)
            .join("reference.safetensors")
    };
    let folders = family_folders().into_iter().map(|folder| {
        let reference = Reference::read(&folder.join("reference.safetensors"));
        (folder, reference)
    });
    let entries = std::fs::read_dir(golden_folder().join("family/gguf")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "gguf"));
    let files = files.map(|file| {
        let own = file.with_extension("reference.safetensors");
        let reference = if own.exists() {
            own
        } else {
            of_family(&name(&file))
        };
        (file, Reference::read(&reference))
    });
    let all: Vec<(PathBuf, Reference)> = folders.chain(files).collect();
    assert!(all.len() >= 29, "{}", all.len());
    all
}

fn opened(place: &Path) -> Network {
    let (mut config, checkpoint) = ModelFiles::at(place).unwrap().network().unwrap();
    // The reference runs on past end tokens.
    config.end_tokens.clear();
    load(&config, &checkpoint, &device())
}

#[test]
fn every_layer_final_norm_and_logits_agree() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for (place, reference) in fixtures() {
        let (name, network) = (name(&place), opened(&place));
        let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
        let mut kept = Kept((), Vec::new());
        let h = network.forward(&batch, None, &mut kept).unwrap();
        let check = |tensor: String, found: Vec<f32>| {
            assert_close(
                &format!("{name}: {tensor}"),
                &found,
                &reference.floats[&tensor],
                TOLERANCE,
            );
        };
        for (layer, residual) in kept.1.into_iter().enumerate() {
            check(format!("residual.{layer}"), numbers(residual));
        }
        check("final_norm".to_owned(), numbers(network.final_norm(h.clone())));
        check("logits".to_owned(), numbers(network.head(h)));
    }
}

#[test]
fn greedy_texts_agree_alone_and_in_a_ragged_batch() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for folder in family_folders() {
        let (name, network) = (name(&folder), opened(&folder));
        let reference = Reference::read(&folder.join("reference.safetensors"));
        let request = |prompt: &[u32]| GenerationRequest {
            prompt: prompt.to_vec(),
            sampling: Sampling::greedy(),
            seed: 0,
        };
        let long = [request(&reference.tokens["tokens"])];
        let continued = generate(&network, &long, 16, &mut (), &mut |_| ()).unwrap();
        assert_eq!(continued[0].tokens, reference.tokens["greedy"], "{name}");
        let rows: Vec<_> = (0..3)
            .map(|row| request(&reference.tokens[&format!("prompt.{row}")]))
            .collect();
        let together = generate(&network, &rows, 12, &mut (), &mut |_| ()).unwrap();
        for (row, batched) in together.iter().enumerate() {
            assert_eq!(
                batched.tokens,
                reference.tokens[&format!("greedy.{row}")],
                "{name}, row {row}"
            );
        }
    }
}

#[test]
fn the_cache_gives_what_a_whole_pass_gives_token_by_token() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for folder in family_folders() {
        let (name, network) = (name(&folder), opened(&folder));
        let reference = Reference::read(&folder.join("reference.safetensors"));
        let (hidden, layers) = (network.config().hidden_size, network.config().layers.len());
        let expected = &reference.floats[&format!("residual.{}", layers - 1)];
        let mut cache = network.cache();
        for (position, token) in reference.tokens["tokens"].iter().enumerate() {
            let mut batch = Batch::default();
            batch.push(0, position, &[*token]).unwrap();
            let h = network.forward(&batch, Some(&mut cache), &mut ()).unwrap();
            let expected = &expected[position * hidden..(position + 1) * hidden];
            assert_close(
                &format!("{name}, position {position}"),
                &numbers(h),
                expected,
                3e-4,
            );
        }
    }
}

#[test]
fn rows_that_share_beginnings_and_some_wanted_places_are_the_cpus() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for folder in family_folders() {
        let name = name(&folder);
        let [cpu, gpu] = crate::both(&folder);
        let tokens = &Reference::read(&folder.join("reference.safetensors")).tokens["tokens"];
        let rows = [
            tokens.clone(),
            [&tokens[..9], &[5, 7]].concat(),
            tokens[..4].to_vec(),
        ];
        let whole = Batch::of(&rows).unwrap();
        let some = whole.clone().with_wanted(vec![2, 8, whole.len() - 1]);
        for batch in [whole, some] {
            let of = |network: &Network| {
                let mut kept = Kept((), Vec::new());
                let h = network.forward(&batch, None, &mut kept).unwrap();
                kept.1.push(network.head(h));
                kept.1
            };
            for (layer, (a, b)) in of(&cpu).into_iter().zip(of(&gpu)).enumerate() {
                assert_close(
                    &format!("{name}, layer {layer}"),
                    &numbers(b),
                    &numbers(a),
                    TOLERANCE,
                );
            }
        }
    }
}

/// Not to the last bit: operations are fused into other kernels, since each layer's weights are read back in between.
#[test]
fn streamed_weights_give_what_resident_ones_give() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for (place, reference) in fixtures() {
        let (name, network) = (name(&place), opened(&place));
        let (config, checkpoint) = ModelFiles::at(&place).unwrap().network().unwrap();
        let streamed = StreamedNetwork::open(&config, checkpoint, &device(), Precision::F32).unwrap();
        let rows: Vec<&Vec<u32>> = reference
            .tokens
            .iter()
            .filter_map(|(name, row)| name.starts_with("prompt").then_some(row))
            .collect();
        let batches = [
            Batch::of(&rows[..]).unwrap(),
            Batch::of(&[&reference.tokens["tokens"]]).unwrap(),
        ];
        let mut taps = [Kept((), Vec::new()), Kept((), Vec::new())];
        let ends = streamed.forward(&batches, &mut taps, &mut |_| ()).unwrap();
        for ((batch, tap), end) in batches.iter().zip(taps).zip(ends) {
            let mut kept = Kept((), Vec::new());
            let h = network.forward(batch, None, &mut kept).unwrap();
            for (layer, (a, b)) in kept.1.into_iter().zip(tap.1).enumerate() {
                assert_close(
                    &format!("{name}, layer {layer}"),
                    &numbers(b),
                    &numbers(a),
                    TOLERANCE,
                );
            }
            let (a, b) = (numbers(network.head(h)), numbers(streamed.head(end).unwrap()));
            assert_close(&format!("{name}, logits"), &b, &a, TOLERANCE);
        }
    }
}

/// As on a device that could be given a hundred rows of the table at once.
#[test]
fn a_table_in_parts_gives_what_the_whole_one_gives() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for folder in family_folders() {
        let (name, network) = (name(&folder), opened(&folder));
        let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
        let table = (config.hidden_size * 4 * 100) as u64;
        // What a kernel of a layer is given, is given whole.
        let largest = largest_of_layers(&config).max(table);
        let parts = Network::load_within(
            &config,
            &checkpoint,
            &device(),
            Precision::F32,
            Some(largest),
            &mut |_| (),
        )
        .unwrap();
        let batch = Batch::of(&[&Reference::read(&folder.join("reference.safetensors")).tokens["tokens"]]);
        let batch = batch.unwrap();
        let of = |network: &Network| numbers(network.head(network.forward(&batch, None, &mut ()).unwrap()));
        assert_close(&name, &of(&parts), &of(&network), TOLERANCE);
    }
}

/// Bytes of the largest tensor of a layer, in f32.
fn largest_of_layers(config: &model::ModelConfig) -> u64 {
    let tensors = config.tensors();
    let of_layers = tensors.iter().filter(|(name, _)| name.contains(".layers."));
    let sizes = of_layers.map(|(_, shape)| 4 * shape.iter().product::<usize>() as u64);
    sizes.max().unwrap_or(0)
}

/// One entry of a reference's list.
fn intervention(entry: &Value, reference: &Reference) -> Intervention {
    let number = |key: &str| entry[key].as_f64().unwrap();
    let vector = &reference.floats["intervention.vector"];
    let form = match entry["kind"].as_str().unwrap() {
        "addition" => addition(vector, number("coefficient")),
        "ablation" => ablation(vector, number("coefficient")),
        "mean-ablation" | "mean_ablation" => mean_ablation(vector, &reference.floats["intervention.mean"]),
        "capping" => capping(vector, number("threshold")),
        other => panic!("unknown kind {other}"),
    };
    let positions = match entry["positions"].as_str().unwrap() {
        "last" => Positions::Last,
        _ => Positions::All,
    };
    Intervention::new(number("layer") as usize, positions, form)
}

#[test]
fn interventions_of_all_kinds_agree() {
    if !crate::multiplies_in_f32() {
        return;
    }
    for folder in family_folders() {
        let (name, network) = (name(&folder), opened(&folder));
        let reference = Reference::read(&folder.join("reference.safetensors"));
        let list: Vec<Value> = serde_json::from_str(&reference.metadata["interventions"]).unwrap();
        let config = network.config();
        for entry in &list {
            let rows = [[intervention(entry, &reference)]];
            let steer = |device: &Tensors| {
                Steer::new(&rows, config.layers.len(), config.hidden_size, device).unwrap()
            };
            let mut kept = Kept(steer(&device()), Vec::new());
            let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
            network.forward(&batch, None, &mut kept).unwrap();
            let tensor = format!("intervention.{}", entry["name"].as_str().unwrap());
            let found = numbers(kept.1.pop().unwrap());
            assert_close(
                &format!("{name}: {tensor}"),
                &found,
                &reference.floats[&tensor],
                TOLERANCE,
            );
        }
    }
}

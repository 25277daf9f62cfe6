use std::path::Path;

use anyhow::Result;
use interventions::InterventionTable;
use kernels::Instructions;
use pipeline::Pipeline;
use results::Layout;
use terms::Residency;

use crate::check::Check;
use crate::device;
use crate::estimate::Needs;
use crate::known::{Known, Shape, Whereabouts};
use crate::machine::Machine;
use crate::units::bytes;
use crate::workload::Workload;

/// Model, layers, files and machine; the prompts are checked when they are counted.
pub fn checks(
    pipeline: &Pipeline,
    layout: &Layout,
    machine: &Machine,
    known: &Result<Known>,
    workload: Option<&Workload>,
    needs: &[Needs],
) -> Vec<Check> {
    let mut all = match known {
        Err(error) => vec![Check::problem("model", format!("{error:#}"))],
        Ok(known) => of_model(pipeline, machine, known),
    };
    if let Ok(known) = known {
        let adapter = known.adapter.iter().map(|text| Check::fine("adapter", text));
        let about = known
            .about_adapter
            .iter()
            .map(|text| Check::warning("adapter", text));
        all.extend(adapter.chain(about));
    }
    all.extend(files(pipeline));
    all.push(processor(machine));
    let shape = known.as_ref().ok().and_then(|known| known.shape.as_ref());
    all.extend(device::checks(pipeline, machine, shape, workload));
    if let Some(shape) = shape {
        all.extend(layers(pipeline, shape));
        // As analyze will read them.
        let sizes = (shape.config.layers.len(), shape.config.hidden_size);
        if let Err(error) = analyze::read_imported(pipeline, sizes.0, sizes.1) {
            all.push(Check::problem("vectors", error));
        }
        // Nothing is estimated where the prompts can't be read.
        if !needs.is_empty() {
            all.push(memory(pipeline, machine, shape, needs));
        }
    }
    let results: u64 = needs.iter().map(|needs| needs.disk).sum();
    // While a stage runs, its previous result is still there.
    all.push(disk(
        machine,
        "disk, results",
        layout.root(),
        2 * results,
        "remove old results with `cargo xtask clean`",
    ));
    all
}

fn of_model(pipeline: &Pipeline, machine: &Machine, known: &Known) -> Vec<Check> {
    let size = known
        .shape
        .as_ref()
        .map_or("of unknown size".to_owned(), |shape| bytes(shape.stored));
    let Whereabouts::Hub { is_gated, lacks } = &known.whereabouts else {
        let mut all = vec![Check::fine(
            "model",
            format!("{}, {size}", pipeline.model.place().display()),
        )];
        for name in &known.left_out {
            all.push(Check::warning(
                "model",
                format!("tensor `{name}` is the head of a classifier, and is left out; expect texts of the embeddings' head"),
            ));
        }
        return all;
    };
    let source = pipeline.model.source.display();
    let text = match lacks {
        Some(missing) => {
            format!(
                "{source} of the hub is in the cache in part, and the rest will be downloaded (missing: {missing}); {size} in all"
            )
        }
        None => format!("{source} of the hub will be downloaded, {size}; later runs find it in the cache"),
    };
    let answer = machine.hub_answer.as_deref().unwrap_or_default();
    let mut all = match answer.split_once(' ') {
        Some(("problem", problem)) => vec![Check::problem("model", problem)],
        Some(("bytes", count)) => {
            let count = count.parse().unwrap_or_default();
            vec![
                Check::fine("model", text),
                Check::fine(
                    "hub",
                    format!("has the model and gives it, {} in all", bytes(count)),
                ),
            ]
        }
        _ => vec![Check::fine("model", text)],
    };
    if known.shape.is_none() {
        all.push(Check::warning(
            "shape",
            format!(
                "the shape of {source} is not known here, so that nothing is estimated; run `cargo xtask verify --pipeline {}` \
                 first, which downloads it, then ask again",
                pipeline.name
            ),
        ));
    }
    all.push(match (machine.has_token, *is_gated) {
        (true, _) => Check::fine("hub token", "is set; whether the licence was accepted shows at the download"),
        (false, true) => Check::problem(
            "hub token",
            format!(
                "{source} is gated, and neither HF_TOKEN nor a token file is there; accept the licence at \
                 https://huggingface.co/{source}, make a token at https://huggingface.co/settings/tokens and set HF_TOKEN"
            ),
        ),
        (false, false) => Check::fine("hub token", "none is set, which is enough for a public model"),
    });
    if let Some(shape) = &known.shape {
        all.push(disk(
            machine,
            "disk, hub's cache",
            &machine.hub_cache,
            shape.stored,
            "set HF_HOME to another disk",
        ));
    }
    all
}

/// The files that the pipeline names and some stage needs.
fn files(pipeline: &Pipeline) -> Vec<Check> {
    let named = [
        ("model.chat_template", &pipeline.model.chat_template),
        ("report.published", &pipeline.report.published),
    ];
    let missing = named.into_iter().filter_map(|(key, path)| {
        let path = path.as_ref().filter(|path| !path.is_file())?;
        Some(Check::problem(
            "files",
            format!("{key} = \"{}\" names no file; correct the path", path.display()),
        ))
    });
    missing.collect()
}

fn processor(machine: &Machine) -> Check {
    let text = format!(
        "{:?}, {} threads: {:.0} Gflop/s in f32 and {:.0} in bf16, reads {:.0} GB/s (measured now)",
        machine.instructions,
        machine.threads,
        machine.speeds.rates.f32 / 1e9,
        machine.speeds.rates.bf16 / 1e9,
        machine.speeds.bandwidth / 1e9
    );
    match machine.instructions {
        Instructions::Portable => Check::warning(
            "processor",
            format!(
                "{text}, without AVX2, which would be several times as fast; use another machine for large models"
            ),
        ),
        _ => Check::fine("processor", text),
    }
}

/// A layer that the model doesn't have would be an error after extraction, hours later.
fn layers(pipeline: &Pipeline, shape: &Shape) -> Vec<Check> {
    let count = shape.config.layers.len();
    let is_there = |layer: &&i64| (-(count as i64)..count as i64).contains(*layer);
    let of_set = |table: &InterventionTable| table.layers.iter().find(|layer| !is_there(layer)).copied();
    let mut wrong: Vec<(String, i64)> = Vec::new();
    for set in &pipeline.steer.sets {
        if let Some(layer) = set.interventions.iter().find_map(of_set) {
            wrong.push((format!("steer.sets.{}", set.name), layer));
        }
    }
    if let Some(layer) = pipeline.dose.layers.iter().find(|layer| !is_there(layer)) {
        wrong.push(("dose.layers".to_owned(), *layer));
    }
    if wrong.is_empty() {
        return vec![Check::fine(
            "layers",
            format!("{count}, and the pipeline names no other"),
        )];
    }
    let problem = |(place, layer): (String, i64)| {
        Check::problem(
            "layers",
            format!(
                "{place}: there is no layer {layer}; the model has 0 to {} (or -{count} to -1)",
                count - 1
            ),
        )
    };
    wrong.into_iter().map(problem).collect()
}

fn memory(pipeline: &Pipeline, machine: &Machine, shape: &Shape, needs: &[Needs]) -> Check {
    let most = needs.iter().max_by_key(|needs| needs.memory + needs.weights);
    let (Some(free), Some(most)) = (machine.free_memory, most) else {
        return Check::warning(
            "memory",
            "how much is free can't be told here; compare the table with what you have",
        );
    };
    let wanted = most.memory + most.weights;
    let text = format!("{} wants {}, {} are free", most.stage, bytes(wanted), bytes(free));
    // What is copied must stay; pages of a file are dropped and read again.
    let own = if shape.is_copied { wanted } else { most.memory };
    if own > free {
        Check::problem(
            "memory",
            format!(
                "{text}; close other programs, use a smaller model, or leave out the stages that generate"
            ),
        )
    } else if wanted > free {
        let streams = match pipeline.model.residency {
            _ if pipeline.extract.reads_answers() => {
                "extraction too, which generates the answers that it reads"
            }
            Residency::Resident => "extraction too, unless model.residency is \"auto\"",
            _ => "extraction streams and is not slowed",
        };
        Check::warning(
            "memory",
            format!(
                "{text}: the weights don't stay at hand, and generation reads them from the disk for every token, many times as \
                 slowly as estimated ({streams}); run `cargo xtask analyze` alone, or generate on a larger machine"
            ),
        )
    } else {
        Check::fine("memory", text)
    }
}

fn disk(machine: &Machine, name: &'static str, folder: &Path, wanted: u64, advice: &str) -> Check {
    let Some(free) = (machine.free_disk)(folder) else {
        return Check::fine(
            name,
            format!("{} wanted; how much is free can't be told here", bytes(wanted)),
        );
    };
    let text = format!("{} wanted, {} free", bytes(wanted), bytes(free));
    match (wanted > free, wanted > free / 10 * 9) {
        (true, _) => Check::problem(
            name,
            format!("{text} at {}; free some, or {advice}", folder.display()),
        ),
        (false, true) => Check::warning(
            name,
            format!("{text} at {}: it gets tight; {advice}", folder.display()),
        ),
        _ => Check::fine(name, text),
    }
}

//! The files of activations together: every layer has the same rows, and norms are those of the
//! vectors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use results::{
    Layout, Result, Run, Shape, activation_files, activation_layers, activation_place,
    read_activation_batches,
};
use terms::Pooling;

use crate::numbers::{are_near, require_rows};
use crate::problem::Problem;

/// The mean vector of each layer, pooling and condition.
pub type Means = BTreeMap<(usize, Pooling, String), Vec<f64>>;

/// All files below the run's folder, sites other than the residual stream included.
pub fn files(layout: &Layout) -> Result<Vec<PathBuf>> {
    let mut folders = vec![layout.activations()];
    let sites = layout.activations().with_file_name("sites");
    if sites.is_dir() {
        for entry in fs_err::read_dir(sites)? {
            folders.push(entry?.path());
        }
    }
    folders.sort();
    let mut files = Vec::new();
    for folder in folders {
        for layer in activation_layers(&folder)? {
            let parts = activation_files(&folder, layer)?;
            files.extend(parts.iter().map(|part| layout.inside(part)));
        }
    }
    Ok(files)
}

pub fn check(run: &Run, shape: &Shape, problems: &mut Vec<Problem>) -> Result<Means> {
    let folder = run.layout().activations();
    let mut means = Means::new();
    let layers = activation_layers(&folder)?;
    if layers.len() != shape.layers {
        let message = format!("{} layers, and the footers say {}", layers.len(), shape.layers);
        problems.push(Problem::of_file(&run.layout().inside(&folder), message));
    }
    for layer in layers {
        check_layer(run, shape, layer, &mut means, problems)?;
    }
    Ok(means)
}

fn check_layer(
    run: &Run,
    shape: &Shape,
    layer: usize,
    means: &mut Means,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let folder = run.layout().activations();
    let file = run.layout().inside(&activation_place(&folder, layer));
    let (batches, metadata) = read_activation_batches(&folder, layer)?;
    if metadata.get("layer") != Some(layer.to_string().as_str()) {
        problems.push(Problem::of_file(
            &file,
            "the footer's `layer` is not that of the folder",
        ));
    }
    let (mut index, before) = (0, problems.len());
    for batch in batches {
        for row in batch? {
            let squares = row.activation.iter().map(|value| f64::from(*value).powi(2));
            let norm = squares.sum::<f64>().sqrt();
            let mut tell = |column: &str, problem: &str| {
                if problems.len() < before + 3 {
                    problems.push(Problem::of_value(&file, column, index, problem));
                }
            };
            if !are_near(norm, row.norm.into(), 1e-5) {
                tell("norm", "it is not the norm of the row's vector");
            }
            if matches!(row.pooling, Pooling::Mean | Pooling::Opening) != row.position.is_none() {
                tell("position", "only a mean over tokens has no position");
            }
            if !shape.prompts.contains(&row.prompt_id) {
                tell("prompt_id", "there is no such prompt in extract/prompts.parquet");
            }
            if !shape.conditions.contains(&row.condition) {
                tell(
                    "condition",
                    "there is no such condition in extract/prompts.parquet",
                );
            }
            let key = (layer, row.pooling, row.condition);
            let sum = means
                .entry(key)
                .or_insert_with(|| vec![0.0; row.activation.len()]);
            for (sum, value) in sum.iter_mut().zip(&row.activation) {
                *sum += f64::from(*value) / shape.prompts.len() as f64;
            }
            index += 1;
        }
    }
    let expected = shape.prompts.len() * shape.conditions.len() * shape.poolings.len();
    let why = "prompts x conditions x poolings";
    require_rows(run, &file, index, &[expected], why, problems);
    Ok(())
}

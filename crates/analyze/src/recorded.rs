//! The recorded activations of a run, read in two passes: the first sums and checks them, so that
//! the second knows what to project them on.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pipeline::Pipeline;
use rayon::prelude::*;
use results::{
    Activation, Error, Metadata, Result, activation_layers, activation_place, read_activation_batches,
};
use terms::Pooling;

use crate::groups::{PooledSums, hash_of, sum_beside};
use crate::layer::{LayerAnalysis, analyze_layer};
use crate::prompt_ids::Leader;

/// What the first pass found: everything except the individual rows.
#[derive(Debug)]
pub struct Recorded {
    folder: PathBuf,
    /// In the order of the pipeline file.
    pub conditions: Vec<String>,
    /// The ids under each pooling: row `i` of a condition belongs to prompt `i`, at every layer.
    pub prompts: Vec<(Pooling, Arc<Vec<String>>)>,
    /// By layer and pooling, poolings in the order of `prompts`.
    pub layers: Vec<Vec<LayerAnalysis>>,
    /// What the footers of all layers share.
    pub metadata: Metadata,
    /// By pooling, for each prompt a number that is the same for prompts whose rows are, in both conditions of the
    /// contrast and at all layers.
    hashes: Vec<Vec<u64>>,
}

impl Recorded {
    /// The first pass over every layer, layers in parallel. After it the rows are known to be
    /// sound: every error that they can cause is an error here.
    pub fn read(pipeline: &Pipeline, folder: &Path) -> Result<Self> {
        let names = pipeline.conditions.iter().map(|condition| condition.name.clone());
        let conditions: Vec<String> = names.collect();
        let count = activation_layers(folder)?.len();
        let (first, metadata) = read_layer(folder, 0, &conditions, Leader::open())?;
        require_pooling(pipeline, folder, &first)?;
        let hashes = Mutex::new(hashes_of(pipeline, &first));
        let read = |layer: usize| {
            let leader = Leader::of(&first[0].prompts);
            let (sums, own) = read_layer(folder, layer, &conditions, leader)?;
            let problem = mismatch(&first, &sums).or_else(|| other_run(&metadata, &own));
            match problem {
                Some(problem) => {
                    let message = format!(
                        "layer {layer} does not fit layer 0: {problem}; run `cargo xtask extract --force`"
                    );
                    Err(Error::invalid(activation_place(folder, layer), message))
                }
                None => {
                    add_hashes(&hashes, &hashes_of(pipeline, &sums));
                    analyze(pipeline, folder, &sums)
                }
            }
        };
        // First all results, then the first error: the message is that of the lowest layer every
        // time.
        let others: Vec<Result<_>> = (1..count).into_par_iter().map(read).collect();
        let layers = std::iter::once(analyze(pipeline, folder, &first)).chain(others);
        Ok(Recorded {
            layers: layers.collect::<Result<_>>()?,
            hashes: hashes.into_inner().unwrap_or_else(PoisonError::into_inner),
            prompts: first
                .into_iter()
                .map(|sums| (sums.pooling, sums.prompts))
                .collect(),
            folder: folder.to_owned(),
            conditions,
            metadata,
        })
    }

    /// The prompts under the pooling of this index whose rows, in both conditions of the contrast
    /// and at all layers, are not those of an earlier prompt to the last bit. A copy is not a
    /// second observation, however it came about.
    pub fn distinct_prompts(&self, pooling: usize) -> Vec<usize> {
        let mut seen = HashSet::new();
        let hashes = self.hashes[pooling].iter().enumerate();
        hashes
            .filter_map(|(prompt, hash)| seen.insert(*hash).then_some(prompt))
            .collect()
    }

    /// The rows of one layer once more, in batches of a bounded size.
    pub fn rows(&self, layer: usize) -> Result<impl Iterator<Item = Result<Vec<Activation>>> + use<>> {
        let (batches, _) = read_activation_batches(&self.folder, layer)?;
        Ok(batches)
    }
}

fn read_layer(
    folder: &Path,
    layer: usize,
    conditions: &[String],
    leader: Leader,
) -> Result<(Vec<PooledSums>, Metadata)> {
    let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
    let (batches, metadata) = read_activation_batches(folder, layer)?;
    let sums = sum_beside(
        &activation_place(folder, layer),
        layer,
        &conditions,
        leader,
        batches,
    )?;
    Ok((sums, metadata.inherited()))
}

/// By pooling, a number for each prompt's rows of this layer.
fn hashes_of(pipeline: &Pipeline, layer: &[PooledSums]) -> Vec<Vec<u64>> {
    let contrast = &pipeline.contrast;
    let of = |sums: &PooledSums| {
        let rows = sums
            .hashes_of([&contrast.positive, &contrast.negative])
            .into_iter();
        rows.map(|hash| hash_of([sums.layer as u64, hash].into_iter()))
            .collect()
    };
    layer.iter().map(of).collect()
}

/// Sums of hashes, since layers come in any order.
fn add_hashes(all: &Mutex<Vec<Vec<u64>>>, layer: &[Vec<u64>]) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    for (all, layer) in all.iter_mut().zip(layer) {
        for (sum, hash) in all.iter_mut().zip(layer) {
            *sum = sum.wrapping_add(*hash);
        }
    }
}

fn require_pooling(pipeline: &Pipeline, folder: &Path, first: &[PooledSums]) -> Result<()> {
    let pooling = pipeline.contrast.pooling;
    if first.iter().any(|sums| sums.pooling == pooling) {
        return Ok(());
    }
    let pooling = pooling.as_str();
    let message = format!(
        "no activation has the pooling \"{pooling}\" of the contrast; run `cargo xtask extract --force`"
    );
    Err(Error::invalid(folder, message))
}

/// How a layer's shape differs from that of the first layer.
fn mismatch(first: &[PooledSums], other: &[PooledSums]) -> Option<String> {
    let poolings = |groups: &[PooledSums]| {
        let names: Vec<&str> = groups.iter().map(|group| group.pooling.as_str()).collect();
        names.join(", ")
    };
    if poolings(first) != poolings(other) {
        return Some(format!(
            "it has the poolings {}, not {}",
            poolings(other),
            poolings(first)
        ));
    }
    first.iter().zip(other).find_map(|(first, other)| {
        let (want, have) = (first.hidden_size(), other.hidden_size());
        if want != have {
            return Some(format!("its vectors have {have} numbers, not {want}"));
        }
        (first.prompts != other.prompts).then(|| "it has other prompts".to_owned())
    })
}

/// The first metadata entry that differs between two layers, such as the fingerprint of the model.
fn other_run(first: &Metadata, other: &Metadata) -> Option<String> {
    let differs = |(key, _): &(&str, &str)| first.get(key) != other.get(key);
    let (key, _) = first.iter().chain(other.iter()).find(differs)?;
    let value = |metadata: &Metadata| metadata.get(key).unwrap_or("nothing").to_owned();
    Some(format!(
        "its footer says `{key}` = {}, not {}",
        value(other),
        value(first)
    ))
}

/// Every pooling of one layer.
fn analyze(pipeline: &Pipeline, folder: &Path, layer: &[PooledSums]) -> Result<Vec<LayerAnalysis>> {
    let contrast = &pipeline.contrast;
    let one = |sums: &PooledSums| {
        let condition = |name: &str| {
            sums.condition(name).ok_or_else(|| {
                let message = format!("layer {}: there is no condition \"{name}\"", sums.layer);
                Error::invalid(activation_place(folder, sums.layer), message)
            })
        };
        let (positive, negative) = (condition(&contrast.positive)?, condition(&contrast.negative)?);
        Ok(analyze_layer(sums, positive, negative))
    };
    layer.iter().map(one).collect()
}

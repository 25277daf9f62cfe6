use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use pipeline::{Pipeline, SaeTable};
use rayon::prelude::*;
use results::{Feature, FeatureActivity, Layout, Result, Sae, SaeFit, Table, read_activation_batches};
use sae::{Encoded, SparseAutoencoder};
use statistics::evenly;

use crate::activity::Activity;
use crate::contrast::{Decomposition, norm};
use crate::fit::Fit;
use crate::recorded::{Recorded, distinct};
use crate::tested::{Tested, test};

/// The most prompts that intervals and tests look at, evenly spaced among those that do not copy another;
/// the means are over all.
const MOST_PROMPTS: usize = 256;

/// Writes all results of the stage into `out`. Nothing is written before all autoencoders have been read.
///
/// Memory does not grow with the autoencoder: beside a thousand columns of its encoder, there are the
/// active features of a batch, sums for each feature that is ever active, and the rows of the prompts that
/// are tested. It grows with the prompts by their rows in the two conditions of the contrast, until
/// copies have been found.
///
/// # Errors
/// An autoencoder's folder that can't be read, one for another model or for a place that was not recorded.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let mut tables = Tables::default();
    for table in &pipeline.saes {
        let sae = sae::open(&table.folder, table.hook.as_deref())?;
        tables.add(pipeline, layout, table, &sae)?;
    }
    let (_, footer) = read_activation_batches(&layout.activations(), 0)?;
    let metadata = footer
        .inherited()
        .with("pipeline", &pipeline.name)
        .with("positive", &pipeline.contrast.positive)
        .with("negative", &pipeline.contrast.negative)
        .with("pooling", pipeline.contrast.pooling.as_str());
    let place = |path: PathBuf| layout.in_progress(out, &path);
    Sae::write(&place(layout.table::<Sae>()), &metadata, &tables.saes)?;
    SaeFit::write(&place(layout.table::<SaeFit>()), &metadata, &tables.fits)?;
    Feature::write(&place(layout.table::<Feature>()), &metadata, &tables.features)?;
    FeatureActivity::write(
        &place(layout.table::<FeatureActivity>()),
        &metadata,
        &tables.activity,
    )
}

#[derive(Default)]
struct Tables {
    saes: Vec<Sae>,
    fits: Vec<SaeFit>,
    features: Vec<Feature>,
    activity: Vec<FeatureActivity>,
}

impl Tables {
    fn add(
        &mut self,
        pipeline: &Pipeline,
        layout: &Layout,
        table: &SaeTable,
        sae: &SparseAutoencoder,
    ) -> Result<()> {
        let name = &table.name;
        let recorded = Recorded::at(pipeline, layout, sae.description.place, name)?;
        let sides = recorded.sides()?;
        let read = Read::all(&recorded, sae, pipeline.conditions.len(), sides)?;
        let names = pipeline
            .conditions
            .iter()
            .map(|condition| condition.name.as_str());
        for ((condition, fit), activity) in names.zip(&read.fits).zip(&read.activity) {
            self.fits.push(fit.table(name, condition));
            self.activity.extend(activity.table(name, condition));
        }
        let [positive, negative] = sides.map(|side| &read.activity[side]);
        let tested: BTreeSet<usize> = positive.features().chain(negative.features()).collect();
        let tested: Vec<usize> = tested.into_iter().collect();
        let means = sides.map(|side| read.fits[side].mean());
        let contrast = means[0].iter().zip(&means[1]).map(|(a, b)| a - b).collect();
        let parts = Decomposition::of(sae, contrast, &tested, [positive, negative])?;
        let tests = test(&tested, &read.tested_prompts());
        let all = tested.iter().zip(tests).zip(&parts.of_features);
        self.features.extend(all.map(|((feature, tested), of_contrast)| {
            feature_row(name, *feature, [positive, negative], &tested, *of_contrast)
        }));
        self.saes.push(sae_row(name, sae, tested.len(), &parts));
        Ok(())
    }
}

/// What the rows of one place say.
struct Read {
    /// By condition.
    fits: Vec<Fit>,
    activity: Vec<Activity>,
    /// For each prompt its rows in the two conditions of the contrast, and what they are encoded as, in the order in which
    /// the prompts come first.
    pairs: Vec<[Vec<f32>; 2]>,
    encoded: Vec<[Encoded; 2]>,
    /// Where a prompt is among these.
    place_of_prompt: HashMap<String, usize>,
}

impl Read {
    fn all(
        recorded: &Recorded<'_>,
        sae: &SparseAutoencoder,
        conditions: usize,
        sides: [usize; 2],
    ) -> Result<Self> {
        let hidden = sae.hidden_size();
        let mut read = Read {
            fits: (0..conditions).map(|_| Fit::default()).collect(),
            activity: (0..conditions).map(|_| Activity::default()).collect(),
            pairs: Vec::new(),
            encoded: Vec::new(),
            place_of_prompt: HashMap::new(),
        };
        for batch in recorded.batches(hidden)? {
            let batch = batch?;
            let encoded = sae.encode(&batch.activations)?;
            let decoded: Vec<Vec<f32>> = encoded
                .par_iter()
                .map(|row| sae.decode(row))
                .collect::<Result<_>>()?;
            let rows = batch.activations.chunks(hidden).zip(encoded).zip(decoded);
            for ((condition, prompt), ((row, encoded), decoded)) in batch.rows.into_iter().zip(rows) {
                read.fits[condition].add(row, &decoded, encoded.active.len());
                read.activity[condition].add(&encoded);
                if let Some(side) = sides.iter().position(|side| *side == condition) {
                    read.keep(prompt, side, row, encoded);
                }
            }
        }
        read.check(recorded)?;
        Ok(read)
    }

    /// A prompt's rows belong together, so there must be both.
    fn check(&self, recorded: &Recorded<'_>) -> Result<()> {
        const AGAIN: &str = "run `cargo xtask extract --force`";
        if self.fits.iter().any(|fit| fit.mean().is_empty()) {
            let message = format!("a condition has no rows under the contrast's pooling; {AGAIN}");
            return Err(recorded.invalid(message));
        }
        let lacks_one = |place: usize| self.pairs[place].iter().any(Vec::is_empty);
        let lacking = self
            .place_of_prompt
            .iter()
            .filter(|(_, place)| lacks_one(**place));
        match lacking.map(|(prompt, _)| prompt).min() {
            Some(prompt) => Err(recorded.invalid(format!(
                "prompt \"{prompt}\" has a row in only one of the contrast's conditions; {AGAIN}"
            ))),
            None => Ok(()),
        }
    }

    fn keep(&mut self, prompt: String, side: usize, row: &[f32], encoded: Encoded) {
        let next = self.pairs.len();
        let prompt = *self.place_of_prompt.entry(prompt).or_insert(next);
        if prompt == next {
            self.pairs.push(Default::default());
            self.encoded.push(Default::default());
        }
        self.pairs[prompt][side] = row.to_vec();
        self.encoded[prompt][side] = encoded;
    }

    fn tested_prompts(&self) -> Vec<[&Encoded; 2]> {
        let distinct = distinct(&self.pairs);
        let picked = evenly(distinct.len(), MOST_PROMPTS).into_iter();
        picked
            .map(|place| self.encoded[distinct[place]].each_ref())
            .collect()
    }
}

fn feature_row(
    sae: &str,
    feature: usize,
    [positive, negative]: [&Activity; 2],
    tested: &Tested,
    (contrast_cosine, contrast_share): (f64, f64),
) -> Feature {
    let (positive_mean, negative_mean) = (positive.mean(feature), negative.mean(feature));
    Feature {
        sae: sae.to_owned(),
        feature,
        positive_share: positive.share(feature),
        negative_share: negative.share(feature),
        positive_mean,
        negative_mean,
        difference: positive_mean - negative_mean,
        difference_low: tested.interval.map_or(f64::NAN, |interval| interval.low),
        difference_high: tested.interval.map_or(f64::NAN, |interval| interval.high),
        auc: tested.auc,
        p: tested.test.p,
        p_family: tested.test.p_family,
        contrast_cosine,
        contrast_share,
    }
}

fn sae_row(name: &str, sae: &SparseAutoencoder, tested: usize, parts: &Decomposition) -> Sae {
    let description = &sae.description;
    Sae {
        sae: name.to_owned(),
        site: description.place.site,
        layer: description.place.layer,
        architecture: description.architecture.clone(),
        model: description.model.clone(),
        neuronpedia: description.neuronpedia.clone(),
        features: sae.features(),
        tested,
        contrast_norm: norm(&parts.contrast),
        features_norm: norm(&parts.features),
        residue_norm: norm(&parts.residue()),
        features_share: parts.features_share(),
        features_cosine: parts.features_cosine(),
    }
}

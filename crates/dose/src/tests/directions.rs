use pipeline::{Contrast, DoseTable, VectorKind};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use results::{Activation, ContrastVectors, DoseDirection, Metadata, RenderedPrompt, write_activations};
use tempfile::TempDir;
use terms::Pooling;

use crate::directions::{LayerDirections, require_vectors};
use crate::folds::Folds;
use crate::prompts::PromptPair;
use crate::recorded::Recorded;

const HIDDEN: usize = 5;
const PROMPTS: usize = 300;

/// `[prompt][side]`, of very different sizes, so that the order of additions shows.
fn rows() -> Vec<[Vec<f32>; 2]> {
    let mut generator = ChaCha8Rng::seed_from_u64(7);
    let mut row = || -> Vec<f32> {
        (0..HIDDEN)
            .map(|_| (generator.random::<f32>() - 0.5) * 10_f32.powi(generator.random_range(0..6)))
            .collect()
    };
    (0..PROMPTS).map(|_| [row(), row()]).collect()
}

fn activation(prompt: usize, condition: &str, pooling: Pooling, vector: &[f32]) -> Activation {
    Activation {
        prompt_id: format!("p{prompt}"),
        condition: condition.to_owned(),
        pooling,
        position: None,
        token_id: None,
        token_text: None,
        norm: 1.0,
        activation: vector.to_vec(),
    }
}

/// The rows of both conditions, one condition after the other, with another pooling between them.
fn written(rows: &[[Vec<f32>; 2]]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for (side, condition) in ["normal", "swapped"].into_iter().enumerate() {
        for (prompt, row) in rows.iter().enumerate() {
            all.push(activation(prompt, condition, Pooling::Newline, &row[side]));
            all.push(activation(prompt, condition, Pooling::Mean, &[9.0; HIDDEN]));
        }
    }
    let metadata = Metadata::default().with("hidden_size", HIDDEN);
    write_activations(folder.path(), 0, &metadata, &all).unwrap();
    folder
}

fn contrast_table() -> Contrast {
    Contrast {
        positive: "normal".to_owned(),
        negative: "swapped".to_owned(),
        pooling: Pooling::Newline,
        cosine_matrices: None,
        project_out: Vec::new(),
    }
}

/// Every third prompt is in the sweep.
fn folds() -> Folds {
    let pair = |prompt: usize| PromptPair {
        id: format!("p{prompt}"),
        text: format!("Prompt {prompt}?"),
        tokens: [vec![1], vec![2]],
    };
    let pairs: Vec<PromptPair> = (0..PROMPTS).step_by(3).map(pair).collect();
    let recorded: Vec<RenderedPrompt> = (0..PROMPTS).map(rendered).collect();
    Folds::of(&pairs, &recorded, 0)
}

fn rendered(prompt: usize) -> RenderedPrompt {
    RenderedPrompt {
        prompt_id: format!("p{prompt}"),
        prompt: format!("Prompt {prompt}?"),
        condition: "normal".to_owned(),
        text: String::new(),
        n_tokens: 0,
        token_ids: Vec::new(),
        token_texts: Vec::new(),
        opening: 0,
    }
}

fn mean_difference(rows: &[[Vec<f32>; 2]], is_in: impl Fn(usize) -> bool) -> Vec<f64> {
    let own: Vec<usize> = (0..rows.len()).filter(|prompt| is_in(*prompt)).collect();
    (0..HIDDEN)
        .map(|number| {
            let difference =
                |prompt: &usize| f64::from(rows[*prompt][0][number]) - f64::from(rows[*prompt][1][number]);
            own.iter().map(difference).sum::<f64>() / own.len() as f64
        })
        .collect()
}

fn vectors(contrast: &[f64]) -> ContrastVectors {
    let mut vectors = ContrastVectors::new(Metadata::default(), 1, HIDDEN);
    let contrast: Vec<f32> = contrast.iter().map(|value| *value as f32).collect();
    let opposite = contrast.iter().map(|value| -2.0 * value).collect();
    vectors.insert(&VectorKind::Contrast, contrast);
    vectors.insert(&VectorKind::PairedDifferencePca, opposite);
    vectors.insert(&VectorKind::LogisticProbe, vec![0.0; HIDDEN]);
    vectors
}

fn table() -> DoseTable {
    DoseTable {
        directions: ["contrast", "pca", "probe"].map(str::to_owned).to_vec(),
        random_directions: 2,
        ..DoseTable::default()
    }
}

fn read(rows: &[[Vec<f32>; 2]], prompts: usize) -> anyhow::Result<LayerDirections> {
    let (folder, folds, contrast) = (written(rows), folds(), contrast_table());
    let recorded = Recorded {
        folder: folder.path(),
        contrast: &contrast,
        prompts,
        folds: &folds,
    };
    LayerDirections::read(
        &table(),
        &recorded,
        &vectors(&mean_difference(rows, |_| true)),
        0,
        10.0,
    )
}

/// The sums are those of all rows in memory, in the order of the prompts, to the last bit.
#[test]
fn the_shuffled_contrast_is_that_of_all_rows_at_once() {
    let rows = rows();
    let read = read(&rows, PROMPTS).unwrap();
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    generator.set_stream(0xffff_ffff);
    let mut order: Vec<usize> = (0..PROMPTS).collect();
    for last in (1..PROMPTS).rev() {
        order.swap(last, generator.random_range(0..=last));
    }
    let mut sum = [0.0; HIDDEN];
    for (prompt, [positive, negative]) in rows.iter().enumerate() {
        let sign = if order[..PROMPTS / 2].contains(&prompt) {
            -1.0
        } else {
            1.0
        };
        for number in 0..HIDDEN {
            sum[number] += sign * (f64::from(positive[number]) - f64::from(negative[number]));
        }
    }
    let length = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    let contrast: Vec<f64> = read
        .contrast()
        .vector
        .iter()
        .map(|value| f64::from(*value))
        .collect();
    let scale = length(&contrast) / length(&sum);
    let expected = sum.map(|value| (value * scale) as f32);
    let shuffled = read.get(&DoseDirection::Shuffled, 0).unwrap();
    assert_eq!(shuffled.vector, expected);
    assert_eq!(shuffled.projections.len(), 2 * PROMPTS);
    assert!(shuffled.projections.is_sorted());
}

#[test]
fn a_folds_contrast_is_that_of_the_other_prompts() {
    let (rows, folds) = (rows(), folds());
    let read = read(&rows, PROMPTS).unwrap();
    assert_eq!(read.of_folds.len(), 5);
    for (fold, found) in read.of_folds.iter().enumerate() {
        let is_other = |prompt: usize| folds.of_recorded(&format!("p{prompt}")) != Some(fold);
        assert_eq!((0..PROMPTS).filter(|prompt| !is_other(*prompt)).count(), 20);
        for (found, expected) in found.iter().zip(mean_difference(&rows, is_other)) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-3,
                "{found} is not {expected}"
            );
        }
    }
}

#[test]
fn other_vectors_are_scaled_to_the_contrast_and_vectors_of_zeros_are_left_out() {
    let read = read(&rows(), PROMPTS).unwrap();
    let pca = read
        .get(&DoseDirection::Vector(VectorKind::PairedDifferencePca), 0)
        .unwrap();
    assert!((pca.scale + 0.5).abs() < 1e-6 && pca.projections.is_empty());
    assert!(
        read.get(&DoseDirection::Vector(VectorKind::LogisticProbe), 0)
            .is_none()
    );
    assert!(
        read.get(&DoseDirection::Random, 1)
            .unwrap()
            .projections
            .is_empty()
    );
}

#[test]
fn rows_of_other_prompts_than_were_rendered_are_refused() {
    let rows = rows();
    for prompts in [PROMPTS - 1, PROMPTS + 1] {
        let error = read(&rows, prompts).unwrap_err().to_string();
        assert!(error.contains("don't have the same prompts"), "{error}");
    }
}

#[test]
fn a_vector_that_no_layer_of_the_sweep_has_is_refused_with_its_layers() {
    let mut vectors = ContrastVectors::new(Metadata::default(), 3, 1);
    vectors.insert(&VectorKind::Contrast, vec![1.0; 3]);
    let mine = VectorKind::Imported("mine".to_owned());
    vectors.insert_some(&mine, &[None, Some(vec![1.0]), None]);
    let table = DoseTable {
        directions: ["contrast", "mine"].map(str::to_owned).to_vec(),
        ..DoseTable::default()
    };
    require_vectors(&table, &vectors, &[1, 2]).unwrap();
    let error = require_vectors(&table, &vectors, &[0, 2])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"mine\" is a vector of the layers 1, and the sweep is at 0, 2"),
        "{error}"
    );
}

#[test]
fn folds_are_of_nearly_equal_size_and_copies_share_one() {
    let pair = |text: &str| PromptPair {
        id: text.to_lowercase(),
        text: text.to_owned(),
        tokens: [vec![1], vec![2]],
    };
    let texts = ["A", "B", "A", "C", "D", "E", "F", "G"];
    let pairs: Vec<PromptPair> = texts.into_iter().map(pair).collect();
    let folds = Folds::of(&pairs, &[], 3);
    assert_eq!(folds.count, 5);
    assert_eq!(folds.of_pair[0], folds.of_pair[2]);
    for fold in 0..5 {
        let (own, others) = folds.split(fold);
        assert!((1..=3).contains(&own.len()) && own.len() + others.len() == 8);
    }
    assert_eq!(Folds::of(&pairs, &[], 3).of_pair, folds.of_pair);
    assert_eq!(Folds::of(&pairs[..2], &[], 3).count, 2);
    assert_eq!(Folds::of(&[pair("A"), pair("A")], &[], 3).count, 0);
}

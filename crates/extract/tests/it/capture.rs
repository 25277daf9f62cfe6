use std::collections::HashMap;

use burn::tensor::Tensor;
use extract::{Wanted, capture, capture_in_pieces, pooled_position};
use model::{Batch, ResidualTap, Token};
use pipeline::ModelTable;
use results::{Activation, RenderedPrompt};
use session::OpenModel;
use session::OpenNetwork;
use terms::{Pooling, Residency, Site};

/// The whole stream, for comparison.
#[derive(Default)]
struct Whole(Vec<Vec<f32>>);

impl ResidualTap for Whole {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.0.push(h.clone().into_data().try_into_vec().unwrap());
        h
    }
}

fn prompt(id: usize, token_ids: Vec<i32>) -> RenderedPrompt {
    RenderedPrompt {
        prompt_id: format!("p{id}"),
        prompt: String::new(),
        condition: "normal".to_owned(),
        text: String::new(),
        opening: (token_ids.len() / 2) as i32,
        token_texts: token_ids
            .iter()
            .map(|id| if [108, 109].contains(id) { "\n" } else { "a" }.to_owned())
            .collect(),
        n_tokens: token_ids.len(),
        token_ids,
    }
}

/// More rows than one batch holds, of lengths from 3 to 24; some with newlines (108) and blank
/// lines (109) inside.
fn prompts() -> Vec<RenderedPrompt> {
    let token = |row: usize, position: usize| match (row * 7 + position * 5) % 23 {
        0 => 108,
        1 if row.is_multiple_of(3) => 109,
        other => 200 + (other as i32 * 11 + row as i32) % 300,
    };
    (0..40)
        .map(|row| {
            prompt(
                row,
                std::iter::once(2)
                    .chain((1..3 + row % 22).map(|at| token(row, at)))
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn one_batched_pass_equals_a_pass_for_each_prompt() {
    let model = crate::open(&crate::nano());
    let poolings = [Pooling::Newline, Pooling::Last, Pooling::Mean, Pooling::Opening];
    let prompts = prompts();
    let layers = capture(&model, &prompts, &poolings).unwrap();
    assert_eq!((layers.len(), layers[0].len()), (4, 160));
    let mut seen_inside = false;
    for (index, prompt) in prompts.iter().enumerate() {
        let row: Vec<u32> = prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect();
        let mut whole = Whole::default();
        model
            .resident()
            .unwrap()
            .forward(&Batch::of(&[row]).unwrap(), None, &mut whole)
            .unwrap();
        for (layer, rows) in layers.iter().enumerate() {
            for (offset, pooling) in poolings.iter().enumerate() {
                let actual = &rows[index * 4 + offset];
                assert_eq!(
                    (actual.prompt_id.as_str(), actual.pooling),
                    (prompt.prompt_id.as_str(), *pooling)
                );
                let expected = pooled(&whole.0[layer], pooled_position(*pooling, prompt, 0));
                let worst = actual
                    .activation
                    .iter()
                    .zip(&expected)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
                assert!(
                    worst < 2e-4,
                    "layer {layer}, {pooling:?}, {}: off by {worst}",
                    prompt.prompt_id
                );
                let norm = expected.iter().map(|value| value * value).sum::<f32>().sqrt();
                assert!((actual.norm - norm).abs() < 1e-3 * norm);
                match pooling {
                    Pooling::Mean | Pooling::Opening => {
                        assert_eq!((actual.position, actual.token_id), (None, None))
                    }
                    _ => {
                        let position = actual.position.unwrap() as usize;
                        assert_eq!(actual.token_id, Some(prompt.token_ids[position]));
                        seen_inside |= position + 1 < prompt.token_ids.len();
                    }
                }
            }
        }
    }
    assert!(seen_inside, "some prompt must be read before its end");
}

fn pooled(stream: &[f32], wanted: Wanted) -> Vec<f32> {
    let rows: Vec<&[f32]> = stream.chunks(64).collect();
    match wanted {
        Wanted::Position(position) => rows[position].to_vec(),
        Wanted::Mean { first, end } => (0..64)
            .map(|index| rows[first..end].iter().map(|row| row[index]).sum::<f32>() / (end - first) as f32)
            .collect(),
    }
}

#[test]
fn streamed_weights_give_the_same_bits() {
    let resident = crate::open(&crate::nano());
    let table = ModelTable {
        residency: Residency::Streamed,
        ..crate::nano()
    };
    let streamed = crate::open(&table);
    assert!(matches!(resident.network, OpenNetwork::Resident(_)));
    assert!(matches!(streamed.network, OpenNetwork::Streamed(_)));
    let (prompts, poolings) = (prompts(), [Pooling::Newline, Pooling::Mean]);
    assert_eq!(
        capture(&resident, &prompts, &poolings).unwrap(),
        capture(&streamed, &prompts, &poolings).unwrap()
    );
    let error = streamed.resident().err().unwrap().to_string();
    assert!(error.contains("one pass"), "{error}");
}

const SITES: [Site; 4] = [
    Site::Embedding,
    Site::AttentionOutput,
    Site::ResidualMid,
    Site::FeedForwardOutput,
];

/// Everything that can be recorded, by site and layer.
fn everything(model: &OpenModel) -> HashMap<(Site, usize), Vec<Activation>> {
    let mut all: HashMap<(Site, usize), Vec<Activation>> = HashMap::new();
    let poolings = [Pooling::Newline, Pooling::Mean];
    capture_in_pieces(
        model,
        (&prompts(), &[]),
        &poolings,
        &SITES,
        &mut |site, layer, rows| {
            all.entry((site, layer)).or_default().extend(rows);
            Ok(())
        },
    )
    .unwrap();
    all
}

/// The residual stream is a sum: embedding, then what attention and feed-forward of each layer add.
#[test]
fn the_sites_add_up_to_the_residual_stream() {
    let all = everything(&crate::open(&crate::nano()));
    assert_eq!(all.len(), 1 + 4 * 4);
    let rows = |site: Site, layer: usize| &all[&(site, layer)];
    for layer in 0..4 {
        let before = match layer {
            0 => rows(Site::Embedding, 0),
            _ => rows(Site::ResidualPost, layer - 1),
        };
        let middle = rows(Site::ResidualMid, layer);
        check_sum(before, rows(Site::AttentionOutput, layer), middle);
        check_sum(
            middle,
            rows(Site::FeedForwardOutput, layer),
            rows(Site::ResidualPost, layer),
        );
    }
}

fn check_sum(a: &[Activation], b: &[Activation], sum: &[Activation]) {
    assert_eq!(sum.len(), 80);
    for ((a, b), sum) in a.iter().zip(b).zip(sum) {
        assert_eq!((&a.prompt_id, a.pooling), (&sum.prompt_id, sum.pooling));
        assert!(b.norm > 0.0);
        for ((a, b), sum) in a.activation.iter().zip(&b.activation).zip(&sum.activation) {
            assert!(
                (a + b - sum).abs() < 1e-5 * sum.abs().max(1.0),
                "{a} + {b} is not {sum}"
            );
        }
    }
}

#[test]
fn sites_change_nothing_and_are_the_same_with_streamed_weights() {
    let resident = crate::open(&crate::nano());
    let all = everything(&resident);
    let layers = capture(&resident, &prompts(), &[Pooling::Newline, Pooling::Mean]).unwrap();
    for (layer, rows) in layers.iter().enumerate() {
        assert_eq!(rows, &all[&(Site::ResidualPost, layer)]);
    }
    let table = ModelTable {
        residency: Residency::Streamed,
        ..crate::nano()
    };
    assert_eq!(everything(&crate::open(&table)), all);
}

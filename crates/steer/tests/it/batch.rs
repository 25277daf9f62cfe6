//! A row's text doesn't depend on what is generated alongside it.

use burn::tensor::Device;
use interventions::{ablation, addition, capping};
use model::{GenerationRequest, Sampling, generate};
use steer::{Intervention, Steer};
use terms::Positions;

use crate::golden::nano;

const NEW_TOKENS: usize = 12;

/// Prompts of many lengths, some of them prefixes of others; every fourth row samples its
/// tokens.
fn requests(rows: usize) -> Vec<GenerationRequest> {
    let request = |row: usize| {
        let mut sampling = Sampling::greedy();
        if row % 4 == 3 {
            sampling.greedy = false;
            sampling.repetition_penalty = 1.1;
        }
        GenerationRequest {
            prompt: (0..2 + row % 9)
                .map(|at| 120 + (at * 37 + row / 20) as u32 % 300)
                .collect(),
            sampling,
            seed: row as u64,
        }
    };
    (0..rows).map(request).collect()
}

/// A different intervention for each row, of all kinds and at all layers; none for some rows.
fn interventions(row: usize) -> Vec<Intervention> {
    let direction: Vec<f32> = (0..64)
        .map(|index| ((index * 7 + row) as f32).sin() * 4.0)
        .collect();
    let form = match row % 5 {
        0 => return Vec::new(),
        1 | 2 => addition(&direction, row as f64 / 10.0 - 2.0),
        3 => ablation(&direction, 0.5),
        _ => capping(&direction, 0.1),
    };
    let positions = if row.is_multiple_of(2) {
        Positions::All
    } else {
        Positions::Last
    };
    vec![Intervention::new(row % 4, positions, form)]
}

fn tokens(requests: &[GenerationRequest], interventions: &[Vec<Intervention>]) -> Vec<Vec<u32>> {
    let model = nano();
    let mut steer = Steer::new(interventions, 4, 64, &Device::flex()).unwrap();
    let generated = generate(&model, requests, NEW_TOKENS, &mut steer, &mut |_| ()).unwrap();
    generated.into_iter().map(|text| text.tokens).collect()
}

fn check(rows: usize) {
    let (requests, interventions): (Vec<_>, Vec<_>) =
        (requests(rows), (0..rows).map(interventions).collect());
    let together = tokens(&requests, &interventions);
    for row in 0..rows {
        let alone = tokens(&requests[row..=row], &interventions[row..=row]);
        assert_eq!(alone[0], together[row], "row {row} of {rows}");
    }
    let distinct: std::collections::HashSet<&Vec<u32>> = together.iter().collect();
    assert!(
        distinct.len() > rows / 3,
        "the rows must differ for this to say anything"
    );
}

#[test]
fn a_row_alone_is_the_row_among_48_with_other_interventions() {
    check(48);
}

/// More rows than are generated at the same time: rows that end leave, others take their places and
/// their memory.
#[test]
fn a_row_alone_is_the_row_among_many_that_come_and_go() {
    check(150);
}

#[test]
fn no_rows_and_no_tokens_are_no_work() {
    assert!(tokens(&[], &[]).is_empty());
    let requests = requests(2);
    let nothing = generate(&nano(), &requests, 0, &mut (), &mut |_| ()).unwrap();
    assert!(nothing.iter().all(|text| text.tokens.is_empty()));
}

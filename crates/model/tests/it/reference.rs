//! What transformers computes, as files have it, and the comparison with it.

use model::{Batch, GenerationRequest, Network, Sampling, generate};
use testkit::Reference;

use crate::support::{KeepAll, assert_close, numbers};

const TOLERANCE: f64 = 1e-4;

/// Every tensor of the reference's plain pass.
#[track_caller]
pub fn check_pass(name: &str, network: &Network, reference: &Reference) {
    let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
    let mut kept = KeepAll::default();
    let h = network.forward(&batch, None, &mut kept).unwrap();
    for (layer, residual) in kept.0.into_iter().enumerate() {
        let tensor = format!("residual.{layer}");
        assert_close(
            &format!("{name}: {tensor}"),
            &numbers(residual),
            &reference.floats[&tensor],
            TOLERANCE,
        );
    }
    let norm = numbers(network.final_norm(h.clone()));
    assert_close(
        &format!("{name}: final_norm"),
        &norm,
        &reference.floats["final_norm"],
        TOLERANCE,
    );
    let logits = numbers(network.head(h));
    assert_close(
        &format!("{name}: logits"),
        &logits,
        &reference.floats["logits"],
        TOLERANCE,
    );
}

/// The continuations of a reference: alone, and in a ragged batch. The network must know no end
/// tokens, past which the reference runs on.
#[track_caller]
pub fn check_greedy(name: &str, network: &Network, reference: &Reference) {
    let request = |prompt: &[u32]| GenerationRequest {
        prompt: prompt.to_vec(),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let long = request(&reference.tokens["tokens"]);
    let continued = generate(network, &[long], 16, &mut (), &mut |_| ()).unwrap();
    assert_eq!(continued[0].tokens, reference.tokens["greedy"], "{name}");
    let requests: Vec<GenerationRequest> = (0..3)
        .map(|row| request(&reference.tokens[&format!("prompt.{row}")]))
        .collect();
    let together = generate(network, &requests, 12, &mut (), &mut |_| ()).unwrap();
    for (row, (request, batched)) in requests.iter().zip(&together).enumerate() {
        let expected = &reference.tokens[&format!("greedy.{row}")];
        let alone = generate(network, std::slice::from_ref(request), 12, &mut (), &mut |_| ()).unwrap();
        assert_eq!(&alone[0].tokens, expected, "{name}, row {row} alone");
        assert_eq!(&batched.tokens, expected, "{name}, row {row} in a batch");
    }
}

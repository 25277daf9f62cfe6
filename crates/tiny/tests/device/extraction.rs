//! The embedded model: its certificate, and what extraction reads.

use files::HashMemo;
use pipeline::read_prompts;
use results::{Activation, Verdict};
use session::{open_model, render_prompts};
use terms::{Device, Pooling, Residency, Site};
use testkit::assert_close;

use crate::{TOLERANCE, device, named, tiny_pipeline};

/// Of a single number over the RMS. In torch with operands rounded to 10 bits, it is up to 2.5e-3 for the embedded model, and
/// 4.9e-3 with operands cut.
const TOLERANCE_IN_TF32: f64 = 2e-2;

#[test]
fn the_certificate_says_verified_layer_by_layer_and_in_the_greedy_text() {
    for residency in [Residency::Resident, Residency::Streamed] {
        let mut pipeline = tiny_pipeline(named());
        pipeline.model.residency = residency;
        let certificate = verify::certify(&pipeline, &HashMemo::default()).unwrap();
        assert_eq!(
            certificate.verdict,
            Verdict::Verified,
            "{}",
            certificate.statement
        );
        let comparison = certificate.comparison.unwrap();
        assert_eq!(comparison.device, named().to_string());
        println!("{residency}: {}", certificate.statement);
        if residency == Residency::Resident {
            let greedy = comparison.greedy.unwrap();
            assert!(greedy.tokens > 0 && greedy.agreeing == greedy.tokens);
        }
    }
}

/// Every layer and every other site, all poolings that read prompts, in order.
fn extracted(device: Device, residency: Residency) -> Vec<(Site, usize, Vec<Activation>)> {
    let mut pipeline = tiny_pipeline(device);
    pipeline.model.residency = residency;
    let model = open_model(&pipeline.model, &HashMemo::default()).unwrap();
    let prompts = read_prompts(&pipeline.prompts.file).unwrap();
    let file = &pipeline.prompts.file;
    let rendered = render_prompts(&model.tokenizer, file, &prompts, &pipeline.conditions).unwrap();
    // A streamed model gives no answers.
    let of_prompts: Vec<Pooling> = Pooling::ALL
        .iter()
        .copied()
        .filter(|pooling| !pooling.reads_answer())
        .collect();
    // The residual stream after a layer is read in any case.
    let others: Vec<Site> = Site::ALL
        .iter()
        .copied()
        .filter(|site| *site != Site::ResidualPost)
        .collect();
    let mut all = Vec::new();
    extract::capture_in_pieces(
        &model,
        (&rendered, &[]),
        &of_prompts,
        &others,
        &mut |site, layer, rows| {
            all.push((site, layer, rows));
            Ok(())
        },
    )
    .unwrap();
    all
}

#[test]
fn extraction_is_the_cpus_at_all_layers_and_sites_resident_and_streamed() {
    let expected = extracted(Device::Cpu, Residency::Resident);
    let tolerance = match model::arithmetic_of(&device()).tf32 {
        true => TOLERANCE_IN_TF32,
        false => TOLERANCE,
    };
    let mut worst = 0.0f64;
    for residency in [Residency::Resident, Residency::Streamed] {
        let found = extracted(named(), residency);
        assert_eq!(found.len(), expected.len());
        for ((site, layer, found), (of_site, of_layer, expected)) in found.iter().zip(&expected) {
            assert_eq!((site, layer, found.len()), (of_site, of_layer, expected.len()));
            for (found, expected) in found.iter().zip(expected) {
                let name = format!(
                    "{site}, layer {layer}, {} {}",
                    expected.prompt_id, expected.pooling
                );
                assert_close(&name, &found.activation, &expected.activation, tolerance);
                worst = worst.max(
                    verify::relative_error(&name, &found.activation, &expected.activation)
                        .unwrap()
                        .max,
                );
            }
        }
    }
    println!("extraction: the largest error over the RMS is {worst:.1e}");
}

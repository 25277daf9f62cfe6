use report::{Findings, Inputs};

use crate::example_run::example_run;

#[test]
fn the_answer_names_the_layer_with_the_largest_difference() {
    let run = example_run(7);
    let inputs = Inputs::read(&run.pipeline, &run.layout).unwrap();
    let findings = Findings::of(&inputs).unwrap();
    assert_eq!((findings.peak.layer, findings.layers), (3, 7));
    // For prompts that did not contribute to the vector.
    assert_eq!(
        (findings.accuracy, findings.auc, findings.prompts),
        (0.75, 0.875, 6)
    );
    let text = findings.sentences(&run.pipeline).join(" ");
    for part in [
        "after layer 3",
        "0.8400",
        "0.6000",
        "0.2400",
        "75 % of the left-out residuals",
        "AUC 0.875",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn of_equal_layers_the_lower_one_is_named() {
    let run = example_run(6);
    let mut inputs = Inputs::read(&run.pipeline, &run.layout).unwrap();
    for row in &mut inputs.summaries {
        row.similarity_difference = 0.25;
    }
    assert_eq!(Findings::of(&inputs).unwrap().peak.layer, 0);
}

#[test]
fn no_difference_is_called_no_difference() {
    let run = example_run(6);
    let mut inputs = Inputs::read(&run.pipeline, &run.layout).unwrap();
    for row in &mut inputs.summaries {
        row.similarity_difference = -0.01;
    }
    let text = Findings::of(&inputs).unwrap().sentences(&run.pipeline).join(" ");
    assert!(text.starts_with("No layer of An Example Model"), "{text}");
    assert!(text.contains("\u{2212}0.0100"), "{text}");
}

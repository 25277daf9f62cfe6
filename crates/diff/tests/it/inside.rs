//! The activations of two runs against each other.

use diff::{Changes, Inside, PairSums, Run, inside, layer_change, page, sentences, summary};
use results::{Activation, Layout, write_activations};
use serde_json::Value;
use statistics::{BOOTSTRAP_DRAWS, bootstrap_mean};
use tempfile::TempDir;
use terms::Pooling;

use crate::example::Example;

struct Written {
    folder: TempDir,
    a: Run,
    b: Run,
}

fn written(a: &Example, b: &Example) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, example: &Example| {
        example.write(&folder.path().join(name));
        Run::read(&folder.path().join(name)).unwrap()
    };
    let (a, b) = (read("first", a), read("second", b));
    Written { folder, a, b }
}

impl Written {
    fn changes(&self) -> Changes {
        match inside(&self.a, &self.b).unwrap() {
            Inside::Compared(changes) => changes,
            Inside::Incomparable(why) => panic!("{why}"),
        }
    }

    fn why(&self) -> String {
        match inside(&self.a, &self.b).unwrap() {
            Inside::Compared(changes) => panic!("{changes:?}"),
            Inside::Incomparable(why) => why,
        }
    }

    /// What is said after the rows of B's layer 2 were changed.
    fn error(&self, change: impl FnOnce(&mut Vec<Activation>)) -> String {
        let example = Example::default();
        let mut rows = example.activations();
        change(&mut rows);
        let folder = Layout::new(self.folder.path().join("second")).activations();
        write_activations(&folder, 2, &example.metadata(), &rows).unwrap();
        inside(&self.a, &self.b).unwrap_err().to_string()
    }
}

fn close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// Against `scripts/diff_reference.py`.
#[test]
fn the_figures_are_those_of_an_independent_program() {
    let reference: Value = serde_json::from_str(include_str!("../fixtures/inside.json")).unwrap();
    let rows = |model: &str, condition: &str| -> Vec<Vec<f32>> {
        serde_json::from_value(reference["rows"][model][condition].clone()).unwrap()
    };
    let sums = ["normal", "swapped"].map(|condition| {
        let (a, b) = (rows("a", condition), rows("b", condition));
        let mut sums = PairSums::new(a.len(), a[0].len());
        for (prompt, (a, b)) in a.iter().zip(&b).enumerate() {
            sums.add(prompt, a, b);
        }
        sums
    });
    let found = layer_change(3, Pooling::Last, &sums, true);
    let expected = &reference["figures"];
    for (found, expected) in found
        .conditions
        .iter()
        .zip(expected["conditions"].as_array().unwrap())
    {
        close(found.cosine, &expected["cosine"]);
        close(found.difference, &expected["difference"]);
        close(found.shift, &expected["shift"]);
        close(found.along_contrast.unwrap(), &expected["along_contrast"]);
        let cosines: Vec<f64> = serde_json::from_value(expected["cosines"].clone()).unwrap();
        let interval = bootstrap_mean(&cosines, BOOTSTRAP_DRAWS, 0).unwrap();
        assert!((found.interval.unwrap().low - interval.low).abs() < 1e-12);
        assert!((found.interval.unwrap().high - interval.high).abs() < 1e-12);
    }
    let role = found.role.unwrap();
    close(role.relative_norms[0], &expected["relative_norms"][0]);
    close(role.relative_norms[1], &expected["relative_norms"][1]);
    close(role.contrasts_cosine.unwrap(), &expected["contrasts_cosine"]);
    close(role.shifts_cosine.unwrap(), &expected["shifts_cosine"]);
    assert_eq!(layer_change(3, Pooling::Last, &sums, false).role, None);
}

#[test]
fn a_prompt_is_compared_with_itself_at_every_layer_and_pooling() {
    let moved = Example {
        moved: 4.0,
        weights: "bbbb",
        ..Example::default()
    };
    let runs = written(&Example::default(), &moved);
    let changes = runs.changes();
    assert_eq!(changes.layers.len(), 4 * 2);
    assert_eq!((changes.common.prompts.len(), changes.common.of), (2, [2, 2]));
    for row in &changes.layers {
        // (3, 0, 0) and (3, 4, 0); (0, 0, 4) and (0, 4, 4).
        let [normal, swapped] = &row.conditions[..] else {
            panic!("{row:?}");
        };
        assert!((normal.cosine - (0.6 + 0.5_f64.sqrt()) / 2.0).abs() < 1e-12);
        assert!((normal.difference - (4.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
        assert!((normal.shift - 4.0 / 3.5).abs() < 1e-12);
        assert_eq!((swapped.cosine, swapped.difference), (1.0, 0.0));
        assert_eq!(swapped.along_contrast, None);
        // A's contrast is (1.5, -3, -2), the shift (0, 4, 0).
        let along = -3.0 / (1.5_f64.powi(2) + 9.0 + 4.0).sqrt();
        assert!((normal.along_contrast.unwrap() - along).abs() < 1e-12);
        let role = row.role.as_ref().unwrap();
        assert_eq!(role.shifts_cosine, None);
        assert_eq!(role.attainable.is_some(), row.pooling == Pooling::Newline);
    }
    let said = sentences(&changes);
    assert_eq!(
        said,
        [
            "The activations are least alike at layer 0 in \"normal\": mean cosine 0.6536; they differ by 1.167 of A's norm.",
            "At that layer, the cosine of B's mean shift with A's contrast is −0.77 in \"normal\" and not defined in \"swapped\"; that of the two shifts with each other is not defined.",
            "Relative to the residuals' norm, B's contrast is longer than A's at 0 of 4 layers; the largest change is at layer 0: 0.919 in A, 0.521 in B.",
        ]
    );
    let comparison = diff::Comparison::of(&runs.a, &runs.b).unwrap();
    let page = page(&runs.a, &runs.b, &comparison).unwrap();
    assert!(page.contains("Prompts that are the same in both runs: 2 (A has 2, B 2)"));
    assert!(page.contains("id=\"activations\""));
    let text = summary(&runs.a, &runs.b, &comparison);
    let section = text.split("\n\n").find(|part| part.trim().starts_with("Inside"));
    assert_eq!(section.unwrap().trim().lines().count(), 3, "{text}");
}

/// Batches have 256 rows.
#[test]
fn rows_belong_together_whatever_their_order() {
    let ids = (0..200).map(|prompt| &*format!("p{prompt}").leak());
    let many = Example {
        prompt_ids: ids.collect::<Vec<&'static str>>().leak(),
        ..Example::default()
    };
    let moved = Example { moved: 1.0, ..many };
    let runs = written(&many, &moved);
    let in_order = runs.changes();
    let folder = Layout::new(runs.folder.path().join("second")).activations();
    let mut rows = moved.activations();
    rows.reverse();
    for layer in 0..4 {
        write_activations(&folder, layer, &moved.metadata(), &rows).unwrap();
    }
    let reversed = runs.changes();
    assert_eq!(reversed.common.prompts.len(), 200);
    for (one, other) in in_order.layers.iter().zip(&reversed.layers) {
        for (one, other) in one.conditions.iter().zip(&other.conditions) {
            assert!((one.cosine - other.cosine).abs() < 1e-12);
            assert!((one.shift - other.shift).abs() < 1e-12);
            assert_eq!(one.interval, other.interval);
        }
    }
}

#[test]
fn the_same_activations_are_said_to_be_the_same() {
    let runs = written(&Example::default(), &Example::default());
    let changes = runs.changes();
    assert!(changes.is_none());
    assert_eq!(sentences(&changes).len(), 1);
}

#[test]
fn runs_that_cannot_be_compared_say_why() {
    let with = |change: fn(&mut Example)| {
        let mut example = Example::default();
        change(&mut example);
        written(&Example::default(), &example).why()
    };
    for (change, expected) in [
        (
            (|run| run.layers = 7) as fn(&mut Example),
            "A has 4 layers of 3 numbers, B 7 of 3",
        ),
        (
            |run| run.poolings = &[],
            "B has no recorded activations (`cargo xtask extract --force` records them)",
        ),
        (
            |run| run.poolings = &[Pooling::Last],
            "A has the poolings newline, mean, B last",
        ),
        (
            |run| run.conditions = ["plain", "turned"],
            "A has the conditions normal, swapped, B plain, turned",
        ),
        (
            |run| run.greeting = "Good day.",
            "no prompt is the same in both: condition \"normal\" (prompt who has another text); condition \"swapped\" (prompt who has another text)",
        ),
        (
            |run| run.last_token = 5,
            "no prompt is the same in both: condition \"normal\" (prompt who has other tokens); condition \"swapped\" (prompt who has other tokens)",
        ),
        (
            |run| run.prompt_ids = &["where", "when"],
            "no prompt is the same in both: condition \"normal\" (no prompt's id is in both); condition \"swapped\" (no prompt's id is in both)",
        ),
    ] {
        assert_eq!(with(change), expected);
    }
    let other = Example {
        greeting: "Good day.",
        ..Example::default()
    };
    let runs = written(&Example::default(), &other);
    let comparison = diff::Comparison::of(&runs.a, &runs.b).unwrap();
    for text in [
        summary(&runs.a, &runs.b, &comparison),
        page(&runs.a, &runs.b, &comparison).unwrap(),
    ] {
        assert!(text.contains("can't be compared"), "{text}");
        assert!(text.contains("prompt who has another text"), "{text}");
    }
}

#[test]
fn only_what_both_have_is_compared() {
    let other = Example {
        prompt_ids: &["who", "where"],
        conditions: ["normal", "turned"],
        poolings: &[Pooling::Mean, Pooling::Last],
        ..Example::default()
    };
    let changes = written(&Example::default(), &other).changes();
    let common = &changes.common;
    assert_eq!(common.prompts, ["who"]);
    assert_eq!(common.conditions, ["normal"]);
    assert_eq!(common.poolings, [Pooling::Mean]);
    assert_eq!(
        common.left_out,
        [
            "pooling newline (only in A)",
            "pooling last (only in B)",
            "condition \"swapped\" (only in A)",
            "condition \"turned\" (only in B)",
        ]
    );
    assert_eq!(changes.pooling, Pooling::Mean);
    assert_eq!(
        changes.without_role.as_deref(),
        Some("A's contrast is \"normal\" minus \"swapped\", and \"swapped\" is not compared")
    );
    assert!(
        changes
            .layers
            .iter()
            .all(|row| row.conditions[0].interval.is_none())
    );
}

#[test]
fn rows_that_are_missing_or_there_twice_are_named() {
    let runs = written(&Example::default(), &Example::default());
    let twice = runs.error(|rows| rows.push(rows[1].clone()));
    let place = "second/extract/activations/layer=02/part-0.parquet: layer 2, condition \"normal\", prompt \"what\", pooling newline: ";
    assert!(
        twice.contains(&format!("{place}there are two such rows; run")),
        "{twice}"
    );
    let missing = runs.error(|rows| drop(rows.remove(1)));
    assert!(
        missing.contains(&format!("{place}the row is missing; run")),
        "{missing}"
    );
    let zero = runs.error(|rows| rows[1].activation = vec![0.0; 3]);
    assert!(zero.contains(&format!("{place}the activation is zero")), "{zero}");
    let infinite = runs.error(|rows| rows[1].activation[2] = f32::INFINITY);
    assert!(
        infinite.contains(&format!("{place}number 2 of the activation is inf")),
        "{infinite}"
    );
}

#[test]
fn prompts_that_are_there_twice_are_named() {
    let mut runs = written(&Example::default(), &Example::default());
    runs.a.prompts.push(runs.a.prompts[0].clone());
    let error = inside(&runs.a, &runs.b).unwrap_err().to_string();
    let place =
        "first/extract/prompts.parquet: condition \"normal\", prompt \"who\": there are two such rows";
    assert!(error.contains(place), "{error}");
}

#[test]
fn a_layer_without_a_file_is_an_error() {
    let runs = written(&Example::default(), &Example::default());
    let folder = Layout::new(runs.folder.path().join("second")).activations();
    fs_err::remove_dir_all(folder.join("layer=03")).unwrap();
    let error = inside(&runs.a, &runs.b).unwrap_err().to_string();
    assert!(
        error.contains("there are 3 layers, but the model has 4; run"),
        "{error}"
    );
}

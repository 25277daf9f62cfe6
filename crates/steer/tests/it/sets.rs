use interventions::{
    FeatureReader, InterventionTable, Kind, Own, OwnValue, ablation, addition, feature_clamping,
};
use pipeline::{GenerationSet, VectorKind};
use results::{ContrastVectors, Metadata, RenderedPrompt};
use steer::{expand_set, row_seed};
use terms::{CoefficientUnit, Positions};

/// Mean norms of the residuals.
const NORMS: [f64; 3] = [2.0, 10.0, 41.0];

fn contrast() -> ContrastVectors {
    let mut contrast = ContrastVectors::new(Metadata::default(), 3, 2);
    contrast.insert(&VectorKind::Contrast, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    contrast.insert(&VectorKind::Mean("normal".to_owned()), vec![9.0; 6]);
    contrast
}

fn prompts() -> Vec<RenderedPrompt> {
    let prompt = |id: &str, condition: &str| RenderedPrompt {
        prompt_id: id.to_owned(),
        prompt: format!("{id}?"),
        condition: condition.to_owned(),
        text: String::new(),
        n_tokens: 2,
        token_ids: vec![2, 5],
        token_texts: Vec::new(),
        opening: 0,
    };
    vec![
        prompt("a", "normal"),
        prompt("b", "normal"),
        prompt("a", "swapped"),
    ]
}

fn table(kind: Kind, layers: &[i64], directions: &[&str]) -> InterventionTable {
    InterventionTable {
        kind,
        layers: layers.to_vec(),
        directions: directions.iter().map(|name| (*name).to_owned()).collect(),
        positions: Positions::All,
        coefficients: Vec::new(),
        own: Own::NONE,
    }
}

fn set(interventions: Vec<InterventionTable>, coefficients: &[f64]) -> GenerationSet {
    GenerationSet {
        name: "steered".to_owned(),
        condition: "normal".to_owned(),
        greedy: false,
        samples: 2,
        suppress: Vec::new(),
        interventions,
        coefficients: coefficients.to_vec(),
        unit: CoefficientUnit::Raw,
    }
}

#[test]
fn a_vector_of_others_is_there_only_at_its_layers() {
    let mut vectors = contrast();
    let kind = VectorKind::parse("refusal").unwrap();
    vectors.insert_some(&kind, &[None, Some(vec![7.0, 8.0]), None]);
    let expand = |layer: i64| {
        let table = table(Kind::Addition, &[layer], &["refusal"]);
        expand_set(&set(vec![table], &[2.0]), &prompts(), &vectors, &NORMS, 0)
    };
    let rows = expand(1).unwrap();
    assert_eq!(*rows[0].interventions[0].form, addition(&[7.0, 8.0], 2.0));
    let error = format!("{:#}", expand(0).unwrap_err());
    assert!(
        error.contains("\"refusal\" at layer 0")
            && error.contains("[[vectors]]")
            && error.ends_with("a layer that has one (1)"),
        "{error}"
    );
}

#[test]
fn features_are_clamped_where_they_can_be_read_alone() {
    let mut vectors = contrast();
    let kind = |feature| VectorKind::Feature("mine".to_owned(), feature);
    let reader = FeatureReader {
        row: vec![1.0, 2.0],
        gain: 1.0,
        bias: 0.0,
        threshold: 0.0,
    };
    for feature in 0..2 {
        vectors.insert_some(&kind(feature), &[None, Some(vec![7.0, 8.0]), None]);
    }
    vectors.insert_reader(&kind(0), Ok(reader.clone()));
    vectors.insert_reader(&kind(1), Err("saes.mine: it is a top-k one".to_owned()));
    let expand = |feature: usize| {
        let table = table(Kind::FeatureClamping, &[1], &[&kind(feature).name()]);
        expand_set(&set(vec![table], &[3.0]), &prompts(), &vectors, &NORMS, 0)
    };
    let rows = expand(0).unwrap();
    assert_eq!(
        *rows[0].interventions[0].form,
        feature_clamping(&[7.0, 8.0], &reader, 3.0)
    );
    assert_eq!(
        rows[0].description,
        "clamping of sae.mine.0 to 3 at layer 1, all positions"
    );
    let error = format!("{:#}", expand(1).unwrap_err());
    assert_eq!(error, "feature-clamping: saes.mine: it is a top-k one");
}

#[test]
fn a_set_is_every_prompt_for_each_coefficient_and_sample() {
    let set = set(vec![table(Kind::Addition, &[-1], &["contrast"])], &[-3.0, 3.0]);
    let rows = expand_set(&set, &prompts(), &contrast(), &NORMS, 0).unwrap();
    assert_eq!(rows.len(), 2 * 2 * 2);
    let first = &rows[0].interventions[0];
    assert_eq!(first.layer, 2);
    assert_eq!(*first.form, addition(&[4.0, 5.0], -3.0));
    assert_eq!(
        rows[0].description,
        "addition of -3 contrast at layer 2, all positions"
    );
    assert_eq!(rows[7].coefficient, Some(3.0));
}

#[test]
fn relative_coefficients_count_in_residual_norms() {
    let table = table(Kind::Addition, &[1], &["contrast"]);
    let set = GenerationSet {
        unit: CoefficientUnit::Relative,
        ..set(vec![table], &[-0.5])
    };
    let rows = expand_set(&set, &prompts(), &contrast(), &NORMS, 0).unwrap();
    // Half of 10, whatever the direction's own norm, against the direction [2, 3].
    let offset = rows[0].interventions[0].form.offset.as_deref().unwrap();
    let norm = f64::from(offset[0]).hypot(f64::from(offset[1]));
    assert!((norm - 5.0).abs() < 1e-6 && offset[0] < 0.0, "{offset:?}");
    assert_eq!(rows[0].coefficient, Some(-0.5));
    assert!(rows[0].description.contains("residual norms"));
}

#[test]
fn several_directions_with_one_layer_each_or_one_for_all() {
    let several = set(
        vec![table(Kind::Addition, &[0, 1], &["contrast", "mean.normal"])],
        &[],
    );
    let rows = expand_set(&several, &prompts(), &contrast(), &NORMS, 0).unwrap();
    assert_eq!(
        rows[0].interventions.iter().map(|i| i.layer).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(rows[0].coefficient, None);
    let one_layer = set(
        vec![table(Kind::Addition, &[1], &["contrast", "mean.normal"])],
        &[],
    );
    let rows = expand_set(&one_layer, &prompts(), &contrast(), &NORMS, 0).unwrap();
    assert_eq!(
        rows[0].interventions.iter().map(|i| i.layer).collect::<Vec<_>>(),
        [1, 1]
    );
}

#[test]
fn seeds_tell_rows_apart_and_not_coefficients() {
    let set = set(vec![table(Kind::Addition, &[0], &["contrast"])], &[-1.0, 1.0]);
    let rows = expand_set(&set, &prompts(), &contrast(), &NORMS, 0).unwrap();
    let seeds: std::collections::HashSet<u64> = rows.iter().map(|row| row.seed).collect();
    assert_eq!(seeds.len(), 4, "two prompts with two samples");
    assert_ne!(row_seed(0, "normal", "a", 0), row_seed(1, "normal", "a", 0));
    assert_ne!(row_seed(0, "normal", "a", 0), row_seed(0, "swapped", "a", 0));
}

#[test]
fn what_cannot_be_steered_is_named() {
    let fails = |set: &GenerationSet| {
        format!(
            "{:#}",
            expand_set(set, &prompts(), &contrast(), &NORMS, 0).unwrap_err()
        )
    };
    let far = fails(&set(vec![table(Kind::Addition, &[9], &["contrast"])], &[]));
    assert!(far.contains("layer 9") && far.contains("0 to 2"), "{far}");
    let unknown = fails(&set(vec![table(Kind::Addition, &[0], &["mean.swapped"])], &[]));
    assert!(
        unknown.contains("mean.swapped") && unknown.contains("layer 0"),
        "{unknown}"
    );
    let nowhere = fails(&GenerationSet {
        condition: "audit".to_owned(),
        ..set(vec![], &[])
    });
    assert!(nowhere.contains("audit"), "{nowhere}");
}

#[test]
fn ablation_adds_nothing_back_unless_it_is_asked_to() {
    let check = |coefficients: &[f64], own: &[f64], added_back: f64| {
        let mut table = table(Kind::Ablation, &[1], &["contrast"]);
        table.coefficients = own.to_vec();
        let set = set(vec![table], coefficients);
        let rows = expand_set(&set, &prompts(), &contrast(), &NORMS, 0).unwrap();
        assert_eq!(*rows[0].interventions[0].form, ablation(&[2.0, 3.0], added_back));
    };
    check(&[], &[], 0.0);
    check(&[], &[1.5], 1.5);
    check(&[2.0], &[], 2.0);
    check(&[2.0], &[1.5], 3.0);
}

#[test]
fn every_kind_is_described_and_finds_the_vectors_that_its_keys_name() {
    let mut capping = table(Kind::Capping, &[0], &["contrast"]);
    capping.own = capping.own.with("threshold", OwnValue::Number(1.5));
    let mut mean = table(Kind::MeanAblation, &[2], &["contrast"]);
    mean.own = mean.own.with("mean", OwnValue::Vector("mean.normal".to_owned()));
    let mut ablation = table(Kind::Ablation, &[-1], &["contrast"]);
    ablation.positions = Positions::Last;
    let set = GenerationSet {
        unit: CoefficientUnit::Relative,
        ..set(vec![capping, mean, ablation], &[])
    };
    let rows = expand_set(&set, &prompts(), &contrast(), &NORMS, 0).unwrap();
    assert_eq!(
        rows[0].description,
        "capping of contrast (in residual norms) at 1.5 at layer 0, all positions; \
         mean ablation of contrast (in residual norms) to mean.normal at layer 2, all positions; \
         ablation of contrast (in residual norms) at layer 2, last position"
    );
    let forms: Vec<_> = rows[0].interventions.iter().map(|row| &*row.form).collect();
    assert_eq!(*forms[0], interventions::capping(&[0.0, 1.0], 1.5));
    assert_eq!(*forms[1], interventions::mean_ablation(&[4.0, 5.0], &[9.0, 9.0]));
}

use interventions::{Kind, ablation, addition, capping};
use pipeline::{DoseTable, VectorKind};
use results::DoseDirection;
use terms::CoefficientUnit;

use crate::directions::kinds;
use crate::{Direction, LayerDirections, doses, outline};

fn table() -> DoseTable {
    DoseTable {
        coefficients: vec![1.0, 0.5],
        percentiles: vec![50.0],
        random_directions: 2,
        ..DoseTable::default()
    }
}

/// Directions of length 5 and projections from -4 to 4 in each.
fn layer(table: &DoseTable) -> LayerDirections {
    let direction = |(kind, number)| Direction {
        kind,
        number,
        vector: vec![3.0, 4.0],
        scale: 1.0,
        projections: (-4..=4).map(f64::from).collect(),
    };
    LayerDirections {
        layer: 2,
        residual_norm: 20.0,
        directions: kinds(table).into_iter().map(direction).collect(),
        of_folds: Vec::new(),
    }
}

#[test]
fn sizes_come_first_and_ascend_then_what_takes_directions_away() {
    use DoseDirection::{Random, Shuffled};
    const CONTRAST: DoseDirection = DoseDirection::CONTRAST;
    let found: Vec<_> = outline(&table())
        .into_iter()
        .map(|dose| {
            (
                dose.kind,
                dose.direction,
                dose.direction_number,
                dose.strength,
                dose.sides,
            )
        })
        .collect();
    let both = || vec![0, 1];
    let mut expected = vec![(Kind::Addition, CONTRAST, 0, 0.0, both())];
    for size in [0.5, 1.0] {
        expected.push((Kind::Addition, CONTRAST, 0, -size, both()));
        expected.push((Kind::Addition, CONTRAST, 0, size, both()));
        for (direction, number) in [(Random, 0), (Random, 1), (Shuffled, 0)] {
            expected.push((Kind::Addition, direction, number, size, both()));
        }
    }
    for direction in [CONTRAST, Random, Shuffled] {
        expected.push((Kind::Ablation, direction.clone(), 0, 0.0, both()));
        expected.push((Kind::MeanAblation, direction.clone(), 0, 0.0, both()));
        expected.push((Kind::Capping, direction.clone(), 0, 50.0, vec![0]));
        expected.push((Kind::Capping, direction, 0, 50.0, vec![1]));
    }
    assert_eq!(found, expected);
}

#[test]
fn every_outlined_dose_becomes_one_with_its_form() {
    let table = table();
    let planned = doses(&table, &layer(&table));
    let outline = outline(&table);
    assert_eq!(planned.len(), outline.len());
    for (planned, outline) in planned.iter().zip(&outline) {
        let form = &*planned.interventions[0].form;
        let dose = &planned.dose;
        assert_eq!(
            (dose.operation, &dose.direction),
            (Some(outline.kind), &outline.direction)
        );
        assert_eq!((dose.layer, planned.interventions[0].layer), (Some(2), 2));
        match outline.kind {
            Kind::Addition => {
                assert_eq!(*form, addition(&[3.0, 4.0], outline.strength));
                assert_eq!(dose.relative_coefficient, Some(outline.strength * 5.0 / 20.0));
            }
            Kind::Ablation => assert_eq!(*form, ablation(&[3.0, 4.0], 0.0)),
            // The mean of the projections is 0, so that the zero vector takes the direction's
            // place.
            Kind::MeanAblation => assert_eq!(form.offset.as_deref(), Some([0.0, 0.0].as_slice())),
            Kind::Capping => {
                let sign = if outline.sides == [0] { 1.0 } else { -1.0 };
                assert_eq!(*form, capping(&[sign * 3.0, sign * 4.0], 0.0));
                assert_eq!(dose.coefficient, Some(f64::from(sign)));
            }
            Kind::FeatureClamping | Kind::FeatureAblation => unreachable!("they have no doses"),
        }
    }
}

#[test]
fn relative_sizes_count_in_residual_norms_and_default_ones_in_contrasts() {
    let relative = DoseTable {
        unit: CoefficientUnit::Relative,
        ..table()
    };
    let largest = |table: &DoseTable| {
        let coefficients = doses(table, &layer(table)).into_iter().filter_map(|planned| {
            planned
                .dose
                .coefficient
                .filter(|_| planned.dose.operation == Some(Kind::Addition))
        });
        coefficients.fold(0.0, f64::max)
    };
    // 1 residual norm is 20, the contrast's length 5.
    assert_eq!(largest(&relative), 4.0);
    let default = DoseTable {
        coefficients: Vec::new(),
        ..relative
    };
    assert_eq!(largest(&default), 1.5);
}

#[test]
fn a_contrast_of_zero_is_not_steered_with() {
    let table = table();
    let mut layer = layer(&table);
    layer.directions[0].vector = vec![0.0, 0.0];
    assert_eq!(doses(&table, &layer).len(), 0);
}

#[test]
fn other_vectors_come_last_and_are_added_as_long_as_the_contrast() {
    let table = DoseTable {
        directions: ["pca", "contrast", "mine"].map(str::to_owned).to_vec(),
        ..table()
    };
    let mut layer = layer(&table);
    // Three times as long as the contrast, and pointing the other way.
    let mine = DoseDirection::Vector(VectorKind::Imported("mine".to_owned()));
    let place = layer.directions.iter().position(|own| own.kind == mine).unwrap();
    layer.directions[place].vector = vec![-9.0, -12.0];
    layer.directions[place].scale = -1.0 / 3.0;
    let planned = doses(&table, &layer);
    let alone = DoseTable {
        directions: vec!["contrast".to_owned()],
        ..table.clone()
    };
    let before = doses(&alone, &layer).len();
    let others: Vec<_> = planned[before..]
        .iter()
        .map(|planned| {
            let dose = &planned.dose;
            (
                dose.direction.name(),
                planned.size.unwrap(),
                dose.coefficient.unwrap(),
            )
        })
        .collect();
    let third = 1.0 / 3.0;
    let expected = [
        ("pca", -0.5, -0.5),
        ("pca", 0.5, 0.5),
        ("pca", -1.0, -1.0),
        ("pca", 1.0, 1.0),
        ("mine", -0.5, 0.5 * third),
        ("mine", 0.5, -0.5 * third),
        ("mine", -1.0, third),
        ("mine", 1.0, -third),
    ];
    assert_eq!(
        others,
        expected.map(|(name, size, coefficient)| (name.to_owned(), size, coefficient))
    );
    // What is added is the same where the vectors are parallel.
    let added = |planned: &crate::Planned| planned.interventions[0].form.offset.clone().unwrap();
    for (own, contrast) in added(&planned[before + 7])
        .iter()
        .zip(added(&planned[before + 3]))
    {
        assert!((own - contrast).abs() < 1e-6);
    }
}

#[test]
fn a_direction_that_a_layer_lacks_is_left_out_there() {
    let table = DoseTable {
        directions: ["contrast", "pca"].map(str::to_owned).to_vec(),
        ..table()
    };
    let mut layer = layer(&table);
    let all = doses(&table, &layer).len();
    layer.directions.pop();
    assert_eq!(doses(&table, &layer).len(), all - 4);
}

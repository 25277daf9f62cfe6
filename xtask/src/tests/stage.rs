//! The table of stages is consistent.

use ::pipeline::TABLES;

use crate::stage::{Input, STAGES, Stage, named, with_ancestors};

fn names_before(name: &str) -> Vec<&'static str> {
    with_ancestors(named(name).unwrap())
        .iter()
        .map(|stage| stage.name)
        .collect()
}

#[test]
fn a_stage_comes_after_its_ancestors() {
    assert_eq!(names_before("extract"), ["extract"]);
    assert_eq!(names_before("analyze"), ["extract", "analyze"]);
    assert_eq!(names_before("steer"), ["extract", "analyze", "steer"]);
    assert_eq!(
        names_before("report"),
        [
            "verify", "extract", "analyze", "features", "steer", "dose", "locate", "report"
        ]
    );
    for (position, stage) in STAGES.iter().enumerate() {
        for upstream in stage.upstream {
            assert!(
                STAGES[..position].iter().any(|earlier| earlier.name == *upstream),
                "{}",
                stage.name
            );
        }
    }
}

#[test]
fn every_table_belongs_to_a_stage_and_every_table_of_a_stage_is_known() {
    for table in TABLES.iter() {
        assert!(
            STAGES.iter().any(|stage| stage.tables().contains(table)),
            "{table} would be ignored silently"
        );
    }
    for table in STAGES.iter().flat_map(Stage::tables) {
        assert!(
            TABLES.contains(table),
            "{table} would be refused in every pipeline"
        );
    }
}

#[test]
fn the_path_of_an_input_is_a_parameter_too() {
    for stage in STAGES {
        for input in stage.inputs {
            let key = match input {
                Input::File(key) | Input::Rows(key) => key,
                Input::Files(list, _) | Input::Saes(list, _) => list,
                Input::Model => "model.source",
            };
            let table = key.split('.').next().unwrap();
            assert!(
                stage.tables().contains(&table),
                "{} would not see that {key} changed",
                stage.name
            );
        }
    }
}

#[test]
fn every_stage_of_the_project_has_an_entry() {
    let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    assert_eq!(names, terms::Stage::WORDS);
}

//! A sound run has no problem, and each broken thing is reported with its file, column and row.

use std::process::Command;

use check::check_results;
use results::{
    DepthCosine, DoseEffect, HeldOutText, LayerStatistics, LensToken, PatchEffect, Projection,
    RenderedPrompt, Similarity, Summary, Table, VectorRow, read_contrast_vectors, write_contrast_vectors,
};

use crate::run::{Run, lens};

/// Breaks one file of a sound run and gives back everything that is found.
fn broken(damage: impl FnOnce(&Run)) -> String {
    let run = Run::new();
    damage(&run);
    let report = check_results(run.root()).unwrap();
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    problems.join("\n")
}

fn assert_found(found: &str, words: &[&str]) {
    for word in words {
        assert!(found.contains(word), "`{word}` is not in:\n{found}");
    }
}

#[test]
fn a_sound_run_has_no_problem() {
    let run = Run::new();
    let report = check_results(run.root()).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(report.tables.len(), 21);
    assert_eq!(report.not_run, ["verify", "features", "report"]);
}

#[test]
fn a_missing_file_is_told_with_the_stage_that_makes_it() {
    let found = broken(|run| fs_err::remove_file(run.layout.table::<LensToken>()).unwrap());
    assert_eq!(
        found,
        "steer/lens.parquet: the file is missing; run `cargo xtask steer --force`"
    );
    let found = broken(|run| fs_err::remove_dir_all(run.layout.activations().join("layer=00")).unwrap());
    assert_found(&found, &["layer 0 is missing"]);
}

#[test]
fn a_table_in_the_place_of_another_is_told_by_its_schema() {
    let found = broken(|run| {
        fs_err::copy(run.layout.table::<DepthCosine>(), run.layout.table::<Summary>()).unwrap();
    });
    assert_found(
        &found,
        &[
            "analyze/summary.parquet",
            "schema \"depth\" of version 2, not \"summary\"",
            "column `layer`",
        ],
    );
}

#[test]
fn tables_of_different_models_are_told() {
    let found = broken(|run| {
        let metadata = run.metadata.clone().with("model_fingerprint", "ff00");
        LensToken::write(&run.layout.table::<LensToken>(), &metadata, &lens()).unwrap();
    });
    assert_found(
        &found,
        &["steer/lens.parquet", "`model_fingerprint` = ff00", "ab12"],
    );
}

#[test]
fn values_that_cannot_be_are_told_with_column_and_row() {
    let found = broken(|run| {
        let (mut rows, metadata) = Similarity::read(&run.layout.table::<Similarity>()).unwrap();
        rows[3].cosine = 1.25;
        rows[4].cosine = f64::NAN;
        Similarity::write(&run.layout.table::<Similarity>(), &metadata, &rows).unwrap();
    });
    assert_eq!(
        found,
        "analyze/similarities.parquet, column `cosine`, row 3: 1.25 is not -1 to 1\n\
         analyze/similarities.parquet, column `cosine`, row 4: NaN is no finite number"
    );
    let found = broken(|run| {
        let (mut rows, metadata) = LayerStatistics::read(&run.layout.table::<LayerStatistics>()).unwrap();
        rows[0].permutation_p = 0.0;
        rows[1].cross_low = rows[1].cross_high + 0.001;
        LayerStatistics::write(&run.layout.table::<LayerStatistics>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &[
            "`permutation_p`, row 0: 0 is not above 0",
            "`cross_low`, row 1: the interval's lower end",
        ],
    );
    let found = broken(|run| {
        let (mut rows, metadata) = LayerStatistics::read(&run.layout.table::<LayerStatistics>()).unwrap();
        rows[0].matched_low = f64::NAN;
        rows[0].effect_size = f64::INFINITY;
        rows[1].whitened_within = 1.0 + 1e-6;
        rows[1].permutation_p_family = 1.5;
        LayerStatistics::write(&run.layout.table::<LayerStatistics>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &[
            "`matched_low`, row 0: the interval has one end alone",
            "`effect_size`, row 0: inf is no finite number",
            "`whitened_within`, row 1: 1.000001 is not -1 to 1",
            "`permutation_p_family`, row 1: 1.5 is not above 0, at most 1",
        ],
    );
}

/// A figure that is not defined is fine where the contract allows it.
#[test]
fn figures_that_are_not_defined_are_no_problem() {
    let found = broken(|run| {
        let (mut rows, metadata) = LayerStatistics::read(&run.layout.table::<LayerStatistics>()).unwrap();
        rows[0].effect_size = f64::NAN;
        (rows[0].matched_low, rows[0].matched_high) = (f64::NAN, f64::NAN);
        LayerStatistics::write(&run.layout.table::<LayerStatistics>(), &metadata, &rows).unwrap();
    });
    assert_eq!(found, "");
}

#[test]
fn rows_out_of_order_and_rows_twice_are_told() {
    let found = broken(|run| {
        let (mut rows, metadata) = Projection::read(&run.layout.table::<Projection>()).unwrap();
        rows.swap(0, 4);
        Projection::write(&run.layout.table::<Projection>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &["column `condition`, row 5: rows with the same value don't lie together"],
    );
    let found = broken(|run| {
        let (mut rows, metadata) = RenderedPrompt::read(&run.layout.table::<RenderedPrompt>()).unwrap();
        rows[1] = rows[0].clone();
        RenderedPrompt::write(&run.layout.table::<RenderedPrompt>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &["extract/prompts.parquet", "row 1: another row has the same key"],
    );
    let found = broken(|run| {
        let mut rows = lens();
        rows.rotate_left(2);
        LensToken::write(&run.layout.table::<LensToken>(), &run.metadata, &rows).unwrap();
    });
    assert_found(&found, &["column `layer`, row 2: the rows don't ascend"]);
}

#[test]
fn figures_that_contradict_others_are_told() {
    let found = broken(|run| {
        let (mut rows, metadata) = Summary::read(&run.layout.table::<Summary>()).unwrap();
        rows[1].similarity_difference += 0.01;
        Summary::write(&run.layout.table::<Summary>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &[
            "column `similarity_difference`, row 1: it is not within minus cross",
            "summary.csv",
        ],
    );
    let found = broken(|run| {
        let (mut rows, metadata) = VectorRow::read(&run.layout.table::<VectorRow>()).unwrap();
        rows[0].vector[2] += 0.01;
        VectorRow::write(&run.layout.table::<VectorRow>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &[
            "column `vector`, row 0: `contrast` is not what the activations",
            "contrast.safetensors",
        ],
    );
    let found = broken(|run| {
        let (mut rows, metadata) = Projection::read(&run.layout.table::<Projection>()).unwrap();
        rows.pop();
        Projection::write(&run.layout.table::<Projection>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &["11 rows, not 12 (layers x poolings x conditions x prompts)"],
    );
    let found = broken(|run| {
        let (mut rows, metadata) = DoseEffect::read(&run.layout.table::<DoseEffect>()).unwrap();
        rows[2].figures.log_odds = 1.4;
        DoseEffect::write(&run.layout.table::<DoseEffect>(), &metadata, &rows).unwrap();
    });
    assert_found(&found, &["dose/doses.parquet, column `log_odds`, row 2"]);
    let found = broken(|run| {
        let (mut rows, metadata) = HeldOutText::read(&run.layout.table::<HeldOutText>()).unwrap();
        rows[1].text.prompt_id = "nobody".to_owned();
        rows.pop();
        HeldOutText::write(&run.layout.table::<HeldOutText>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &[
            "dose/held_out_texts.parquet, column `prompt_id`, row 1",
            "for each direction as many texts as unsteered ones",
        ],
    );
    let found = broken(|run| {
        let (mut rows, metadata) = PatchEffect::read(&run.layout.table::<PatchEffect>()).unwrap();
        rows[1].effect = 0.3;
        rows[2].layer = 7;
        rows[3].prompts = 4;
        PatchEffect::write(&run.layout.table::<PatchEffect>(), &metadata, &rows).unwrap();
    });
    assert_found(
        &found,
        &[
            "locate/patches.parquet, column `effect`, row 1",
            "locate/patches.parquet, column `layer`, row 2",
            "locate/patches.parquet, column `prompts`, row 3",
        ],
    );
}

#[test]
fn the_file_of_vectors_is_held_to_the_table() {
    let found = broken(|run| {
        let mut vectors = read_contrast_vectors(&run.layout.contrast_vectors()).unwrap();
        vectors.metadata = vectors.metadata.with("model_fingerprint", "ff00");
        write_contrast_vectors(&run.layout.contrast_vectors(), &vectors).unwrap();
    });
    assert_found(&found, &["analyze/contrast.safetensors: it is of another model"]);
}

#[test]
fn the_program_ends_with_one_where_something_is_wrong() {
    let run = Run::new();
    let check = |folder: &std::path::Path, more: &[&str]| {
        let program = env!("CARGO_BIN_EXE_check-results");
        Command::new(program).arg(folder).args(more).output().unwrap()
    };
    let sound = check(run.root(), &["--json"]);
    assert!(sound.status.success());
    let report: serde_json::Value = serde_json::from_slice(&sound.stdout).unwrap();
    assert_eq!(report["problems"], serde_json::json!([]));
    assert_eq!(report["tables"][0]["file"], "extract/prompts.parquet");
    fs_err::write(run.layout.dose_summary(), "{").unwrap();
    let broken = check(run.root(), &[]);
    assert_eq!(broken.status.code(), Some(1));
    assert_found(
        &String::from_utf8(broken.stdout).unwrap(),
        &["dose/dose.json", "1 problems"],
    );
    let refused = check(run.root(), &["--jsn"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_found(
        &String::from_utf8(refused.stderr).unwrap(),
        &["there is no option `--jsn`", "did you mean `--json`?"],
    );
    let nothing = check(&run.root().join("nowhere"), &[]);
    assert_eq!(nothing.status.code(), Some(1));
    assert_found(
        &String::from_utf8(nothing.stderr).unwrap(),
        &["no result of `extract`"],
    );
}

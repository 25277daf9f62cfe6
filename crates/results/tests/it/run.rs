//! A whole run, opened and checked.

use results::{
    Activation, Generation, LayerEffects, LayerStatistics, Layout, Metadata, RenderedPrompt, Run, Summary,
    Table, write_activations,
};
use tempfile::TempDir;
use terms::Pooling;

const LAYERS: usize = 3;
const POOLINGS: [Pooling; 2] = [Pooling::Newline, Pooling::Mean];

fn footer() -> Metadata {
    Metadata::default()
        .with("weights_fingerprint", "aaaa")
        .with("layers", LAYERS)
        .with("hidden_size", 2)
}

/// Two prompts in two conditions under two poolings, without a 2x2 design.
fn example() -> (TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("example"));
    for stage in ["extract", "analyze", "steer"] {
        fs_err::create_dir_all(layout.root().join(stage)).unwrap();
    }
    let texts = ["who", "what"].map(|prompt| ["normal", "swapped"].map(|condition| (prompt, condition)));
    let texts = texts.as_flattened();
    let rendered = texts.iter().map(|(prompt, condition)| RenderedPrompt {
        prompt_id: (*prompt).to_owned(),
        prompt: "Who are you?".to_owned(),
        condition: (*condition).to_owned(),
        text: "Who are you?".to_owned(),
        n_tokens: 0,
        token_ids: Vec::new(),
        token_texts: Vec::new(),
        opening: 0,
    });
    let rendered: Vec<RenderedPrompt> = rendered.collect();
    RenderedPrompt::write(&layout.table::<RenderedPrompt>(), &footer(), &rendered).unwrap();
    let activation = |(prompt, condition): &(&str, &str), pooling: Pooling| Activation {
        prompt_id: (*prompt).to_owned(),
        condition: (*condition).to_owned(),
        pooling,
        position: None,
        token_id: None,
        token_text: None,
        norm: 5.0,
        activation: vec![3.0, 4.0],
    };
    let activations = texts
        .iter()
        .flat_map(|text| POOLINGS.map(|pooling| activation(text, pooling)));
    let activations: Vec<Activation> = activations.collect();
    write_activations(&layout.activations(), 0, &footer(), &activations).unwrap();
    write_statistics(&layout, &footer(), LAYERS);
    LayerEffects::write(&layout.table::<LayerEffects>(), &footer(), &[]).unwrap();
    (folder, layout)
}

fn write_statistics(layout: &Layout, footer: &Metadata, layers: usize) {
    let row = |layer: usize, pooling: Pooling| LayerStatistics {
        layer,
        pooling,
        prompts: if pooling == Pooling::Mean { 7 } else { 2 },
        ..LayerStatistics::default()
    };
    let rows = (0..layers).flat_map(|layer| POOLINGS.map(|pooling| row(layer, pooling)));
    let rows: Vec<LayerStatistics> = rows.collect();
    LayerStatistics::write(&layout.table::<LayerStatistics>(), footer, &rows).unwrap();
}

#[test]
fn rows_of_a_pooling_go_by_layer_and_everything_is_counted() {
    let (_folder, layout) = example();
    let run = Run::open(layout).unwrap();
    let rows: Vec<LayerStatistics> = run.by_layer(Pooling::Mean).unwrap();
    let found: Vec<(usize, usize)> = rows.iter().map(|row| (row.layer, row.prompts)).collect();
    assert_eq!(found, [(0, 7), (1, 7), (2, 7)]);
    let shape = run.shape().unwrap();
    assert_eq!(shape.prompts, ["who", "what"]);
    assert_eq!(shape.conditions, ["normal", "swapped"]);
    assert_eq!(shape.poolings, POOLINGS);
    let counts = run.counts().unwrap();
    assert_eq!(
        (counts.layers, counts.prompts, counts.conditions, counts.poolings),
        (3, 2, 2, 2)
    );
}

#[test]
fn layers_that_are_missing_are_refused_where_a_table_may_not_be_empty() {
    let (_folder, layout) = example();
    let run = Run::open(layout.clone()).unwrap();
    assert!(run.by_layer::<LayerEffects>(Pooling::Mean).unwrap().is_empty());
    for layers in [0, LAYERS - 1, LAYERS + 1] {
        write_statistics(&layout, &footer(), layers);
        let error = run
            .by_layer::<LayerStatistics>(Pooling::Mean)
            .unwrap_err()
            .to_string();
        let expected = "statistics.parquet: the layers under the pooling \"mean\" are not the model's, 0 to 2; \
                        run `cargo xtask analyze --force`";
        assert!(error.ends_with(expected), "{layers}: {error}");
    }
    // Rows of the other pooling make a table that has none of this one incomplete, not empty.
    let rows: Vec<LayerEffects> = (0..LAYERS)
        .map(|layer| LayerEffects {
            layer,
            pooling: Pooling::Newline,
            ..LayerEffects::default()
        })
        .collect();
    LayerEffects::write(&layout.table::<LayerEffects>(), &footer(), &rows).unwrap();
    assert!(run.by_layer::<LayerEffects>(Pooling::Mean).is_err());
}

#[test]
fn a_table_of_another_model_is_refused() {
    let (_folder, layout) = example();
    let run = Run::open(layout.clone()).unwrap();
    write_statistics(&layout, &footer().with("weights_fingerprint", "bbbb"), LAYERS);
    let expected = "statistics.parquet: the footer says `weights_fingerprint` = bbbb, but \
                    extract/prompts.parquet says aaaa; run `cargo xtask analyze --force`";
    for error in [
        run.read::<LayerStatistics>().map(|_| ()).unwrap_err(),
        run.footer::<LayerStatistics>().map(|_| ()).unwrap_err(),
        run.batches::<LayerStatistics>().map(|_| ()).unwrap_err(),
    ] {
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[test]
fn a_file_that_is_missing_is_named_with_the_stage_that_writes_it() {
    let (_folder, layout) = example();
    let run = Run::open(layout.clone()).unwrap();
    assert!(run.read_if_there::<Generation>().unwrap().is_none());
    let error = run.read::<Summary>().unwrap_err().to_string();
    assert!(
        error.ends_with("summary.parquet: the file is missing; run `cargo xtask analyze --force`"),
        "{error}"
    );
    fs_err::remove_file(layout.table::<RenderedPrompt>()).unwrap();
    let error = Run::open(layout).unwrap_err().to_string();
    assert!(
        error.ends_with("prompts.parquet: the file is missing; run `cargo xtask extract --force`"),
        "{error}"
    );
}

use std::collections::BTreeMap;
use std::path::Path;

use report::{Inputs, similarity_chart};

use crate::example_run::{ExampleRun, HOSTILE, example_run};
use crate::reading::{as_read, embedded_data, without_library};

fn contrast_rows(run: &ExampleRun) -> Vec<artifacts::Summary> {
    run.summaries
        .iter()
        .filter(|row| row.pooling == "newline")
        .cloned()
        .collect()
}

fn similarity_chart_of(run: &ExampleRun) -> serde_json::Value {
    let inputs = Inputs::read(&run.pipeline, &run.layout).unwrap();
    similarity_chart(&run.pipeline, &inputs.summaries, &inputs.evidence).unwrap()
}

#[test]
fn pages_stand_alone() {
    let run = example_run(6);
    for name in ["report.html", "cosine_similarity.html"] {
        let page = run.page(name);
        assert_eq!(page.matches("plotly.js v").count(), 1, "{name}");
        assert!(!page.contains("AssistiveMmlHandler"), "{name}");
        let own = without_library(&page);
        assert!(
            !own.contains("http://") && !own.contains("https://"),
            "{name} names an address"
        );
        assert!(
            !own.contains("src=") && !own.contains("@import") && !own.contains("url("),
            "{name} loads something"
        );
        assert!(own.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn no_text_of_a_table_becomes_html() {
    let page = example_run(6).page("report.html");
    let own = without_library(&page);
    assert!(!own.contains(HOSTILE) && !own.contains("<script>alert"));
    assert!(!own.contains("<b>Can you help?</b>") && own.contains("&lt;b&gt;Can you help?"));
    assert!(!own.contains("<i>Role</i>"));
    assert!(own.contains("An example with &lt;angle brackets&gt; &amp; an ampersand."));
    // One script each: library, data, ours.
    assert_eq!(page.matches("</script>").count(), 3);
    // One user turn in the first format and two in the others: at the top for one prompt, then for all six.
    let turns = own
        .matches("<span class=\"token\">&lt;start_of_turn&gt;</span>user")
        .count();
    assert_eq!(turns, (1 + 2 + 2) * 7);
}

#[test]
fn the_chart_shows_the_numbers_of_the_summary() {
    let run = example_run(26);
    let page = run.page("report.html");
    let chart = &embedded_data(&page)["charts"]["similarity"];
    let rows = contrast_rows(&run);
    let columns: [fn(&artifacts::Summary) -> f64; 3] = [
        |row| row.avg_within_positive,
        |row| row.avg_within_negative,
        |row| row.avg_cross_category,
    ];
    let names = [
        "Within Group: Model Role",
        "Within Group: User Role",
        "Across Groups: Model-User",
    ];
    for (index, column) in columns.into_iter().enumerate() {
        let trace = &chart["data"][index];
        assert_eq!(trace["name"], names[index]);
        assert_eq!(trace["marker"]["size"], 4);
        assert_eq!(trace["line"]["dash"].as_str(), (index < 2).then_some("dash"));
        for (layer, row) in rows.iter().enumerate() {
            assert_eq!(trace["x"][layer], row.layer);
            assert_eq!(trace["y"][layer], as_read(column(row)));
            assert_eq!(trace["customdata"][layer], as_read(row.similarity_difference));
        }
    }
    let layout = &chart["layout"];
    assert_eq!(
        layout["title"]["text"],
        "Cosine Similarity of Activations Across Model Layers"
    );
    assert_eq!(
        layout["title"]["subtitle"]["text"],
        "An Example Model on Model Role vs User Role Questions"
    );
    assert_eq!(layout["xaxis"]["dtick"], 5.0);
}

#[test]
fn a_shallow_model_has_a_tick_at_every_layer() {
    let run = example_run(6);
    let chart = similarity_chart_of(&run);
    assert_eq!(chart["layout"]["xaxis"]["dtick"], 1.0);
}

#[test]
fn the_cosine_axis_holds_every_value() {
    let run = example_run(6);
    let rows = contrast_rows(&run);
    let range = &similarity_chart_of(&run)["layout"]["yaxis"]["range"];
    for row in &rows {
        assert!(range[0].as_f64().unwrap() < row.avg_cross_category.min(row.avg_within_positive));
        assert!(range[1].as_f64().unwrap() > row.avg_within_negative.max(row.avg_within_positive));
    }
}

#[test]
fn the_joint_matrix_covers_all_conditions_and_is_symmetric() {
    let page = example_run(6).page("report.html");
    let matrices = &embedded_data(&page)["charts"]["heat-map"]["matrices"];
    assert_eq!(matrices.as_array().unwrap().len(), 6);
    for matrix in matrices.as_array().unwrap() {
        assert_eq!(matrix.as_array().unwrap().len(), 18);
        for row in 0..18 {
            assert_eq!(matrix[row][row], 1.0);
            for column in 0..18 {
                assert!(matrix[row][column].is_number());
                assert_eq!(matrix[row][column], matrix[column][row]);
            }
        }
    }
}

#[test]
fn every_relative_link_follows_the_layout() {
    let run = example_run(6);
    let own = without_library(&run.page("report.html"));
    for link in [
        "../analyze/summary.parquet",
        "../analyze/similarities.parquet",
        "../analyze/projections.parquet",
        "../analyze/statistics.parquet",
        "../analyze/statistics.json",
        "../analyze/outliers.parquet",
        "../analyze/depth.parquet",
        "../analyze/effects.parquet",
        "../steer/lens.parquet",
        "../dose/doses.parquet",
        "../dose/texts.parquet",
        "../dose/dose.json",
        "../steer/generations.parquet",
        "../extract/prompts.parquet",
    ] {
        assert!(own.contains(&format!("href=\"{link}\"")), "{link}");
        assert!(
            run.layout
                .root()
                .join("report")
                .join("..")
                .join(link.trim_start_matches("../"))
                .components()
                .count()
                > 0
        );
        assert!(
            run.layout.root().join(link.trim_start_matches("../")).exists(),
            "{link}"
        );
    }
    let folder = run.layout.root().to_string_lossy().into_owned();
    assert!(!own.contains(&folder), "the page names a folder of this machine");
}

#[test]
fn the_page_says_how_to_make_it_again() {
    let own = without_library(&example_run(6).page("report.html"));
    assert!(own.contains("cargo xtask all --pipeline example --set &#x27;steer.seed=3&#x27;"));
    assert!(own.contains("blake3-of-an-example"));
    assert!(own.contains("these were set on the command line"));
}

#[test]
fn a_steered_text_stands_beside_its_unsteered_one() {
    let own = without_library(&example_run(6).page("report.html"));
    assert!(own.contains("The unsteered texts are those of the set “normal”."));
    assert!(own.contains("No set of this pipeline holds unsteered texts of the same condition."));
    for heading in ["Coefficient \u{2212}0.7", "Coefficient +0.7", "Unsteered"] {
        assert!(own.contains(heading), "{heading}");
    }
}

#[test]
fn results_of_another_contrast_are_refused() {
    let mut run = example_run(6);
    std::mem::swap(
        &mut run.pipeline.contrast.positive,
        &mut run.pipeline.contrast.negative,
    );
    let error = Inputs::read(&run.pipeline, &run.layout).unwrap_err().to_string();
    assert!(
        error.contains("summary.parquet") && error.contains("`positive` is \"normal\""),
        "{error}"
    );
}

#[test]
fn the_same_tables_give_the_same_bytes() {
    let run = example_run(6);
    let mut first: Option<BTreeMap<String, Vec<u8>>> = None;
    for _ in 0..3 {
        report::run(&run.pipeline, &run.layout, &run.out).unwrap();
        let files: BTreeMap<String, Vec<u8>> = [
            "report.html",
            "cosine_similarity.html",
            "figures/cosine_similarity.svg",
            "figures/cosine_similarity.png",
        ]
        .map(|name| {
            (
                name.to_owned(),
                fs_err::read(run.out.join(Path::new(name))).unwrap(),
            )
        })
        .into_iter()
        .collect();
        assert!(*first.get_or_insert_with(|| files.clone()) == files);
    }
}

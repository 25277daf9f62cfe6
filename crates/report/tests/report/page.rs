use std::collections::BTreeMap;
use std::path::Path;
use terms::Pooling;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::{Inputs, similarity_chart};
use results::{RenderedPrompt, Table};

use crate::example_run::{ExampleRun, HOSTILE, example_run};
use crate::reading::{as_read, embedded_data, section, visible, without_library};

fn contrast_rows(run: &ExampleRun) -> Vec<results::Summary> {
    run.summaries
        .iter()
        .filter(|row| row.pooling == Pooling::Newline)
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
        assert!(page.len() < 2_000_000, "{name}: {} bytes", page.len());
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
    // One script each: library, data, our own.
    assert_eq!(page.matches("</script>").count(), 3);
    // Two turns in the first format and three in the others: at the top for one prompt, then, token
    // by token, for all six.
    let turns = |class: &str| {
        let turn = format!("<span class=\"{class}\">&lt;start_of_turn&gt;</span>");
        own.matches(&turn).count()
    };
    assert_eq!((turns("token"), turns("t token")), (2 + 3 + 3, 6 * (2 + 3 + 3)));
}

#[test]
fn the_chart_shows_the_numbers_of_the_summary() {
    let run = example_run(26);
    let page = run.page("report.html");
    let chart = &embedded_data(&page)["charts"]["similarity"];
    let rows = contrast_rows(&run);
    let columns: [fn(&results::Summary) -> f64; 3] = [
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
fn the_joint_matrix_holds_the_cosines_of_the_table() {
    let run = example_run(6);
    let packed = &embedded_data(&run.page("report.html"))["charts"]["heat-map"]["packed"];
    let (low, step) = (packed["low"].as_f64().unwrap(), packed["step"].as_f64().unwrap());
    assert_eq!(packed["size"], 18);
    let layers = packed["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 6);
    let inputs = Inputs::read(&run.pipeline, &run.layout).unwrap();
    let ids = inputs.prompt_ids();
    let place = |condition: &str, prompt: &str| {
        let conditions = &run.pipeline.conditions;
        let block = conditions.iter().position(|own| own.name == condition).unwrap();
        6 * block + ids.iter().position(|id| *id == prompt).unwrap()
    };
    let mut seen = 0;
    for row in &inputs.similarities {
        let bytes = STANDARD.decode(layers[row.layer].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), 18 * 19);
        let (a, b) = (
            place(&row.condition_a, &row.prompt_a),
            place(&row.condition_b, &row.prompt_b),
        );
        let at = a.max(b) * (a.max(b) + 1) / 2 + a.min(b);
        let number = u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
        let cosine = low + f64::from(number) * step;
        assert!(
            (cosine - row.cosine).abs() < 1.6e-5,
            "{cosine} is not {}",
            row.cosine
        );
        seen += 1;
    }
    assert!(seen >= 6 * 18 * 19 / 2, "{seen}");
}

#[test]
fn principal_components_are_those_of_the_table() {
    let page = example_run(6).page("report.html");
    let chart = &embedded_data(&page)["charts"]["components"];
    for layer in 0..6 {
        let x = layer as f64;
        let places = &chart["places"][layer];
        assert_eq!(
            places[0],
            serde_json::json!([[x + 100.0, x + 100.0], [0.25, 1.25]])
        );
        assert_eq!(
            places[1],
            serde_json::json!([[x - 100.0, x - 100.0], [0.25, 1.25]])
        );
        assert_eq!(
            places[2],
            serde_json::json!([[], []]),
            "the table has none of the third condition"
        );
        let title = format!("PC1 ({}.0 % of the variance)", 50 + layer);
        assert_eq!(
            chart["titles"][layer],
            serde_json::json!([title, "PC2 (12.5 % of the variance)"])
        );
    }
    // Shapes tell the conditions apart where colours don't.
    let symbol = |trace: usize| chart["data"][trace]["marker"]["symbol"].as_str().unwrap();
    assert_eq!([symbol(0), symbol(1), symbol(2)], ["circle", "square", "diamond"]);
}

#[test]
fn prompts_are_shown_token_by_token_with_the_places_that_were_read() {
    let own = without_library(&example_run(6).page("report.html"));
    let prompts = section(&own, "prompts");
    for part in [
        "<span class=\"t token\">&lt;bos&gt;</span><span class=\"t token\">&lt;start_of_turn&gt;</span><span class=\"t\">user</span>",
        "<span class=\"t\">Who</span><span class=\"t\"> are</span><span class=\"t\"> you?</span>",
        "<span class=\"t read\">\u{21b5}</span><sup class=\"by\">newline</sup><br>",
    ] {
        assert!(prompts.contains(part), "{part}");
    }
    assert_eq!(
        prompts.matches("class=\"by\"").count(),
        18,
        "one place a text; the mean has none"
    );
}

#[test]
fn what_is_unusual_is_said() {
    let trust = |run: &ExampleRun| visible(section(&run.page("report.html"), "trust"));
    let run = example_run(6);
    assert!(trust(&run).contains("Model Role 6"), "{}", trust(&run));
    assert!(trust(&run).contains("the line break 0"));
    let (mut prompts, metadata) = RenderedPrompt::read(&run.layout.table::<RenderedPrompt>()).unwrap();
    for prompt in prompts.iter_mut().filter(|prompt| prompt.condition == "swapped") {
        prompt.token_texts.insert(0, "<bos>".to_owned());
    }
    RenderedPrompt::write(&run.layout.table::<RenderedPrompt>(), &metadata, &prompts).unwrap();
    let text = trust(&run);
    for part in [
        "The texts of “User Role” have 2 &lt;bos&gt; tokens",
        "In “User Role” the residual was read up to 1 tokens before the end",
        "read at different tokens, the line break and",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// The words of the steered text that the unsteered one lacks.
#[test]
fn words_that_steering_changed_are_marked() {
    let own = without_library(&example_run(6).page("report.html"));
    let generations = section(&own, "generations");
    assert!(generations.contains("<mark>"), "{generations}");
    assert!(generations.contains("<option value=\"4\">4</option>"));
}

#[test]
fn every_relative_link_follows_the_layout() {
    let run = example_run(6);
    let own = without_library(&run.page("report.html"));
    for link in [
        "../analyze/summary.parquet",
        "../analyze/similarities.parquet",
        "../analyze/projections.parquet",
        "../analyze/principal_components.parquet",
        "../extract/activations",
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
    assert!(own.contains("These values were set on the command line"));
    // What was found on the machine is not part of it.
    let mut run = example_run(6);
    let found = ["model.device=cpu", "model.path='/somewhere'"].map(str::to_owned);
    run.pipeline.overrides.extend(found);
    assert_eq!(without_library(&run.page("report.html")), own);
    run.pipeline.overrides.insert(0, "model.device=cpu".to_owned());
    let own = without_library(&run.page("report.html"));
    assert!(own.contains("--set &#x27;model.device=cpu&#x27; --set &#x27;steer.seed=3&#x27;</code>"));
}

#[test]
fn a_steered_text_stands_beside_its_unsteered_one() {
    let own = without_library(&example_run(6).page("report.html"));
    assert!(own.contains("The unsteered texts are those of the set “normal”."));
    assert!(own.contains("No set of this pipeline has unsteered texts of the same condition."));
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

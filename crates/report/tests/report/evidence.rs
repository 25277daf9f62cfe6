use results::{LayerEffects, LayerStatistics, Table};
use terms::Pooling;

use crate::example_evidence::{effects, statistics};
use crate::example_run::{HOSTILE, example_footer, example_run};
use crate::reading::{as_read, embedded_data, section, visible, without_library};

#[test]
fn bands_and_marks_are_those_of_the_tables() {
    let page = example_run(6).page("report.html");
    let traces = embedded_data(&page)["charts"]["similarity"]["data"]
        .as_array()
        .unwrap()
        .clone();
    for layer in 0..6 {
        let row = statistics(layer, 6, Pooling::Newline);
        let ends = [
            (row.within_positive_low, row.within_positive_high),
            (row.within_negative_low, row.within_negative_high),
            (row.cross_low, row.cross_high),
        ];
        for (band, (low, high)) in traces[3..6].iter().zip(ends) {
            assert_eq!(band["fill"], "toself");
            assert_eq!(band["x"][layer], layer as f64);
            assert_eq!(band["y"][layer], as_read(high));
            // The lower ends come back from the last layer to the first.
            assert_eq!(band["x"][11 - layer], layer as f64);
            assert_eq!(band["y"][11 - layer], as_read(low));
        }
    }
    for (line, band) in traces[..3].iter().zip(&traces[3..6]) {
        assert_eq!(line["line"]["color"], band["line"]["color"]);
        assert_eq!(line["legendgroup"], band["legendgroup"]);
    }
    let (significant, others) = (&traces[6], &traces[7]);
    assert_eq!(significant["x"], serde_json::json!([3, 4, 5]));
    assert_eq!(significant["marker"]["symbol"], "circle");
    assert_eq!(others["x"], serde_json::json!([0, 1, 2]));
    assert_eq!(others["marker"]["symbol"], "circle-open");
    assert!(others["hovertext"][0].as_str().unwrap().contains("0.5000"));
}

#[test]
fn what_the_prompts_can_say_stands_under_the_figure_and_in_the_table() {
    let page = example_run(6).page("report.html");
    let answer = section(&page, "answer");
    assert!(answer.contains("<li>So few prompts can say &lt;i&gt;little&lt;&#x2f;i&gt;.</li>"));
    let text = visible(section(&page, "certainty"));
    for part in [
        "0.200 (0.100 to 0.300)",
        "0.0156",
        "0.875",
        "75 %",
        "443 (up to 62 %, layer 1)",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(!text.contains("NaN"), "{text}");
    assert_eq!(section(&page, "certainty").matches("<b>0.0312</b>").count(), 3);
}

#[test]
fn other_ways_of_comparing_and_the_depths_are_those_of_the_tables() {
    let page = example_run(6).page("report.html");
    let charts = &embedded_data(&page)["charts"];
    let rounded = &charts["other-similarities"]["data"][1];
    assert_eq!(rounded["name"], "Rounded to bf16");
    assert_eq!(rounded["y"][5], 0.19);
    // Of the two poolings only the contrast's is shown.
    assert_eq!(charts["depth"]["data"][0]["z"][1][4], 0.97);
}

#[test]
fn statistics_of_other_layers_are_refused() {
    let run = example_run(6);
    let rows: Vec<_> = (0..5)
        .map(|layer| statistics(layer, 6, Pooling::Newline))
        .collect();
    LayerStatistics::write(&run.layout.table::<LayerStatistics>(), &example_footer(6), &rows).unwrap();
    let error = run.error();
    assert!(
        error.contains("statistics.parquet: the layers under")
            && error.contains("cargo xtask analyze --force"),
        "{error}"
    );
}

#[test]
fn tokens_are_shown_and_never_become_html() {
    let page = example_run(6).page("report.html");
    let (_, lens) = section(&page, "layers").split_once("id=\"lens\"").unwrap();
    assert!(!lens.contains(HOSTILE) && !lens.contains("<script") && !lens.contains("<b>"));
    assert!(lens.contains(">\u{2581}Sure</span>") && lens.contains(">\\n</span>"));
    assert_eq!(
        lens.matches("<span class=\"token\" title=\"1.00\">&lt;end_of_turn&gt;</span>")
            .count(),
        2 * 6
    );
    assert!(lens.contains("<span class=\"chip\" title=\"0.00\">&lt;b&gt;</span>"));
}

#[test]
fn without_a_crossed_design_the_page_says_what_it_can_not_tell() {
    let page = example_run(6).page("report.html");
    let text = visible(section(&page, "speaker"));
    assert!(
        text.contains("cannot separate the two") && text.contains("pipelines&#x2f;tiny-audit.toml"),
        "{text}"
    );
    assert!(embedded_data(&page)["charts"].get("variance").is_none());
    assert!(!without_library(&page).contains("id=\"variance\""));
}

#[test]
fn a_crossed_design_has_its_effects_shown() {
    let run = example_run(6);
    let rows: Vec<_> = (0..6).map(effects).collect();
    LayerEffects::write(&run.layout.table::<LayerEffects>(), &example_footer(6), &rows).unwrap();
    let page = run.page("report.html");
    let text = visible(section(&page, "speaker"));
    for part in [
        "After layer 5, 90 % of the contrast comes from whose turn is opened (95 % interval 33 to 97 %)",
        "from 40 % (layer 0) to 90 % (layer 5)",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(!text.contains("cannot separate the two"));
    let charts = &embedded_data(&page)["charts"];
    for (layer, row) in rows.iter().enumerate() {
        assert_eq!(
            charts["speaker-share"]["data"][0]["y"][layer],
            as_read(row.speaker_share)
        );
        assert_eq!(
            charts["effect-norms"]["data"][3]["y"][layer],
            as_read(row.speaker_norm_high)
        );
        assert_eq!(
            charts["variance"]["data"][0]["y"][layer],
            as_read(row.speaker_variance)
        );
    }
}

#[test]
fn figures_are_numbered_from_one_without_a_gap() {
    let run = example_run(6);
    let rows: Vec<_> = (0..6).map(effects).collect();
    for has_effects in [false, true] {
        if has_effects {
            LayerEffects::write(&run.layout.table::<LayerEffects>(), &example_footer(6), &rows).unwrap();
        }
        let page = run.page("report.html");
        let body = without_library(&page);
        let captions = body.split("<b>Figure ").skip(1);
        let numbers: Vec<usize> = captions
            .map(|caption| caption.split(['.', '<']).next().unwrap().parse().unwrap())
            .collect();
        let count = embedded_data(&page)["charts"].as_object().unwrap().len();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    }
}

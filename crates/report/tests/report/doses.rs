use serde_json::{Value, json};

use crate::example_doses::{LAYERS, SIZES, leave_out, summary, write_sweep};
use crate::example_run::{HOSTILE, example_footer, example_run};
use crate::reading::{as_read, embedded_data, section, visible, without_library};

fn trace<'a>(chart: &'a Value, name: &str) -> &'a Value {
    let traces = chart["data"].as_array().unwrap();
    traces.iter().find(|trace| trace["name"] == name).unwrap()
}

#[test]
fn the_response_goes_through_the_unsteered_value_at_the_chosen_layer() {
    let page = example_run(6).page("report.html");
    let chart = &embedded_data(&page)["charts"]["dose-response"];
    let normal = trace(chart, "Model Role");
    assert_eq!(normal["x"], json!([-1.5, -0.5, 0.0, 0.5, 1.5]));
    assert_eq!(normal["y"], json!([-1.0, 0.0, 0.5, 1.0, 2.0]));
    assert_eq!(
        trace(chart, "User Role")["y"],
        json!([-2.0, -1.0, -0.5, 0.0, 1.0])
    );
    let traces = chart["data"].as_array().unwrap();
    let band = traces
        .iter()
        .find(|trace| trace["fill"] == "toself" && trace["legendgroup"] == "Model Role")
        .unwrap();
    assert_eq!(band["y"][0], -0.875);
    assert_eq!(band["y"][9], -1.25);
    let random = trace(chart, "Random directions");
    assert_eq!(random["x"], json!([-1.5, -0.5, 0.0, 0.5, 1.5]));
    assert_eq!(random["y"], json!([0.5, 0.5, 0.5, 0.5, 0.5]));
    assert_eq!(random["error_y"]["arrayminus"][0], 0.25);
    assert_eq!(random["error_y"]["array"][0], 0.125);
}

#[test]
fn the_maps_hold_the_candidates() {
    let page = example_run(6).page("report.html");
    let charts = &embedded_data(&page)["charts"];
    let summary = summary(Some(2));
    for (index, candidate) in summary.candidates.iter().enumerate() {
        let (row, column) = (index / SIZES.len(), index % SIZES.len());
        let cell = |chart: &str| &charts[chart]["data"][0]["z"][row][column];
        assert_eq!(*cell("dose-effect-map"), as_read(candidate.effect));
        assert_eq!(
            *cell("dose-damage-map"),
            as_read(candidate.perplexity_ratio.log10())
        );
    }
    let map = &charts["dose-effect-map"];
    assert_eq!(map["layout"]["xaxis"]["ticktext"], json!(["0.5", "1.5"]));
    assert_eq!(map["layout"]["yaxis"]["ticktext"], json!(["2", "4"]));
    let star = trace(map, "Chosen");
    assert_eq!((&star["x"], &star["y"]), (&json!([0]), &json!([1])));
}

#[test]
fn the_texts_of_the_chosen_layer_stand_beside_the_unsteered_ones() {
    let page = example_run(6).page("report.html");
    let dose = section(&page, "dose");
    assert!(!dose.contains(HOSTILE));
    assert_eq!(dose.matches("<article").count(), 2);
    // Unsteered, and at two sizes, in each condition.
    assert_eq!(dose.matches("<pre").count(), 2 * 3);
    let text = visible(dose);
    assert!(text.contains("contrast at Some(4)") && !text.contains("contrast at Some(2)"));
    for part in [
        "Coefficient \u{2212}0.5 \u{2605}",
        "Coefficient +1.5",
        "log-odds \u{2212}1.00, perplexity 1.0; sounds like the other role",
        "A sentence on the choice.",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn where_nothing_was_chosen_every_reason_is_listed() {
    let run = example_run(6);
    write_sweep(&run.layout, &example_footer(6), &summary(None));
    let page = run.page("report.html");
    let dose = section(&page, "dose");
    for index in 0..LAYERS.len() * SIZES.len() {
        assert!(dose.contains(&format!("reason &lt;{index}&gt;")), "{index}");
    }
    let text = visible(dose);
    assert!(text.contains("No dose was chosen; the charts show layer 4") && !text.contains("chosen dose"));
    let map = &embedded_data(&page)["charts"]["dose-effect-map"];
    assert_eq!(map["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_sweep_that_was_left_out_is_a_sentence() {
    let run = example_run(6);
    leave_out(&run.layout, &example_footer(6));
    let page = run.page("report.html");
    assert!(visible(section(&page, "dose")).contains("The sweep was left out."));
    let charts = &embedded_data(&page)["charts"];
    assert!(
        !charts
            .as_object()
            .unwrap()
            .keys()
            .any(|name| name.starts_with("dose"))
    );
    assert!(!without_library(&page).contains("id=\"dose-"));
}

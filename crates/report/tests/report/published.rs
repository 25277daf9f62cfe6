use report::{Measure, Published};
use results::Summary;
use terms::Pooling;

use crate::example_run::{ExampleRun, example_run};
use crate::reading::{as_read, embedded_data, section, visible, without_library};

const HEADER: &str = "layer,avg_within_category,avg_cross_category,similarity_difference,avg_normal_normal,avg_swapped_swapped";

/// The run's own table on the grid of bf16, with `bend` over each row's values.
fn table(run: &ExampleRun, bend: impl Fn(usize, &mut [f64; 5])) -> String {
    let mut text = format!("{HEADER}\n");
    for row in contrast_rows(run) {
        let mut values = [
            row.avg_within_category,
            row.avg_cross_category,
            row.similarity_difference,
            row.avg_within_positive,
            row.avg_within_negative,
        ]
        .map(|value| (value * 256.0).round() / 256.0);
        bend(row.layer, &mut values);
        let values = values.map(|value| format!("{value:.4}"));
        text.push_str(&format!("{},{}\n", row.layer, values.join(",")));
    }
    text
}

fn contrast_rows(run: &ExampleRun) -> impl Iterator<Item = &Summary> {
    run.summaries.iter().filter(|row| row.pooling == Pooling::Newline)
}

/// The stage's error for a published table.
fn error(layers: usize, text: &str) -> String {
    let mut run = example_run(layers);
    run.publish(text);
    run.error()
}

#[test]
fn a_table_on_the_grid_agrees_at_every_layer() {
    let mut run = example_run(42);
    run.publish(&table(&run, |_, _| ()));
    let page = run.page("report.html");
    let text = visible(section(&page, "published"));
    assert!(
        text.contains("All 42 layers agree within 0.008; the largest difference is 0.00"),
        "{text}"
    );
    assert!(text.contains("Figure 18.") && section(&page, "certificate").contains("Figure 17."));
    assert!(!text.contains("differ by") && !section(&page, "published").contains("<details open>"));
    let (header, _) = page.split_once("</header>").unwrap();
    assert!(visible(header).contains("✓ agrees Compared with the published table: All 42 layers agree"));
    for label in ["Within Model Role", "Within User Role", "Difference"] {
        assert!(text.contains(label), "{label}");
    }
}

#[test]
fn every_layer_shows_ours_theirs_and_how_far_they_are_apart() {
    let mut run = example_run(6);
    run.publish(&table(&run, |layer, values| {
        values[1] = 0.5 + 0.01 * layer as f64
    }));
    let page = run.page("report.html");
    let own = without_library(&page);
    for row in contrast_rows(&run) {
        let published = 0.5 + 0.01 * row.layer as f64;
        let cells = format!(
            "<td class=\"n group\">{:.4}</td><td class=\"n\">{published:.4}</td><td class=\"n\"><b>{:.4}</b></td>",
            row.avg_cross_category,
            row.avg_cross_category - published
        );
        assert!(own.contains(&cells), "{cells}");
    }
    let chart = &embedded_data(&page)["charts"]["published-chart"]["data"];
    for (layer, row) in contrast_rows(&run).enumerate() {
        assert_eq!(chart[2]["y"][layer], as_read(row.avg_cross_category));
        assert_eq!(
            chart[3]["y"][layer],
            as_read(format!("{:.4}", 0.5 + 0.01 * layer as f64).parse().unwrap())
        );
    }
    assert_eq!(chart[1]["name"], "Within, published");
    assert_eq!(
        (&chart[2]["mode"], &chart[3]["mode"]),
        (&"lines".into(), &"markers".into())
    );
}

#[test]
fn layers_that_differ_are_named() {
    let mut run = example_run(26);
    run.publish(&table(&run, |layer, values| {
        if [3, 7, 8, 9, 20].contains(&layer) {
            values[4] += 0.05;
        }
    }));
    let page = run.page("report.html");
    let text = visible(section(&page, "published"));
    assert!(
        text.contains("5 of 26 layers do not agree within 0.008: layers 3, 7–9 and 20."),
        "{text}"
    );
    assert!(text.contains("(“Within User Role”, layer "), "{text}");
    assert!(section(&page, "published").contains("<details open>"));
    assert_eq!(
        section(&page, "published").matches("<tr class=\"off\">").count(),
        5
    );
    let (header, _) = page.split_once("</header>").unwrap();
    assert!(visible(header).contains("≠ differs Compared with the published table: 5 of 26 layers"));
}

#[test]
fn two_steps_of_the_grid_agree_and_three_do_not() {
    let beside = |steps: f64| Published {
        file: "table.csv".to_owned(),
        layers: 2,
        measures: vec![Measure {
            name: "Within".to_owned(),
            ours: vec![0.75, 0.75 + steps / 256.0],
            published: vec![0.75, 0.75],
        }],
    };
    assert!(beside(2.0).differing().is_empty());
    assert_eq!(beside(-3.0).differing(), [1]);
    assert!(
        beside(3.0)
            .sentence()
            .contains("1 of 2 layers do not agree within 0.008: layer 1.")
    );
    // What is not a number agrees with nothing.
    assert_eq!(beside(f64::NAN).differing(), [1]);
}

#[test]
fn names_decide_the_columns() {
    let mut run = example_run(2);
    let rows: Vec<Summary> = contrast_rows(&run).cloned().collect();
    // Another order, a column of words, quotes, a byte order mark, other line ends, other names of
    // the conditions.
    let mut text =
        "\u{feff}note,\"avg_cross_category\",similarity_difference,layer,avg_within_category,avg_a_a\r\n"
            .to_owned();
    for row in &rows {
        text.push_str(&format!(
            "as printed, \"{}\",{},{},{},0.1\r\n\r\n",
            row.avg_cross_category, row.similarity_difference, row.layer, row.avg_within_category
        ));
    }
    run.publish(&text);
    let inputs = report::Inputs::read(&run.pipeline, &run.layout).unwrap();
    let published = inputs.published.unwrap();
    let names: Vec<&str> = published
        .measures
        .iter()
        .map(|measure| measure.name.as_str())
        .collect();
    assert_eq!(names, ["Within", "Across", "Difference"]);
    for measure in &published.measures {
        assert_eq!(measure.ours, measure.published, "{}", measure.name);
    }
}

#[test]
fn without_a_published_table_nothing_is_said_of_one() {
    let page = example_run(6).page("report.html");
    assert!(!page.contains("the published table"));
    assert!(embedded_data(&page)["charts"].get("published-chart").is_none());
}

#[test]
fn a_table_that_is_not_there_is_an_error_that_says_what_to_do() {
    let mut run = example_run(6);
    run.pipeline.report.published = Some("no/such/table.csv".into());
    let error = run.error();
    for part in [
        "report.published can't be read",
        "no/such/table.csv",
        "take the key out",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn another_number_of_layers_is_an_error() {
    let text = table(&example_run(42), |_, _| ());
    let error = error(6, &text);
    assert!(
        error
            .contains("published.csv: the published table has 42 layers, this run 6; is it another model's?"),
        "{error}"
    );
}

#[test]
fn a_column_that_is_missing_is_named_with_those_that_are_there() {
    let text = table(&example_run(6), |_, _| ()).replace("avg_cross_category", "cross");
    let error = error(6, &text);
    for part in [
        "published.csv: there is no column `avg_cross_category`",
        "avg_within_category, cross, similarity_difference",
        "rename the columns",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_cell_that_is_no_number_is_named_by_line_and_column() {
    for cell in ["high", "", "NaN", "inf"] {
        let text = format!("{HEADER}\n0,1,1,0,1,1\n\n1,1,{cell},0,1,1\n");
        let error = error(2, &text);
        let expected =
            format!("published.csv, line 4, column `avg_cross_category`: \"{cell}\" is not a number");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn a_row_of_another_length_is_named_by_its_line() {
    let error = error(2, &format!("{HEADER}\n0,1,1,0,1,1\n1,1,1,0,1\n"));
    assert!(
        error.contains("published.csv, line 3: 5 values under 6 columns"),
        "{error}"
    );
}

#[test]
fn layers_out_of_order_are_an_error() {
    let error = error(2, &format!("{HEADER}\n0,1,1,0,1,1\n2,1,1,0,1,1\n"));
    assert!(
        error.contains("published.csv, line 3: layer 2 is where layer 1 should be"),
        "{error}"
    );
}

#[test]
fn an_empty_file_is_an_error() {
    assert!(error(2, "\n").contains("published.csv: the file is empty"));
}

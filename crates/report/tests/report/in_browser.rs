//! The report in a browser: what a reader sees and does.

use browser::{Browser, Page};
use results::{ComponentPlace, Projection, Similarity, Table, write_summary_csv};
use serde_json::{Value, json};
use terms::Pooling;

use crate::example_run::{ExampleRun, example_run};

/// Runs `test` on the opened report of a run over six layers, whose slider starts at layer 2.
fn with_report(test: impl Fn(&ExampleRun, &Page<'_>)) {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let run = example_run(6);
    run.page("report.html");
    let page = browser.page().unwrap();
    page.open_file(&run.out.join("report.html")).unwrap();
    test(&run, &page);
    assert!(page.problems().is_empty(), "{:?}", page.problems());
    assert_eq!(page.requests().len(), 1, "{:?}", page.requests());
}

fn get(page: &Page<'_>, expression: &str) -> Value {
    page.evaluate(expression).unwrap()
}

/// What a chart actually shows.
fn chart(page: &Page<'_>, id: &str, of_it: &str) -> Value {
    get(page, &format!("document.getElementById({}).{of_it}", json!(id)))
}

#[test]
fn every_chart_is_drawn_and_every_link_leads_to_a_part() {
    with_report(|_, page| {
        let undrawn = "Object.keys(data.charts).filter((id) => !document.getElementById(id).querySelector('.main-svg'))";
        assert_eq!(get(page, undrawn), json!([]));
        let lost = "[...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(id))";
        assert_eq!(get(page, lost), json!([]));
        let unnamed = "[...document.querySelectorAll('.chart')].filter((c) => !c.getAttribute('aria-label') || !document.getElementById(c.getAttribute('aria-describedby')))";
        assert_eq!(get(page, &format!("{unnamed}.length")), 0);
        // Nothing of the hostile prompt has become a part of the page.
        assert_eq!(get(page, "document.scripts.length"), 3);
    });
}

/// The plotting library is cut to what the charts need: it draws them, and can't draw maps.
#[test]
fn the_library_knows_the_traces_of_the_charts_and_no_others() {
    with_report(|_, page| {
        let known = "Object.keys(Plotly.PlotSchema.get().traces).sort()";
        assert_eq!(get(page, known), json!(["bar", "heatmap", "scatter"]));
    });
}

#[test]
fn the_slider_moves_every_figure_to_what_the_tables_hold() {
    with_report(|run, page| {
        assert_eq!(get(page, "document.getElementById('layer').value"), "2");
        shows_layer(run, page, 2);
        page.evaluate("document.getElementById('layer').focus()").unwrap();
        for layer in [3, 4, 5] {
            page.press("ArrowRight").unwrap();
            page.wait_for(&format!(
                "document.getElementById('layer-number').textContent === '{layer}'"
            ))
            .unwrap();
            shows_layer(run, page, layer);
        }
        page.press("Home").unwrap();
        page.wait_for("document.getElementById('layer-number').textContent === '0'")
            .unwrap();
        shows_layer(run, page, 0);
        // Other colours don't take the reader back.
        page.set_dark(true).unwrap();
        page.wait_for("document.getElementById('strip').layout.font.color === '#e4e4df'")
            .unwrap();
        shows_layer(run, page, 0);
    });
}

fn shows_layer(run: &ExampleRun, page: &Page<'_>, layer: usize) {
    let conditions: Vec<&str> = run
        .pipeline
        .conditions
        .iter()
        .map(|own| own.name.as_str())
        .collect();
    let (projections, _) = Projection::read(&run.layout.table::<Projection>()).unwrap();
    let (components, _) = ComponentPlace::read(&run.layout.table::<ComponentPlace>()).unwrap();
    for (index, condition) in conditions.iter().enumerate() {
        let own = projections
            .iter()
            .filter(|row| row.layer == layer && row.condition == *condition);
        let expected: Vec<f64> = own.map(|row| row.projection).collect();
        near(
            &chart(page, "strip", &format!("data[{index}].x")),
            &expected,
            1e-6,
        );
        let own = components
            .iter()
            .filter(|row| row.layer == layer && row.condition == *condition);
        let (x, y): (Vec<f64>, Vec<f64>) = own.map(|row| (row.pc1, row.pc2)).unzip();
        near(&chart(page, "components", &format!("data[{index}].x")), &x, 1e-6);
        near(&chart(page, "components", &format!("data[{index}].y")), &y, 1e-6);
    }
    let title = format!("PC1 ({}.0 % of the variance)", 50 + layer);
    assert_eq!(chart(page, "components", "layout.xaxis.title.text"), title);
    let (similarities, _) = Similarity::read(&run.layout.table::<Similarity>()).unwrap();
    let z = chart(page, "heat-map", "data[0].z");
    let ids: Vec<String> = chart(page, "heat-map", "layout.xaxis.ticktext.slice(0, 6)")
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    let place = |condition: &str, prompt: &str| {
        let block = conditions.iter().position(|own| *own == condition).unwrap();
        6 * block + ids.iter().position(|id| id == prompt).unwrap()
    };
    let own = |row: &&Similarity| row.layer == layer;
    for row in similarities.iter().filter(own) {
        let (a, b) = (
            place(&row.condition_a, &row.prompt_a),
            place(&row.condition_b, &row.prompt_b),
        );
        near(&json!([z[a][b], z[b][a]]), &[row.cosine, row.cosine], 2e-5);
    }
    for id in ["similarity", "projections", "norms"] {
        let mark = chart(page, id, "layout.shapes.at(-1)");
        assert_eq!([&mark["x0"], &mark["x1"]], [&json!(layer), &json!(layer)], "{id}");
    }
    let shown = "[...document.querySelectorAll('#lens-table [data-layer]')].filter((row) => !row.hidden).map((row) => row.dataset.layer)";
    let lens = get(page, shown);
    assert!(lens == json!([layer.to_string()]) || lens == json!([]), "{lens}");
}

#[track_caller]
fn near(found: &Value, expected: &[f64], tolerance: f64) {
    let found: Vec<f64> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }
}

#[test]
fn the_hover_says_what_the_csv_says() {
    with_report(|run, page| {
        let rows: Vec<_> = run
            .summaries
            .iter()
            .filter(|row| row.pooling == Pooling::Newline)
            .cloned()
            .collect();
        let path = run.out.join("summary.csv");
        write_summary_csv(&path, "normal", "swapped", &rows).unwrap();
        let text = fs_err::read_to_string(&path).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let column = |name: &str| header.iter().position(|own| *own == name).unwrap();
        let (cross, difference) = (column("avg_cross_category"), column("similarity_difference"));
        for (layer, cells) in lines.enumerate() {
            let number = |column: usize| cells[column].parse::<f64>().unwrap();
            let shown = page
                .hover_chart("similarity", layer as f64, number(cross))
                .unwrap();
            for part in [
                "Across Groups (Model-User)".to_owned(),
                format!("Layer: {layer}"),
                format!("Average Similarity: {:.4}", number(cross)),
                format!("Difference (Within-Cross): {:.4}", number(difference)),
            ] {
                assert!(shown.contains(&part), "{part:?} is not in {shown:?}");
            }
        }
    });
}

#[test]
fn filters_show_what_they_say() {
    with_report(|_, page| {
        let shown = "[...document.querySelectorAll('.set')].filter((set) => !set.hidden).map((set) => [set.dataset.set, \
             [...set.querySelectorAll('.card')].filter((card) => !card.hidden).map((card) => card.dataset.prompt), \
             [...set.querySelector('.card:not([hidden])').querySelectorAll('.column')].filter((c) => !c.hidden).map((c) => c.dataset.coefficient)])";
        let all = json!(["who", "name", "help", "job", "likes", "hostile"]);
        // It begins with the first set that steers.
        assert_eq!(
            get(page, shown),
            json!([["steered", all, ["", "\u{2212}0.7", "+0.7"]]])
        );
        page.choose("#filter-prompt", "job").unwrap();
        page.choose("#filter-coefficient", "+0.7").unwrap();
        assert_eq!(get(page, shown), json!([["steered", ["job"], ["", "+0.7"]]]));
        page.choose("#filter-set", "").unwrap();
        page.choose("#filter-coefficient", "").unwrap();
        page.choose("#filter-layer", "4").unwrap();
        assert_eq!(
            get(page, shown),
            json!([
                ["steered", ["job"], ["", "\u{2212}0.7", "+0.7"]],
                ["steered-quoted", ["job"], ["+2"]]
            ])
        );
        page.choose("#filter-set", "normal").unwrap();
        assert_eq!(get(page, shown), json!([]));
        assert_eq!(get(page, "document.getElementById('nothing').hidden"), false);
        page.choose("#filter-layer", "").unwrap();
        assert_eq!(get(page, shown), json!([["normal", ["job"], [""]]]));
        assert_eq!(get(page, "document.getElementById('nothing').hidden"), true);
    });
}

#[test]
fn figures_are_saved_for_paper() {
    with_report(|_, page| {
        page.set_dark(true).unwrap();
        page.click("button[data-chart=similarity][data-format=svg]")
            .unwrap();
        let svg = String::from_utf8(page.saved_file("example-similarity.svg").unwrap()).unwrap();
        for part in [
            "<svg",
            "Within Group: Model Role",
            "rgb(29, 31, 33)",
            "fill: rgb(255, 255, 255)",
        ] {
            assert!(svg.contains(part), "{part}");
        }
        // With the keyboard only, and for the layer that is shown.
        page.evaluate("document.querySelector('button[data-chart=components][data-format=png]').focus()")
            .unwrap();
        page.press("Enter").unwrap();
        let png = page.saved_file("example-components.png").unwrap();
        assert!(
            png.starts_with(b"\x89PNG") && png.len() > 10_000,
            "{} bytes",
            png.len()
        );
        page.wait_for(
            "document.querySelectorAll('.js-plotly-plot').length === Object.keys(data.charts).length",
        )
        .unwrap();
    });
}

#[test]
fn the_page_fits_phones_and_dark_rooms() {
    with_report(|_, page| {
        for width in [360, 390, 800, 1200, 1920] {
            page.set_size(width, 800).unwrap();
            page.evaluate("new Promise((done) => setTimeout(done, 300))")
                .unwrap();
            let wide = "[document.documentElement.scrollWidth, ...[...document.querySelectorAll('.chart')].map((chart) => Math.round(chart.getBoundingClientRect().right))]";
            for right in get(page, wide).as_array().unwrap() {
                assert!(right.as_u64().unwrap() <= u64::from(width), "{right} of {width}");
            }
            let spilled = "[...document.querySelectorAll('.main-svg')].filter((svg) => svg.getBoundingClientRect().width > svg.closest('.chart').clientWidth + 1).length";
            assert_eq!(get(page, spilled), 0, "{width}");
        }
        let colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('#norms .xtick text')).fill]";
        assert_eq!(
            get(page, colours),
            json!(["rgb(253, 253, 251)", "rgb(29, 31, 33)"])
        );
        page.set_dark(true).unwrap();
        page.wait_for(&format!("{colours}[1] === 'rgb(228, 228, 223)'"))
            .unwrap();
        assert_eq!(
            get(page, colours),
            json!(["rgb(22, 24, 26)", "rgb(228, 228, 223)"])
        );
    });
}

#[test]
fn keys_reach_everything_and_the_first_skips_to_the_answer() {
    with_report(|_, page| {
        page.press("Tab").unwrap();
        let focused = "document.activeElement.textContent || document.activeElement.id";
        assert_eq!(get(page, focused), "Skip to the answer");
        assert!(
            get(page, "document.activeElement.getBoundingClientRect().left")
                .as_f64()
                .unwrap()
                >= 0.0
        );
        assert_ne!(
            get(page, "getComputedStyle(document.activeElement).outlineStyle"),
            "none"
        );
        page.press("Enter").unwrap();
        assert_eq!(get(page, "location.hash"), "#answer");
        let mut reached = Vec::new();
        for _ in 0..150 {
            page.press("Tab").unwrap();
            reached.push(get(
                page,
                "document.activeElement.id || document.activeElement.dataset.chart",
            ));
        }
        for id in [
            "similarity",
            "layer",
            "components",
            "lens-all",
            "filter-set",
            "filter-layer",
            "dose-response",
            "errors",
        ] {
            assert!(reached.contains(&json!(id)), "{id} is not among {reached:?}");
        }
    });
}

#[test]
fn paper_has_no_controls_and_nothing_is_folded_or_cut() {
    with_report(|run, page| {
        page.set_dark(true).unwrap();
        page.set_print(true).unwrap();
        for selector in [".slider", ".filters", ".save", "nav", ".modebar", "#lens label"] {
            let shown = format!(
                "[...document.querySelectorAll('{selector}')].filter((part) => part.getClientRects().length).length"
            );
            assert_eq!(get(page, &shown), 0, "{selector}");
        }
        assert_eq!(
            get(page, "getComputedStyle(document.body).backgroundColor"),
            "rgb(255, 255, 255)"
        );
        page.set_print(false).unwrap();
        page.evaluate("let open; addEventListener('beforeprint', () => { open = document.querySelectorAll('details:not([open])').length; })")
            .unwrap();
        page.pdf(&run.out.join("report.pdf")).unwrap();
        assert_eq!(get(page, "open"), 0);
        assert!(
            get(page, "document.querySelectorAll('details:not([open])').length")
                .as_u64()
                .unwrap()
                > 0
        );
    });
}

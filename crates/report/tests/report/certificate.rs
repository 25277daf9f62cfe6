use pipeline::Pipeline;
use report::errors_chart;
use results::{Certificate, RelativeError, Verdict};

use crate::example_run::{example_run, verified};
use crate::reading::{as_read, embedded_data, section, visible, without_library};

const BANNER: &str = "<div class=\"banner\" role=\"alert\">";

/// Layers 2 to 4 and the logits are beyond the tolerance.
fn failed() -> Certificate {
    let mut certificate = verified(6);
    certificate.verdict = Verdict::Failed;
    certificate.statement = "An Example Model does not agree with <b>another</b> implementation.".to_owned();
    let comparison = certificate.comparison.as_mut().unwrap();
    for layer in 2..5 {
        comparison.layers[layer] = RelativeError { max: 3.0, rms: 0.2 };
    }
    comparison.logits = RelativeError { max: 3.0, rms: 0.2 };
    certificate
}

fn not_verified() -> Certificate {
    let mut certificate = verified(6);
    certificate.verdict = Verdict::NotVerified;
    certificate.statement = "An Example Model was not verified: the pipeline names no reference.".to_owned();
    certificate.comparison = None;
    certificate
}

/// The page's own text from its beginning to its scripts.
fn body(page: &str) -> String {
    let own = without_library(page);
    let (_, rest) = own.split_once("<body").unwrap();
    rest.split_once("<script").unwrap().0.to_owned()
}

#[test]
fn a_verified_model_is_said_to_be_at_the_top_and_in_figures() {
    let body = body(&example_run(6).page("report.html"));
    let (header, _) = body.split_once("</header>").unwrap();
    let header = visible(header);
    assert!(
        header.contains("✓ verified The model computes what another"),
        "{header}"
    );
    assert!(
        header.contains("the largest relative error of a residual stream is 6e-6, where 1e-4 is allowed"),
        "{header}"
    );
    assert!(!body.contains(BANNER) && !body.contains("class=\"distrusted\""));
    let section = visible(section(&body, "certificate"));
    for part in [
        "An Example Model agrees with another implementation.",
        "Device cpu",
        "Activations f32",
        "Weights streamed (read layer by layer)",
        "Positions 74",
        "&lt;i&gt;implementation&lt;&#x2f;i&gt;, in f32",
        "Reference file data&#x2f;reference&#x2f;example.safetensors",
        "Its BLAKE3 blake3-of-the-reference",
        "Tolerance 1e-4",
        "After the final norm 1e-4",
        "Worst residual stream 6e-6",
        "Greedy tokens 16 of 16 the same",
        "Model weights blake3-of-the-weights",
        "Residual stream, worst layer (5) 6e-6 3e-5 within",
        "Final norm 7.2e-6 6.1e-5 within",
        "Logits 9.4e-6 8.3e-5 within",
        "Figure 17.",
    ] {
        assert!(section.contains(part), "{part:?} is not in: {section}");
    }
    assert!(!section.contains("beyond") && !section.contains("does not cover"));
}

#[test]
fn the_chart_shows_the_errors_of_the_certificate_and_the_tolerance() {
    let run = example_run(26);
    let chart = &embedded_data(&run.page("report.html"))["charts"]["errors"];
    let comparison = verified(26).comparison.unwrap();
    for (trace, value) in [
        (0, (|error| error.rms) as fn(&RelativeError) -> f64),
        (1, |error| error.max),
    ] {
        for (layer, error) in comparison.layers.iter().enumerate() {
            assert_eq!(chart["data"][trace]["x"][layer], layer);
            assert_eq!(chart["data"][trace]["y"][layer], as_read(value(error)));
        }
    }
    assert_eq!(chart["data"][2]["y"], serde_json::json!([1e-4, 1e-4]));
    assert_eq!(chart["data"][2]["x"], serde_json::json!([-0.5, 25.5]));
    let axis = &chart["layout"]["yaxis"];
    assert_eq!(axis["type"], "log");
    // Exponents, around the smallest error and the largest number drawn.
    assert!(axis["range"][0].as_f64().unwrap() < -6.0 && axis["range"][1].as_f64().unwrap() > -3.9);
    assert_eq!(chart["layout"]["xaxis"]["dtick"], 5.0);
}

#[test]
fn what_a_logarithmic_axis_cannot_hold_is_a_gap_that_is_explained() {
    let mut certificate = verified(6);
    let comparison = certificate.comparison.as_mut().unwrap();
    comparison.layers[0] = RelativeError { max: 0.0, rms: 0.0 };
    let run = example_run(6);
    run.certify(&certificate);
    let page = run.page("report.html");
    assert!(embedded_data(&page)["charts"]["errors"]["data"][0]["y"][0].is_null());
    assert!(section(&page, "certificate").contains("Layers without a mark have an error of zero"));

    let comparison = certificate.comparison.as_mut().unwrap();
    comparison.layers[1].rms = f64::INFINITY;
    let chart = errors_chart(comparison).unwrap();
    assert!(chart["data"][0]["y"][1].is_null() && chart["data"][0]["y"][2].is_number());
    assert!(chart["layout"]["yaxis"]["range"][1].is_number());
}

#[test]
fn a_failed_check_stands_above_everything() {
    let run = example_run(6);
    run.certify(&failed());
    for name in ["report.html", "cosine_similarity.html"] {
        let page = run.page(name);
        assert!(page.contains("<title>Check failed: "), "{name}");
        let body = body(&page);
        assert!(body.starts_with(" class=\"distrusted\""), "{name}");
        let (before, banner) = body.split_once(BANNER).unwrap();
        assert!(
            visible(before.trim_start_matches(" class=\"distrusted\">")).is_empty(),
            "{name}"
        );
        let banner = visible(banner.split_once("</div>").unwrap().0);
        assert!(banner.starts_with("Do not trust the figures below."), "{banner}");
        assert!(
            banner.contains("does not agree with &lt;b&gt;another"),
            "{banner}"
        );
    }
    let body = body(&run.page("report.html"));
    let (header, _) = body.split_once("</header>").unwrap();
    assert!(visible(header).contains("✕ failed The model does not compute what its reference does."));
    let section = visible(section(&body, "certificate"));
    assert!(
        section.contains("Beyond the tolerance: layers 2–4; the logits."),
        "{section}"
    );
    assert!(
        section.contains("Logits 2e-1 3.0 beyond") && section.contains("Final norm 7.2e-6 6.1e-5 within")
    );
}

#[test]
fn what_was_not_compared_never_looks_like_success() {
    let run = example_run(6);
    run.certify(&not_verified());
    let page = run.page("report.html");
    let body = body(&page);
    let text = visible(&body);
    assert!(text.contains("? not verified"));
    for (at, _) in text.match_indices("verified") {
        assert!(
            text[..at].ends_with("not "),
            "{:?}",
            &text[at.saturating_sub(40)..at + 8]
        );
    }
    assert!(!body.contains("badge good") && !text.contains('✓'));
    for word in ["agree", "within the tolerance", "The model computes"] {
        assert!(!visible(section(&body, "certificate")).contains(word), "{word}");
    }
    assert!(!body.contains(BANNER) && !body.contains("id=\"errors\""));
    assert!(embedded_data(&page)["charts"].get("errors").is_none());
    let section = section(&body, "certificate");
    assert!(
        section.contains("crates/model/reference/make_reference.py MODEL data/reference/example.safetensors")
    );
    assert!(section.contains("cargo xtask all --pipeline example"));
}

/// The key that the page tells its reader to write into the pipeline file is valid there.
#[test]
fn the_key_that_the_page_names_is_the_key_of_the_reference() {
    let run = example_run(6);
    run.certify(&not_verified());
    let page = run.page("report.html");
    let section = section(&page, "certificate");
    let named = section.split("<code>").skip(1);
    let named: Vec<&str> = named.map(|rest| rest.split_once("</code>").unwrap().0).collect();
    let [key, table, command] = named.as_slice() else {
        panic!("{named:?}");
    };
    assert!(command.starts_with("cargo xtask all"));
    let pipeline = fs_err::read_to_string(&run.pipeline.path).unwrap();
    let with_reference = format!("{pipeline}\n{table}\n{key} = \"reference.safetensors\"\n");
    let path = run.out.join("with-reference.toml");
    fs_err::write(&path, with_reference).unwrap();
    let read = Pipeline::read(&path, &[]).unwrap();
    let reference = read.verify.reference.unwrap();
    assert_eq!(reference.to_str(), Some("reference.safetensors"));
}

#[test]
fn a_comparison_under_other_settings_is_said_not_to_cover_the_tables() {
    let mut certificate = verified(6);
    certificate.comparison.as_mut().unwrap().dtype = "bf16".to_owned();
    let run = example_run(6);
    run.certify(&certificate);
    let page = run.page("report.html");
    let text = visible(section(&page, "certificate"));
    let sentence = "This comparison, with the dtype bf16, does not cover tables that were computed with f32: prompts, summary, generations, doses.";
    assert!(text.contains(sentence), "{text}");
    let (header, _) = page.split_once("</header>").unwrap();
    assert!(visible(header).contains("but not with the settings that the tables"));
}

#[test]
fn results_without_a_certificate_are_refused() {
    let run = example_run(6);
    fs_err::remove_file(run.layout.certificate()).unwrap();
    let error = run.error();
    assert!(
        error.contains("certificate.json") && error.contains("`cargo xtask verify` makes one"),
        "{error}"
    );
}

#[test]
fn the_certificate_of_another_model_is_refused() {
    let mut certificate = verified(6);
    certificate.model = "Another Model".to_owned();
    let run = example_run(6);
    run.certify(&certificate);
    let error = run.error();
    for part in [
        "certificate.json",
        "is the certificate of \"Another Model\"",
        "run `cargo xtask verify`",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn success_that_the_figures_do_not_bear_out_is_refused() {
    let run = example_run(6);
    for mut certificate in [failed(), not_verified()] {
        certificate.verdict = Verdict::Verified;
        run.certify(&certificate);
        let error = run.error();
        assert!(
            error.contains("says \"verified\", which its own figures don't"),
            "{error}"
        );
    }
}

#[test]
fn the_certificate_of_other_weights_is_refused() {
    let mut certificate = verified(6);
    certificate.weights_fingerprint = "blake3-of-other-weights".to_owned();
    let run = example_run(6);
    run.certify(&certificate);
    let error = run.error();
    assert!(
        error.contains("certificate.json") && error.contains("other weights"),
        "{error}"
    );
}

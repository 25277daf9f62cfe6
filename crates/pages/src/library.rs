//! The plotting library as a page embeds it: plotly.js without the kinds of traces that no chart
//! here has, which are most of it, maps and 3D among them.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use plotly::Plot;

use crate::bundle::Bundle;

/// The kinds of traces that charts here have, other than `scatter`, which the library's core needs
/// itself.
const TRACES: [&str; 2] = ["bar", "heatmap"];

/// The library's script, without tags.
///
/// # Errors
/// A bundle in another form than that of the version that this workspace locks.
pub fn library_script() -> Result<&'static str> {
    static SCRIPT: OnceLock<Result<String, String>> = OnceLock::new();
    let cut = || cut().map_err(|error| format!("{error:#}"));
    match SCRIPT.get_or_init(cut) {
        Ok(script) => Ok(script),
        Err(error) => Err(anyhow!(
            "plotly.js cannot be cut to the traces that pages have: {error}; build with the version of \
             the crate `plotly` in Cargo.lock"
        )),
    }
}

fn cut() -> Result<String> {
    let whole = bundled()?;
    let bundle = Bundle::parse(&whole)?;
    for trace in TRACES {
        ensure!(whole.contains(&definition_of(trace)), "it has no trace {trace}");
    }
    let is_wanted = |module: &str| TRACES.iter().any(|trace| module.contains(&definition_of(trace)));
    bundle.with_plug_ins(is_wanted)
}

/// How the module of a trace names it.
fn definition_of(trace: &str) -> String {
    format!("moduleType:\"trace\",name:\"{trace}\"")
}

/// All of plotly.js. The rest of the crate's bundle (formula typesetting) is left out: no chart
/// here holds a formula.
fn bundled() -> Result<String> {
    let sources = Plot::offline_js_sources();
    let (_, rest) = sources
        .split_once('>')
        .context("the bundled script has no opening tag")?;
    let (script, _) = rest
        .split_once("</script>")
        .context("the bundled script has no closing tag")?;
    Ok(script.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_has_no_maps_and_is_a_quarter_of_the_whole() {
        let script = library_script().unwrap();
        assert!(script.starts_with("/**\n* plotly.js v"));
        assert!(script.len() < 1_100_000, "{} bytes", script.len());
        let whole = bundled().unwrap();
        // Parts of the map libraries, of the projections of the globe, and of WebGL.
        for part in [
            definition_of("scattergeo"),
            definition_of("scattermap"),
            definition_of("choroplethmapbox"),
            definition_of("surface"),
            "maplibregl".to_owned(),
            "gl_FragColor".to_owned(),
            "api.mapbox.com".to_owned(),
        ] {
            assert!(
                whole.contains(&part),
                "{part}: a word that the whole does not have proves nothing"
            );
            assert!(!script.contains(&part), "{part}");
        }
        for trace in TRACES.into_iter().chain(["scatter"]) {
            assert!(script.contains(&definition_of(trace)), "{trace}");
        }
    }

    #[test]
    fn no_module_that_is_left_out_is_named_by_one_that_is_kept() {
        let whole = bundled().unwrap();
        let (whole, script) = (Bundle::parse(&whole).unwrap(), library_script().unwrap());
        let cut = Bundle::parse(script).unwrap();
        let lost = cut.unknown_names(&whole);
        assert!(lost.is_empty(), "{lost:?}");
        assert!(cut.module_count() < whole.module_count() / 2);
    }
}

//! The plotting library as a page embeds it.

use anyhow::{Context as _, Result};
use plotly::Plot;

/// The plotting library's own script, without tags. What else the crate bundles (formula typesetting)
/// is left out: no chart here holds a formula.
pub(crate) fn library_script() -> Result<String> {
    let sources = Plot::offline_js_sources();
    let (_, rest) = sources
        .split_once('>')
        .context("the bundled script has no opening tag")?;
    let (script, _) = rest
        .split_once("</script>")
        .context("the bundled script has no closing tag")?;
    Ok(script.trim().to_owned())
}

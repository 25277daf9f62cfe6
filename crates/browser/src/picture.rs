//! Pages as pictures and as paper, for people to look at.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::page::Page;

impl Page<'_> {
    /// What the window shows, as PNG.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        self.save("Page.captureScreenshot", json!({}), path)
    }

    /// The page from its top to its end, as PNG.
    pub fn screenshot_of_all(&self, path: &Path) -> Result<()> {
        let whole = json!({ "captureBeyondViewport": true, "clip": self.whole()? });
        self.save("Page.captureScreenshot", whole, path)
    }

    /// The page as it would be printed, as PDF.
    pub fn pdf(&self, path: &Path) -> Result<()> {
        let about = json!({ "printBackground": false, "paperWidth": 8.27, "paperHeight": 11.69 });
        self.save("Page.printToPDF", about, path)
    }

    fn whole(&self) -> Result<Value> {
        let sizes = self.call("Page.getLayoutMetrics", json!({}))?;
        let size = &sizes["cssContentSize"];
        Ok(json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 }))
    }

    fn save(&self, method: &str, about: Value, path: &Path) -> Result<()> {
        let answer = self.call(method, about)?;
        let data = answer["data"].as_str();
        let bytes = STANDARD.decode(data.with_context(|| format!("{method} gives no data"))?)?;
        fs_err::write(path, bytes)?;
        Ok(())
    }
}

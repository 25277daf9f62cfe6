//! What every page of ours is made with: the templates' engine, style, scripts, and the data of its charts.

use anyhow::{Context as _, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as TemplateValue;
use minijinja::{Environment, context};
use serde_json::{Value, json};

use crate::charts::style::library_script;

/// What every page is made of: the skeleton, with the policy that lets a page ask for nothing, and the macro `show`, which
/// writes [pieces](crate::pieces) of a text.
const SHARED: [(&str, &str); 2] = [
    ("page.html", include_str!("templates/page.html")),
    ("pieces.html", include_str!("templates/pieces.html")),
];

const STYLE: &str = include_str!("templates/style.css");
const CHARTS_SCRIPT: &str = include_str!("templates/charts.js");

/// Fills the template `name`, which extends `page.html`; `templates` are names and texts, those that it includes among them.
pub fn render(templates: &[(&str, &str)], name: &str, context: TemplateValue) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    for (own, text) in SHARED.iter().chain(templates) {
        environment.add_template_owned((*own).to_owned(), (*text).to_owned())?;
    }
    let page = environment.get_template(name)?.render(context);
    page.with_context(|| format!("the template {name} can't be filled"))
}

/// `style`, `library`, `data` and `scripts` for a template: ours, so they go in unescaped. `charts` are the charts by the
/// id of the element that they are drawn in; `script` runs after they are drawn.
pub fn page_parts(charts: &Value, script: &str) -> Result<TemplateValue> {
    let safe = |text: String| TemplateValue::from_safe_string(text);
    Ok(context! {
        style => safe(STYLE.to_owned()),
        library => safe(library_script()?),
        data => safe(script_json(&json!({ "charts": charts }))?),
        scripts => safe(format!("{CHARTS_SCRIPT}{script}")),
    })
}

/// JSON that can stand in a script element: no text in it can end the element.
fn script_json(value: &Value) -> Result<String> {
    Ok(serde_json::to_string(value)?
        .replace('<', "\\u003c")
        .replace('>', "\\u003e"))
}

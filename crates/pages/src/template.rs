//! The templates' engine, and what each page's skeleton is filled with.

use anyhow::{Context as _, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value as TemplateValue};
use minijinja::{Environment, context};
use serde::Serialize;
use serde_json::{Value, json};

use crate::library::library_script;

/// The skeleton, with the policy that forbids requests; the macro `show`, which writes
/// [spans](crate::Span) of a text; and the macro `figure`.
const SHARED: [(&str, &str); 3] = [
    ("page.html", include_str!("templates/page.html")),
    ("spans.html", include_str!("templates/spans.html")),
    ("figure.html", include_str!("templates/figure.html")),
];

const STYLE: &str = include_str!("templates/style.css");
const CHARTS_SCRIPT: &str = include_str!("templates/charts.js");

/// Templates by name, those that all pages share among them.
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// # Errors
    /// A template that cannot be parsed.
    pub fn new(templates: &[(impl AsRef<str>, &'static str)]) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()?,
        );
        for (name, text) in SHARED {
            environment.add_template(name, text)?;
        }
        for (name, text) in templates {
            environment.add_template_owned(name.as_ref().to_owned(), *text)?;
        }
        Ok(Templates { environment })
    }

    /// The template `name` filled with `context`. A name that ends in `.html` escapes every value
    /// that is not marked as safe.
    ///
    /// # Errors
    /// A name that is not among the templates, and a template that the context does not fit.
    pub fn render(&self, name: &str, context: TemplateValue) -> Result<String> {
        let filled = self.environment.get_template(name)?.render(context);
        filled.with_context(|| format!("the template {name} can't be filled"))
    }

    /// The same as a part of another template, which does not escape it again.
    ///
    /// # Errors
    /// Those of [`Templates::render`].
    pub fn part(&self, name: &str, context: TemplateValue) -> Result<TemplateValue> {
        Ok(TemplateValue::from_safe_string(self.render(name, context)?))
    }
}

/// A value as templates read it.
pub fn shown(value: impl Serialize) -> TemplateValue {
    TemplateValue::from(Serde(value))
}

/// `style`, `library`, `data` and `scripts` for a template that extends `page.html`: our own texts,
/// so they go in unescaped. `charts` are the charts by the id of the element that they are drawn
/// in; `script` runs after they are drawn.
///
/// # Errors
/// A plotting library that cannot be cut to what pages need.
pub fn page_parts(charts: &Value, script: &str) -> Result<TemplateValue> {
    let safe = |text: String| TemplateValue::from_safe_string(text);
    Ok(context! {
        style => safe(STYLE.to_owned()),
        library => safe(library_script()?.to_owned()),
        data => safe(script_json(&json!({ "charts": charts }))?),
        scripts => safe(format!("{CHARTS_SCRIPT}{script}")),
    })
}

/// JSON that can be written into a script element: no text in it can end the element.
fn script_json(value: &Value) -> Result<String> {
    Ok(serde_json::to_string(value)?
        .replace('<', "\\u003c")
        .replace('>', "\\u003e"))
}

use anyhow::Result;
use live::{Conversation, LiveModel};
use minijinja::value::Serde;
use minijinja::{Environment, context};
use pipeline::Turn;
use serde_json::{Value, json};
use terms::Speaker;

/// The one page, and what it is filled with.
pub struct Page {
    templates: Environment<'static>,
    facts: minijinja::Value,
    name: String,
}

impl Page {
    pub fn of(model: &LiveModel) -> Result<Self> {
        let mut templates = Environment::new();
        templates.add_template("page.html", include_str!("page.html"))?;
        templates.add_template("page.css", include_str!("page.css"))?;
        templates.add_template("page.js", include_str!("page.js"))?;
        Ok(Page {
            templates,
            facts: Serde(facts(model)).into(),
            name: model.pipeline.model.name.clone(),
        })
    }

    /// Style and script carry the nonce that the answer's policy names; no other is run.
    pub fn render(&self, nonce: &str) -> Result<String> {
        let page = self.templates.get_template("page.html")?;
        Ok(page.render(context! { nonce, facts => &self.facts, name => &self.name })?)
    }
}

/// What the page has to know of the model, the vectors and the chat formats.
fn facts(model: &LiveModel) -> Value {
    let layers = 0..model.layers();
    let is_direction = |name: &&str| !name.starts_with("mean.");
    let vectors: Vec<Value> = model
        .vector_names()
        .filter(is_direction)
        .map(|name| {
            let norms = layers.clone().map(|layer| model.relative_norm(name, layer));
            json!({ "name": name, "norms": norms.collect::<Vec<_>>() })
        })
        .collect();
    json!({
        "layers": model.layers(),
        "vectors": vectors,
        "max_new_tokens": model.pipeline.steer.max_new_tokens,
        "model": format_of(model, Speaker::Model),
        "user": format_of(model, Speaker::User),
    })
}

/// How a conversation in which the model is to speak as somebody begins, and the steering to begin
/// with.
fn format_of(model: &LiveModel, opens: Speaker) -> Value {
    let Conversation { system, turns, .. } = Conversation::begin(&model.pipeline, opens, None);
    let turn = |turn: &Turn| json!({ "speaker": turn.speaker.as_str(), "text": turn.text });
    let (layer, coefficient) = match model.chosen_dose(opens) {
        Some(dose) => (dose.layer, dose.coefficient),
        None => (model.layers() as i64 / 2, 0.0),
    };
    json!({
        "system": system,
        "turns": turns.iter().map(turn).collect::<Vec<_>>(),
        "layer": layer,
        "coefficient": coefficient,
    })
}

use ::gguf::Metadata;

use super::keys::TEMPLATE;

/// The file's own chat template, if it has one.
pub(crate) fn chat_template(metadata: &Metadata) -> Result<Option<String>, String> {
    let text = metadata.text(TEMPLATE)?;
    Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
}

/// What to say about a file without a chat template.
pub(crate) fn without_template(metadata: &Metadata) -> String {
    let named = |key: &str| key.strip_prefix(TEMPLATE)?.strip_prefix('.').map(str::to_owned);
    let mut names: Vec<String> = metadata.keys().filter_map(named).collect();
    names.sort();
    if names.is_empty() {
        return "the file has no chat template (base models and Ollama's conversions have none); name a template's file in \
                model.chat_template"
            .to_owned();
    }
    format!(
        "the file has no chat template for general use, only those called {}; write the one that you mean into a file and \
         name that in model.chat_template",
        names.join(", ")
    )
}

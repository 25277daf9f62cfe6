//! Where the numbers come from: footers of the tables, links to them, and the command that makes
//! them again.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::shown;
use pipeline::Pipeline;
use results::Metadata;
use serde::Serialize;
use terms::Kernels;

use super::section::Section;
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "provenance",
    contents: Some("Provenance"),
    template: include_str!("provenance.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let (pipeline, inputs) = (content.pipeline, content.inputs);
    Ok(Some(context! {
        commands => shown(commands(pipeline, &inputs.metadata)),
        overrides => given(pipeline),
        pipeline_text => inputs.pipeline_text.clone(),
        metadata => shown(metadata_entries(&inputs.metadata)),
    }))
}

/// An entry of the footers, and the tables that have it with this value.
#[derive(Debug, PartialEq, Serialize)]
struct MetadataEntry {
    key: String,
    value: String,
    tables: String,
}

/// The footers in one list, by key; a value that several tables share is named once.
fn metadata_entries(footers: &[(&'static str, Metadata)]) -> Vec<MetadataEntry> {
    let mut entries: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (table, metadata) in footers {
        // The schema is specific to each table and says nothing about the run.
        for (key, value) in metadata.iter().filter(|(key, _)| !key.starts_with("schema")) {
            entries.entry((key, value)).or_default().push(table);
        }
    }
    let entry = |((key, value), tables): ((&str, &str), Vec<&str>)| {
        let tables = if tables.len() == footers.len() {
            "all".to_owned()
        } else {
            tables.join(", ")
        };
        MetadataEntry {
            key: key.to_owned(),
            value: value.to_owned(),
            tables,
        }
    };
    entries.into_iter().map(entry).collect()
}

/// What was set on the command line. `cargo xtask` tells stages the device and the folder that it
/// found for the machine in the same way, after all others: nobody asked for that.
fn given(pipeline: &Pipeline) -> Vec<String> {
    let entries = || pipeline.overrides.iter().map(String::as_str).enumerate();
    let device = entries().rfind(|(_, entry)| entry.starts_with("model.device="));
    let is_place = |entry: &str| {
        ["model.path=", "model.adapter_path="]
            .iter()
            .any(|key| entry.starts_with(key))
    };
    entries()
        .filter(|own| Some(*own) != device && !is_place(own.1))
        .map(|(_, entry)| entry.to_owned())
        .collect()
}

#[derive(Debug, Serialize)]
struct Command {
    line: String,
    does: &'static str,
}

/// What makes all results again, and what shows more about them, as typed in the project's root.
fn commands(pipeline: &Pipeline, footers: &[(&'static str, Metadata)]) -> Vec<Command> {
    let sets: String = given(pipeline)
        .iter()
        .map(|entry| format!(" --set '{}'", entry.replace('\'', "'\\''")))
        .collect();
    let command = |verb: &str, does: &'static str| Command {
        line: format!("cargo xtask {verb} --pipeline {}{sets}", pipeline.name),
        does,
    };
    vec![
        command("all", "remakes the results where anything has changed"),
        command("all --force", again(footers)),
        command(
            "status",
            "shows what each stage was made from and how long it took",
        ),
    ]
}

/// What running everything again gives.
fn again(footers: &[(&'static str, Metadata)]) -> &'static str {
    let is_tuned = |(_, footer): &(&str, Metadata)| footer.get("kernels") == Some(Kernels::Tuned.as_str());
    match footers.iter().any(is_tuned) {
        true => {
            "remakes them in any case; kernels were chosen by their timing (model.kernels = \"tuned\"), so that last bits, and texts that \
             hang on them, can differ"
        }
        false => "remakes them in any case; on the same device the tables come out byte-identical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_promised_only_where_kernels_are_chosen_by_rule() {
        let footer = |kernels: &str| {
            (
                "generations.parquet",
                Metadata::default().with("kernels", kernels),
            )
        };
        let plain = ("prompts.parquet", Metadata::default());
        assert!(again(std::slice::from_ref(&plain)).contains("byte-identical"));
        assert!(again(&[plain.clone(), footer("fixed")]).contains("byte-identical"));
        assert!(again(&[plain, footer("tuned")]).contains("can differ"));
    }
}

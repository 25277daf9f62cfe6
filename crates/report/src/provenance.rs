//! Where the numbers come from: footers of the tables, links to them, and the command that makes them again.

use std::collections::BTreeMap;
use std::path::Path;

use artifacts::{Layout, Metadata, Pipeline};
use serde::Serialize;

/// An entry of the footers, and the tables that have it with this value.
#[derive(Debug, PartialEq, Serialize)]
pub struct MetadataEntry {
    pub key: String,
    pub value: String,
    pub tables: String,
}

/// The footers in one list, by key; a value that several tables share is named once.
pub fn metadata_entries(footers: &[(&'static str, Metadata)]) -> Vec<MetadataEntry> {
    let mut entries: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (table, metadata) in footers {
        // The schema is each table's own and says nothing of the run.
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

/// The files behind the figures, relative to the report's own folder.
#[derive(Debug, Serialize)]
pub struct Links {
    pub certificate: String,
    pub summary: String,
    pub summary_csv: String,
    pub similarities: String,
    pub projections: String,
    pub components: String,
    pub activations: String,
    pub vectors: String,
    pub contrast: String,
    pub statistics: String,
    pub statistics_summary: String,
    pub effects: String,
    pub depth: String,
    pub outliers: String,
    pub generations: String,
    pub lens: String,
    pub doses: String,
    pub dose_texts: String,
    pub dose_summary: String,
    pub prompts: String,
}

impl Links {
    pub fn of(layout: &Layout) -> Self {
        let link = |path: &Path| {
            let inside = path.strip_prefix(layout.root()).unwrap_or(path);
            let parts: Vec<String> = inside
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect();
            format!("../{}", parts.join("/"))
        };
        Links {
            certificate: link(&layout.certificate()),
            summary: link(&layout.summary()),
            summary_csv: link(&layout.summary().with_extension("csv")),
            similarities: link(&layout.similarities()),
            projections: link(&layout.projections()),
            components: link(&layout.principal_components()),
            activations: link(&layout.activations()),
            vectors: link(&layout.vectors()),
            contrast: link(&layout.contrast_vectors()),
            statistics: link(&layout.statistics()),
            statistics_summary: link(&layout.statistics_summary()),
            effects: link(&layout.effects()),
            depth: link(&layout.depth()),
            outliers: link(&layout.outliers()),
            generations: link(&layout.generations()),
            lens: link(&layout.lens()),
            doses: link(&layout.doses()),
            dose_texts: link(&layout.dose_texts()),
            dose_summary: link(&layout.dose_summary()),
            prompts: link(&layout.rendered_prompts()),
        }
    }
}

/// What was set on the command line. `cargo xtask` tells stages the device and the folder that it found for the machine in the
/// same way, after all others: that is not asked for by anybody.
pub fn given(pipeline: &Pipeline) -> Vec<String> {
    let entries = || pipeline.overrides.iter().map(String::as_str).enumerate();
    let device = entries().rfind(|(_, entry)| entry.starts_with("model.device="));
    entries()
        .filter(|own| Some(*own) != device && !own.1.starts_with("model.path="))
        .map(|(_, entry)| entry.to_owned())
        .collect()
}

#[derive(Debug, Serialize)]
pub struct Command {
    pub line: String,
    pub does: &'static str,
}

/// What makes all results again, and what tells more of them, as typed in the project's root.
pub fn commands(pipeline: &Pipeline) -> Vec<Command> {
    let sets: String = given(pipeline)
        .iter()
        .map(|entry| format!(" --set '{}'", entry.replace('\'', "'\\''")))
        .collect();
    let command = |verb: &str, does: &'static str| Command {
        line: format!("cargo xtask {verb} --pipeline {}{sets}", pipeline.name),
        does,
    };
    vec![
        command("all", "makes the results again, where anything has changed"),
        command(
            "all --force",
            "makes them again in any case; the tables come out the same, byte by byte, on the same device",
        ),
        command(
            "status",
            "says what each stage was made from and how long it took",
        ),
    ]
}

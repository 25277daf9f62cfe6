//! `cargo xtask new NAME`: a commented pipeline file, and prompts to edit.

use std::io::Write;

use anyhow::{Context as _, Result, bail};
use toml::Value;

use files::GgufPart;

use crate::{
    pipeline,
    project::Project,
    source::{self, Source},
};

/// Runs as it is, on the model that ships. `crates/pipeline/tests` checks that it is a pipeline,
/// and that each key that is commented out exists and shows its default.
pub const TEMPLATE: &str = include_str!("new.toml");

/// The prompts that a new pipeline starts with.
const PROMPTS: &str = "data/prompts/role-questions.jsonl";

pub fn create(
    project: &Project,
    name: &str,
    model: Option<&str>,
    prompts: Option<&str>,
    out: &mut dyn Write,
) -> Result<()> {
    if pipeline::name_of(name)? != name {
        bail!("`{name}` is the name of a file; give the pipeline's name alone, without .toml");
    }
    let place = project.pipelines().join(format!("{name}.toml"));
    if place.exists() {
        bail!(
            "{} exists already and was not touched; choose another name, or remove it first",
            project.display(&place)
        );
    }
    let model = model.map(|model| own_model(project, model)).transpose()?;
    let prompts = match prompts {
        Some(file) => own_path(project, file)?,
        None => copy_prompts(project, name, out)?,
    };
    let text = filled(name, model.as_deref(), &prompts);
    fs_err::write(&place, text).context("no pipeline was written")?;
    writeln!(out, "wrote {}", project.display(&place))?;
    writeln!(out, "next: cargo xtask all --pipeline {name}")?;
    Ok(())
}

/// A model that the user named: a folder or a file as the pipeline will name it, relative to the
/// root, or a repository of the hub.
fn own_model(project: &Project, model: &str) -> Result<String> {
    let path = std::path::absolute(model)?;
    if !model.is_empty() && path.exists() && !project.resolve(model).exists() {
        return Ok(project.display(&path));
    }
    match source::named(project, model, None) {
        Source::Wrong(problem) => bail!("--model {model}: {problem}"),
        Source::Local(_) | Source::Hub(_) => Ok(model.to_owned()),
    }
}

/// A file that the user named, relative to where that was typed, as the pipeline will name it:
/// relative to the root.
fn own_path(project: &Project, file: &str) -> Result<String> {
    let path = std::path::absolute(file)?;
    let path = if path.is_file() {
        path
    } else {
        project.resolve(file)
    };
    if !path.is_file() {
        bail!(
            "--prompts {file}: there is no such file; correct the path, or leave it out to get prompts to edit"
        );
    }
    Ok(project.display(&path))
}

/// Prompts of the pipeline's own; those that are there already stay as they are.
fn copy_prompts(project: &Project, name: &str, out: &mut dyn Write) -> Result<String> {
    let file = format!("data/prompts/{name}.jsonl");
    let place = project.resolve(&file);
    if !place.exists() {
        fs_err::copy(project.resolve(PROMPTS), &place).context("no prompts were written")?;
        writeln!(out, "wrote {file}: prompts to edit, one a line")?;
    }
    Ok(file)
}

/// The template for this model; what it says of the shipped one is left out for another.
pub fn filled(name: &str, model: Option<&str>, prompts: &str) -> String {
    let (mut lines, mut is_about_model) = (Vec::new(), true);
    for line in TEMPLATE.lines() {
        let key = line.split(" = ").next().unwrap_or_default();
        // `name` is a key of conditions and sets too, which come later.
        is_about_model &= line != "[[conditions]]";
        let line = match (key, model) {
            ("file", _) => with_value(line, prompts),
            ("source", Some(source)) => with_value(line, source),
            ("name", Some(source)) if is_about_model => with_value(line, &last_part(source)),
            ("short_name", Some(source)) if is_about_model => with_value(line, &short_name(source)),
            // Both belong to the shipped model alone.
            ("reference" | "neutral", Some(_)) => format!("# {line}"),
            _ => line.to_owned(),
        };
        lines.push(line);
    }
    let layer = if model.is_some() { "-10" } else { "3" };
    let text = lines.join("\n") + "\n";
    text.replace("{NAME}", name).replace("{LAYER}", layer)
}

/// The line with another value, and its comment where it was.
fn with_value(line: &str, value: &str) -> String {
    let (assignment, comment) = line.split_once(" #").unwrap_or((line, ""));
    let key = assignment.split(" = ").next().unwrap_or_default();
    let assignment = format!("{key} = {}", Value::String(value.to_owned()));
    if comment.is_empty() {
        return assignment;
    }
    let width = line.len() - comment.len() - 2;
    format!("{assignment:<width$} #{comment}")
}

/// The last part of a path or of a repository's name: of `google/gemma-2-9b-it` it is
/// gemma-2-9b-it. Of a file in parts their numbers are left out.
fn last_part(source: &str) -> String {
    let last = source
        .trim_end_matches('/')
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(source);
    match GgufPart::of(last) {
        Some(part) => part.stem().to_owned(),
        None => last.trim_end_matches(".gguf").to_owned(),
    }
}

/// The same as a part of file names: see `model.short_name` in `crates/pipeline/src/check.rs`.
fn short_name(source: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = last_part(source)
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    match name.trim_matches(['-', '.']) {
        "" => "model".to_owned(),
        name => name.to_owned(),
    }
}

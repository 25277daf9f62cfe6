//! The pipeline that a command is about: its file, its name, and the device that is decided for it.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use ::pipeline::PipelineFile;
use anyhow::{Context as _, Result, bail, ensure};
use files::read_text;
use terminal::nearest;
use terms::Device;

use crate::{device::Target, owner, project::Project, stage::Stage};

#[derive(Debug)]
pub struct Pipeline {
    /// Names the folder of the results.
    pub name: String,
    /// The pipeline file, as stages are told it.
    pub file: String,
    /// Never [`Device::Auto`].
    pub device: Device,
    /// The file with the assignments applied, that of `model.device` last.
    parameters: PipelineFile,
}

impl Pipeline {
    /// `present` is what a device of `auto` resolves to.
    pub fn load(
        project: &Project,
        name_or_path: &str,
        assignments: &[String],
        present: Device,
    ) -> Result<Pipeline> {
        let name = name_of(name_or_path)?;
        let path = path_of(project, name_or_path);
        let file = project.display(&path);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}", missing(project, &file)),
            Err(error) => return Err(error).context("cannot read the pipeline file"),
        };
        let mut parameters = PipelineFile::of_text(Path::new(&file), text, assignments)?;
        owner::require(project, &name, &file, parameters.source())?;
        let device = resolved_device(&file, &parameters, present)?;
        parameters.assign(&format!("model.device={device}"))?;
        Ok(Pipeline {
            name,
            file,
            device,
            parameters,
        })
    }

    /// What its stages are built for.
    pub fn target(&self) -> Target {
        let kernels = self.text("model.kernels").and_then(|word| word.parse().ok());
        Target {
            device: self.device,
            // An unknown word is refused by the stages' own reader.
            kernels: kernels.unwrap_or_default(),
        }
    }

    /// The parameters of a stage: dotted key -> printed TOML value.
    pub fn parameters(&self, stage: &Stage) -> BTreeMap<String, String> {
        self.parameters.parameters(stage.tables())
    }

    /// The text under a dotted key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.parameters.text(key)
    }

    /// The texts under a key in each table of a list of tables: the place of each and its text.
    pub fn texts(&self, list: &str, key: &str) -> Vec<(String, &str)> {
        self.parameters.texts(list, key)
    }

    /// What was put over the file, that of `model.device` last.
    pub fn assignments(&self) -> &[String] {
        self.parameters.assignments()
    }

    /// An error where a stage would refuse the pipeline: said before anything is built or
    /// downloaded.
    pub fn require_valid(&self) -> Result<()> {
        self.parameters.clone().pipeline()?;
        Ok(())
    }
}

/// The name of a pipeline, given as such or as the path of its file. It names a folder that `clean`
/// removes, so it must be one plain component.
pub fn name_of(name_or_path: &str) -> Result<String> {
    let name = if name_or_path.ends_with(".toml") {
        let file_name = Path::new(name_or_path).file_name().and_then(|name| name.to_str());
        file_name
            .and_then(|name| name.strip_suffix(".toml"))
            .unwrap_or_default()
    } else {
        name_or_path
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    ensure!(
        !name.is_empty() && !name.starts_with('.') && name.chars().all(plain),
        "--pipeline {name_or_path}: neither a plain name \
         (letters, digits, _ - .) nor the path of a .toml file"
    );
    Ok(name.to_owned())
}

fn path_of(project: &Project, name_or_path: &str) -> PathBuf {
    if !name_or_path.ends_with(".toml") {
        return project.pipelines().join(format!("{name_or_path}.toml"));
    }
    // A path is relative to where the command was typed, like every other argument.
    match std::path::absolute(name_or_path) {
        Ok(path) if path.is_file() => path,
        _ => project.resolve(name_or_path),
    }
}

fn missing(project: &Project, file: &str) -> String {
    let mut existing: Vec<String> = match fs_err::read_dir(project.pipelines()) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect(),
        Err(_) => Vec::new(),
    };
    existing.sort();
    let typed = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml");
    let meant = nearest(typed, existing.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    let existing = if existing.is_empty() {
        "none".to_owned()
    } else {
        existing.join(", ")
    };
    format!("there is no pipeline file {file}; {meant}existing pipelines: {existing}")
}

/// `auto`, or no device at all, is decided here, before any key is computed, and the stages are
/// told the outcome.
fn resolved_device(file: &str, parameters: &PipelineFile, present: Device) -> Result<Device> {
    let setting = match parameters.value("model.device") {
        None => Some(Device::Auto),
        Some(value) => value.as_str().and_then(|text| text.parse().ok()),
    };
    match setting {
        Some(Device::Auto) => Ok(present),
        Some(device) => Ok(device),
        None => bail!(
            "{file}: model.device = {} is not one of {}",
            parameters
                .value("model.device")
                .map(ToString::to_string)
                .unwrap_or_default(),
            Device::SETTINGS
        ),
    }
}

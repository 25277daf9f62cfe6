//! `cluster.toml`: where things run. No part of any key: the same results come from everywhere.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use terminal::nearest;
use terms::Device;

use crate::project::Project;

/// One table of `cluster.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Who deals the work.
    pub engine: Scheduler,
    /// See [`device`](Self::device).
    device: String,
    /// How many tasks run at the same time.
    #[serde(default = "at_once")]
    pub at_once: usize,
    /// The options of a task's job.
    #[serde(default)]
    pub sbatch: Vec<String>,
    /// Those of the job that joins shards and runs the stages that have none; left out: those of a task.
    pub driver: Option<Vec<String>>,
    /// Lines of shell before a program starts.
    #[serde(default)]
    pub setup: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    Slurm,
}

fn at_once() -> usize {
    32
}

/// The file, at the root of the project.
pub const FILE: &str = "cluster.toml";

impl Profile {
    /// The table of this name.
    pub fn read(project: &Project, name: &str) -> Result<Profile> {
        let place = project.resolve(FILE);
        let text = match fs_err::read_to_string(&place) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("--on {name}: there is no {FILE}; `cargo xtask cluster` writes one to edit")
            }
            Err(error) => return Err(error.into()),
        };
        let mut tables: BTreeMap<String, Profile> = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{FILE}: {}", error.to_string().trim_end()))?;
        let names: Vec<String> = tables.keys().cloned().collect();
        let profile = tables.remove(name).with_context(|| {
            let meant = nearest(name, names.iter().map(String::as_str));
            let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
            format!(
                "--on {name}: no table of {FILE} has this name; {meant}there are {}",
                names.join(", ")
            )
        })?;
        profile.require_sound(name)?;
        Ok(profile)
    }

    /// What a task has, which this machine may lack.
    pub fn device(&self) -> Result<Device> {
        let device = self.device.parse().ok().filter(|device| *device != Device::Auto);
        device.with_context(|| {
            format!(
                "{FILE}: device = \"{}\": name what a task has, as cpu or cuda; this machine can't tell",
                self.device
            )
        })
    }

    fn require_sound(&self, name: &str) -> Result<()> {
        self.device()?;
        ensure!(self.at_once > 0, "{FILE}: {name}.at_once: must be at least 1");
        let options = self.sbatch.iter().chain(self.driver.iter().flatten());
        if let Some(option) = options
            .chain(&self.setup)
            .find(|line| line.contains(['\n', '\r']))
        {
            bail!("{FILE}: {name}: {option:?} holds a line break; write one option or line each");
        }
        if let Some(option) = self
            .sbatch
            .iter()
            .chain(self.driver.iter().flatten())
            .find(|option| {
                let own = ["--array", "--output", "--dependency", "--parsable", "--wrap"];
                !option.starts_with('-') || own.iter().any(|own| option.starts_with(own))
            })
        {
            bail!(
                "{FILE}: {name}: {option:?} is not an option for here: each begins with `-`, and --array, --output, --dependency and \
                 --wrap are xtask's own"
            );
        }
        Ok(())
    }
}

/// What `cargo xtask cluster` writes.
pub fn template(partitions: &[String]) -> String {
    let found = match partitions.is_empty() {
        true => "# (sinfo told of no partition on this machine)".to_owned(),
        false => format!("# Partitions here, as sinfo tells: {}", partitions.join(", ")),
    };
    TEMPLATE.replace("@PARTITIONS@", &found)
}

const TEMPLATE: &str = include_str!("cluster.toml");

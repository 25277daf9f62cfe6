//! What a stage's program says of its shards.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::{process::Processes, run::Work};

/// The shards of a stage, as its program says.
#[derive(Debug, Deserialize)]
pub struct Shards {
    /// The file with the plan, in the folder of the shards.
    pub plan: String,
    /// How many there are.
    pub shards: usize,
    /// The numbers of those that are not done.
    pub missing: Vec<usize>,
}

impl Shards {
    /// Asks the stage's program, which makes the plan and runs nothing.
    pub fn of(processes: &Processes, work: &Work<'_>, key: &str) -> Result<Shards> {
        let arguments = with(&work.arguments, &["--key", key, "--make-plan"]);
        let text = processes.answer(work.stage, &arguments)?;
        serde_json::from_str(&text).with_context(|| {
            format!(
                "the stage {} printed no plan of its shards: {text}",
                work.stage.name
            )
        })
    }

    /// Those of a plan that was made before.
    pub fn read(plan: &Path) -> Result<Shards> {
        #[derive(Deserialize)]
        struct File {
            plan: Plan,
        }
        #[derive(Deserialize)]
        struct Plan {
            shards: Vec<Shard>,
        }
        #[derive(Deserialize)]
        struct Shard {
            hash: String,
        }
        let read: File = serde_json::from_str(&fs_err::read_to_string(plan)?)?;
        let folder = plan.parent().unwrap_or(Path::new("."));
        let names = read.plan.shards.iter().enumerate();
        let is_missing =
            |(number, shard): &(usize, &Shard)| !folder.join(format!("{number:05}-{}", shard.hash)).exists();
        Ok(Shards {
            plan: plan.to_string_lossy().into_owned(),
            shards: read.plan.shards.len(),
            missing: names.filter(is_missing).map(|(number, _)| number).collect(),
        })
    }

    fn folder(&self) -> &Path {
        Path::new(&self.plan).parent().unwrap_or(Path::new("."))
    }

    /// The shards that have failed since they were last joined, as tasks have noted it: `failed.SHARD.HOST.PROCESS`.
    pub fn failures(&self) -> Failures {
        let mut failures = Failures::default();
        for entry in fs_err::read_dir(self.folder()).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let mut parts = name.split('.');
            if let (Some("failed"), Some(shard), Some(host)) = (parts.next(), parts.next(), parts.next())
                && let Ok(shard) = shard.parse()
                && self.missing.contains(&shard)
            {
                failures.add(shard, host);
            }
        }
        failures
    }

    /// How many are done by now.
    pub fn done(&self) -> usize {
        let now = Shards::read(Path::new(&self.plan));
        self.shards - now.map_or(self.missing.len(), |now| now.missing.len())
    }
}

/// Which shards failed where.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Failures {
    by_shard: BTreeMap<usize, BTreeSet<String>>,
}

impl Failures {
    pub fn add(&mut self, shard: usize, host: &str) {
        self.by_shard.entry(shard).or_default().insert(host.to_owned());
    }

    /// Each with its machine.
    pub fn all(&self) -> impl Iterator<Item = (usize, &str)> {
        let pairs = self.by_shard.iter();
        pairs.flat_map(|(shard, hosts)| hosts.iter().map(|host| (*shard, host.as_str())))
    }

    pub fn is_empty(&self) -> bool {
        self.by_shard.is_empty()
    }

    /// What fails on more than one machine is not the machine's fault.
    pub fn shards_on_several_hosts(&self) -> Vec<(usize, Vec<String>)> {
        let several = self.by_shard.iter().filter(|(_, hosts)| hosts.len() > 1);
        several
            .map(|(shard, hosts)| (*shard, hosts.iter().cloned().collect()))
            .collect()
    }

    /// Machines on which at least three shards fail that fail nowhere else.
    pub fn hosts_with_several_shards(&self) -> Vec<(String, usize)> {
        const SEVERAL: usize = 3;
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for hosts in self.by_shard.values().filter(|hosts| hosts.len() == 1) {
            for host in hosts {
                *counts.entry(host).or_default() += 1;
            }
        }
        let several = counts.into_iter().filter(|(_, count)| *count >= SEVERAL);
        several.map(|(host, count)| (host.clone(), count)).collect()
    }
}

/// Arguments and some more.
pub fn with(arguments: &[String], more: &[&str]) -> Vec<String> {
    let more = more.iter().map(|argument| (*argument).to_owned());
    arguments.iter().cloned().chain(more).collect()
}

/// Numbers as the stages' programs read them.
pub fn listed(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    numbers.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_shard_is_told_from_a_bad_machine() {
        let mut failures = Failures::default();
        for (shard, host) in [
            (5, "n1"),
            (5, "n2"),
            (7, "n3"),
            (8, "n3"),
            (9, "n3"),
            (9, "n3"),
            (1, "n1"),
        ] {
            failures.add(shard, host);
        }
        let on_both = vec!["n1".to_owned(), "n2".to_owned()];
        assert_eq!(failures.shards_on_several_hosts(), [(5, on_both)]);
        assert_eq!(failures.hosts_with_several_shards(), [("n3".to_owned(), 3)]);
    }
}

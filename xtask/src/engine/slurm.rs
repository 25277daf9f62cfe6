//! Slurm: job arrays by `sbatch`, one look with `squeue`, and nothing else of it. Truth is in files: a shard is
//! done when it is in its place, and whoever comes after an array looks for itself. So jobs depend by
//! `afterany`; with `afterok` a task that is queued again leaves what depends on it waiting for ever.
//!
//! `--on NAME` submits a *driver*: this very program, on a node, with the same command. It runs what is one
//! process itself, submits an array for a stage with shards and a driver behind it, and ends.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    engine::{
        profile::Profile,
        shards::{Shards, listed, with},
        submission::Submission,
    },
    exit,
    process::Processes,
    run::{Ran, Work},
};

/// A run on a cluster, as the driver does it.
#[derive(Debug)]
pub struct Cluster {
    pub profile: Profile,
    /// Where scripts and the submission are: `results/NAME/cluster`.
    pub folder: PathBuf,
    pub root: PathBuf,
    pub logs: PathBuf,
    pub pipeline: String,
    /// The command that the driver repeats, words as the shell reads them.
    pub command: String,
    /// Of all code, for the next driver to find unchanged.
    pub code: String,
}

/// Set by the driver's script: the hash of the code that was built when the run was submitted.
pub const DRIVER: &str = "ROLESWAP_DRIVER";
/// Set as well by a driver that comes after an array: the plan of its shards.
const AFTER: &str = "ROLESWAP_AFTER";

impl Cluster {
    /// Submits the first driver.
    pub fn submit_driver(&self) -> Result<String> {
        let script = self.driver_script(None);
        let job = self.sbatch(&self.written("driver", &script)?, &[])?;
        Submission::new(vec![job.clone()], None).write(&self.folder)?;
        Ok(job)
    }

    /// A stage with shards: joined where all are done; else submitted, unless tasks have just tried.
    pub fn run(&self, processes: &Processes, work: &Work<'_>, key: &str) -> Result<Ran> {
        let shards = Shards::of(processes, work, key)?;
        if shards.missing.is_empty() {
            return processes.finish(work.stage, &with(&work.arguments, &["--plan", &shards.plan]));
        }
        if std::env::var(AFTER).is_ok_and(|plan| plan == shards.plan) {
            return Err(self.about_failures(work, &shards));
        }
        let (script, tasks) = self.array(work, &shards)?;
        let range = format!("--array=0-{}%{}", tasks - 1, self.profile.at_once);
        let array = self.sbatch(&script, &[range])?;
        let driver = self.written("driver", &self.driver_script(Some(&shards.plan)))?;
        let next = self.sbatch(&driver, &[format!("--dependency=afterany:{array}")])?;
        Submission::new(
            vec![array.clone(), next.clone()],
            Some((work.stage.name, &shards.plan)),
        )
        .write(&self.folder)?;
        Ok(Ran::Elsewhere(format!(
            "submitted: {} of {} shards in {tasks} tasks (job {array}), then job {next}",
            shards.missing.len(),
            shards.shards
        )))
    }

    /// The script of a stage's tasks, and how many there are.
    pub fn array(&self, work: &Work<'_>, shards: &Shards) -> Result<(PathBuf, usize)> {
        let tasks = dealt(&shards.missing, self.profile.at_once);
        let lines: Vec<String> = tasks.iter().map(|task| listed(task)).collect();
        let todo = lines.join("\n") + "\n";
        // Named after what it says: a task that waits must not find another list than its own.
        let name = blake3::hash(format!("{}\n{todo}", shards.plan).as_bytes());
        let place = self
            .folder
            .join(format!("{}.{}.todo", work.stage.name, &name.to_hex()[..8]));
        fs_err::create_dir_all(&self.folder)?;
        fs_err::write(&place, todo)?;
        let program = self.program(work.stage.name)?;
        let arguments = with(&work.arguments, &["--plan", &shards.plan, "--shards"]);
        let mut script = self.head(work.stage.name, &self.profile.sbatch, "%A_%a");
        script.push_str(&format!(
            "# Line N of this file has the shards of task N.\n\
             shards=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {})\n\
             exec {program} {} \"$shards\"\n",
            quoted(&place.to_string_lossy()),
            words(&arguments)
        ));
        Ok((self.written(work.stage.name, &script)?, tasks.len()))
    }

    /// The script of the job that repeats the command.
    pub fn driver_script(&self, after: Option<&str>) -> String {
        let options = self.profile.driver.as_ref().unwrap_or(&self.profile.sbatch);
        let mut script = self.head("driver", options, "%j");
        script.push_str(&format!("export {DRIVER}={}\n", quoted(&self.code)));
        if let Some(plan) = after {
            script.push_str(&format!("export {AFTER}={}\n", quoted(plan)));
        }
        script.push_str(&format!("exec {}\n", self.command));
        script
    }

    fn head(&self, name: &str, options: &[String], number: &str) -> String {
        let mut text = format!(
            "#!/bin/bash\n#SBATCH --job-name={name}-{}\n#SBATCH --requeue\n#SBATCH --open-mode=append\n",
            self.pipeline
        );
        let log = self.logs.join(format!("{name}.{number}.log"));
        text.push_str(&format!("#SBATCH --output={}\n", quoted(&log.to_string_lossy())));
        for option in options {
            text.push_str(&format!("#SBATCH {option}\n"));
        }
        text.push_str(&format!(
            "cd {} || exit 1\n",
            quoted(&self.root.to_string_lossy())
        ));
        for line in &self.profile.setup {
            text.push_str(&format!("{line}\n"));
        }
        // Nodes often have no network, and weights are there. A task keeps to the cores that it was given.
        text.push_str(
            "export HF_HUB_OFFLINE=1\n\
             if [ -n \"$SLURM_CPUS_PER_TASK\" ]; then export RAYON_NUM_THREADS=$SLURM_CPUS_PER_TASK; fi\n",
        );
        text
    }

    fn written(&self, name: &str, script: &str) -> Result<PathBuf> {
        fs_err::create_dir_all(&self.folder)?;
        fs_err::create_dir_all(&self.logs)?;
        let place = self.folder.join(format!("{name}.sh"));
        fs_err::write(&place, script)?;
        Ok(place)
    }

    fn program(&self, name: &str) -> Result<String> {
        let own = std::env::current_exe().context("cannot find the path of xtask's own binary")?;
        Ok(quoted(&own.with_file_name(name).to_string_lossy()))
    }

    fn sbatch(&self, script: &Path, options: &[String]) -> Result<String> {
        let mut command = Command::new("sbatch");
        command.arg("--parsable").args(options).arg(script);
        let answer = answer(command)?;
        // The job's number, and behind a `;` the cluster's name.
        let job = answer.trim().split(';').next().unwrap_or_default().to_owned();
        match !job.is_empty() && job.chars().all(|digit| digit.is_ascii_digit()) {
            true => Ok(job),
            false => bail!("sbatch answered {answer:?}, which is not the number of a job"),
        }
    }

    /// Tasks have tried and some shards are not there: which, where, and what to do.
    fn about_failures(&self, work: &Work<'_>, shards: &Shards) -> anyhow::Error {
        let failures = shards.failures();
        let mut text = format!(
            "{} of {} shards are missing after their tasks have ended ({}); their logs are {}/{}.*.log",
            shards.missing.len(),
            shards.shards,
            cut(&shards.missing),
            self.logs.display(),
            work.stage.name
        );
        for (shard, hosts) in failures.shards_on_several_hosts() {
            text.push_str(&format!(
                "; shard {shard} fails on {}: look at its rows",
                hosts.join(" and on ")
            ));
        }
        for (host, count) in failures.hosts_with_several_shards() {
            text.push_str(&format!(
                "; {count} shards fail on {host}: leave it out with \"--exclude={host}\" in {}",
                crate::engine::profile::FILE
            ));
        }
        if failures.is_empty() {
            text.push_str("; the same command submits the missing ones alone");
        }
        exit::StageFailure::told(text).into()
    }
}

/// As many tasks as even out slow nodes, and no more than an array may have by default (`MaxArraySize`).
fn dealt(missing: &[usize], at_once: usize) -> Vec<Vec<usize>> {
    const TASKS_MAX: usize = 1000;
    let tasks = missing.len().min((4 * at_once).min(TASKS_MAX)).max(1);
    let (each, more) = (missing.len() / tasks, missing.len() % tasks);
    let mut rest = missing;
    let mut parts = Vec::new();
    for task in 0..tasks {
        let (part, behind) = rest.split_at(each + usize::from(task < more));
        parts.push(part.to_vec());
        rest = behind;
    }
    parts
}

/// The jobs of these that are in the queue, as `12_[3-5] PENDING Priority`.
pub fn in_queue(jobs: &[String]) -> Result<Vec<String>> {
    let mut command = Command::new("squeue");
    // Of all one's jobs: naming one that is long gone would be an error.
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    command.args(["-h", "-u", &user, "-o", "%F %i %T %r"]);
    let answer = answer(command)?;
    let own = answer.lines().filter_map(|line| {
        let (job, rest) = line.split_once(' ')?;
        jobs.iter().any(|known| known == job).then(|| rest.to_owned())
    });
    Ok(own.collect())
}

/// Ends jobs.
pub fn cancel(jobs: &[String]) -> Result<()> {
    let mut command = Command::new("scancel");
    command.args(jobs);
    answer(command).map(|_| ())
}

/// The names of the partitions.
pub fn partitions() -> Vec<String> {
    let mut command = Command::new("sinfo");
    command.args(["-h", "-o", "%R"]);
    let text = answer(command).unwrap_or_default();
    let mut names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// What a command of Slurm prints.
fn answer(mut command: Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| {
        format!("cannot start {name}; on this machine there is no Slurm, or it is not in PATH")
    })?;
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => bail!(
            "{name} failed: {}; correct the options in cluster.toml",
            told.trim()
        ),
    }
}

/// Arguments as the shell reads them.
pub fn words(arguments: &[String]) -> String {
    let words: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,%+@".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A list of numbers for a message.
fn cut(numbers: &[usize]) -> String {
    const SHOWN: usize = 10;
    match numbers.len() > SHOWN {
        true => format!("{}, …", listed(&numbers[..SHOWN])),
        false => listed(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_shard_is_in_one_task() {
        for (missing, at_once, tasks) in [
            (1, 32, 1),
            (10, 1, 4),
            (7, 2, 7),
            (9, 2, 8),
            (100_000, 1_000, 1000),
        ] {
            let all: Vec<usize> = (0..missing).map(|number| number * 3).collect();
            let parts = dealt(&all, at_once);
            assert_eq!(parts.len(), tasks);
            assert_eq!(parts.concat(), all);
            let lengths = parts.iter().map(Vec::len);
            assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
        }
    }

    #[test]
    fn words_survive_the_shell() {
        for word in [
            "plain",
            "with space",
            "it's",
            "$HOME",
            "",
            "a\"b",
            "steer.sets=[{ name = \"x\" }]",
            "ü\\n",
        ] {
            let output = Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), word);
        }
    }
}

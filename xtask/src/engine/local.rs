//! Several processes of this machine: a share of the threads each, or a GPU each.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use terms::{Device, GpuApi};

use crate::{
    engine::shards::{Shards, listed, with},
    exit::StageFailure,
    process::Processes,
    run::{Ran, Work},
    verbosity,
};

/// One process: what its environment says besides that of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub environment: Vec<(&'static str, String)>,
}

/// Processes on the CPU, which share its threads.
pub fn on_cpu(count: usize, device: Device, threads: usize) -> Result<Vec<Worker>> {
    ensure!(count > 0, "--workers 0: name how many processes share the work");
    ensure!(
        device == Device::Cpu,
        "--workers shares the CPU among processes, but model.device is \"{device}\"; give a process to each GPU with --devices, \
         or set model.device to \"cpu\""
    );
    let share = (threads / count).max(1);
    let worker = Worker {
        environment: vec![("RAYON_NUM_THREADS", share.to_string())],
    };
    Ok(vec![worker; count])
}

/// A process for each GPU of a list as `0-3` or `0,2`. A process sees its own GPU alone, so that results don't
/// say which it was.
pub fn on_devices(list: &str, device: Device) -> Result<Vec<Worker>> {
    ensure!(
        matches!(device, Device::Gpu(GpuApi::Cuda, 0)),
        "--devices gives a process to each of NVIDIA's GPUs, but model.device is \"{device}\"; set model.device to \"cuda\""
    );
    let wrong = || format!("--devices {list}: not a list of GPUs; write 0-3, or 0,2");
    let mut numbers: Vec<usize> = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().with_context(wrong)?;
        let last: usize = last.trim().parse().with_context(wrong)?;
        ensure!(first <= last && last < MOST_DEVICES, wrong());
        numbers.extend(first..=last);
    }
    let mut seen = numbers.clone();
    seen.sort_unstable();
    seen.dedup();
    ensure!(
        seen.len() == numbers.len(),
        "--devices {list}: a GPU is there twice"
    );
    let worker = |number: usize| Worker {
        environment: vec![("CUDA_VISIBLE_DEVICES", number.to_string())],
    };
    Ok(numbers.into_iter().map(worker).collect())
}

/// More than any machine has.
const MOST_DEVICES: usize = 1024;

/// Deals the missing shards, waits for all workers, and joins the shards.
pub fn run(processes: &Processes, workers: &[Worker], work: &Work<'_>, key: &str) -> Result<Ran> {
    let shards = Shards::of(processes, work, key)?;
    if shards.shards == 1 || workers.len() < 2 {
        return processes.finish(work.stage, &with(&work.arguments, &["--key", key]));
    }
    let parts = dealt(&shards.missing, workers.len());
    let mut running = Vec::new();
    for (number, (part, worker)) in parts.iter().zip(workers).enumerate() {
        running.push(Running::start(processes, work, &shards, worker, (number, part))?);
    }
    wait(&mut running, &shards, work)?;
    processes.finish(work.stage, &with(&work.arguments, &["--plan", &shards.plan]))
}

/// Every worker gets each so-manieth shard, so that all work on the same part of the prompts at a time.
fn dealt(missing: &[usize], workers: usize) -> Vec<Vec<usize>> {
    let part = |worker: usize| missing.iter().skip(worker).step_by(workers).copied().collect();
    let parts = (0..workers).map(part);
    parts.filter(|part: &Vec<usize>| !part.is_empty()).collect()
}

struct Running {
    child: Child,
    log: PathBuf,
    failure: Option<StageFailure>,
    is_done: bool,
}

impl Running {
    fn start(
        processes: &Processes,
        work: &Work<'_>,
        shards: &Shards,
        worker: &Worker,
        (number, part): (usize, &[usize]),
    ) -> Result<Running> {
        fs_err::create_dir_all(&work.logs)?;
        let log = work.logs.join(format!("{}.{number}.log", work.stage.name));
        let file = fs_err::File::create(&log)?;
        let arguments = with(
            &work.arguments,
            &["--plan", &shards.plan, "--shards", &listed(part)],
        );
        let mut command = processes.command(work.stage.name, &arguments)?;
        command
            .envs(worker.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(file.file().try_clone()?)
            .stderr(file.into_parts().0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", work.stage.name))?;
        Ok(Running {
            child,
            log,
            failure: None,
            is_done: false,
        })
    }

    fn look(&mut self, work: &Work<'_>) -> Result<()> {
        if !self.is_done
            && let Some(status) = self.child.try_wait()?
        {
            self.is_done = true;
            self.failure = (!status.success()).then(|| StageFailure::of(work.stage.name, status));
        }
        Ok(())
    }
}

/// Until all have ended. A worker that fails doesn't stop the others: the shards that they make are kept.
fn wait(running: &mut [Running], shards: &Shards, work: &Work<'_>) -> Result<()> {
    let mut told = Instant::now();
    loop {
        for worker in running.iter_mut() {
            worker.look(work)?;
        }
        if running.iter().all(|worker| worker.is_done) {
            break;
        }
        if told.elapsed() > TOLD_EVERY {
            told = Instant::now();
            verbosity::say(&format!(
                "{}: {} of {} shards are done",
                work.stage.name,
                shards.done(),
                shards.shards
            ));
        }
        thread::sleep(LOOKED_EVERY);
    }
    let Some(failed) = running.iter_mut().find(|worker| worker.failure.is_some()) else {
        return Ok(());
    };
    let failure = failed.failure.take();
    let text = fs_err::read_to_string(&failed.log).unwrap_or_default();
    for line in last_lines(&text) {
        terminal::remark(line);
    }
    let log = failed.log.display();
    match failure {
        Some(failure) => Err(anyhow::Error::new(failure).context(format!(
            "a process of the stage {} failed ({log}); the shards that are done are kept, and the same command goes on",
            work.stage.name
        ))),
        None => bail!("a process of the stage {} failed ({log})", work.stage.name),
    }
}

const LOOKED_EVERY: Duration = Duration::from_millis(20);
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What a program says at its end.
fn last_lines(text: &str) -> Vec<&str> {
    const SHOWN: usize = 6;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_dealt_evenly_and_each_once() {
        assert_eq!(dealt(&[0, 1, 2, 5, 7], 2), [vec![0, 2, 7], vec![1, 5]]);
        assert_eq!(dealt(&[3], 4), [vec![3]]);
        assert!(dealt(&[], 2).is_empty());
    }

    #[test]
    fn devices_are_numbers_and_ranges() {
        let cuda = Device::Gpu(GpuApi::Cuda, 0);
        let numbers = |list: &str| -> Vec<String> {
            let workers = on_devices(list, cuda).unwrap();
            workers
                .into_iter()
                .map(|mut worker| worker.environment.remove(0).1)
                .collect()
        };
        assert_eq!(numbers("0-3"), ["0", "1", "2", "3"]);
        assert_eq!(numbers("5,0-1"), ["5", "0", "1"]);
        for wrong in ["", "a", "3-1", "0,0-2", "-1", "0-999999999"] {
            assert!(on_devices(wrong, cuda).is_err(), "{wrong}");
        }
        assert!(
            on_devices("0", Device::Cpu)
                .unwrap_err()
                .to_string()
                .contains("set model.device")
        );
        assert!(on_cpu(2, cuda, 8).is_err());
        assert!(on_cpu(0, Device::Cpu, 8).is_err());
    }

    #[test]
    fn threads_are_shared() {
        let threads = |workers| {
            on_cpu(workers, Device::Cpu, 8).unwrap()[0].environment[0]
                .1
                .clone()
        };
        assert_eq!([threads(1), threads(3), threads(20)], ["8", "2", "1"]);
    }
}

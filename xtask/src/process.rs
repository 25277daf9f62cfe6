//! Stages as processes: builds their binaries with cargo and runs them.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{BufRead as _, BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{device::Device, lock::Origin, project::Project, run::Runner, source::Repository, stage::Stage};

/// A build that takes longer shows what cargo says.
const QUIET_BUILD_MAX: Duration = Duration::from_secs(2);

/// Crates with a binary that is no stage.
const BESIDES: &[&str] = &["bench", "check", "hub", "synth", "tiny"];

#[derive(Debug)]
pub struct Processes {
    root: PathBuf,
    /// Where cargo puts binaries, this one included.
    target: PathBuf,
    /// Taken when the binaries are built, not when a stage ends, which may be hours and edits later.
    origin: Origin,
    /// What was built for.
    device: Device,
}

impl Processes {
    pub fn of(project: &Project) -> Result<Processes> {
        let own = env::current_exe().context("cannot find the path of xtask's own binary")?;
        let target = own
            .parent()
            .context("xtask's own binary lies in no folder")?
            .to_path_buf();
        Ok(Processes {
            root: project.root().to_path_buf(),
            target,
            origin: Origin::default(),
            device: Device::Cpu,
        })
    }

    /// Builds for this device instead of the CPU.
    pub fn for_device(mut self, device: Device) -> Processes {
        self.device = device;
        self
    }

    /// Makes the binaries of a crate that is no stage, with those of the stages: built alone, it would turn on other
    /// features of what they share.
    pub fn build_besides(&mut self, name: &str) -> Result<()> {
        eprintln!("building…");
        let mut command = self.cargo_build(self.device, &[name]);
        let status = run_quietly(&mut command).context("cannot run cargo build")?;
        ensure!(status.success(), "the build of {name} failed ({status})");
        Ok(())
    }

    /// Runs a binary of the workspace with the project root as its working directory.
    pub fn execute(
        &self,
        binary: &str,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> Result<ExitStatus> {
        let path = self.target.join(format!("{binary}{}", env::consts::EXE_SUFFIX));
        ensure!(
            path.is_file(),
            "the build left no binary {}; is it declared in its crate?",
            path.display()
        );
        let status = Command::new(&path)
            .args(arguments)
            .current_dir(&self.root)
            .status();
        status.with_context(|| format!("cannot start {}", path.display()))
    }

    /// The profile that xtask itself was built with, so that both end up in the same folder.
    fn profile(&self) -> &str {
        match self.target.file_name().and_then(OsStr::to_str) {
            None | Some("debug") => "dev",
            Some(folder) => folder,
        }
    }

    /// What is wanted besides the stages is built only then: the downloader, whose network code takes half a minute, and
    /// the tools.
    fn cargo_build(&self, device: Device, besides: &[&str]) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        // xtask is running, and cannot be replaced everywhere while it does.
        command.args([
            "build",
            "--workspace",
            "--exclude",
            "xtask",
            "--bins",
            "--profile",
            self.profile(),
        ]);
        for name in BESIDES.iter().filter(|name| !besides.contains(name)) {
            command.args(["--exclude", name]);
        }
        if device != Device::Cpu {
            command.args(["--features", "verify/cuda,extract/cuda,steer/cuda,dose/cuda"]);
        }
        if std::io::stderr().is_terminal() {
            // Cargo sees a pipe and would drop its colours.
            command.env("CARGO_TERM_COLOR", "always");
        }
        command.current_dir(&self.root);
        command
    }
}

impl Runner for Processes {
    fn build(&mut self, device: Device) -> Result<()> {
        eprintln!("building…");
        self.origin = origin_of(&self.root);
        self.device = device;
        let status = run_quietly(&mut self.cargo_build(device, &[])).context("cannot run cargo build")?;
        ensure!(status.success(), "the build failed ({status}); nothing was run");
        Ok(())
    }

    fn fetch(&mut self, repository: &Repository) -> Result<()> {
        self.build_besides("hub")?;
        let mut arguments = vec![repository.id.as_str(), "--revision", &repository.revision];
        if let Some(file) = &repository.file {
            arguments.extend(["--file", file]);
        }
        let status = self.execute("fetch", arguments)?;
        ensure!(
            status.success(),
            "the model could not be fetched; nothing was run"
        );
        Ok(())
    }

    fn run(&mut self, stage: &Stage, arguments: &[String]) -> Result<()> {
        let status = self.execute(stage.binary, arguments)?;
        if !status.success() {
            bail!(
                "{} failed ({status}); its last result and lock are as they were",
                stage.name
            );
        }
        Ok(())
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

/// Keeps what the command writes to stderr to itself, unless it fails or takes long.
fn run_quietly(command: &mut Command) -> Result<ExitStatus> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut held_back = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            held_back.push(line?);
            if start.elapsed() > QUIET_BUILD_MAX {
                show(&mut held_back);
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        show(&mut held_back);
    }
    Ok(status)
}

fn show(lines: &mut Vec<String>) {
    for line in lines.drain(..) {
        eprintln!("{line}");
    }
}

/// Outside a git checkout, or without git, the commit is unknown, which is no error.
fn origin_of(root: &Path) -> Origin {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    Origin {
        commit: first_line(root, OsStr::new("git"), &["rev-parse", "--verify", "HEAD"]),
        dirty: first_line(root, OsStr::new("git"), &["status", "--porcelain"]).is_some(),
        rustc: first_line(root, &rustc, &["--version"]),
    }
}

fn first_line(root: &Path, program: &OsStr, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.to_owned();
    output.status.success().then_some(line)
}

//! Stages as processes: builds their binaries with cargo and runs them.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use files::HubVariables;
use terminal::{self, LOUDNESS, Loudness};

use crate::{
    device::Target,
    exit::StageFailure,
    lock::Origin,
    project::Project,
    run::Ran,
    source::Repository,
    stage::{STAGES, Stage},
    verbosity,
    workspace::Workspace,
};

/// A build that takes longer shows what cargo says.
const QUIET_BUILD_MAX: Duration = Duration::from_secs(2);

const BUILD_FAILED: &str = "the build failed, nothing was run; see what the compiler says above";

pub struct Processes {
    root: PathBuf,
    workspace: Workspace,
    /// Where cargo puts binaries, this one included.
    target: PathBuf,
    /// Taken when the binaries are built, not when a stage ends, which may be hours and edits
    /// later.
    origin: Origin,
    /// What the binaries were built for.
    built_for: Target,
    /// Where the hub's files are, for programs that run in another folder than this one: a relative
    /// path in a variable would mean another place there.
    hub: HubVariables,
}

impl Processes {
    pub fn of(project: &Project) -> Result<Processes> {
        let own = env::current_exe().context("cannot find the path of xtask's own binary")?;
        let target = own
            .parent()
            .context("xtask's own binary is not in a folder")?
            .to_path_buf();
        Ok(Processes {
            root: project.root().to_path_buf(),
            workspace: Workspace::of(project)?,
            target,
            origin: Origin::default(),
            built_for: Target::CPU,
            hub: HubVariables::of_process(),
        })
    }

    /// Builds for this device instead of the CPU.
    pub fn for_device(mut self, target: Target) -> Processes {
        self.built_for = target;
        self
    }

    /// Builds the binaries of a crate that is not a stage, together with those of the stages: built
    /// alone, it would turn on other features of what they share.
    pub fn build_with(&mut self, name: &str) -> Result<()> {
        verbosity::say("building…");
        let mut command = self.cargo_build(self.built_for, &[name])?;
        let status = run_quietly(&mut command).context("cannot run cargo build")?;
        ensure!(status.success(), BUILD_FAILED);
        Ok(())
    }

    /// A binary of the workspace, with the project root as its working directory.
    pub fn command(&self, binary: &str, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Command> {
        let path = self.target.join(format!("{binary}{}", env::consts::EXE_SUFFIX));
        ensure!(
            path.is_file(),
            "the build left no binary {}; is it declared in its crate?",
            path.display()
        );
        let mut command = Command::new(&path);
        command.args(arguments).current_dir(&self.root);
        command.env(LOUDNESS, verbosity::loudness().as_str());
        let places = [
            ("HF_HUB_CACHE", &self.hub.cache),
            ("HF_TOKEN_PATH", &self.hub.token_file),
        ];
        command.envs(
            places
                .iter()
                .filter_map(|(name, place)| Some((name, place.as_ref()?))),
        );
        verbosity::detail(|| shown(&command));
        Ok(command)
    }

    /// Runs a binary to its end.
    fn execute(&self, binary: &str, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<ExitStatus> {
        let mut command = self.command(binary, arguments)?;
        if verbosity::loudness() == Loudness::Quiet {
            // What a stage says about its results is for people; scripts get one line from us.
            command.stdout(Stdio::null());
        }
        let status = command.status();
        status.with_context(|| format!("cannot start {binary}"))
    }

    /// Runs a stage's program to its end.
    pub fn finish(&self, stage: &Stage, arguments: &[String]) -> Result<Ran> {
        let status = self.execute(stage.name, arguments)?;
        match status.success() {
            true => Ok(Ran::Done),
            false => Err(StageFailure::of(stage.name, status).into()),
        }
    }

    /// What a stage's program prints.
    pub fn answer(&self, stage: &Stage, arguments: &[String]) -> Result<String> {
        let mut command = self.command(stage.name, arguments)?;
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot start {}", stage.name))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(StageFailure::of(stage.name, output.status).into()),
        }
    }

    /// Replaces this process by the program, so that Ctrl-C and the exit code are the program's.
    ///
    /// # Errors
    ///
    /// Where it cannot be started. On a system without `exec` it returns when the program
    /// succeeded.
    pub fn become_program(&self, binary: &str, arguments: &[OsString]) -> Result<()> {
        let mut command = self.command(binary, arguments)?;
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            Err(command.exec()).with_context(|| format!("cannot start {binary}"))
        }
        #[cfg(not(unix))]
        {
            let status = command
                .status()
                .with_context(|| format!("cannot start {binary}"))?;
            match status.code() {
                Some(0) => Ok(()),
                code => std::process::exit(code.unwrap_or(1)),
            }
        }
    }

    /// The profile that xtask itself was built with, so that both end up in the same folder.
    fn profile(&self) -> &str {
        match self.target.file_name().and_then(OsStr::to_str) {
            None | Some("debug") => "dev",
            Some(folder) => folder,
        }
    }

    /// Builds the stages, and of the other crates only those named: the downloader alone, with its
    /// network code, takes half a minute.
    fn cargo_build(&mut self, target: Target, with: &[&str]) -> Result<Command> {
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
        for name in self.workspace.non_stage_crates()? {
            if !with.contains(&name.as_str()) {
                command.args(["--exclude", &name]);
            }
        }
        for feature in target.features() {
            let stages = STAGES.iter().map(|stage| stage.name);
            let features = self.workspace.features(stages, feature)?;
            command.args(["--features", &features]);
        }
        if terminal::colours() {
            // Cargo sees a pipe and would drop its colours.
            command.env("CARGO_TERM_COLOR", "always");
        }
        command.current_dir(&self.root);
        Ok(command)
    }

    /// Whether the hub would give a repository: `bytes N` or `problem TEXT`.
    pub fn ask(&mut self, repository: &Repository) -> Result<String> {
        self.build_with("hub")?;
        let mut arguments = arguments_of(repository);
        arguments.push("--ask");
        let output = self
            .command("fetch", arguments)?
            .stderr(Stdio::inherit())
            .output();
        let output = output.context("cannot start fetch")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The arguments of `fetch` for a repository.
fn arguments_of(repository: &Repository) -> Vec<&str> {
    let mut arguments = vec![repository.id.as_str(), "--revision", &repository.revision];
    if let Some(file) = &repository.file {
        arguments.extend(["--file", file]);
    }
    if repository.is_adapter {
        arguments.push("--adapter");
    }
    arguments
}

impl Processes {
    /// Builds the programs of all stages.
    pub fn build(&mut self, target: Target) -> Result<()> {
        verbosity::say("building…");
        self.origin = origin_of(&self.root);
        self.built_for = target;
        let mut command = self.cargo_build(target, &[])?;
        let status = run_quietly(&mut command).context("cannot run cargo build")?;
        ensure!(status.success(), BUILD_FAILED);
        Ok(())
    }

    /// Brings a repository of the hub into the cache, as far as it isn't there.
    pub fn fetch(&mut self, repository: &Repository) -> Result<()> {
        self.build_with("hub")?;
        let status = self.execute("fetch", arguments_of(repository))?;
        match status.success() {
            true => Ok(()),
            false => Err(StageFailure::of_download(status).into()),
        }
    }

    /// What the programs were built from.
    pub fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

/// A command as it could be typed.
fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    format!("runs {}", words.join(" "))
}

/// Keeps what the command writes to stderr to itself, unless it fails or takes long.
fn run_quietly(command: &mut Command) -> Result<ExitStatus> {
    verbosity::detail(|| shown(command));
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
            if start.elapsed() > QUIET_BUILD_MAX && verbosity::loudness() != Loudness::Quiet {
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
        terminal::remark(line);
    }
}

/// Outside a git checkout, or without git, the commit is unknown, which is not an error.
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

//! The project and the fake stages.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Result, bail};
use toml::Table;

use terms::Device;

use crate::{
    device::Target,
    goal::Goal,
    lock::{Lock, Origin},
    pipeline::Pipeline,
    project::Project,
    run::{self, Ran, Runner, Work},
    source::Repository,
    stage::{self, Stage},
};

const PIPELINE: &str = r#"
[model]
source = "data/model"
device = "auto"

[prompts]
file = "data/prompts.jsonl"

[[conditions]]
name = "normal"

[contrast]
layer = 2

[steer]
seed = 0
coefficients = [1.0, 2.0]
"#;

/// Of the model in the fake hub.
const COMMIT: &str = "c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff";

/// Each crate, and what it is built from.
const CRATES: [(&str, &[&str]); 14] = [
    ("results", &[]),
    ("chat", &["model"]),
    ("exchange", &["gguf"]),
    ("gguf", &[]),
    ("kernels", &[]),
    ("model", &["gguf", "kernels"]),
    ("verify", &["extract"]),
    ("extract", &["results", "model"]),
    ("statistics", &[]),
    ("analyze", &["results", "exchange", "statistics"]),
    ("steer", &["extract"]),
    ("dose", &["statistics", "steer"]),
    ("locate", &["results", "statistics", "model"]),
    ("report", &["results"]),
];

/// What the library of every crate in the sandbox holds.
pub const CODE: &str = "/// The answer.\npub fn answer() -> u32 {\n    6 * 7\n}\n";

/// A separate project in a temporary folder, removed at the end.
pub struct Sandbox {
    pub project: Project,
    pub runner: FakeRunner,
    pub set: Vec<String>,
    pub present: Device,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("xtask-test-{}-{number}", std::process::id()));
        fs_err::create_dir_all(&root).unwrap();
        let project = Project::at(&root, root.join("hub"));
        let runner = FakeRunner::new(root);
        let sandbox = Sandbox {
            project,
            runner,
            set: Vec::new(),
            present: Device::Cpu,
        };
        sandbox.write("pipelines/tiny.toml", PIPELINE);
        sandbox.write("data/prompts.jsonl", "who are you\n");
        sandbox.write("data/model/config.json", "{}");
        sandbox.write("data/model/model.safetensors", "weights");
        let mut root = "[workspace.dependencies]\ntoml = \"1\"\n".to_owned();
        let listed = |name: &&str| CRATES.iter().all(|(listed, _)| listed != name);
        let others = stage::names()
            .filter(listed)
            .map(|name| (name, ["results"].as_slice()));
        for (name, dependencies) in CRATES.into_iter().chain(others) {
            root.push_str(&format!("{name} = {{ path = \"crates/{name}\" }}\n"));
            let mut manifest =
                format!("[package]\nname = \"{name}\"\n\n[dependencies]\ntoml.workspace = true\n");
            for dependency in dependencies {
                manifest.push_str(&format!("{dependency}.workspace = true\n"));
            }
            sandbox.write(&format!("crates/{name}/Cargo.toml"), &manifest);
            sandbox.write(&format!("crates/{name}/src/lib.rs"), CODE);
        }
        sandbox.write("Cargo.toml", &root);
        sandbox
    }

    /// Changes what a crate computes.
    pub fn change_code(&self, name: &str) {
        let path = format!("crates/{name}/src/lib.rs");
        let code = self.read(&path);
        self.write(
            &path,
            &format!("{code}pub const CHANGED: usize = {};\n", code.len()),
        );
    }

    /// A sandbox in which everything ran once.
    pub fn fresh() -> Sandbox {
        let mut sandbox = Sandbox::new();
        sandbox.run_all().unwrap();
        assert_eq!(sandbox.runner.take_ran(), all_stages());
        sandbox
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.project.resolve(relative)
    }

    pub fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    pub fn read(&self, relative: &str) -> String {
        fs_err::read_to_string(self.path(relative)).unwrap()
    }

    /// Replaces a part of a file, which must be there.
    pub fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "{relative} does not hold {from:?}");
        self.write(relative, &text.replace(from, to));
    }

    pub fn remove(&self, relative: &str) {
        fs_err::remove_file(self.path(relative)).unwrap();
    }

    pub fn pipeline(&self) -> Result<Pipeline> {
        Pipeline::load(&self.project, "tiny", &self.set, self.present)
    }

    /// Runs what the goal needs; the text is what a user would read.
    pub fn run(&mut self, goal: &Goal) -> Result<String> {
        let pipeline = self.pipeline()?;
        let mut out = Vec::new();
        run::run(&self.project, &pipeline, goal, &mut self.runner, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    pub fn run_all(&mut self) -> Result<String> {
        self.run(&Goal::all(false))
    }

    pub fn dry_run(&self) -> String {
        let mut out = Vec::new();
        run::dry_run(
            &self.project,
            &self.pipeline().unwrap(),
            &Goal::all(false),
            &mut out,
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Runs everything, and says which stages ran and why.
    #[track_caller]
    pub fn check(&mut self, ran: &[&str], reason: &str) {
        let text = self.run_all().unwrap();
        assert_eq!(self.runner.take_ran(), ran, "{text}");
        assert!(text.contains(reason), "no {reason:?} in:\n{text}");
    }

    pub fn lock(&self, stage: &str) -> Option<Lock> {
        Lock::read(&self.lock_path(stage)).unwrap()
    }

    pub fn lock_path(&self, stage: &str) -> PathBuf {
        self.project.lock_file("tiny", stage::named(stage).unwrap())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs_err::remove_dir_all(self.project.root());
    }
}

/// The names of all stages, in the order in which they run.
pub fn all_stages() -> Vec<&'static str> {
    stage::names().collect()
}

/// What a fake stage does instead of its work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    None,
    /// Dies half-way: the partial folder stays.
    Dies,
    /// Exits with success, having written nothing.
    WritesNothing,
    /// Others are to do it.
    IsElsewhere,
    /// Works, while somebody edits the prompts.
    PromptsChangeMeanwhile,
}

pub struct FakeRunner {
    root: PathBuf,
    ran: Vec<String>,
    pub builds: Vec<Device>,
    pub fetched: Vec<Repository>,
    pub arguments: Vec<String>,
    /// Of the shards, stage by stage.
    pub keys: Vec<(String, Option<String>)>,
    pub mishap: (&'static str, Mishap),
}

impl FakeRunner {
    fn new(root: PathBuf) -> FakeRunner {
        FakeRunner {
            root,
            ran: Vec::new(),
            builds: Vec::new(),
            fetched: Vec::new(),
            arguments: Vec::new(),
            keys: Vec::new(),
            mishap: ("", Mishap::None),
        }
    }

    /// The stages that ran since the last call.
    pub fn take_ran(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ran)
    }
}

impl Runner for FakeRunner {
    fn build(&mut self, target: Target) -> Result<()> {
        self.builds.push(target.device);
        Ok(())
    }

    /// Fills the cache as the downloader does.
    fn fetch(&mut self, repository: &Repository) -> Result<()> {
        self.fetched.push(repository.clone());
        let folder = self
            .root
            .join("hub")
            .join(format!("models--{}", repository.id.replace('/', "--")));
        let snapshot = folder.join("snapshots").join(COMMIT);
        fs_err::create_dir_all(&snapshot)?;
        fs_err::create_dir_all(folder.join("refs"))?;
        fs_err::write(folder.join("refs").join(&repository.revision), COMMIT)?;
        let of_adapter = [
            ("adapter_config.json", "{}"),
            ("adapter_model.safetensors", "trained"),
        ];
        let of_model = [
            ("config.json", "{}"),
            ("tokenizer.json", "{}"),
            ("generation_config.json", "{}"),
            ("model.safetensors", "weights of the hub"),
        ];
        let files = match repository.is_adapter {
            true => &of_adapter[..],
            false => &of_model[..],
        };
        for (name, content) in files {
            let _ = fs_err::remove_file(snapshot.join(name));
            fs_err::write(snapshot.join(name), content)?;
        }
        Ok(())
    }

    fn run(&mut self, work: &Work<'_>) -> Result<Ran> {
        let (stage, arguments) = (work.stage, &work.arguments);
        self.keys.push((stage.name.to_owned(), work.key.clone()));
        assert!(!self.builds.is_empty(), "a stage ran before the build");
        self.ran.push(stage.name.to_owned());
        self.arguments = arguments.to_vec();
        let mishap = if self.mishap.0 == stage.name {
            self.mishap.1
        } else {
            Mishap::None
        };
        let results = self.root.join(value_after("--results", arguments));
        let partial = results.join(format!("{}.partial", stage.name));
        let folder = results.join(stage.name);
        match mishap {
            Mishap::WritesNothing => return Ok(Ran::Done),
            Mishap::IsElsewhere => return Ok(Ran::Elsewhere("submitted".to_owned())),
            Mishap::PromptsChangeMeanwhile => {
                fs_err::write(self.root.join("data/prompts.jsonl"), "edited during the run\n")?;
            }
            Mishap::Dies | Mishap::None => {}
        }

        let _ = fs_err::remove_dir_all(&partial);
        fs_err::create_dir_all(&partial)?;
        if mishap == Mishap::Dies {
            fs_err::write(partial.join("half"), "half")?;
            bail!("{} failed", stage.name);
        }
        fs_err::write(
            partial.join(output_of(stage)),
            content(stage, &self.root, &results, arguments)?,
        )?;
        let _ = fs_err::remove_dir_all(&folder);
        fs_err::rename(&partial, &folder)?;
        Ok(Ran::Done)
    }

    fn origin(&self) -> Origin {
        Origin {
            commit: Some("0123abc".into()),
            dirty: false,
            rustc: Some("rustc 1.0".into()),
        }
    }
}

/// Extraction forgets the case of the prompts, which is what early cutoff is tested with.
fn content(stage: &Stage, root: &Path, results: &Path, arguments: &[String]) -> Result<String> {
    let mut tables: Table = toml::from_str(&fs_err::read_to_string(
        root.join(value_after("--pipeline", arguments)),
    )?)?;
    for pair in arguments.windows(2).filter(|pair| pair[0] == "--set") {
        ::pipeline::assign(&mut tables, &pair[1])?;
    }
    if stage.name == "extract" {
        let prompts = tables["prompts"]["file"].as_str().unwrap_or_default();
        return Ok(fs_err::read_to_string(root.join(prompts))?.to_uppercase());
    }
    let mut text = format!("{} {:?}\n", stage.name, tables.get(stage.name));
    for name in stage.upstream {
        let upstream = stage::named(name)?;
        text.push_str(&fs_err::read_to_string(
            results.join(name).join(output_of(upstream)),
        )?);
    }
    Ok(text)
}

fn output_of(stage: &Stage) -> &'static str {
    if stage.name == "report" {
        "report.html"
    } else {
        "out.txt"
    }
}

fn value_after<'a>(flag: &str, arguments: &'a [String]) -> &'a str {
    let position = arguments.iter().position(|argument| argument == flag).unwrap();
    &arguments[position + 1]
}

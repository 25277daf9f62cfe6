use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use pipeline::Pipeline;
use progress::start_log;
use terminal::{finish, parsed};
use terms::Stage;

use super::plan::{FORMAT, PlanFile};
use super::todo::Todo;
use super::{Plan, Sharded, hash_of_rows};
use crate::{Layout, Result, StageArguments, StageDirectory};

/// What the binary of a stage that works in shards is told.
#[derive(Debug, Parser)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub stage: StageArguments,
    /// What the results depend on besides the rows; with it shards that are done are kept
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Writes the plan, prints its place and the shards that are missing, and runs nothing
    #[arg(long, requires = "key")]
    pub make_plan: bool,
    /// Runs some shards of this plan, or joins them
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub plan: Option<PathBuf>,
    /// The shards to run, as 3,4,17
    #[arg(long, value_name = "NUMBERS", requires = "plan", value_delimiter = ',')]
    pub shards: Vec<usize>,
}

/// The body of `main` of a stage that works in shards: without further arguments the whole stage, in which
/// shards that an earlier run left are not made again; else one part of it, as a process of many.
///
/// Results appear under the final name only when all shards are there.
pub fn run_sharded_stage<S: Sharded>(stage: Stage, open: impl FnOnce(Pipeline, Layout) -> S) -> ExitCode {
    start_log();
    let arguments: Arguments = parsed();
    let outcome = (|| {
        let (pipeline, layout) = arguments.stage.read().map_err(|error| error.to_string())?;
        let opened = open(pipeline, layout.clone());
        Program {
            stage,
            layout,
            arguments: &arguments,
            sharded: opened,
        }
        .run()
    })();
    finish::<String>(&format!("the stage {} failed", stage.as_str()), outcome)
}

pub(super) struct Program<'a, S> {
    pub stage: Stage,
    pub layout: Layout,
    pub arguments: &'a Arguments,
    pub sharded: S,
}

impl<S: Sharded> Program<'_, S> {
    pub(super) fn run(mut self) -> Result<(), String> {
        match &self.arguments.plan {
            Some(place) => self.of_plan(place),
            None if self.arguments.make_plan => self.print_plan(),
            None => self.whole(),
        }
    }

    fn cut(&mut self) -> Result<Plan, String> {
        self.sharded.plan().map_err(|error| format!("{error:#}"))
    }

    /// The folder of the key. A run without a key keeps nothing for later ones.
    fn folder(&self) -> PathBuf {
        let key = self.arguments.key.as_deref().unwrap_or("by-hand");
        self.layout.shards(self.stage).join(key)
    }

    /// For the program that deals shards: a JSON object.
    fn print_plan(&mut self) -> Result<(), String> {
        let plan = self.cut()?;
        let folder = self.folder();
        let (shards, todo) = (plan.shards.len(), Todo::new(&folder, plan));
        let told = |error: crate::Error| error.to_string();
        fs_err::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let file = PlanFile {
            format: FORMAT,
            stage: self.stage.as_str().to_owned(),
            pipeline: self.hash_of_pipeline().map_err(told)?,
            program: hash_of_program().map_err(told)?,
            plan: todo.plan.clone(),
        };
        let place = file.write(&folder).map_err(told)?;
        let missing = todo.missing().map_err(told)?;
        let object = serde_json::json!({ "plan": place, "shards": shards, "missing": missing });
        println!("{object}");
        Ok(())
    }

    /// Some shards of a plan, or all of them joined.
    fn of_plan(&mut self, place: &Path) -> Result<(), String> {
        let told = |error: crate::Error| error.to_string();
        let file = PlanFile::read(place).map_err(told)?;
        self.require_same(place, &file).map_err(told)?;
        let folder = place.parent().unwrap_or(Path::new("."));
        let todo = Todo::new(folder, file.plan);
        if self.arguments.shards.is_empty() {
            return self.join(&todo);
        }
        let missing = todo.missing().map_err(told)?;
        for &number in &self.arguments.shards {
            if number >= todo.plan.shards.len() {
                let count = todo.plan.shards.len();
                return Err(format!(
                    "there is no shard {number} among the {count} of this plan"
                ));
            }
            match missing.contains(&number) {
                true => todo.run(&mut self.sharded, number)?,
                false => tracing::info!("shard {number} is there"),
            }
        }
        Ok(())
    }

    /// A plan is for the pipeline and the program that it was made with.
    fn require_same(&self, place: &Path, file: &PlanFile) -> Result<()> {
        let changed = if file.stage != self.stage.as_str() {
            format!("it is of the stage {}", file.stage)
        } else if file.pipeline != self.hash_of_pipeline()? {
            "the pipeline file or its overrides are others now".to_owned()
        } else if file.program != hash_of_program()? {
            "the program is another one now".to_owned()
        } else {
            return Ok(());
        };
        let message = format!("this plan doesn't fit any more: {changed}; submit again");
        Err(crate::Error::invalid(place, message))
    }

    fn hash_of_pipeline(&self) -> Result<String> {
        let text = fs_err::read_to_string(&self.arguments.stage.pipeline)?;
        let overrides = self.arguments.stage.overrides.iter().map(String::as_str);
        Ok(hash_of_rows(std::iter::once(text.as_str()).chain(overrides)))
    }

    /// Everything that is not there yet, in this process.
    fn whole(&mut self) -> Result<(), String> {
        self.sharded.open().map_err(|error| format!("{error:#}"))?;
        let plan = self.cut()?;
        let told = |error: crate::Error| error.to_string();
        if plan.is_whole() {
            let directory = StageDirectory::begin(&self.layout, self.stage).map_err(told)?;
            let result = self.sharded.run(&plan, 0, directory.path());
            result.map_err(|error| format!("{error:#}"))?;
            directory.commit().map_err(told)?;
            return super::attempt::remove(&self.layout.shards(self.stage)).map_err(told);
        }
        let folder = self.folder();
        if self.arguments.key.is_none() {
            super::attempt::remove(&folder).map_err(told)?;
        }
        fs_err::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let todo = Todo::new(&folder, plan);
        let missing = todo.missing().map_err(told)?;
        let count = todo.plan.shards.len();
        if missing.len() < count {
            tracing::info!("{} of {count} shards are there", count - missing.len());
        }
        for number in missing {
            todo.run(&mut self.sharded, number)?;
        }
        self.join(&todo)
    }

    fn join(&mut self, todo: &Todo) -> Result<(), String> {
        let told = |error: crate::Error| error.to_string();
        let directory = StageDirectory::begin(&self.layout, self.stage).map_err(told)?;
        // The only shard of a plan has made the result itself.
        let apart = if todo.plan.is_whole() {
            &[]
        } else {
            self.sharded.joined()
        };
        let gathered = todo.gather(directory.path(), apart).map_err(told)?;
        if !todo.plan.is_whole() {
            let joined = self.sharded.join(&todo.plan, &gathered, directory.path());
            joined.map_err(|error| format!("joining the shards: {error:#}"))?;
        }
        directory.commit().map_err(told)?;
        todo.tidy(self.arguments.plan.as_deref()).map_err(told)?;
        if self.arguments.key.is_none() && self.arguments.plan.is_none() {
            super::attempt::remove(&self.layout.shards(self.stage)).map_err(told)?;
        }
        Ok(())
    }
}

/// Of this program's file.
fn hash_of_program() -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs_err::File::open(std::env::current_exe()?)?)?;
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

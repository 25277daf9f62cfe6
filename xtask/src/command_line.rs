//! The definition of the command line: help, suggestions, completion, the tables in
//! `docs/command-line.md` and what each verb takes come from here. The verbs of the stages come
//! from `stage.rs`.
//!
//! A new verb is a variant here (the first paragraph of its comment is its line of help, the second
//! one goes into the documentation) and an arm in `main.rs`.

use std::ffi::OsString;

use clap::{
    ArgMatches, Args, Command, CommandFactory as _, Error, FromArgMatches, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser as _},
};

use crate::stage::{self, STAGES, Stage};

/// The pipeline that is meant when none is named: it runs on any laptop.
pub const DEFAULT_PIPELINE: &str = "tiny";

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", no_binary_name = true)]
#[command(subcommand_required = true, disable_help_subcommand = true)]
pub struct CommandLine {
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs by what they are for, in the order of the help.
#[derive(Debug, Subcommand)]
pub enum Verb {
    #[command(flatten)]
    Start(Start),
    #[command(flatten)]
    Run(Run),
    #[command(flatten)]
    Look(Look),
    #[command(flatten)]
    Compare(Compare),
    #[command(flatten)]
    Try(Try),
    #[command(flatten)]
    Maintain(Maintain),
}

/// The same groups with their titles.
pub fn groups() -> [(&'static str, Command); 6] {
    let group = |title, augment: fn(Command) -> Command| (title, augment(Command::new(title)));
    [
        group("Start", Start::augment_subcommands),
        group("Run", Run::augment_subcommands),
        group("Look", Look::augment_subcommands),
        group("Compare", Compare::augment_subcommands),
        group("Try", Try::augment_subcommands),
        group("Maintain", Maintain::augment_subcommands),
    ]
}

#[derive(Debug, Subcommand)]
pub enum Start {
    /// Writes a commented pipeline and prompts to edit; it runs as it is
    ///
    /// Writes `pipelines/NAME.toml`, in which every key is explained, and prompts to edit.
    /// Overwrites no file.
    #[command(after_help = "new mine --model google/gemma-3-1b-it")]
    New {
        /// The name of the pipeline: letters, digits, `_`, `-` and `.`
        name: String,
        /// A folder, a file or a repository of the Hugging Face hub
        #[arg(long, value_name = "SOURCE")]
        model: Option<String>,
        /// The prompts to use instead of a copy to edit
        #[arg(long, value_name = "FILE")]
        prompts: Option<String>,
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Checks this machine against a pipeline, and estimates time, memory and disk of each stage
    ///
    /// Checks files, layers, memory, disk, processor, driver and token against a pipeline.
    /// Estimates time, memory and disk of each stage.
    #[command(after_help = "doctor --pipeline user-swap-gemma-2-9b-it")]
    #[command(override_usage = "cargo xtask doctor [--json] [OPTIONS]")]
    Doctor {
        #[command(flatten)]
        parameters: Parameters,
        #[command(flatten)]
        loudness: Loudness,
        #[command(flatten)]
        rest: Rest,
    },
}

#[derive(Debug, Subcommand)]
pub enum Run {
    /// Brings every stage up to date, and prints the path of the report
    #[command(after_help = "all --pipeline mine")]
    All(RunOptions),
    #[command(flatten)]
    Stage(StageVerb),
}

#[derive(Debug, Subcommand)]
pub enum Look {
    /// Shows each stage: up to date, or why not; size, age and duration of its last run
    #[command(after_help = "status --json")]
    Status {
        #[command(flatten)]
        parameters: Parameters,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        verbose: Verbose,
    },
    /// Explains why a stage is stale, what running it costs, and what depends on it
    ///
    /// Explains why a stage is stale (parameters, inputs and code with their old and new hashes),
    /// how long it took the last time, and what depends on it. Without a name: every stage that is
    /// not up to date.
    #[command(after_help = "why steer")]
    Why {
        /// The stage; if omitted, every stage
        #[arg(value_parser = stage_parser())]
        stage: Option<&'static Stage>,
        #[command(flatten)]
        parameters: Parameters,
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Opens the report in the browser, or prints its path
    #[command(after_help = "open --pipeline mine")]
    Open {
        #[command(flatten)]
        parameters: Parameters,
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Checks the files of a run against the contract of its tables (docs/schemas.md)
    ///
    /// Checks the files of a run against the contract of their tables (`docs/schemas.md`): columns,
    /// types, values, order, and what must agree between tables.
    #[command(after_help = "check-results --json")]
    CheckResults {
        #[command(flatten)]
        pipeline: WhichPipeline,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Writes vectors for other tools: GGUF control vector, .npy, safetensors, Neuronpedia
    ///
    /// Writes vectors for other tools: GGUF control vector, `.npy`, safetensors, Neuronpedia.
    /// Without arguments: the contrast vectors in all formats.
    #[command(after_help = "export pca mean.normal --format gguf --out vectors")]
    #[command(
        override_usage = "cargo xtask export [VECTOR]... [--format gguf|npy|safetensors|neuronpedia]... [--out FOLDER] \
                          [OPTIONS]"
    )]
    Export {
        #[command(flatten)]
        pipeline: WhichPipeline,
        #[command(flatten)]
        loudness: Loudness,
        #[command(flatten)]
        rest: Rest,
    },
}

#[derive(Debug, Subcommand)]
pub enum Compare {
    /// Compares two runs: settings, curves, contrast vectors, activations, doses and texts
    ///
    /// Compares two runs side by side: what was done differently, similarity curves on relative
    /// depth, contrast vectors, activations of the same prompts (a model and its fine-tune), doses
    /// and texts; in the terminal and as a page in `results/`.
    #[command(after_help = "diff tiny tiny-audit")]
    #[command(override_usage = "cargo xtask diff RUN_A RUN_B [--html FILE] [OPTIONS]")]
    Diff {
        #[command(flatten)]
        loudness: Loudness,
        #[command(flatten)]
        rest: Rest,
    },
}

#[derive(Debug, Subcommand)]
pub enum Try {
    /// Opens a chat with the model in the terminal; change the steering at any turn
    ///
    /// Opens a chat with the model in the terminal; change the steering at any turn (`/steer
    /// layer=3 coef=-0.65`, `/compare`, `/help`). Also reads from a pipe.
    #[command(after_help = "chat --as user")]
    #[command(override_usage = "cargo xtask chat [--as model|user] [--system TEXT] [OPTIONS]")]
    Chat(LiveOptions),
    /// Starts a page that only this machine can reach: sliders for each vector, answers side by
    /// side
    ///
    /// Starts a page that only this machine can reach, with sliders for each vector; steered and
    /// unsteered answers appear side by side. Ctrl-C stops it.
    #[command(after_help = "serve --port 8080")]
    #[command(override_usage = "cargo xtask serve [--port N] [OPTIONS]")]
    Serve(LiveOptions),
}

#[derive(Debug, Subcommand)]
pub enum Maintain {
    /// Marks existing results as up to date after a change that cannot affect them
    #[command(after_help = "accept analyze")]
    Accept {
        /// The stage; if omitted, every stage
        #[arg(value_parser = stage_parser())]
        stage: Option<&'static Stage>,
        #[command(flatten)]
        parameters: Parameters,
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Removes the results of the pipeline
    #[command(after_help = "clean --pipeline mine --dry-run")]
    Clean {
        #[command(flatten)]
        pipeline: WhichPipeline,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Writes a cluster.toml to edit: where `--on NAME` runs
    ///
    /// Writes a `cluster.toml` to edit, in which every key is explained: where `all --on NAME` runs. Overwrites no file.
    #[command(after_help = "cluster")]
    Cluster {
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Ends the jobs that `--on NAME` has submitted; shards that are done are kept
    #[command(after_help = "cancel --pipeline mine")]
    Cancel {
        #[command(flatten)]
        pipeline: WhichPipeline,
        #[command(flatten)]
        loudness: Loudness,
    },
    /// Prints a completion script for a shell; its header explains how to install it
    ///
    /// Prints a script for bash, zsh or fish that completes verbs, options, stages and pipelines;
    /// its header explains how to install it.
    #[command(after_help = "completions bash")]
    Completions {
        /// The shell that will read the script
        shell: Shell,
    },
    /// Trains the embedded model again
    #[command(after_help = "train --help")]
    #[command(override_usage = "cargo xtask train [ARGUMENTS OF THE TRAINER] [OPTIONS]")]
    Train(ToolOptions),
    /// Writes a checkpoint of random weights in the shape of a published model
    #[command(after_help = "synth --like gemma-2-9b-it models/synth-9b")]
    #[command(override_usage = "cargo xtask synth --like NAME OUT [--seed N] [--tokenizer FOLDER] [OPTIONS]")]
    Synth(ToolOptions),
    /// Measures each part of a run on a checkpoint: time, tokens per second, memory, the machine's
    /// limit
    #[command(after_help = "bench models/synth-2b --new 32")]
    #[command(
        override_usage = "cargo xtask bench [CHECKPOINT] [--dtype auto|f32|tf32|bf16] [--new TOKENS] [--repeat N] [--greedy] \
                          [--json] [OPTIONS]"
    )]
    Bench(ToolOptions),
}

#[derive(Debug, Args)]
pub struct WhichPipeline {
    /// The pipeline: a name (pipelines/NAME.toml) or the path of a .toml file
    #[arg(long = "pipeline", value_name = "NAME", default_value = DEFAULT_PIPELINE)]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct Parameters {
    #[command(flatten)]
    pub pipeline: WhichPipeline,
    /// Overrides one parameter; may be repeated. The value is TOML, or else a plain string
    #[arg(long, value_name = "TABLE.KEY=VALUE", allow_hyphen_values = true)]
    pub set: Vec<String>,
}

#[derive(Debug, Args)]
pub struct DryRun {
    /// Prints what would happen, and does nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Json {
    /// Prints JSON to standard output; see docs/command-line.md for its shape
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Verbose {
    /// Names each input that is hashed and each command that is run
    #[arg(short, long)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
pub struct Loudness {
    /// Prints only errors and the path of the result
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(flatten)]
    pub verbose: Verbose,
}

// What a separate program is told, which the verb does not know. No doc comments on these groups
// of options: clap would take them for the help of a verb.
#[derive(Debug, Args)]
pub struct Rest {
    #[arg(last = true, hide = true)]
    pub arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct RunOptions {
    #[command(flatten)]
    pub parameters: Parameters,
    /// Runs the named stage even if it is up to date; `all --force` runs every stage
    #[arg(long)]
    pub force: bool,
    /// Shares the work among this many processes, with the threads divided; same results
    #[arg(long, value_name = "N", conflicts_with = "devices")]
    pub workers: Option<usize>,
    /// Gives a process to each of these GPUs, as 0-3 or 0,2
    #[arg(long, value_name = "LIST")]
    pub devices: Option<String>,
    /// Runs on a cluster of cluster.toml; the same again submits what is missing
    #[arg(long, value_name = "NAME", conflicts_with_all = ["workers", "devices", "force"])]
    pub on: Option<String>,
    #[command(flatten)]
    pub dry_run: DryRun,
    #[command(flatten)]
    pub loudness: Loudness,
}

#[derive(Debug, Args)]
pub struct LiveOptions {
    #[command(flatten)]
    pub parameters: Parameters,
    #[command(flatten)]
    pub loudness: Loudness,
    #[command(flatten)]
    pub rest: Rest,
}

// Of a program that also answers `--help` itself, as it has more to say.
#[derive(Debug, Args)]
pub struct ToolOptions {
    #[command(flatten)]
    pub loudness: Loudness,
    #[arg(id = OWN_HELP, last = true, hide = true)]
    pub arguments: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The name of the arguments of a program that answers `--help` itself.
pub const OWN_HELP: &str = "arguments with help";

/// The verb of a stage: one for each of [`STAGES`].
#[derive(Debug)]
pub struct StageVerb {
    pub stage: &'static Stage,
    pub options: RunOptions,
    pub json: bool,
}

impl StageVerb {
    fn command(stage: &'static Stage) -> Command {
        let command = Command::new(stage.name)
            .about(stage.help)
            .after_help(stage.example);
        let command = RunOptions::augment_args(command);
        match stage.json {
            Some(_) => Json::augment_args(command),
            None => command,
        }
    }
}

impl Subcommand for StageVerb {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(STAGES.iter().map(StageVerb::command))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        StageVerb::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        stage::names().any(|known| known == name)
    }
}

impl FromArgMatches for StageVerb {
    fn from_arg_matches(matches: &ArgMatches) -> Result<StageVerb, Error> {
        let missing = || Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let stage = STAGES.iter().find(|stage| stage.name == name);
        let stage = stage.ok_or_else(missing)?;
        Ok(StageVerb {
            stage,
            options: RunOptions::from_arg_matches(matches)?,
            json: stage.json.is_some() && Json::from_arg_matches(matches)?.json,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = StageVerb::from_arg_matches(matches)?;
        Ok(())
    }
}

fn stage_parser() -> impl clap::builder::TypedValueParser<Value = &'static Stage> {
    PossibleValuesParser::new(stage::names()).try_map(|name| stage::named(&name))
}

/// Every verb with its options.
pub fn command() -> Command {
    CommandLine::command()
}

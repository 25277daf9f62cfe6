//! What there is to type, as data: a row for each verb and each option. Help, completion, suggestions and what a verb
//! takes come from here; a test compares it with the grammar in `flags.rs`.
//!
//! A new verb is a `cmd` in `flags.rs`, a row here, an arm of `dispatch` in `main.rs`, and a section in
//! `docs/command-line.md`.

/// In the order of the help.
pub const GROUPS: &[Group] = &[
    Group::Start,
    Group::Run,
    Group::Look,
    Group::Compare,
    Group::Try,
    Group::Tend,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Start,
    Run,
    Look,
    Compare,
    Try,
    Tend,
}

impl Group {
    pub fn title(self) -> &'static str {
        match self {
            Group::Start => "Start",
            Group::Run => "Run",
            Group::Look => "Look",
            Group::Compare => "Compare",
            Group::Try => "Try",
            Group::Tend => "Tend",
        }
    }
}

#[derive(Debug)]
pub struct Verb {
    pub name: &'static str,
    pub group: Group,
    /// One line: what it does.
    pub line: &'static str,
    /// What follows `cargo xtask`.
    pub example: &'static str,
    /// Its own arguments, as a help shows them; empty for none.
    pub arguments: &'static str,
    /// The options that mean something to it. Any other is refused, or handed on where `passes_on` says so.
    pub options: &'static [&'static str],
    /// Whether everything else goes to a program.
    pub passes_on: bool,
    /// Whether `--help` also goes to that program, as it has more to say than `arguments` here.
    pub explains_itself: bool,
}

const RUNS: &[&str] = &[
    "--pipeline",
    "--set",
    "--force",
    "--dry-run",
    "--quiet",
    "--verbose",
];
const READS: &[&str] = &["--pipeline", "--set", "--quiet", "--verbose"];
const SHOWS: &[&str] = &["--pipeline", "--set", "--json", "--verbose"];
const BUILDS: &[&str] = &["--quiet", "--verbose"];

const PLAIN: Verb = Verb {
    name: "",
    group: Group::Run,
    line: "",
    example: "",
    arguments: "",
    options: RUNS,
    passes_on: false,
    explains_itself: false,
};

pub const VERBS: &[Verb] = &[
    Verb {
        name: "all",
        line: "Brings every stage up to date, and prints where the report is.",
        example: "all",
        ..PLAIN
    },
    Verb {
        name: "verify",
        line: "Compares the model, layer by layer, with what an independent implementation computed.",
        example: "verify --json",
        options: &[
            "--pipeline",
            "--set",
            "--force",
            "--dry-run",
            "--json",
            "--quiet",
            "--verbose",
        ],
        ..PLAIN
    },
    Verb {
        name: "extract",
        line: "Records activations of every prompt under every condition.",
        example: "extract --pipeline tiny",
        ..PLAIN
    },
    Verb {
        name: "analyze",
        line: "Computes similarities, contrast vectors and statistics; first brings extract up to date.",
        example: "analyze --dry-run",
        ..PLAIN
    },
    Verb {
        name: "steer",
        line: "Generates text with the vectors added or swapped; first brings extract and analyze up to date.",
        example: "steer --set steer.seed=1",
        ..PLAIN
    },
    Verb {
        name: "dose",
        line: "Looks for a steering dose, with controls; first brings extract and analyze up to date.",
        example: "dose --set dose.prompts=6",
        ..PLAIN
    },
    Verb {
        name: "report",
        line: "Writes the report; first brings every other stage up to date.",
        example: "report --force",
        ..PLAIN
    },
    Verb {
        name: "status",
        group: Group::Look,
        line: "A row per stage: fresh, or why not; size, age and duration of its last run.",
        example: "status --json",
        options: SHOWS,
        ..PLAIN
    },
    Verb {
        name: "why",
        group: Group::Look,
        line: "What makes a stage stale, in full, what running it costs, and what depends on it.",
        example: "why steer",
        arguments: "[STAGE]",
        options: READS,
        ..PLAIN
    },
    Verb {
        name: "open",
        group: Group::Look,
        line: "Opens the report in the browser, or says where it is.",
        example: "open",
        options: READS,
        ..PLAIN
    },
    Verb {
        name: "new",
        group: Group::Start,
        line: "Writes a commented pipeline and prompts to edit; it runs as it is.",
        example: "new mine",
        arguments: "NAME [--model SOURCE] [--prompts FILE]",
        options: BUILDS,
        ..PLAIN
    },
    Verb {
        name: "doctor",
        group: Group::Start,
        line: "Checks this machine against a pipeline, and estimates the time, memory and disk of each stage.",
        example: "doctor --pipeline user-swap-gemma-2-9b-it",
        arguments: "[--json]",
        options: READS,
        passes_on: true,
        ..PLAIN
    },
    Verb {
        name: "diff",
        group: Group::Compare,
        line: "Two runs side by side: settings, curves, contrast vectors, doses and texts, here and as a page.",
        example: "diff tiny tiny-audit",
        arguments: "RUN_A RUN_B [--html FILE]",
        options: BUILDS,
        passes_on: true,
        ..PLAIN
    },
    Verb {
        name: "check-results",
        group: Group::Look,
        line: "Holds the files of a run to the contract of its tables (docs/schemas.md).",
        example: "check-results --json",
        options: &["--pipeline", "--json", "--quiet", "--verbose"],
        ..PLAIN
    },
    Verb {
        name: "export",
        group: Group::Look,
        line: "Writes vectors for other tools: GGUF control vector, .npy, safetensors, Neuronpedia.",
        example: "export pca mean.normal --format gguf --out vectors",
        arguments: "[VECTOR]... [--format gguf|npy|safetensors|neuronpedia]... [--out FOLDER]",
        options: &["--pipeline", "--quiet", "--verbose"],
        passes_on: true,
        ..PLAIN
    },
    Verb {
        name: "accept",
        group: Group::Tend,
        line: "Takes the present results as valid after a change that cannot alter them, such as a refactor.",
        example: "accept analyze",
        arguments: "[STAGE]",
        options: READS,
        ..PLAIN
    },
    Verb {
        name: "clean",
        group: Group::Tend,
        line: "Removes the results of the pipeline.",
        example: "clean --pipeline tiny --dry-run",
        options: &["--pipeline", "--dry-run"],
        ..PLAIN
    },
    Verb {
        name: "chat",
        group: Group::Try,
        line: "A conversation in the terminal, steered as you go: the quickest way to feel a direction.",
        example: "chat --as user",
        arguments: "[--as model|user] [--system TEXT]",
        options: READS,
        passes_on: true,
        ..PLAIN
    },
    Verb {
        name: "serve",
        group: Group::Try,
        line: "A local page: sliders for each vector, and the model's answers steered and not, side by side.",
        example: "serve --port 8080",
        arguments: "[--port N]",
        options: READS,
        passes_on: true,
        ..PLAIN
    },
    Verb {
        name: "completions",
        group: Group::Tend,
        line: "Prints a script that completes verbs, options and names of pipelines; its head says how to use it.",
        example: "completions bash",
        arguments: "bash|zsh|fish",
        options: &[],
        ..PLAIN
    },
    Verb {
        name: "train",
        group: Group::Tend,
        line: "Trains the embedded model anew.",
        example: "train --help",
        arguments: "[ARGUMENTS OF THE TRAINER]",
        options: BUILDS,
        passes_on: true,
        explains_itself: true,
    },
    Verb {
        name: "synth",
        group: Group::Tend,
        line: "Writes a checkpoint of random weights in the shape of a published model, to try a machine with.",
        example: "synth --like gemma-2-9b-it models/synth-9b",
        arguments: "--like NAME FOLDER [--seed N] [--tokenizer FOLDER]",
        options: BUILDS,
        passes_on: true,
        explains_itself: true,
    },
    Verb {
        name: "bench",
        group: Group::Tend,
        line: "Measures each part of a run on a checkpoint: seconds, tokens a second, memory, the machine's limit.",
        example: "bench models/synth-2b --new 32",
        arguments: "[CHECKPOINT] [--dtype auto|f32|bf16] [--new TOKENS] [--repeat N] [--json]",
        options: BUILDS,
        passes_on: true,
        explains_itself: true,
    },
];

#[derive(Debug)]
pub struct Opt {
    pub name: &'static str,
    pub short: Option<&'static str>,
    /// What stands after it; empty for a flag.
    pub value: &'static str,
    pub line: &'static str,
}

pub const OPTIONS: &[Opt] = &[
    Opt {
        name: "--pipeline",
        short: None,
        value: "NAME",
        line: "The pipeline: a name (pipelines/NAME.toml) or the path of a .toml file. Default: tiny.",
    },
    Opt {
        name: "--set",
        short: None,
        value: "TABLE.KEY=VALUE",
        line: "Overrides one parameter; may be repeated. The value is TOML, or else a plain string.",
    },
    Opt {
        name: "--force",
        short: None,
        value: "",
        line: "Runs the named stage although it is fresh; `all --force` runs every stage.",
    },
    Opt {
        name: "--dry-run",
        short: None,
        value: "",
        line: "Says what would happen, and does nothing.",
    },
    Opt {
        name: "--json",
        short: None,
        value: "",
        line: "Prints JSON on standard output; see docs/command-line.md for its shape.",
    },
    Opt {
        name: "--quiet",
        short: Some("-q"),
        value: "",
        line: "Says nothing but errors and where the result is.",
    },
    Opt {
        name: "--verbose",
        short: Some("-v"),
        value: "",
        line: "Names each input that is hashed and each command that is run.",
    },
];

pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// An option by its long or its short name.
pub fn option(name: &str) -> Option<&'static Opt> {
    OPTIONS
        .iter()
        .find(|option| option.name == name || option.short == Some(name))
}

impl Verb {
    pub fn takes(&self, option: &Opt) -> bool {
        self.options.contains(&option.name)
    }
}

//! Why a stage must run again: one pure function of the present state and what the lock recorded.
//!
//! | What is tracked                     | Where it is recorded | How it is seen now                      |
//! |-------------------------------------|----------------------|-----------------------------------------|
//! | parameters of the stage's tables    | lock, `[parameters]` | pipeline file, `--set`, resolved device |
//! | input files (model folder, prompts) | lock, `[inputs]`     | blake3 of the contents                  |
//! | outputs of upstream stages          | lock, `[upstream]`   | one hash over the files that are there  |
//! | code of the stage's crates          | lock, `[code]`       | its meaning, see `code.rs`              |
//! | version of the stage                | lock, `version`      | `stage.rs`                              |
//! | format of the lock                  | lock, `format`       | `lock.rs`                               |
//! | the stage's own outputs             | lock, `[outputs]`    | blake3 of every file in its folder      |
//! | an interrupted run                  | `<stage>.partial.*/` | the folder exists                       |
//!
//! Hashes of upstream *outputs* give early cutoff: an upstream stage that ran again and wrote the
//! same bytes makes nothing after it stale.
//!
//! Not tracked, so that `--force` is the way: versions of other people's crates (`Cargo.lock`), the
//! compiler, the build profile, files whose name starts with a dot. Times are never compared; see
//! `hash_memo.rs` for their one use.

use std::{collections::BTreeMap, fmt};

use crate::{
    hash::Files,
    lock::{FORMAT, Key, Lock},
    stage::Stage,
};

/// The present state of one stage.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub key: Key,
    /// The files in the stage's folder.
    pub outputs: Files,
    /// There is a partial folder.
    pub interrupted: bool,
    /// The user asked for this stage to run.
    pub forced: bool,
}

impl Snapshot {
    /// Of all outputs.
    pub fn bytes(&self) -> u64 {
        self.outputs.values().map(|file| file.bytes).sum()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    Forced,
    NeverRan,
    Interrupted,
    /// 0 where the lock cannot be understood at all.
    LockFormatUnknown {
        found: u32,
    },
    StageVersionChanged {
        old: u32,
        new: u32,
    },
    ParameterChanged {
        key: String,
        old: String,
        new: String,
    },
    ParameterAdded {
        key: String,
        new: String,
    },
    ParameterRemoved {
        key: String,
        old: String,
    },
    InputChanged {
        path: String,
    },
    InputAdded {
        path: String,
    },
    InputRemoved {
        path: String,
    },
    UpstreamChanged {
        stage: String,
    },
    CodeChanged {
        name: String,
    },
    OutputMissing {
        path: String,
    },
    OutputEdited {
        path: String,
    },
    OutputUnexpected {
        path: String,
    },
}

/// Compares the present state with the recorded one. No reasons: the stage is fresh.
pub fn stale_because(stage: &Stage, now: &Snapshot, recorded: Option<&Lock>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if now.forced {
        reasons.push(Reason::Forced);
    }
    if now.interrupted {
        reasons.push(Reason::Interrupted);
    }
    match recorded {
        None if now.interrupted => {}
        None => reasons.push(Reason::NeverRan),
        Some(lock) if lock.format != FORMAT => {
            reasons.push(Reason::LockFormatUnknown { found: lock.format });
        }
        Some(lock) => {
            let (old, new) = (lock.version, stage.version);
            if old != new {
                reasons.push(Reason::StageVersionChanged { old, new });
            }
            reasons.extend(key_reasons(&lock.key, &now.key));
            reasons.extend(differences(&lock.outputs, &now.outputs, output_reason));
        }
    }
    reasons
}

fn key_reasons(old: &Key, new: &Key) -> Vec<Reason> {
    let mut reasons = differences(&old.parameters, &new.parameters, parameter_reason);
    reasons.extend(differences(&old.inputs, &new.inputs, input_reason));
    reasons.extend(differences(&old.code, &new.code, |name, _, _| {
        Reason::CodeChanged { name }
    }));
    reasons.extend(differences(&old.upstream, &new.upstream, |stage, _, _| {
        Reason::UpstreamChanged { stage }
    }));
    reasons
}

/// A reason for each key whose value differs, or which only one side has.
fn differences<V: PartialEq>(
    old: &BTreeMap<String, V>,
    new: &BTreeMap<String, V>,
    reason: impl Fn(String, Option<&V>, Option<&V>) -> Reason,
) -> Vec<Reason> {
    let added = new.keys().filter(|key| !old.contains_key(*key));
    old.keys()
        .chain(added)
        .map(|key| (key, old.get(key), new.get(key)))
        .filter(|(_, old, new)| old != new)
        .map(|(key, old, new)| reason(key.clone(), old, new))
        .collect()
}

fn parameter_reason(key: String, old: Option<&String>, new: Option<&String>) -> Reason {
    let value = |value: Option<&String>| value.cloned().unwrap_or_default();
    match (old, new) {
        (None, _) => Reason::ParameterAdded { key, new: value(new) },
        (_, None) => Reason::ParameterRemoved { key, old: value(old) },
        _ => Reason::ParameterChanged {
            key,
            old: value(old),
            new: value(new),
        },
    }
}

fn input_reason<V>(path: String, old: Option<&V>, new: Option<&V>) -> Reason {
    match (old, new) {
        (None, _) => Reason::InputAdded { path },
        (_, None) => Reason::InputRemoved { path },
        _ => Reason::InputChanged { path },
    }
}

fn output_reason<V>(path: String, old: Option<&V>, new: Option<&V>) -> Reason {
    match (old, new) {
        (None, _) => Reason::OutputUnexpected { path },
        (_, None) => Reason::OutputMissing { path },
        _ => Reason::OutputEdited { path },
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Forced => write!(f, "forced"),
            Reason::NeverRan => write!(f, "never ran"),
            Reason::Interrupted => write!(f, "interrupted"),
            Reason::LockFormatUnknown { found: 0 } => write!(f, "lock cannot be read"),
            Reason::LockFormatUnknown { found } => {
                write!(
                    f,
                    "lock of another version of xtask (format {found}, not {FORMAT})"
                )
            }
            Reason::StageVersionChanged { old, new } => write!(f, "stage version changed: {old} -> {new}"),
            Reason::ParameterChanged { key, old, new } => {
                write!(
                    f,
                    "parameter {key} changed: {} -> {}",
                    shortened(old),
                    shortened(new)
                )
            }
            Reason::ParameterAdded { key, new } => write!(f, "parameter {key} added: {}", shortened(new)),
            Reason::ParameterRemoved { key, old } => write!(f, "parameter {key} removed: {}", shortened(old)),
            Reason::InputChanged { path } => write!(f, "input changed: {path}"),
            Reason::InputAdded { path } => write!(f, "input added: {path}"),
            Reason::InputRemoved { path } => write!(f, "input removed: {path}"),
            Reason::UpstreamChanged { stage } => write!(f, "upstream output changed: {stage}"),
            Reason::CodeChanged { name } => write!(f, "code changed: {name}"),
            Reason::OutputMissing { path } => write!(f, "output missing: {path}"),
            Reason::OutputEdited { path } => write!(f, "output edited: {path}"),
            Reason::OutputUnexpected { path } => write!(f, "output unexpected: {path}"),
        }
    }
}

/// A reason is one line; a prompt text or a long list is cut.
fn shortened(value: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CHARACTERS_MAX {
        return line;
    }
    let mut cut: String = line.chars().take(CHARACTERS_MAX).collect();
    cut.push('…');
    cut
}

/// The reasons in one line: the first few, and how many more.
pub fn summary(reasons: &[Reason]) -> String {
    const SHOWN_MAX: usize = 3;
    let shown: Vec<String> = reasons.iter().take(SHOWN_MAX).map(Reason::to_string).collect();
    let mut line = shown.join("; ");
    if reasons.len() > SHOWN_MAX {
        line.push_str(&format!("; and {} more", reasons.len() - SHOWN_MAX));
    }
    line
}

use std::path::{Path, PathBuf};

use interventions::InterventionTable;
use serde::Deserialize;

use crate::{
    DoseTable, Error, GenerationSet, ModelTable, Result, Site, SteerTable, VectorKind, VectorTable, bounds,
    read_text,
};

/// One pipeline file: every parameter of a run. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The file's name without `.toml`.
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    /// The `table.key=value` entries that were put over what the file says.
    #[serde(skip)]
    pub overrides: Vec<String>,
    pub model: ModelTable,
    #[serde(default)]
    pub verify: VerifyTable,
    pub prompts: PromptsTable,
    pub conditions: Vec<Condition>,
    pub contrast: Contrast,
    pub extract: ExtractTable,
    /// Vectors from files, to be compared and steered with.
    #[serde(default)]
    pub vectors: Vec<VectorTable>,
    pub steer: SteerTable,
    #[serde(default)]
    pub dose: DoseTable,
    pub report: ReportTable,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyTable {
    /// What an independent implementation computes with this model: a file of `crates/model/reference/make_reference.py`.
    pub reference: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptsTable {
    pub file: PathBuf,
}

/// One chat format: turns before the answer, and the speaker whose turn is opened at the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub name: String,
    /// What the report calls it, such as "Model Role".
    pub label: String,
    /// Instructions: a turn of their own where the chat format has one. Where it has none, as Gemma 2's, they are put at the
    /// start of the first user turn, before a blank line.
    pub system: Option<String>,
    pub turns: Vec<Turn>,
    pub opens: Speaker,
}

impl Condition {
    /// The same with the prompt's text in place of `{prompt}`.
    pub fn filled(&self, prompt: &str) -> Condition {
        let fill = |text: &str| text.replace("{prompt}", prompt);
        let turns = self.turns.iter().map(|turn| Turn {
            speaker: turn.speaker,
            text: fill(&turn.text),
        });
        Condition {
            system: self.system.as_deref().map(fill),
            turns: turns.collect(),
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    pub speaker: Speaker,
    /// `{prompt}` stands for the prompt.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Speaker {
    User,
    Model,
}

impl TryFrom<String> for Speaker {
    type Error = String;

    fn try_from(name: String) -> std::result::Result<Self, String> {
        match name.as_str() {
            "user" => Ok(Speaker::User),
            "model" | "assistant" => Ok(Speaker::Model),
            "system" => Err(
                "instructions aren't a turn; give the condition a `system = \"…\"`, which becomes the format's system turn, or \
                 the start of the first user turn where it has none"
                    .to_owned(),
            ),
            other => Err(format!(
                "unknown speaker \"{other}\"; the speakers are \"user\" and \"model\" (or \"assistant\")"
            )),
        }
    }
}

impl Speaker {
    pub fn as_str(self) -> &'static str {
        match self {
            Speaker::User => "user",
            Speaker::Model => "model",
        }
    }
}

/// Which two conditions the contrast vector is the difference of: mean(positive) - mean(negative).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    pub positive: String,
    pub negative: String,
    /// The pooling whose contrast is steered with and shown first.
    pub pooling: Pooling,
    /// Whether every prompt's cosine with every other is written as a table, whose rows grow with the square of the
    /// prompts. Left out: up to 256 prompts.
    pub cosine_matrices: Option<bool>,
    /// Vectors whose directions are taken out of the contrast, as `mean.<condition>` and the like. What remains is the
    /// vector `contrast.cleaned`.
    #[serde(default)]
    pub project_out: Vec<String>,
}

impl Contrast {
    pub fn builds_cosine_matrices(&self, prompts: usize) -> bool {
        self.cosine_matrices.unwrap_or(prompts <= 256)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractTable {
    pub poolings: Vec<Pooling>,
    /// Places besides the residual stream after each layer, to be recorded too.
    #[serde(default)]
    pub sites: Vec<Site>,
}

/// How one vector is made of the residuals of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The newline that ends the header of the opened turn; in a format without one there, the last token.
    Newline,
    /// The last token.
    Last,
    /// The mean over all tokens, `<bos>` included.
    Mean,
    /// The mean over the tokens of the opened turn's header, such as `<start_of_turn>`, `model` and the newline.
    Opening,
}

impl Pooling {
    pub fn as_str(self) -> &'static str {
        match self {
            Pooling::Newline => "newline",
            Pooling::Last => "last",
            Pooling::Mean => "mean",
            Pooling::Opening => "opening",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Pooling::Newline, Pooling::Last, Pooling::Mean, Pooling::Opening]
            .into_iter()
            .find(|pooling| pooling.as_str() == name)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTable {
    pub title: String,
    /// A similarity table that was published for the same experiment (CSV), to be shown beside the run's own.
    pub published: Option<PathBuf>,
}

impl Pipeline {
    /// Reads a pipeline file, applies `table.key=value` overrides, and checks that its parts fit together.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = read_text(path)?;
        let in_text = |error: toml::de::Error| Error::invalid(path, toml_problem(&text, &error));
        let table: toml::Table = toml::from_str(&text).map_err(in_text)?;
        let mut pipeline: Pipeline = if overrides.is_empty() {
            toml::from_str(&text).map_err(in_text)?
        } else {
            let table = with_overrides(table, overrides)?;
            table.try_into().map_err(|error| {
                // The text itself, where it has the same mistake, says in which line.
                match toml::from_str::<Pipeline>(&text) {
                    Err(error) => in_text(error),
                    Ok(_) => Error::invalid(path, format!("--set: {}", toml_problem("", &error))),
                }
            })?
        };
        pipeline.name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        pipeline.path = path.to_owned();
        pipeline.overrides = overrides.to_vec();
        match pipeline.problem() {
            Some(problem) => Err(Error::invalid(path, problem)),
            None => Ok(pipeline),
        }
    }

    pub fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.name == name)
    }

    /// The first thing that doesn't fit, in words that name the key.
    fn problem(&self) -> Option<String> {
        self.model
            .problem()
            .or_else(|| self.short_name_problem())
            .or_else(|| self.condition_problem())
            .or_else(|| VectorTable::problem(&self.vectors))
            .or_else(|| self.contrast_problem())
            .or_else(|| self.steer_problem())
            .or_else(|| self.dose.problem())
    }

    fn short_name_problem(&self) -> Option<String> {
        let name = &self.model.short_name;
        (!is_file_name(name))
            .then(|| format!("model.short_name = \"{name}\" is a part of file names; {FILE_NAME}"))
    }

    fn condition_problem(&self) -> Option<String> {
        let names: Vec<&str> = self
            .conditions
            .iter()
            .map(|condition| condition.name.as_str())
            .collect();
        if let Some(name) = repeated(&names) {
            return Some(format!(
                "two [[conditions]] are named \"{name}\"; names must be unique"
            ));
        }
        self.conditions.iter().find_map(|condition| {
            let name = &condition.name;
            if !is_plain_name(name) {
                return Some(format!(
                    "conditions: the name \"{name}\" may hold only letters, digits, `-` and `_`"
                ));
            }
            let uses_prompt = condition.turns.iter().any(|turn| turn.text.contains("{prompt}"));
            (!uses_prompt).then(|| {
                format!("conditions.{name}: no turn holds {{prompt}}, so all prompts would be the same")
            })
        })
    }

    fn contrast_problem(&self) -> Option<String> {
        let Contrast {
            positive,
            negative,
            pooling,
            ..
        } = &self.contrast;
        for (key, name) in [("positive", positive), ("negative", negative)] {
            if self.condition(name).is_none() {
                return Some(format!(
                    "contrast.{key}: there is no condition \"{name}\"; {}",
                    self.known_conditions()
                ));
            }
        }
        if positive == negative {
            return Some(format!(
                "contrast: positive and negative are both \"{positive}\"; name two conditions"
            ));
        }
        let cleaned = VectorKind::Cleaned.name();
        if let Some(name) = self
            .contrast
            .project_out
            .iter()
            .find(|name| **name == cleaned || **name == "contrast" || !self.is_vector_name(name))
        {
            return Some(format!(
                "contrast.project_out: \"{name}\" can't be taken out of the contrast; use {}, or mean.<condition>",
                VectorKind::names(VectorKind::of_every_run().iter().skip(1))
            ));
        }
        if !self.extract.poolings.contains(pooling) {
            let name = pooling.as_str();
            return Some(format!(
                "contrast.pooling: \"{name}\" is not among extract.poolings; add it there"
            ));
        }
        let poolings: Vec<&str> = self
            .extract
            .poolings
            .iter()
            .map(|pooling| pooling.as_str())
            .collect();
        if let Some(name) = repeated(&poolings) {
            return Some(format!("extract.poolings: \"{name}\" is there twice"));
        }
        let sites: Vec<&str> = self.extract.sites.iter().map(|site| site.as_str()).collect();
        if sites.contains(&Site::ResidualPost.as_str()) {
            return Some(
                "extract.sites: \"hook_resid_post\" is recorded in any case; leave it out".to_owned(),
            );
        }
        repeated(&sites).map(|name| format!("extract.sites: \"{name}\" is there twice"))
    }

    fn steer_problem(&self) -> Option<String> {
        let steer = &self.steer;
        let problem = bounds::max_new_tokens_problem("steer", steer.max_new_tokens)
            .or_else(|| bounds::decoding_problem(&steer.decoding));
        if problem.is_some() {
            return problem;
        }
        let names: Vec<&str> = steer.sets.iter().map(|set| set.name.as_str()).collect();
        if let Some(name) = repeated(&names) {
            return Some(format!(
                "two [[steer.sets]] are named \"{name}\"; names must be unique"
            ));
        }
        if let Some(name) = names.iter().find(|name| !is_file_name(name)) {
            return Some(format!(
                "steer.sets: the name \"{name}\" can't be used; {FILE_NAME}"
            ));
        }
        let mut sets = steer.sets.iter();
        sets.find_map(|set| self.set_problem(set))
            .or_else(|| notebook_set_problem(steer))
    }

    fn set_problem(&self, set: &GenerationSet) -> Option<String> {
        let place = format!("steer.sets.{}", set.name);
        if self.condition(&set.condition).is_none() {
            return Some(format!(
                "{place}: there is no condition \"{}\"; {}",
                set.condition,
                self.known_conditions()
            ));
        }
        if let Some(problem) = bounds::set_problem(&place, set) {
            return Some(problem);
        }
        if set.interventions.is_empty() && !set.coefficients.is_empty() {
            return Some(format!(
                "{place}: coefficients without an intervention change nothing; add `interventions`"
            ));
        }
        let mut interventions = set.interventions.iter();
        if let Some(problem) = interventions.find_map(|table| self.intervention_problem(table)) {
            return Some(format!("{place}: {problem}"));
        }
        let without = set
            .interventions
            .iter()
            .filter(|table| table.kind.definition().coefficient.is_none());
        let mut without: Vec<&str> = without.map(|table| table.kind.as_str()).collect();
        let multiplies_nothing = !set.coefficients.is_empty() && without.len() == set.interventions.len();
        without.sort_unstable();
        without.dedup();
        multiplies_nothing.then(|| {
            let kinds = without.join(" and ");
            let verb = if without.len() == 1 { "has" } else { "have" };
            format!("{place}: {kinds} {verb} no coefficient; leave out `coefficients`")
        })
    }

    fn intervention_problem(&self, table: &InterventionTable) -> Option<String> {
        if let Some(problem) = table.problem() {
            return Some(problem);
        }
        let unknown = table.vectors().find(|name| !self.is_vector_name(name));
        unknown.map(|name| {
            format!(
                "there is no vector \"{name}\"; use {}, or mean.<condition>",
                self.vector_names().join(", ")
            )
        })
    }

    fn is_vector_name(&self, name: &str) -> bool {
        match VectorKind::parse(name) {
            Some(VectorKind::Mean(condition)) => self.condition(&condition).is_some(),
            Some(kind) => self.vector_names().contains(&kind.name()),
            None => false,
        }
    }

    /// Those that analyze makes for this pipeline, but for the means.
    fn vector_names(&self) -> Vec<String> {
        let kinds = VectorKind::of_every_run().iter();
        let cleaned = (!self.contrast.project_out.is_empty()).then_some(VectorKind::Cleaned);
        let effects = self.design().map(|_| VectorKind::EFFECTS).into_iter().flatten();
        kinds
            .cloned()
            .chain(cleaned)
            .chain(effects)
            .map(|kind| kind.name())
            .chain(self.vectors.iter().map(|table| table.name.clone()))
            .collect()
    }

    fn known_conditions(&self) -> String {
        let names: Vec<&str> = self
            .conditions
            .iter()
            .map(|condition| condition.name.as_str())
            .collect();
        format!("the conditions are: {}", names.join(", "))
    }
}

fn notebook_set_problem(steer: &SteerTable) -> Option<String> {
    let name = steer.notebook_set.as_ref()?;
    match steer.sets.iter().find(|set| set.name == *name) {
        Some(set) if set.interventions.is_empty() => Some(format!(
            "steer.notebook_set: the set \"{name}\" has no intervention, whose layer is part of the file's name; name a set that \
             has one"
        )),
        Some(_) => None,
        None => {
            let names: Vec<&str> = steer.sets.iter().map(|set| set.name.as_str()).collect();
            Some(format!(
                "steer.notebook_set: there is no set \"{name}\"; the sets are: {}",
                names.join(", ")
            ))
        }
    }
}

fn repeated<'a>(names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .enumerate()
        .find(|(index, name)| names[..*index].contains(name))
        .map(|(_, name)| *name)
}

pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

const FILE_NAME: &str = "use letters from a to z, digits, `-`, `_` and `.` alone, and no `.` at the start";

/// Whether a name can be a part of a file's name on every system, and leads nowhere else.
fn is_file_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}

/// What TOML says, in one line that names the line of the text and its key; the keys or the values that are possible are the
/// advice.
fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    // Without a text, the whole of it names the key.
    let whole = error.to_string();
    let (whole, key) = whole.trim().split_once("\nin `").unwrap_or((whole.trim(), ""));
    let span = error.span().filter(|_| !text.is_empty());
    let (message, key) = match &span {
        Some(span) => (error.message().trim(), key_of_value(text, span.start)),
        None => (whole, key.trim_end_matches('`')),
    };
    let message = in_our_words(&message.replace('\n', " "));
    let place = span.map(|span| format!("line {}: ", 1 + text[..span.start].matches('\n').count()));
    let key = match key {
        "" => String::new(),
        key => format!("{key}: "),
    };
    format!("{}{key}{message}", place.unwrap_or_default())
}

/// The key of the value that stands at this byte of a text; none where it is on another line, or is itself what is wrong.
fn key_of_value(text: &str, at: usize) -> &str {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.split_once('=').map_or("", |(key, _)| key.trim())
}

fn in_our_words(message: &str) -> String {
    const KINDS: [(&str, &str); 5] = [
        ("usize", "a whole number from 0 on"),
        ("u64", "a whole number from 0 on"),
        ("i64", "a whole number"),
        ("f64", "a number"),
        ("a string", "a text in quotes"),
    ];
    let kind = if message.starts_with("unknown variant") {
        "values"
    } else {
        "keys"
    };
    let message = message.replacen(", expected one of ", &format!("; the {kind} here are "), 1);
    let message = message.replacen(", expected `", "; here belongs `", 1);
    let named = KINDS.iter().find_map(|(name, words)| {
        let cause = message.strip_suffix(&format!(", expected {name}"))?;
        Some(format!("{cause}; here belongs {words}"))
    });
    named.unwrap_or(message)
}

/// Sets `table.key=value`; the value is read as TOML, and as plain text where it is no TOML.
fn with_overrides(mut table: toml::Table, overrides: &[String]) -> Result<toml::Table> {
    for entry in overrides {
        let malformed = || Error::Usage(format!("--set {entry}: expected table.key=value"));
        let (path, text) = entry.split_once('=').ok_or_else(malformed)?;
        let (parents, key) = path.rsplit_once('.').ok_or_else(malformed)?;
        let mut place = &mut table;
        for name in parents.split('.') {
            let child = place
                .entry(name)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            place = child
                .as_table_mut()
                .ok_or_else(|| Error::Usage(format!("--set {entry}: `{name}` is not a table")))?;
        }
        let parsed = toml::from_str::<toml::Table>(&format!("value = {text}"))
            .ok()
            .and_then(|mut t| t.remove("value"));
        place.insert(
            key.to_owned(),
            parsed.unwrap_or_else(|| toml::Value::String(text.to_owned())),
        );
    }
    Ok(table)
}

use anyhow::{Context as _, Result, bail};
use pipeline::Pipeline;
use results::{Layout, StageArguments};

use crate::LiveModel;

/// What a program is told beyond what every stage is: the values of its own options, by their names.
pub struct OwnArguments {
    rest: Vec<String>,
    values: Vec<(String, String)>,
}

impl OwnArguments {
    /// Takes the options with these names, each with a value, out of the arguments.
    pub fn take(arguments: impl IntoIterator<Item = String>, names: &[&str]) -> Result<Self> {
        let (mut rest, mut values) = (Vec::new(), Vec::new());
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let value = || format!("{argument} needs a value");
            if names.contains(&argument.as_str()) {
                let value = arguments.next().with_context(value)?;
                values.push((argument, value));
            } else if matches!(argument.as_str(), "--pipeline" | "--results" | "--set") {
                let value = arguments.next().with_context(value)?;
                rest.extend([argument, value]);
            } else {
                bail!(
                    "unknown option \"{argument}\"; the options are {}",
                    names.join(", ")
                );
            }
        }
        Ok(OwnArguments { rest, values })
    }

    /// The last value counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        let of_name = self.values.iter().rev().find(|(known, _)| known == name);
        of_name.map(|(_, value)| value.as_str())
    }

    /// Opens the pipeline's model with its vectors.
    pub fn open(&self) -> Result<LiveModel> {
        let stage = StageArguments::parse(self.rest.clone())?;
        let pipeline = Pipeline::read(&stage.pipeline, &stage.overrides)?;
        LiveModel::open(pipeline, &Layout::new(stage.results))
    }
}

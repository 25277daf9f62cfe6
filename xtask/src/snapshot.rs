//! Looks at the disk and says what is there, so that `staleness.rs` needs no IO.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Error, Result, bail};

use files::model_folder;
use files::{HashMemo, REMEMBERED_FROM_BYTES};

use crate::{
    code::{RULES, crate_code},
    hash::{self, Files},
    lock::Key,
    pipeline::Pipeline,
    project::Project,
    source::{self, Source},
    stage::{self, Input, STAGES, Stage},
    staleness::Snapshot,
    token_memo::TokenMemo,
    verbosity,
    workspace::Workspace,
};

/// What has been seen of one pipeline during one command.
pub struct Observer<'a> {
    project: &'a Project,
    pipeline: &'a Pipeline,
    memo: HashMemo,
    /// Stage -> crate that it is built from -> hash of its code.
    code: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// Outputs of stages already looked at, for the stages after them.
    outputs: BTreeMap<&'static str, Files>,
}

impl<'a> Observer<'a> {
    /// Hashes all code at once, before anything is built: a file saved during the build must not be
    /// taken for the code that the binary holds.
    pub fn new(project: &'a Project, pipeline: &'a Pipeline) -> Result<Observer<'a>> {
        Ok(Observer {
            project,
            pipeline,
            memo: HashMemo::load(project.hash_memo(), REMEMBERED_FROM_BYTES),
            code: code_of_stages(project)?,
            outputs: BTreeMap::new(),
        })
    }

    pub fn snapshot(&mut self, stage: &'static Stage, forced: bool) -> Result<Snapshot> {
        let key = Key {
            parameters: self.pipeline.parameters(stage),
            inputs: self.inputs(stage)?,
            upstream: self.upstream(stage)?,
            code: self.code.get(stage.name).cloned().unwrap_or_default(),
        };
        let outputs = self.outputs(stage)?;
        let interrupted = self.project.partial_folder(&self.pipeline.name, stage).is_some();
        self.memo.save();
        Ok(Snapshot {
            key,
            outputs,
            interrupted,
            forced,
        })
    }

    /// What the results of a stage's shards depend on besides their rows, as a name for a folder; `None` for
    /// a stage that has no shards.
    pub fn key_of_shards(&self, stage: &Stage, key: &Key) -> Option<String> {
        let rows = stage
            .inputs
            .iter()
            .filter(|input| matches!(input, Input::Rows(_)));
        let files = rows.flat_map(|input| self.named_files(input));
        let labels: Vec<String> = files
            .map(|(_, value)| self.project.display(&self.project.resolve(value)))
            .collect();
        stage.has_shards.then(|| key.without_inputs(&labels).hash(stage))
    }

    /// Reads the stage's folder again.
    pub fn outputs(&mut self, stage: &'static Stage) -> Result<Files> {
        let folder = self.project.stage_folder(&self.pipeline.name, stage);
        let outputs = hash::folder_contents(&folder, &mut self.memo)?;
        self.outputs.insert(stage.name, outputs.clone());
        Ok(outputs)
    }

    /// A file that the stage could not do without is missed here, before anything is built.
    pub fn require_inputs(&self, stage: &Stage) -> Result<()> {
        for input in stage.inputs {
            if let Input::Model = input {
                for (keys, source) in source::sources(self.project, self.pipeline) {
                    source::require(self.pipeline, keys, &source)?;
                }
            }
            for (key, value) in self.named_files(input) {
                let path = self.project.resolve(value);
                let (is_there, kind) = match input {
                    Input::Saes(..) => (path.is_dir(), "folder"),
                    _ => (path.is_file(), "file"),
                };
                if !is_there {
                    let file = &self.pipeline.file;
                    bail!(
                        "{file}: {key} = \"{value}\" names no {kind}; \
                         correct the path (it starts at the project root)"
                    );
                }
            }
        }
        Ok(())
    }

    fn inputs(&mut self, stage: &Stage) -> Result<BTreeMap<String, String>> {
        let mut inputs = BTreeMap::new();
        for input in stage.inputs {
            if let Input::Model = input {
                self.model(&mut inputs)?;
                self.adapter(&mut inputs)?;
            }
            for (_, value) in self.named_files(input) {
                let path = self.project.resolve(value);
                let files = match input {
                    Input::Saes(..) => model_folder::deciding_files_of_sae(&path),
                    _ => Vec::from_iter(path.is_file().then(|| path.clone())),
                };
                for file in files {
                    let label = self.project.display(&file);
                    self.input_file(&file, label, &mut inputs)?;
                }
            }
        }
        Ok(inputs)
    }

    /// The keys of the pipeline file that name files and folders, and what they say.
    fn named_files(&self, input: &Input) -> Vec<(String, &'a str)> {
        match input {
            Input::File(key) | Input::Rows(key) => {
                let value = self.pipeline.text(key);
                value
                    .map(|value| ((*key).to_owned(), value))
                    .into_iter()
                    .collect()
            }
            Input::Files(list, key) | Input::Saes(list, key) => self.pipeline.texts(list, key),
            Input::Model => Vec::new(),
        }
    }

    fn input_file(&mut self, path: &Path, label: String, into: &mut BTreeMap<String, String>) -> Result<()> {
        let file = hash::file_contents(path, &mut self.memo)?;
        verbosity::detail(|| format!("input {label}: {} bytes, blake3 {}", file.bytes, file.hash));
        into.insert(label, file.hash);
        Ok(())
    }

    /// The files of the model by their paths in its folder. A model of the hub is recorded under
    /// its repository's name: where its cache is makes no difference.
    fn model(&mut self, into: &mut BTreeMap<String, String>) -> Result<()> {
        let Some(source) = source::source(self.project, self.pipeline) else {
            return Ok(());
        };
        let Some(place) = source::place(self.project, &source) else {
            return Ok(());
        };
        let folder = if place.is_file() {
            place.parent().unwrap_or(&place)
        } else {
            &place
        };
        let files = model_folder::deciding_files(&place).map_err(Error::msg)?;
        self.files_of(&source, folder, &files, into)
    }

    /// The same of an adapter on the model.
    fn adapter(&mut self, into: &mut BTreeMap<String, String>) -> Result<()> {
        let Some(source) = source::adapter(self.project, self.pipeline) else {
            return Ok(());
        };
        let Some(place) = source::place(self.project, &source) else {
            return Ok(());
        };
        let files = model_folder::deciding_files_of_adapter(&place);
        self.files_of(&source, &place, &files, into)
    }

    fn files_of(
        &mut self,
        source: &Source,
        folder: &Path,
        files: &[String],
        into: &mut BTreeMap<String, String>,
    ) -> Result<()> {
        for file in files {
            let path = folder.join(file);
            let label = match source {
                Source::Hub(repository) => format!("{}/{file}", repository.folder()),
                _ => self.project.display(&path),
            };
            self.input_file(&path, label, into)?;
        }
        Ok(())
    }

    /// A stage without any outputs is left out, which differs from every recorded hash.
    fn upstream(&mut self, stage: &Stage) -> Result<BTreeMap<String, String>> {
        let mut upstream = BTreeMap::new();
        for name in stage.upstream {
            if !self.outputs.contains_key(name) {
                self.outputs(stage::named(name)?)?;
            }
            if let Some(hash) = self.outputs.get(name).and_then(hash::combined) {
                upstream.insert((*name).to_owned(), hash);
            }
        }
        Ok(upstream)
    }
}

/// One hash for the code of all stages.
pub fn code_of_all(project: &Project) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for (stage, crates) in code_of_stages(project)? {
        hasher.update(stage.as_bytes());
        for (name, hash) in crates {
            hasher.update(name.as_bytes());
            hasher.update(hash.as_bytes());
        }
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

fn code_of_stages(project: &Project) -> Result<BTreeMap<&'static str, BTreeMap<String, String>>> {
    let mut workspace = Workspace::of(project)?;
    let mut memo = TokenMemo::load(project.token_memo(), RULES);
    let (mut hashes, mut code) = (BTreeMap::new(), BTreeMap::new());
    for stage in STAGES {
        let mut of_stage = BTreeMap::new();
        for name in workspace.built_from(stage.name)? {
            let hash: String = match hashes.get(&name) {
                Some(hash) => String::clone(hash),
                None => crate_code(&mut workspace, &name, &mut memo)?,
            };
            hashes.insert(name.clone(), hash.clone());
            of_stage.insert(name, hash);
        }
        code.insert(stage.name, of_stage);
    }
    memo.save();
    Ok(code)
}

//! The crates of the workspace, as their manifests describe them: what a stage is built from, and
//! which crates are not part of any stage.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use toml::{Table, Value};

use crate::{project::Project, stage::STAGES};

/// Manifests, read when they are first asked for.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    /// `[workspace.dependencies]` of the root.
    shared: Table,
    manifests: BTreeMap<String, Table>,
}

impl Workspace {
    /// # Errors
    ///
    /// Where the root manifest cannot be read or is not TOML.
    pub fn of(project: &Project) -> Result<Workspace> {
        let root = project.root().to_path_buf();
        let manifest = read_manifest(&root, "Cargo.toml")?;
        let shared = manifest
            .get("workspace")
            .and_then(|workspace| workspace.get("dependencies"))
            .and_then(Value::as_table);
        Ok(Workspace {
            shared: shared.cloned().unwrap_or_default(),
            root,
            manifests: BTreeMap::new(),
        })
    }

    /// Where a crate is. A crate goes by the name of its folder in `crates/`.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join("crates").join(name)
    }

    /// # Errors
    ///
    /// Where there is no such crate, or its manifest is not TOML.
    pub fn manifest(&mut self, name: &str) -> Result<&Table> {
        match self.manifests.entry(name.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let manifest = read_manifest(&self.root, &format!("crates/{name}/Cargo.toml"))
                    .with_context(|| format!("the crate `{name}` is not in the checkout"))?;
                Ok(unknown.insert(manifest))
            }
        }
    }

    /// A crate and every crate of the workspace that it is built from. Dev-dependencies are not
    /// followed: no stage is built from them.
    pub fn built_from(&mut self, name: &str) -> Result<BTreeSet<String>> {
        let (mut found, mut next) = (BTreeSet::new(), vec![name.to_owned()]);
        while let Some(name) = next.pop() {
            if !found.contains(&name) {
                next.extend(self.dependencies(&name)?);
                found.insert(name);
            }
        }
        Ok(found)
    }

    /// The crates that no stage is built from. Each is built only where it is asked for: they have
    /// dependencies of their own, such as network code that takes half a minute.
    pub fn non_stage_crates(&mut self) -> Result<Vec<String>> {
        let mut others = self.crates()?;
        for stage in STAGES {
            let built_from = self.built_from(stage.name)?;
            others.retain(|name| !built_from.contains(name));
        }
        Ok(others)
    }

    /// Those of these crates that have a feature, as `--features` takes them:
    /// `verify/cuda,extract/cuda`.
    pub fn features<'a>(
        &mut self,
        crates: impl IntoIterator<Item = &'a str>,
        feature: &str,
    ) -> Result<String> {
        let mut features = Vec::new();
        for name in crates {
            let known = self.manifest(name)?.get("features");
            if known.is_some_and(|known| known.get(feature).is_some()) {
                features.push(format!("{name}/{feature}"));
            }
        }
        Ok(features.join(","))
    }

    /// Every crate in `crates/`, in alphabetical order.
    fn crates(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs_err::read_dir(self.root.join("crates"))? {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The crates of the workspace that a crate names itself, on any platform.
    fn dependencies(&mut self, name: &str) -> Result<Vec<String>> {
        let folder = Path::new("crates").join(name);
        let manifest = self.manifest(name)?.clone();
        let platforms = manifest.get("target").and_then(Value::as_table);
        let platforms = platforms.into_iter().flat_map(Table::values);
        let tables = [manifest.get("dependencies")]
            .into_iter()
            .chain(platforms.map(|platform| platform.get("dependencies")));
        let entries = tables.flatten().filter_map(Value::as_table).flatten();
        Ok(entries
            .filter_map(|(key, value)| self.crate_named(&folder, key, value))
            .collect())
    }

    /// The crate of the workspace that an entry under `[dependencies]` of a manifest in this folder
    /// means.
    fn crate_named(&self, folder: &Path, key: &str, value: &Value) -> Option<String> {
        let is_shared = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let (folder, value) = if is_shared {
            (Path::new(""), self.shared.get(key)?)
        } else {
            (folder, value)
        };
        let path = plain(&folder.join(value.get("path")?.as_str()?));
        let name = path.strip_prefix("crates").ok()?;
        Some(name.to_string_lossy().into_owned())
    }
}

fn read_manifest(root: &Path, path: &str) -> Result<Table> {
    let text = fs_err::read_to_string(root.join(path))?;
    toml::from_str(&text).map_err(|error| {
        let problem = error.message().trim().replace('\n', " ");
        anyhow!("{path}: not valid TOML: {problem}")
    })
}

/// A relative path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

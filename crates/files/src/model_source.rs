//! What `model.source` and `model.adapter` name: a folder or a file of this disk, or a repository of
//! the Hugging Face hub.

use std::path::{Path, PathBuf};

use crate::hub_cache::with_home;
use crate::model_folder::{GgufPart, is_inside};
use terminal::nearest;

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A path that exists.
    Local(PathBuf),
    /// A repository of the hub.
    Hub(HubModel),
    /// Neither: what is wrong, and after `; ` what to do. It goes behind the key and its value.
    Wrong(String),
}

/// A repository of the hub, or one GGUF file in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubModel {
    /// `owner/name`.
    pub id: String,
    /// A branch, a tag or a commit.
    pub revision: String,
    /// The file that is wanted, by its path in the repository.
    pub file: Option<String>,
    /// It holds an adapter, not a model.
    pub is_adapter: bool,
}

impl HubModel {
    /// Where its files are on the hub: the repository, or the folder in it that the wanted file is
    /// in.
    pub fn folder(&self) -> String {
        match self.file.as_ref().and_then(|file| file.rsplit_once('/')) {
            Some((folder, _)) => format!("{}/{folder}", self.id),
            None => self.id.clone(),
        }
    }
}

impl ModelSource {
    /// A path that exists wins. Relative ones start at `root`, and `~` is `home`. What looks like a
    /// path and isn't there is told as a path: nobody is asked for a repository of that name.
    pub fn of(value: &str, revision: Option<&str>, root: &Path, home: Option<&Path>) -> Self {
        use ModelSource::{Hub, Local, Wrong};
        if value.trim().is_empty() {
            return Wrong(format!("nothing is named; {NAME_ONE}"));
        }
        let path = root.join(with_home(Path::new(value), home));
        if path.exists() {
            return match GgufPart::of(value).and_then(|part| part.problem()) {
                Some(problem) => Wrong(problem),
                None => Local(path),
            };
        }
        if let Some(problem) = address_problem(value) {
            return Wrong(problem);
        }
        if is_path(value, root) {
            return Wrong(path_problem(value, root, home));
        }
        if let Some((name, tag)) = value.split_once([':', '@']) {
            return Wrong(format!(
                "`{tag}` behind the name has no meaning here; name the repository alone, \"{name}\", a revision of it in \
                 model.revision, and one quantized file as \"{name}/FILE.gguf\""
            ));
        }
        match hub_model(value, revision) {
            Ok(model) => Hub(model),
            Err(problem) => Wrong(problem),
        }
    }

    /// What `model.adapter` names: a folder, or a repository of the hub with an adapter in it.
    pub fn of_adapter(value: &str, revision: Option<&str>, root: &Path, home: Option<&Path>) -> Self {
        match Self::of(value, revision, root, home) {
            ModelSource::Hub(HubModel {
                id, file: Some(_), ..
            }) => ModelSource::Wrong(format!(
                "this is one file of a repository, and an adapter is a whole one; give \"{id}\""
            )),
            ModelSource::Hub(model) => ModelSource::Hub(HubModel {
                is_adapter: true,
                ..model
            }),
            ModelSource::Wrong(problem) => {
                ModelSource::Wrong(problem.replace("model.revision", "model.adapter_revision"))
            }
            local @ ModelSource::Local(_) => local,
        }
    }
}

const NAME_ONE: &str = "name a folder, a .gguf file (paths start at the project root), or a repository of the Hugging Face hub as \
                        owner/name";

/// `owner/name`, or `owner/name/…/file.gguf`.
fn hub_model(value: &str, revision: Option<&str>) -> Result<HubModel, String> {
    let parts: Vec<&str> = value.split('/').collect();
    let [owner, name, file @ ..] = parts.as_slice() else {
        return Err(format!("there is no such folder or file; {NAME_ONE}"));
    };
    if !(is_hub_name(owner) && is_hub_name(name)) {
        return Err(format!(
            "there is no such folder or file, and no repository of the hub can have this name; {NAME_ONE}"
        ));
    }
    let file = file.join("/");
    let is_whole = file.is_empty();
    let is_gguf = file.ends_with(".gguf") && is_inside(&file);
    if !is_whole && !is_gguf {
        return Err(format!(
            "there is no such folder or file, and of a repository only a .gguf file can be named alone; give \"{owner}/{name}\", or \
             correct the path (it starts at the project root)"
        ));
    }
    if let Some(problem) = GgufPart::of(value).and_then(|part| part.problem()) {
        return Err(problem);
    }
    Ok(HubModel {
        id: format!("{owner}/{name}"),
        revision: revision.unwrap_or("main").to_owned(),
        file: (!is_whole).then_some(file),
        is_adapter: false,
    })
}

/// As the hub allows owners and repositories to be called (`validate_repo_id` of
/// `huggingface_hub`).
fn is_hub_name(name: &str) -> bool {
    const LONGEST: usize = 96;
    let is_edge = |c: Option<char>| c.is_none_or(|c| matches!(c, '-' | '.'));
    name.len() <= LONGEST
        && !is_edge(name.chars().next())
        && !is_edge(name.chars().next_back())
        && !name.contains("--")
        && !name.contains("..")
        && !name.ends_with(".git")
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// An address of the hub holds what is to be given instead.
fn address_problem(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let of_hub = ["huggingface.co/", "hf.co/"]
        .iter()
        .find_map(|host| rest.strip_prefix(host));
    let of_hub = of_hub.or_else(|| (scheme == "hf").then_some(rest));
    let Some(place) = of_hub else {
        return (!scheme.is_empty()).then(|| format!("this is an address; {NAME_ONE}"));
    };
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let mut parts: Vec<&str> = place.split('/').filter(|part| !part.is_empty()).collect();
    match parts.first() {
        Some(&"models") => drop(parts.remove(0)),
        Some(&("datasets" | "spaces")) => {
            return Some(format!("this is not the address of a model; {NAME_ONE}"));
        }
        _ => {}
    }
    let (id, rest) = parts.split_at(parts.len().min(2));
    let id = id.join("/");
    let id = id
        .split([':', '@'])
        .next()
        .unwrap_or_default()
        .trim_end_matches(".git");
    // What a browser shows of a branch or of a file: owner/name/tree/main,
    // owner/name/blob/main/file.
    let (revision, file) = match rest {
        [
            "tree" | "blob" | "resolve" | "raw" | "commit",
            revision,
            file @ ..,
        ] => (Some(*revision), file.join("/")),
        file => (None, file.join("/")),
    };
    let name = if file.ends_with(".gguf") {
        format!("{id}/{file}")
    } else {
        id.to_owned()
    };
    let revision = revision.filter(|revision| *revision != "main");
    let revision = revision.map_or(String::new(), |revision| {
        format!(" and model.revision = \"{revision}\"")
    });
    Some(format!(
        "this is an address, and the name of the repository is wanted; give \"{name}\"{revision}"
    ))
}

/// What can only be meant as a path, whether or not something is there.
fn is_path(value: &str, root: &Path) -> bool {
    let first = value.split('/').next().unwrap_or_default();
    let is_drive =
        matches!(first.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic() && first.len() == 2);
    let is_file = [".gguf", ".safetensors", ".bin", ".pt", ".pth", ".json"]
        .iter()
        .any(|end| value.ends_with(end));
    value.starts_with(['/', '.', '~'])
        || !value.contains('/')
        || value.ends_with('/')
        || value.contains(['\\', ' '])
        || value.contains("//")
        || value.split('/').any(|part| matches!(part, "." | ".."))
        || is_drive
        || (is_file && value.matches('/').count() < 2)
        // Where a folder here bears the owner's name, a path was meant.
        || root.join(first).exists()
}

fn path_problem(value: &str, root: &Path, home: Option<&Path>) -> String {
    let name = value.trim_end_matches('/');
    let owner = name.split('/').next().unwrap_or_default();
    if !root.join(owner).exists()
        && name.matches('/').count() == 1
        && name.split('/').all(is_hub_name)
        && name != value
    {
        return format!(
            "there is no such folder; for the repository of the hub give \"{name}\", without the slash at its end"
        );
    }
    // Python and Windows write `\`; here it is a letter as any other where the system has `/`.
    let slashed = value.replace('\\', "/");
    let advice = match closest(&slashed, root, home) {
        Some((path, true)) => format!("did you mean \"{path}\"?"),
        Some((path, false)) => format!("correct the path; of it there is \"{path}\""),
        None => NAME_ONE.to_owned(),
    };
    format!("there is no such folder or file; {advice}")
}

/// The path with its mistyped parts corrected by what is there, and whether that makes a whole
/// path; else as much of it as is there. `None`: not even its beginning is.
fn closest(value: &str, root: &Path, home: Option<&Path>) -> Option<(String, bool)> {
    let (mut written, rest) = match value.trim_end_matches('/') {
        path if path.starts_with('/') => ("/".to_owned(), path.trim_start_matches('/')),
        path => (String::new(), path),
    };
    let mut is_something = false;
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        let folder = root.join(with_home(Path::new(&written), home));
        let is_way = matches!(part, "." | ".." | "~");
        let part = if is_way || folder.join(part).exists() {
            Some(part.to_owned())
        } else {
            let names = names_in(&folder);
            nearest(part, names.iter().map(String::as_str)).map(str::to_owned)
        };
        let Some(part) = part else {
            return is_something.then_some((written, false));
        };
        if !written.is_empty() && !written.ends_with('/') {
            written.push('/');
        }
        written.push_str(&part);
        is_something |= !is_way;
    }
    is_something.then_some((written, true))
}

/// Of the entries of a folder, but for hidden ones.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

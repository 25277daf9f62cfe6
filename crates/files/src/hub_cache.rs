//! Where models of the Hugging Face hub are on this disk: what the variables of the environment
//! say, and the folders of the cache, as Python's `huggingface_hub` has both (its `constants.py`
//! and `utils/_auth.py`).

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the variables say. An empty one counts as unset.
#[derive(Clone, Default)]
pub struct HubVariables {
    /// The folder with `models--owner--name`: `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else
    /// `hub` in `HF_HOME`, which is `huggingface` in `XDG_CACHE_HOME`, which is `.cache` in the
    /// user's home. `None` where the user has no home.
    pub cache: Option<PathBuf>,
    /// `HF_TOKEN`, else `HUGGING_FACE_HUB_TOKEN`. Not shown by anything.
    pub token: Option<String>,
    /// Read where no variable has the token: `HF_TOKEN_PATH`, else `token` in `HF_HOME`. `None` as
    /// well where `HF_HUB_DISABLE_IMPLICIT_TOKEN` keeps every token from being sent.
    pub token_file: Option<PathBuf>,
    /// No request is made: `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`.
    pub is_offline: bool,
}

impl HubVariables {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self::read(|name| match name {
            "HOME" => env::home_dir().map(OsString::from),
            _ => env::var_os(name),
        })
    }

    /// `variable` gives the value of a variable. Relative paths start at the working folder.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
        let expand = |path: PathBuf| absolute(with_variables(with_home(&path, variable("HOME")), &variable));
        let path = |name: &str| variable(name).map(PathBuf::from);
        let home = path("HF_HOME").or_else(|| {
            let caches = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")));
            Some(caches?.join("huggingface"))
        });
        let below_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let token_file = path("HF_TOKEN_PATH").or_else(|| below_home("token"));
        let token = text("HF_TOKEN").or_else(|| text("HUGGING_FACE_HUB_TOKEN"));
        let sends_tokens = !text("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(|value| is_true(&value));
        let offline = text("HF_HUB_OFFLINE").or_else(|| text("TRANSFORMERS_OFFLINE"));
        HubVariables {
            cache: cache.or_else(|| below_home("hub")).map(expand),
            token: token.and_then(|text| clean_token(&text)).filter(|_| sends_tokens),
            token_file: token_file.map(expand).filter(|_| sends_tokens),
            is_offline: offline.is_some_and(|value| is_true(&value)),
        }
    }

    /// Whether there is a token. Only the hub can say whether it is valid.
    pub fn has_token(&self) -> bool {
        let in_file = || std::fs::read_to_string(self.token_file.as_ref()?).ok();
        self.token.is_some() || in_file().is_some_and(|text| clean_token(&text).is_some())
    }
}

/// A token without blanks around it and line ends within; `None` where nothing is left.
pub fn clean_token(text: &str) -> Option<String> {
    let text = text.replace(['\r', '\n'], "");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The words that Python's `huggingface_hub` takes for a yes, in whatever case.
fn is_true(value: &str) -> bool {
    let value = value.trim();
    ["1", "on", "yes", "true"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

/// `~` at the start is the user's home, for variables that no shell expanded. Another user's,
/// `~name`, stays as it is.
pub fn with_home(path: &Path, home: Option<impl Into<PathBuf>>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.into().join(rest),
        _ => path.to_owned(),
    }
}

/// `$NAME` and `${NAME}` as Python's `expandvars` reads them: those that are not set stay as they
/// are.
fn with_variables(path: PathBuf, variable: &impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let Some(mut rest) = path.to_str() else {
        return path;
    };
    let mut expanded = String::new();
    while let Some((before, after)) = rest.split_once('$') {
        let in_braces = after.strip_prefix('{').and_then(|text| text.split_once('}'));
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = after.find(|c| !is_letter(c)).unwrap_or(after.len());
        let (name, after_name) = in_braces.unwrap_or(after.split_at(end));
        let value = variable(name).and_then(|value| value.into_string().ok());
        expanded.push_str(before);
        match value.filter(|_| !name.is_empty()) {
            Some(value) => {
                expanded.push_str(&value);
                rest = after_name;
            }
            None => {
                expanded.push('$');
                rest = after;
            }
        }
    }
    expanded.push_str(rest);
    expanded.into()
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Where the files of a revision are, as far as the cache knows which commit that is:
/// `models--owner--name/refs/<revision>` holds the commit, and `snapshots/<commit>` its files. The
/// folder need not be whole, or there.
pub fn snapshot(cache: &Path, repository: &str, revision: &str) -> Option<PathBuf> {
    let folder = cache.join(format!("models--{}", repository.replace('/', "--")));
    let commit = if is_commit(revision) {
        revision.to_owned()
    } else {
        let text = std::fs::read_to_string(folder.join("refs").join(revision)).ok()?;
        text.trim().to_owned()
    };
    is_commit(&commit).then(|| folder.join("snapshots").join(commit))
}

/// Whether a revision is a commit: 40 hexadecimal digits.
pub fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What to say where a model is wanted without the network and the cache lacks some of it.
pub fn offline_problem(repository: &str, cache: &Path, missing: &str) -> String {
    format!(
        "{repository}: HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set, and the cache {} doesn't hold the whole model ({missing}); \
         unset HF_HUB_OFFLINE to download it, or set HF_HOME to the folder that holds it",
        cache.display()
    )
}

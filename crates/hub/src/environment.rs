use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::HUB;
use crate::{Error, Result};

/// What the variables of the environment say, taken once.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The folder with `models--owner--name`: `HF_HUB_CACHE`, else `hub` in `HF_HOME`.
    pub cache: PathBuf,
    /// `HF_ENDPOINT`, without a slash at its end.
    pub endpoint: String,
    /// `HF_TOKEN`, else what the file `HF_TOKEN_PATH` holds, else the file `token` in `HF_HOME`.
    pub token: Option<Token>,
    /// `HF_HUB_OFFLINE`: no request is made.
    pub offline: bool,
    /// How long the other side may be silent: `HF_HUB_DOWNLOAD_TIMEOUT`, in seconds.
    pub timeout: Duration,
    /// The pause before the first repetition of a failed request; each further one is twice as long. No variable
    /// sets it.
    pub pause: Duration,
}

impl Environment {
    /// The variables of this process.
    ///
    /// # Errors
    /// See [`from_variables`](Self::from_variables).
    pub fn from_process() -> Result<Self> {
        Self::from_variables(|name| match name {
            "HOME" => env::home_dir().map(OsString::from),
            _ => env::var_os(name),
        })
    }

    /// `variable` gives the value of a variable; an empty one counts as unset.
    ///
    /// # Errors
    /// [`Error::Invalid`] when neither `HF_HOME` nor `HOME` is set, or a value can't be used; [`Error::Io`] when the
    /// token file is there but can't be read.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().trim().to_owned());
        let user = variable("HOME").map(PathBuf::from);
        let path = |name: &str| variable(name).map(|value| expand(PathBuf::from(value), user.as_deref()));

        let home = path("HF_HOME")
            .or_else(|| Some(path("XDG_CACHE_HOME")?.join("huggingface")))
            .or_else(|| Some(user.as_deref()?.join(".cache").join("huggingface")))
            .ok_or_else(|| Error::Invalid("this user has no home folder; set HF_HOME".to_owned()))?;
        let cache = path("HF_HUB_CACHE").unwrap_or_else(|| home.join("hub"));
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let token = match text("HF_TOKEN").and_then(Token::new) {
            Some(token) => Some(token),
            None => token_in(&token_file)?,
        };
        Ok(Environment {
            cache: std::path::absolute(cache)?,
            endpoint: endpoint(text("HF_ENDPOINT"))?,
            token,
            offline: text("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value)),
            timeout: timeout(text("HF_HUB_DOWNLOAD_TIMEOUT"))?,
            pause: Duration::from_secs(1),
        })
    }
}

/// Lets its holder act as a user of the hub. `Debug` doesn't show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// `None`: there is nothing but blanks.
    pub fn new(text: impl AsRef<str>) -> Option<Self> {
        let text = text.as_ref().trim();
        (!text.is_empty()).then(|| Token(text.to_owned()))
    }

    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

fn token_in(file: &Path) -> Result<Option<Token>> {
    match fs_err::read_to_string(file) {
        Ok(text) => Ok(Token::new(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn endpoint(value: Option<String>) -> Result<String> {
    let Some(value) = value else {
        return Ok(HUB.to_owned());
    };
    let value = value.trim_end_matches('/');
    if value.starts_with("https://") || value.starts_with("http://") {
        Ok(value.to_owned())
    } else {
        Err(Error::Invalid(format!(
            "HF_ENDPOINT={value} is no address; it starts with https://"
        )))
    }
}

fn timeout(value: Option<String>) -> Result<Duration> {
    const DEFAULT: Duration = Duration::from_secs(30);
    let Some(value) = value else {
        return Ok(DEFAULT);
    };
    match value.parse() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::Invalid(format!(
            "HF_HUB_DOWNLOAD_TIMEOUT={value} is no whole number of seconds; unset it for {} seconds",
            DEFAULT.as_secs()
        ))),
    }
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

/// Python takes `~` in these variables for the home folder, so that it may stand in a file that no shell reads.
fn expand(path: PathBuf, user: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), user) {
        (Ok(rest), Some(user)) => user.join(rest),
        _ => path,
    }
}

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::HUB;
use crate::{Error, Result};
use files::hub_cache::{HubVariables, clean_token};

/// What the environment variables say, read once.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The folder with `models--owner--name`, by the rules of `HubVariables`.
    pub cache: PathBuf,
    /// `HF_ENDPOINT`, without a slash at its end.
    pub endpoint: String,
    /// From a variable, else from the token file.
    pub token: Option<Token>,
    /// No request is made.
    pub offline: bool,
    /// How long the other side may be silent: `HF_HUB_DOWNLOAD_TIMEOUT`, in seconds.
    pub timeout: Duration,
    /// The pause before the first retry of a failed request; each further one is twice as long. No
    /// variable sets it.
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
    /// [`Error::Invalid`] when neither `HF_HOME` nor `HOME` is set, or a value can't be used;
    /// [`Error::Io`] when the token file is there but can't be read.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variables = HubVariables::read(&variable);
        let no_home = || Error::Invalid("this user has no home folder; set HF_HOME".to_owned());
        let token = match (variables.token, variables.token_file) {
            (Some(token), _) => Token::new(token),
            (None, Some(file)) => token_in(&file)?,
            (None, None) => None,
        };
        let text = |name: &str| {
            let value = variable(name)?.to_string_lossy().trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        Ok(Environment {
            cache: variables.cache.ok_or_else(no_home)?,
            endpoint: endpoint(text("HF_ENDPOINT"))?,
            token,
            offline: variables.is_offline,
            timeout: timeout(text("HF_HUB_DOWNLOAD_TIMEOUT"))?,
            pause: Duration::from_secs(1),
        })
    }
}

/// Lets its holder act as a user of the hub. `Debug` doesn't show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// `None`: the text is blank.
    pub fn new(text: impl AsRef<str>) -> Option<Self> {
        clean_token(text.as_ref()).map(Token)
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
            "HF_ENDPOINT={value} is not an address; it starts with https://"
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
            "HF_HUB_DOWNLOAD_TIMEOUT={value} is not a whole number of seconds; unset it for {} seconds",
            DEFAULT.as_secs()
        ))),
    }
}

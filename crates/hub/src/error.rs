use std::path::PathBuf;

use crate::size::human;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can keep a model from arriving. Each message names the repository and says what
/// to do; none holds the token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token file can't be read, or this process has no working directory.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The cache can't be read or written.
    #[error("{repository}: {source}; check that you may write there, or set HF_HOME to another folder")]
    Cache {
        repository: String,
        source: std::io::Error,
    },
    /// A name, an argument or a variable can't be used.
    #[error("{0}")]
    Invalid(String),
    /// The licence of the model was not accepted, or not by the account that the token belongs to.
    #[error("{repository}: this model is gated; {}", gated_advice(.repository, *.with_token))]
    Gated { repository: String, with_token: bool },
    /// The hub does not know the token.
    #[error(
        "{repository}: the hub refuses the token; make a new one at {TOKENS} and set HF_TOKEN to it, or unset \
         HF_TOKEN and remove the token file if the model is public"
    )]
    TokenRefused { repository: String },
    /// There is no such repository, or it is hidden: the hub does not tell these apart.
    #[error("{repository}: {}", repository_advice(*.with_token))]
    RepositoryNotFound { repository: String, with_token: bool },
    #[error(
        "{repository}: there is no revision `{revision}`; name a branch, a tag or a whole commit hash of \
         {HUB}/{repository}"
    )]
    RevisionNotFound { repository: String, revision: String },
    #[error("{repository}: revision `{revision}` has no file {file}{}", others_advice(.others))]
    FileNotFound {
        repository: String,
        revision: String,
        file: String,
        /// Files of the same kind that are there.
        others: Vec<String>,
    },
    #[error(
        "{repository}: revision `{revision}` has no model.safetensors and no model.safetensors.index.json; name \
         another revision or a repository with safetensors, or ask for one file by its name{}",
        others_advice(.others)
    )]
    NoSafetensors {
        repository: String,
        revision: String,
        /// Files that may hold weights in another format.
        others: Vec<String>,
    },
    #[error(
        "{repository}: cannot reach {endpoint} ({reason}); check the network, HTTPS_PROXY and HF_ENDPOINT; if the \
         model is already in the cache set HF_HUB_OFFLINE=1"
    )]
    Unreachable {
        repository: String,
        endpoint: String,
        reason: String,
    },
    #[error("{}", files::hub_cache::offline_problem(.repository, .cache, .missing))]
    Offline {
        repository: String,
        cache: PathBuf,
        missing: String,
    },
    /// The hub refuses in a way that has no specific error here.
    #[error("{repository}: the hub refuses the request (HTTP {status}{message}); see {HUB}/{repository}")]
    Refused {
        repository: String,
        status: u16,
        message: String,
    },
    /// The answer lacks something that every hub sends.
    #[error("{repository}: {message}; if HF_ENDPOINT is set, check that it is the address of a hub")]
    NoHub { repository: String, message: String },
    #[error(
        "{repository}: the transfer of {file} broke off ({reason}); run again; it goes on from {} of {}",
        human(*.done), human(*.size)
    )]
    Interrupted {
        repository: String,
        file: String,
        reason: String,
        done: u64,
        size: u64,
    },
    /// Twice, what came was not what the hub promised.
    #[error(
        "{repository}: {file} came damaged twice ({found} instead of {expected}) and was deleted; run again, and if \
         it stays so check the network, its proxy and HF_ENDPOINT"
    )]
    Damaged {
        repository: String,
        file: String,
        expected: String,
        found: String,
    },
    #[error(
        "{repository}: needs {}, {} has {} free; free some or set HF_HOME to another disk",
        human(*.needed), .folder.display(), human(*.free)
    )]
    DiskFull {
        repository: String,
        folder: PathBuf,
        needed: u64,
        free: u64,
    },
}

impl Error {
    /// Whatever is read or written for a repository is in the cache.
    pub(crate) fn in_cache(self, repository: &str) -> Self {
        match self {
            Error::Io(source) => Error::Cache {
                repository: repository.to_owned(),
                source,
            },
            other => other,
        }
    }
}

pub(crate) const HUB: &str = "https://huggingface.co";
const TOKENS: &str = "https://huggingface.co/settings/tokens";

fn gated_advice(repository: &str, with_token: bool) -> String {
    let accept = format!("accept the licence at {HUB}/{repository}");
    if with_token {
        format!(
            "{accept} with the account that HF_TOKEN belongs to, and let the token read gated repositories ({TOKENS})"
        )
    } else {
        format!("{accept} and set HF_TOKEN ({TOKENS})")
    }
}

fn repository_advice(with_token: bool) -> String {
    let advice = if with_token {
        "it is private or gated and the account that HF_TOKEN belongs to may not see it"
    } else {
        "it is private or gated; for that set HF_TOKEN"
    };
    format!("the hub has no such repository, or {advice} ({TOKENS}); check the name")
}

fn others_advice(others: &[String]) -> String {
    const SHOWN: usize = 8;
    if others.is_empty() {
        return String::new();
    }
    let more = if others.len() > SHOWN { ", …" } else { "" };
    format!(
        "; there is {}{more}",
        others[..others.len().min(SHOWN)].join(", ")
    )
}

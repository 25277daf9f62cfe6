use ureq::http::{HeaderMap, StatusCode};

use crate::trouble::Trouble;
use crate::{Error, Request};

/// What a status of the hub other than success means. `file`: the one asked for, if it was one.
///
/// The hub answers 401 for what is gated, private or not there when no token is sent, and sometimes
/// names a cause in `X-Error-Code`.
pub(crate) fn refusal(
    request: &Request,
    file: Option<&str>,
    with_token: bool,
    status: StatusCode,
    headers: &HeaderMap,
) -> Trouble {
    let repository = request.repository.clone();
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let code = header("x-error-code").unwrap_or_default();
    let message = header("x-error-message").unwrap_or_default();
    Trouble::Final(match (status.as_u16(), code) {
        (429 | 500..=599, _) => return Trouble::Passing(format!("the hub answers HTTP {status}")),
        (_, "RevisionNotFound") => Error::RevisionNotFound {
            repository,
            revision: request.revision.clone(),
        },
        (401, _) if with_token => Error::TokenRefused { repository },
        (401 | 403, "GatedRepo") => Error::Gated {
            repository,
            with_token,
        },
        (404, "EntryNotFound") => Error::FileNotFound {
            repository,
            revision: request.revision.clone(),
            file: file.unwrap_or_default().to_owned(),
            others: Vec::new(),
        },
        (401, _) | (404, "RepoNotFound") => Error::RepositoryNotFound {
            repository,
            with_token,
        },
        (404, _) => Error::NoHub {
            repository,
            message: "HTTP 404 came without the error code that a hub gives".to_owned(),
        },
        // A token may exist and yet not be allowed to read gated repositories.
        (403, "") if message.contains("gated") => Error::Gated {
            repository,
            with_token,
        },
        (status, _) => Error::Refused {
            repository,
            status,
            message: match message {
                "" => String::new(),
                message => format!(": {message}"),
            },
        },
    })
}

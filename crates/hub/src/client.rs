use std::io;

use hf_hub::api::RepoInfo;
use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use ureq::http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, ETAG, LOCATION, RANGE, USER_AGENT};
use ureq::http::{HeaderMap, Method, Request as Call, Response, StatusCode, Uri};
use ureq::{Agent, Body};

use crate::address::{escape, join, same_server};
use crate::checksum::Checksum;
use crate::refusal::refusal;
use crate::trouble::Trouble;
use crate::{Environment, Error, Request, Result};
use files::hub_cache::is_commit;

/// A file as the hub describes it.
#[derive(Debug)]
pub(crate) struct Remote {
    pub name: String,
    pub size: u64,
    pub checksum: Checksum,
}

/// Asks the hub about one repository, and sends the token to no one else.
pub(crate) struct Client<'a> {
    environment: &'a Environment,
    request: &'a Request,
    endpoint: Uri,
    /// Only for its addresses; it is told no token and makes no request.
    api: Api,
    agent: Agent,
}

impl<'a> Client<'a> {
    /// # Errors
    /// [`Error::Invalid`] when the endpoint is not an address.
    pub fn new(environment: &'a Environment, request: &'a Request) -> Result<Self> {
        let invalid = |what: &dyn std::fmt::Display| {
            Error::Invalid(format!(
                "HF_ENDPOINT={} can't be used: {what}",
                environment.endpoint
            ))
        };
        let endpoint: Uri = environment.endpoint.parse().map_err(|error| invalid(&error))?;
        let host = endpoint
            .host()
            .ok_or_else(|| invalid(&"there is no host in it"))?;
        let api = ApiBuilder::from_cache(Cache::new(environment.cache.clone()))
            .with_endpoint(environment.endpoint.clone())
            .with_token(None)
            .build()
            .map_err(|error| invalid(&error))?;
        let timeout = Some(environment.timeout);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_send_request(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout);
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            // A proxy could not reach this machine's own server.
            config = config.proxy(None);
        }
        Ok(Client {
            environment,
            request,
            endpoint,
            api,
            agent: config.build().new_agent(),
        })
    }

    /// Commit and files of the revision that the request names.
    pub fn listing(&self) -> Result<RepoInfo, Trouble> {
        let call = self.repository(&self.request.revision).info_request();
        let address = call.uri_ref().map(Uri::to_string).unwrap_or_default();
        let mut response = self.send(Method::GET, &address, None, None)?;
        let info: RepoInfo = match response.body_mut().read_json() {
            Ok(info) => info,
            Err(ureq::Error::Json(error)) if !error.is_io() => {
                return Err(self.no_hub(format!("the answer lists no repository ({error})")));
            }
            Err(error) => return Err(Trouble::Passing(reason(&error))),
        };
        if !is_commit(&info.sha) {
            return Err(self.no_hub(format!("the answer names no commit ({})", info.sha)));
        }
        Ok(info)
    }

    /// Size and checksum of a file.
    pub fn describe(&self, commit: &str, name: &str) -> Result<Remote, Trouble> {
        let response = self.send(Method::HEAD, &self.address(commit, name), None, Some(name))?;
        let header = |linked: &str, own: &str| {
            let headers = response.headers();
            text(headers, linked).or_else(|| text(headers, own))
        };
        let etag = header("x-linked-etag", ETAG.as_str());
        let checksum = etag.and_then(Checksum::from_etag);
        let size = header("x-linked-size", CONTENT_LENGTH.as_str()).and_then(|size| size.parse().ok());
        match (checksum, size) {
            (Some(checksum), Some(size)) => Ok(Remote {
                name: name.to_owned(),
                size,
                checksum,
            }),
            (None, _) => Err(self.no_hub(format!("the answer has no checksum of {name}"))),
            (_, None) => Err(self.no_hub(format!("the answer has no size of {name}"))),
        }
    }

    /// The content of a file from an offset on. The server may still answer with the whole file.
    pub fn content(&self, commit: &str, name: &str, from: u64) -> Result<Response<Body>, Trouble> {
        let range = (from > 0).then(|| format!("bytes={from}-"));
        self.send(
            Method::GET,
            &self.address(commit, name),
            range.as_deref(),
            Some(name),
        )
    }

    pub fn unreachable(&self, reason: String) -> Error {
        Error::Unreachable {
            repository: self.request.repository.clone(),
            endpoint: self.environment.endpoint.clone(),
            reason,
        }
    }

    fn repository(&self, revision: &str) -> ApiRepo {
        let name = self.request.repository.clone();
        self.api
            .repo(Repo::with_revision(name, RepoType::Model, revision.to_owned()))
    }

    fn address(&self, commit: &str, name: &str) -> String {
        self.repository(commit).url(&escape(name))
    }

    fn no_hub(&self, message: String) -> Trouble {
        Trouble::Final(Error::NoHub {
            repository: self.request.repository.clone(),
            message,
        })
    }

    /// Follows redirections itself: each goes its own way with the token, and the hub says about a
    /// large file what the server that holds its content does not know.
    fn send(
        &self,
        method: Method,
        address: &str,
        range: Option<&str>,
        file: Option<&str>,
    ) -> Result<Response<Body>, Trouble> {
        const REDIRECTIONS: usize = 10;
        let mut place: Uri = self.parse(address)?;
        for _ in 0..=REDIRECTIONS {
            let with_token = self.environment.token.is_some() && same_server(&place, &self.endpoint);
            let response = self.send_once(&method, &place, range, with_token)?;
            let status = response.status();
            let headers = response.headers();
            if status.is_success()
                || (method == Method::HEAD && status.is_redirection() && describes(headers))
            {
                return Ok(response);
            } else if status.is_redirection() {
                let target = text(headers, LOCATION.as_str()).unwrap_or_default();
                place = self.parse(&join(&place, target))?;
            } else if status == StatusCode::RANGE_NOT_SATISFIABLE {
                return Err(Trouble::NoSuchRange);
            } else if same_server(&place, &self.endpoint) {
                return Err(refusal(self.request, file, with_token, status, headers));
            } else {
                // An address at the content server is good for a while, and the hub gives a new
                // one.
                let host = place.host().unwrap_or_default();
                return Err(Trouble::Passing(format!("{host} answers HTTP {status}")));
            }
        }
        Err(self.no_hub("it redirects in circles".to_owned()))
    }

    fn send_once(
        &self,
        method: &Method,
        place: &Uri,
        range: Option<&str>,
        with_token: bool,
    ) -> Result<Response<Body>, Trouble> {
        let mut call = Call::builder()
            .method(method)
            .uri(place)
            .header(USER_AGENT, concat!("roleswap/", env!("CARGO_PKG_VERSION")))
            // Sizes and ranges are those of the content itself.
            .header(ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            call = call.header(RANGE, range);
        }
        match &self.environment.token {
            Some(token) if with_token => call = call.header(AUTHORIZATION, token.header()),
            _ => {}
        }
        let call = call.body(()).map_err(|_| {
            // The error of the library could show the token.
            Trouble::Final(Error::Invalid(format!(
                "{}: the token holds characters that no token has; set HF_TOKEN anew",
                self.request.repository
            )))
        })?;
        self.agent
            .run(call)
            .map_err(|error| Trouble::Passing(reason(&error)))
    }

    fn parse(&self, address: &str) -> Result<Uri, Trouble> {
        let place: Option<Uri> = address.parse().ok();
        place
            .filter(|place: &Uri| place.host().is_some())
            .ok_or_else(|| self.no_hub("it redirects to what is not an address".to_owned()))
    }
}

fn describes(headers: &HeaderMap) -> bool {
    headers.contains_key("x-linked-etag") && headers.contains_key("x-linked-size")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// For a message.
pub(crate) fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
        io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        _ => error.to_string(),
    }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the name of the host is not known".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) => broken(error),
        error => error.to_string(),
    }
}

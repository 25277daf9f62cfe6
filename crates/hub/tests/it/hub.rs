//! A server that answers as the hub does, and a second one for the contents of large files.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};

use ring::digest;

use crate::server::{Reply, Seen, Server};

pub const NAME: &str = "owner/name";
const RENAMED: &str = "another/model";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

pub struct Hub {
    pub server: Server,
    pub contents: Server,
    behaviour: Arc<Mutex<Behaviour>>,
}

#[derive(Clone)]
pub struct Stored {
    pub bytes: Vec<u8>,
    /// Large files are stored elsewhere and have a SHA-256; the others are part of the git
    /// repository.
    pub large: bool,
}

impl Stored {
    pub fn checksum(&self) -> String {
        if self.large {
            hex(&digest::SHA256, &self.bytes)
        } else {
            let mut blob = format!("blob {}\0", self.bytes.len()).into_bytes();
            blob.extend(&self.bytes);
            hex(&digest::SHA1_FOR_LEGACY_USE_ONLY, &blob)
        }
    }
}

/// What may go wrong with one transfer.
#[derive(Clone, Copy, Debug)]
pub enum Mishap {
    BreaksAfter(usize),
    Damaged,
    Status(u16),
}

#[derive(Default)]
pub struct Behaviour {
    pub commit: String,
    pub files: BTreeMap<String, Stored>,
    /// The hub asks for this token before it gives a file, as for a gated model.
    pub gated: Option<String>,
    /// A token that the hub knows, though its account may not see the gated model.
    pub stranger: Option<String>,
    /// Without the token of `gated` the repository does not seem to be there.
    pub private: bool,
    /// An earlier name of the repository, which redirects.
    pub renamed: bool,
    /// The hub answers everything with this.
    pub down: Option<u16>,
    /// Transfers ignore the Range header.
    pub no_ranges: bool,
    /// For the next transfers, in this order.
    pub mishaps: VecDeque<Mishap>,
    /// The hub says this about the size of every large file.
    pub claimed_size: Option<u64>,
    /// Every transfer takes this long.
    pub delay_ms: u64,
}

impl Hub {
    pub fn start() -> Self {
        let behaviour = Arc::new(Mutex::new(Behaviour {
            commit: COMMIT.to_owned(),
            ..Behaviour::default()
        }));
        let contents = Server::start({
            let behaviour = Arc::clone(&behaviour);
            move |seen| {
                let file = seen.path.trim_start_matches("/contents/").replace("%20", " ");
                content(&behaviour, &file, seen)
            }
        });
        let server = Server::start({
            let (behaviour, contents) = (Arc::clone(&behaviour), contents.address.clone());
            move |seen| answer(&behaviour, &contents, seen)
        });
        Hub {
            server,
            contents,
            behaviour,
        }
    }

    /// With a small model in one file.
    pub fn with_model() -> Self {
        let hub = Hub::start();
        hub.add_small_files();
        hub.add_large("model.safetensors", &weights(300_000));
        hub
    }

    pub fn add_small_files(&self) {
        self.add("config.json", br#"{"model_type": "gemma3_text"}"#);
        self.add("generation_config.json", b"{}");
        self.add("tokenizer_config.json", br#"{"bos_token": "<bos>"}"#);
        self.add("README.md", b"# A model");
        self.add_large("tokenizer.json", br#"{"version": "1.0"}"#);
    }

    pub fn add(&self, name: &str, bytes: &[u8]) {
        self.store(name, bytes, false);
    }

    pub fn add_large(&self, name: &str, bytes: &[u8]) {
        self.store(name, bytes, true);
    }

    pub fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap()
    }

    pub fn stored(&self, name: &str) -> Stored {
        self.behaviour().files[name].clone()
    }

    /// The requests for contents, whichever server they went to.
    pub fn transfers(&self) -> Vec<Seen> {
        let mut transfers = self.contents.seen();
        let small = self.server.seen().into_iter().filter(|seen| {
            let name = seen.path.rsplit('/').next().unwrap_or_default();
            let large = self.behaviour().files.get(name).is_some_and(|file| file.large);
            seen.method == "GET" && seen.path.contains("/resolve/") && !large
        });
        transfers.extend(small);
        transfers
    }

    fn store(&self, name: &str, bytes: &[u8], large: bool) {
        let bytes = bytes.to_vec();
        self.behaviour()
            .files
            .insert(name.to_owned(), Stored { bytes, large });
    }
}

/// Bytes that differ from place to place.
pub fn weights(count: u32) -> Vec<u8> {
    (0..count)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn hex(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest::digest(algorithm, bytes).as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn answer(behaviour: &Mutex<Behaviour>, contents: &str, seen: &Seen) -> Reply {
    let (reply, file) = {
        let behaviour = behaviour.lock().unwrap();
        if let Some(status) = behaviour.down {
            return refuse(status, "", "");
        }
        if behaviour.renamed && seen.path.contains(NAME) {
            let place = seen.path.replace(NAME, RENAMED);
            return Reply {
                status: 307,
                headers: vec![("Location", place)],
                ..Reply::default()
            };
        }
        if let Some(refusal) = refusal(&behaviour, seen) {
            return refusal;
        }
        let path = seen.path.replace(RENAMED, NAME);
        let (resolve, listing) = (
            format!("/{NAME}/resolve/"),
            format!("/api/models/{NAME}/revision/"),
        );
        if let Some(revision) = path.strip_prefix(&listing) {
            return list(&behaviour, revision);
        }
        let Some((commit, file)) = path.strip_prefix(&resolve).and_then(|rest| rest.split_once('/')) else {
            return refuse(404, "RepoNotFound", "Repository not found");
        };
        let file = file.replace("%20", " ");
        match behaviour.files.get(&file) {
            Some(stored) if commit == behaviour.commit => {
                (describe(&behaviour, stored, &file, contents), file)
            }
            _ => return refuse(404, "EntryNotFound", "Entry not found"),
        }
    };
    // The hub itself gives the content of a small file.
    match (seen.method.as_str(), reply.status) {
        ("GET", 200) => content(behaviour, &file, seen),
        _ => reply,
    }
}

fn refusal(behaviour: &Behaviour, seen: &Seen) -> Option<Reply> {
    let given = seen.header("authorization");
    let is = |token: &Option<String>| {
        let expected = token.as_ref().map(|token| format!("Bearer {token}"));
        expected.is_some() && given == expected.as_deref()
    };
    let listing = seen.path.starts_with("/api/");
    if behaviour.gated.is_none() || is(&behaviour.gated) {
        return None;
    }
    if given.is_some() && !is(&behaviour.stranger) {
        return Some(refuse(401, "", "Invalid credentials in Authorization header"));
    }
    if behaviour.private {
        let status = if given.is_some() { 404 } else { 401 };
        return Some(refuse(status, "RepoNotFound", "Repository not found"));
    }
    // Everyone may see which files a gated model has.
    let status = if given.is_some() { 403 } else { 401 };
    (!listing).then(|| refuse(status, "GatedRepo", "Access to model owner/name is restricted"))
}

fn refuse(status: u16, code: &str, message: &str) -> Reply {
    let mut headers = vec![("X-Error-Message", message.to_owned())];
    if !code.is_empty() {
        headers.push(("X-Error-Code", code.to_owned()));
    }
    Reply {
        status,
        headers,
        ..Reply::default()
    }
}

fn list(behaviour: &Behaviour, revision: &str) -> Reply {
    if !["main", "v1", "refs%2Fpr%2F1", &behaviour.commit].contains(&revision) {
        return refuse(404, "RevisionNotFound", "Invalid rev id");
    }
    let names = behaviour
        .files
        .keys()
        .map(|name| serde_json::json!({ "rfilename": name }));
    let body = serde_json::json!({
        "id": NAME,
        "sha": behaviour.commit,
        "siblings": names.collect::<Vec<_>>(),
    });
    Reply {
        status: 200,
        headers: vec![("Content-Type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        ..Reply::default()
    }
}

fn describe(behaviour: &Behaviour, stored: &Stored, file: &str, contents: &str) -> Reply {
    let etag = format!("\"{}\"", stored.checksum());
    let mut headers = vec![("X-Repo-Commit", behaviour.commit.clone())];
    if !stored.large {
        headers.push(("ETag", etag));
        headers.push(("Content-Length", stored.bytes.len().to_string()));
        return Reply {
            status: 200,
            headers,
            ..Reply::default()
        };
    }
    let size = behaviour.claimed_size.unwrap_or(stored.bytes.len() as u64);
    headers.push((
        "Location",
        format!("{contents}/contents/{}", file.replace(' ', "%20")),
    ));
    headers.push(("X-Linked-Etag", etag));
    headers.push(("X-Linked-Size", size.to_string()));
    Reply {
        status: 302,
        headers,
        ..Reply::default()
    }
}

fn content(behaviour: &Mutex<Behaviour>, file: &str, seen: &Seen) -> Reply {
    let (mut bytes, mishap, no_ranges, delay_ms) = {
        let mut behaviour = behaviour.lock().unwrap();
        let bytes = behaviour.files[file].bytes.clone();
        (
            bytes,
            behaviour.mishaps.pop_front(),
            behaviour.no_ranges,
            behaviour.delay_ms,
        )
    };
    std::thread::sleep(std::time::Duration::from_millis(delay_ms));
    let mut reply = Reply {
        status: 200,
        ..Reply::default()
    };
    match mishap {
        Some(Mishap::Status(status)) => return refuse(status, "", ""),
        Some(Mishap::BreaksAfter(count)) => reply.breaks_after = Some(count),
        Some(Mishap::Damaged) => bytes[0] ^= 1,
        None => {}
    }
    let range = seen.header("range").filter(|_| !no_ranges);
    if let Some(range) = range {
        let start = range
            .strip_prefix("bytes=")
            .and_then(|range| range.strip_suffix('-'));
        let start: usize = start.unwrap().parse().unwrap();
        if start >= bytes.len() {
            return refuse(416, "", "");
        }
        reply.status = 206;
        let end = bytes.len() - 1;
        let place = format!("bytes {start}-{end}/{}", bytes.len());
        reply.headers.push(("Content-Range", place));
        bytes.drain(..start);
    }
    reply.body = bytes;
    reply
}

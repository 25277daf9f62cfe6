use std::path::PathBuf;

use crate::cache::Cache;
use crate::client::{Client, Remote};
use crate::download::Downloader;
use crate::patience::Patience;
use crate::progress::Meter;
use crate::selection::{require, select};
use crate::snapshot::Snapshot;
use crate::trouble::Trouble;
use crate::{Environment, Error, Progress, Request, Result, disk};
use files::model_folder::INDEX;

/// Downloads what is missing of a model into the cache and returns the folder of its snapshot, or
/// the path of the one file that was asked for.
///
/// A commit that is complete in the cache needs no network. For a branch or a tag the hub is asked;
/// where it can't be reached, what the cache holds of it is taken with a warning.
///
/// # Errors
/// One of [`Error`]. After [`Error::Interrupted`] the next call continues where this one ended.
pub fn fetch(environment: &Environment, request: &Request, progress: &mut dyn Progress) -> Result<PathBuf> {
    request.check()?;
    find_or_bring(environment, request, progress).map_err(|error| error.in_cache(&request.repository))
}

/// The same from the cache alone, without a request: `None` when it isn't complete there.
pub fn cached(environment: &Environment, request: &Request) -> Option<PathBuf> {
    request.check().ok()?;
    let snapshot = Cache::new(environment, request).last_snapshot()?;
    let whole = snapshot.missing(request).is_empty();
    whole.then(|| snapshot.answer(request))
}

/// Whether the hub would give a model, and how many bytes that is, shards included. Downloads
/// nothing.
///
/// # Errors
/// What would keep [`fetch`] from downloading it: no such repository, revision or file, a licence
/// that was not accepted, a hub that can't be reached.
pub fn ask(environment: &Environment, request: &Request) -> Result<u64> {
    request.check()?;
    let client = Client::new(environment, request)?;
    let info = client
        .listing()
        .map_err(|trouble| final_error(&client, trouble))?;
    let listed: Vec<_> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
    let selection = select(request, &listed)?;
    // The index itself says which of them it needs; a repository has no others as a rule.
    let shards = listed
        .iter()
        .filter(|name| selection.has_index && name.ends_with(".safetensors"));
    let mut bytes = 0;
    for name in selection.files.iter().map(String::as_str).chain(shards.copied()) {
        let remote = client.describe(&info.sha, name);
        bytes += remote.map_err(|trouble| final_error(&client, trouble))?.size;
    }
    Ok(bytes)
}

fn find_or_bring(
    environment: &Environment,
    request: &Request,
    progress: &mut dyn Progress,
) -> Result<PathBuf> {
    let cache = Cache::new(environment, request);
    let last = cache.last_snapshot();
    let whole = last
        .as_ref()
        .filter(|snapshot| snapshot.missing(request).is_empty());
    if environment.offline {
        return match whole {
            Some(snapshot) => Ok(snapshot.answer(request)),
            None => Err(offline(environment, request, last.as_ref())),
        };
    }
    if let Some(snapshot) = whole
        && request.names_a_commit()
        && snapshot.is_certain(request)
    {
        return Ok(snapshot.answer(request));
    }
    let client = Client::new(environment, request)?;
    let info = match client.listing() {
        Ok(info) => info,
        Err(trouble) => {
            let error = final_error(&client, trouble);
            return match whole {
                Some(snapshot) if request.names_a_commit() || matches!(error, Error::Unreachable { .. }) => {
                    progress.warning(&format!("{error}. Taking what the cache holds"));
                    Ok(snapshot.answer(request))
                }
                _ => Err(error),
            };
        }
    };
    let listed: Vec<_> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
    Fetch {
        environment,
        request,
        cache: &cache,
        client: &client,
        snapshot: cache.snapshot(&info.sha),
        commit: &info.sha,
    }
    .run(&listed, progress)
}

/// The hub was reached, and the commit is known.
struct Fetch<'a> {
    environment: &'a Environment,
    request: &'a Request,
    cache: &'a Cache,
    client: &'a Client<'a>,
    snapshot: Snapshot,
    commit: &'a str,
}

impl Fetch<'_> {
    fn run(&self, listed: &[&str], progress: &mut dyn Progress) -> Result<PathBuf> {
        let mut selection = select(self.request, listed)?;
        if selection.has_index {
            // Which files there are, and how large, is known once the index is here; it does not
            // count in the bar.
            self.bring(&[INDEX.to_owned()], &mut ())?;
            for shard in self.snapshot.shards()? {
                selection.files.push(require(self.request, listed, &shard)?);
            }
        }
        self.bring(&selection.files, progress)?;
        for file in selection.absent {
            self.snapshot.remember_absent(file);
        }
        if let Err(error) = self.cache.remember(self.commit) {
            progress.warning(&format!(
                "this revision will not be found without the network ({error})"
            ));
        }
        Ok(self.snapshot.answer(self.request))
    }

    fn bring(&self, files: &[String], progress: &mut dyn Progress) -> Result<()> {
        let missing = files.iter().filter(|file| !self.snapshot.has(file));
        let remotes = missing
            .map(|file| self.describe(file))
            .collect::<Result<Vec<_>>>()?;
        let (mut total, mut needed) = (0, 0);
        for remote in &remotes {
            let length = |path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            let there = length(self.cache.blob(&remote.checksum)) == remote.size;
            total += remote.size;
            if !there {
                needed += remote
                    .size
                    .saturating_sub(length(self.cache.partial(&remote.checksum)));
            }
        }
        disk::require(&self.request.repository, self.cache.folder(), needed)?;
        let downloader = Downloader {
            environment: self.environment,
            request: self.request,
            cache: self.cache,
            client: self.client,
            commit: self.commit,
        };
        let mut meter = Meter::new(progress, total);
        for remote in &remotes {
            downloader.bring(remote, &mut meter)?;
            self.snapshot
                .link(&remote.name, &self.cache.blob(&remote.checksum))?;
        }
        Ok(())
    }

    fn describe(&self, file: &str) -> Result<Remote> {
        let mut patience = Patience::new(self.environment.pause);
        loop {
            match self.client.describe(self.commit, file) {
                Err(Trouble::Passing(_)) if patience.allows_another(0) => {}
                Err(trouble) => return Err(final_error(self.client, trouble)),
                Ok(remote) => return Ok(remote),
            }
        }
    }
}

fn final_error(client: &Client<'_>, trouble: Trouble) -> Error {
    match trouble {
        Trouble::Final(error) => error,
        Trouble::Passing(reason) => client.unreachable(reason),
        Trouble::NoSuchRange => client.unreachable("the server has no such range".to_owned()),
    }
}

fn offline(environment: &Environment, request: &Request, last: Option<&Snapshot>) -> Error {
    let missing = match last {
        Some(snapshot) => format!("missing: {}", snapshot.missing(request).join(", ")),
        None => format!("nothing of revision `{}`", request.revision),
    };
    Error::Offline {
        repository: request.repository.clone(),
        cache: environment.cache.clone(),
        missing,
    }
}

use crate::{Error, Request, Result};
use files::model_folder::{ADAPTER, GgufPart, INDEX, OPTIONAL, REQUIRED, SINGLE, is_template};

/// Where an adapter has a chat template, if it has one: that it differs from the model's is worth a
/// warning.
const ABOUT_TEXTS: [&str; 2] = ["tokenizer_config.json", "chat_template.jinja"];

/// What to download of the files that a repository lists.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Small files first, so that a snapshot with all of its weights lacks nothing else. Shards are
    /// not among them.
    pub files: Vec<String>,
    /// The weights are in the shards that the index names.
    pub has_index: bool,
    /// Optional files that the repository lacks.
    pub absent: Vec<&'static str>,
}

/// # Errors
/// [`Error::FileNotFound`] and [`Error::NoSafetensors`].
pub(crate) fn select(request: &Request, listed: &[&str]) -> Result<Selection> {
    let mut selection = Selection::default();
    if let Some(file) = &request.file {
        let parts = GgufPart::of(file).map_or_else(|| vec![file.clone()], |part| part.all());
        for part in parts {
            selection.files.push(require(request, listed, &part)?);
        }
        return Ok(selection);
    }
    if request.is_adapter {
        let about_texts = ABOUT_TEXTS.iter().filter(|file| listed.contains(file));
        selection.files.extend(about_texts.map(|file| (*file).to_owned()));
        for file in ADAPTER {
            selection.files.push(require(request, listed, file)?);
        }
        return Ok(selection);
    }
    // In the order in which the loader looks.
    let weights = match [SINGLE, INDEX].into_iter().find(|file| listed.contains(file)) {
        Some(weights) => weights.to_owned(),
        None => return Err(no_safetensors(request, listed)),
    };
    for file in REQUIRED {
        selection.files.push(require(request, listed, file)?);
    }
    for file in OPTIONAL {
        if listed.contains(&file) {
            selection.files.push(file.to_owned());
        } else {
            selection.absent.push(file);
        }
    }
    let templates = listed.iter().filter(|file| is_template(file));
    selection.files.extend(templates.map(|file| (*file).to_owned()));
    // That the single file is not there is worth remembering: it would win over the index.
    if weights == INDEX {
        selection.absent.push(SINGLE);
    }
    selection.has_index = weights == INDEX;
    selection.files.push(weights);
    Ok(selection)
}

/// # Errors
/// [`Error::FileNotFound`], with what the repository has instead.
pub(crate) fn require(request: &Request, listed: &[&str], file: &str) -> Result<String> {
    if listed.contains(&file) {
        return Ok(file.to_owned());
    }
    let extension = file.rsplit_once('.').map(|(_, extension)| extension);
    Err(Error::FileNotFound {
        repository: request.repository.clone(),
        revision: request.revision.clone(),
        file: file.to_owned(),
        others: with_extensions(listed, extension.as_slice()),
    })
}

fn no_safetensors(request: &Request, listed: &[&str]) -> Error {
    Error::NoSafetensors {
        repository: request.repository.clone(),
        revision: request.revision.clone(),
        others: with_extensions(listed, &["safetensors", "gguf", "bin", "pth"]),
    }
}

fn with_extensions(listed: &[&str], extensions: &[&str]) -> Vec<String> {
    let matches = |file: &&&str| {
        file.rsplit_once('.')
            .is_some_and(|(_, extension)| extensions.contains(&extension))
    };
    listed
        .iter()
        .filter(matches)
        .map(|file| (*file).to_owned())
        .collect()
}

use std::path::{Path, PathBuf};

use ::gguf::{GgufFile, PartName, Split, dequantize};
use memmap2::Mmap;

use crate::checkpoint::map;
use crate::{Error, Result};

/// A mapped file, or all parts of one, with their combined metadata.
pub(crate) struct OpenGguf {
    pub file: GgufFile,
    /// In their order; a tensor's `part` is its place here.
    pub parts: Vec<(PathBuf, Mmap)>,
}

impl OpenGguf {
    /// The numbers of a tensor that belongs to the configuration.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f32>>, String> {
        let Some(tensor) = self.file.tensor(name) else {
            return Ok(None);
        };
        let (kind, range) = tensor.blocks()?;
        let mut numbers = vec![0.0; tensor.elements()];
        dequantize(kind, &self.parts[tensor.part].1[range], &mut numbers);
        match numbers.iter().all(|number| number.is_finite()) {
            true => Ok(Some(numbers)),
            false => Err(format!(
                "tensor `{name}` holds a number that is not finite; download the file again"
            )),
        }
    }
}

/// Opens a GGUF file. Where it is the first part of a model, the others must be next to it.
///
/// The error names the file that is missing, broken, or not the first.
pub(crate) fn open(path: &Path) -> Result<OpenGguf> {
    let (mut file, bytes) = parsed(path)?;
    let mut parts = vec![(path.to_owned(), bytes)];
    let split = file.split().map_err(|message| Error::file(path, message))?;
    let Some(split) = split else {
        return Ok(OpenGguf { file, parts });
    };
    let name = first_name(path, split).map_err(|message| Error::file(path, message))?;
    for number in 2..=split.count {
        let place = path.with_file_name(name.with_number(number).to_string());
        if !place.exists() {
            let message = format!(
                "part {number} of {} of the model is missing; put all its parts into one folder",
                split.count
            );
            return Err(Error::file(place, message));
        }
        let (next, bytes) = parsed(&place)?;
        file.join(next).map_err(|message| Error::file(&place, message))?;
        parts.push((place, bytes));
    }
    let found = file.tensors().len();
    match split.tensors {
        Some(expected) if expected != found => Err(Error::file(
            path,
            format!(
                "all parts have {found} tensors together, but `split.tensors.count` is {expected}; download all parts again"
            ),
        )),
        _ => Ok(OpenGguf { file, parts }),
    }
}

/// The name of a file that says that it is a part, if it is the first.
fn first_name(path: &Path, split: Split) -> Result<PartName, String> {
    let Split { number, count, .. } = split;
    let number = number + 1;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    match PartName::parse(&file_name).filter(|name| (name.number, name.count) == (number, count)) {
        Some(name) if number == 1 => Ok(name),
        Some(name) => Err(format!(
            "the file is part {number} of {count} of a model; give the first, {}",
            name.with_number(1)
        )),
        None => Err(format!(
            "the file says that it is part {number} of {count} of a model, but its name does not end in \
             -{number:05}-of-{count:05}.gguf, by which the others are found; give all parts such names, or merge them \
             (llama-gguf-split --merge)"
        )),
    }
}

fn parsed(path: &Path) -> Result<(GgufFile, Mmap)> {
    let bytes = map(path)?;
    let file = GgufFile::parse(&bytes).map_err(|message| Error::file(path, message))?;
    Ok((file, bytes))
}

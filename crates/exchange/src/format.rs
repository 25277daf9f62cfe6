use std::path::{Path, PathBuf};

use artifacts::{Error, Result};

use crate::formats::{control_vector, neuronpedia, npy, safetensors};
use crate::{Origin, Vector};

/// A kind of file that holds vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Gguf,
    Npy,
    Safetensors,
    Neuronpedia,
}

impl Format {
    pub const ALL: [Format; 4] = [
        Format::Gguf,
        Format::Npy,
        Format::Safetensors,
        Format::Neuronpedia,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Format::Gguf => "gguf",
            Format::Npy => "npy",
            Format::Safetensors => "safetensors",
            Format::Neuronpedia => "neuronpedia",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// Where a vector goes below a folder: a file, or for Neuronpedia a folder with one file a layer.
    pub fn place(self, folder: &Path, name: &str) -> PathBuf {
        match self {
            Format::Neuronpedia => folder.join("neuronpedia").join(name),
            _ => folder.join(format!("{name}.{}", self.as_str())),
        }
    }
}

/// Writes the vector below `folder`, and gives back where. A file is whole or absent; an earlier one is replaced.
pub fn write_vector(folder: &Path, format: Format, vector: &Vector, origin: &Origin) -> Result<PathBuf> {
    let place = format.place(folder, &vector.name);
    match format {
        Format::Gguf => write(&place, &control_vector::encode(vector, origin))?,
        Format::Npy => write(&place, &npy::encode(vector))?,
        Format::Safetensors => {
            let bytes = safetensors::encode(vector, origin);
            write(&place, &bytes.map_err(|message| Error::invalid(&place, message))?)?;
        }
        Format::Neuronpedia => {
            for (layer, body) in neuronpedia::bodies(vector, origin) {
                write(&place.join(format!("L{layer}.json")), body.as_bytes())?;
            }
        }
    }
    Ok(place)
}

/// Reads a vector from a file of any of the formats that end in `.gguf`, `.npy` or `.safetensors`.
///
/// `layers` and `hidden_size` are those of the model that it is meant for. `layer` says where a file with a single vector
/// belongs, which it doesn't say itself.
pub fn read_vector(
    path: &Path,
    name: &str,
    layer: Option<usize>,
    layers: usize,
    hidden_size: usize,
) -> Result<Vector> {
    let bytes = fs_err::read(path)?;
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let found = match Format::parse(&extension) {
        Some(Format::Gguf) => control_vector::decode(&bytes),
        Some(Format::Npy) => npy::decode(&bytes),
        Some(Format::Safetensors) => safetensors::decode(&bytes, name),
        _ => Err("a file of vectors ends in .gguf, .npy or .safetensors".to_owned()),
    };
    let vector = found.and_then(|found| found.placed(name, layer, layers, hidden_size));
    vector.map_err(|message| Error::invalid(path, message))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let partial = path.with_extension("partial");
    fs_err::write(&partial, bytes)?;
    Ok(fs_err::rename(&partial, path)?)
}

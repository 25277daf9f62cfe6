use std::path::{Path, PathBuf};

use results::{Error, Result};

use crate::formats::{control_vector, neuronpedia, npy, safetensors};
use crate::{Origin, Vector};

terms::words! {
    /// A kind of file that holds vectors.
    pub enum Format: "format" {
        Gguf = "gguf",
        Npy = "npy",
        Safetensors = "safetensors",
        Neuronpedia = "neuronpedia",
    }
}

impl Format {
    /// Where a vector goes below a folder: a file, or for Neuronpedia a folder with one file per
    /// layer.
    pub fn place(self, folder: &Path, name: &str) -> PathBuf {
        match self {
            Format::Neuronpedia => folder.join("neuronpedia").join(name),
            _ => folder.join(format!("{name}.{}", self.as_str())),
        }
    }
}

/// Writes the vector below `folder`, and gives back where. A file is whole or absent; an earlier
/// one is replaced.
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
/// `layers` and `hidden_size` are those of the model that it is meant for. `layer` says where a
/// file with a single vector belongs, which it doesn't say itself. A row of zeros is not a vector:
/// the layer has none.
pub fn read_vector(
    path: &Path,
    name: &str,
    layer: Option<usize>,
    layers: usize,
    hidden_size: usize,
) -> Result<Vector> {
    let bytes = bytes_of(path)?;
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let found = match extension.to_lowercase().parse() {
        _ if bytes.is_empty() => Err("the file is empty; download or save it again".to_owned()),
        _ if bytes.starts_with(GIT_LFS) => Err(
            "this is a pointer of Git LFS and not the file itself; run `git lfs pull` where it came from, or \
             download the file"
                .to_owned(),
        ),
        Ok(Format::Gguf) => control_vector::decode(&bytes).map(|(found, remarks)| {
            for remark in remarks {
                tracing::warn!("{}: {remark}", path.display());
            }
            found
        }),
        Ok(Format::Npy) => npy::decode(&bytes),
        Ok(Format::Safetensors) => safetensors::decode(&bytes, name),
        _ => Err(unknown_kind(&extension)),
    };
    let vector = found.and_then(|found| found.placed(name, layer, layers, hidden_size));
    vector.map_err(|message| Error::invalid(path, message))
}

/// How a pointer begins that Git LFS leaves where it did not download the file.
const GIT_LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        return Err(Error::invalid(
            path,
            "this is a folder; name the file in it that has the vector",
        ));
    }
    if !path.exists() {
        let message =
            "there is no such file; check `file` in [[vectors]], which starts at the project's root";
        return Err(Error::invalid(path, message));
    }
    Ok(fs_err::read(path)?)
}

/// What a file of another kind is, and how it becomes one that can be read.
fn unknown_kind(extension: &str) -> String {
    const KINDS: &str = "a file of vectors ends in .gguf, .npy or .safetensors";
    match extension.to_lowercase().as_str() {
        "npz" => format!(
            "{KINDS}, and an .npz file is an archive of several arrays; save the one that is meant: \
             `numpy.save(\"v.npy\", numpy.load(\"v.npz\")[\"NAME\"])`"
        ),
        "pt" | "pth" | "bin" | "ckpt" | "pkl" | "pickle" => format!(
            "{KINDS}, and a file that Python pickled (torch.save) is not read, since reading it can run code; convert it: \
             `save_file({{\"NAME\": torch.load(\"v.pt\", weights_only=True).float()}}, \"v.safetensors\")`, with `save_file` \
             from safetensors.torch"
        ),
        _ => format!("{KINDS}; save it as one of these"),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let partial = path.with_extension("partial");
    fs_err::write(&partial, bytes)?;
    Ok(fs_err::rename(&partial, path)?)
}

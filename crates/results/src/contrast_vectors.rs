use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use interventions::FeatureReader;
use pipeline::VectorKind;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use crate::{Error, Metadata, Result};

/// The vectors of the contrast's pooling at all layers, as the steering stage reads them.
///
/// In the file: f32 tensors under the names of [`VectorKind`] (`contrast`, `mean.<condition>`, …),
/// each `[layers, hidden]`, row `l` belonging to the residual stream after layer `l` (0-based), and
/// metadata that says which model they were taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct ContrastVectors {
    /// The footer of the tables of the analysis.
    pub metadata: Metadata,
    /// Layers of the model.
    pub layers: usize,
    /// Length of a vector.
    pub hidden_size: usize,
    vectors: BTreeMap<String, Vec<f32>>,
    /// Of directions of features; they are not in the file.
    readers: BTreeMap<String, Reader>,
}

/// How a feature reads residuals, or why it can't be read alone.
type Reader = std::result::Result<FeatureReader, String>;

/// Followed by the name of a vector: the key that lists the layers without a row for it.
const WITHOUT: &str = "without_layers.";

impl ContrastVectors {
    /// No vectors yet.
    pub fn new(metadata: Metadata, layers: usize, hidden_size: usize) -> Self {
        ContrastVectors {
            metadata,
            layers,
            hidden_size,
            vectors: BTreeMap::new(),
            readers: BTreeMap::new(),
        }
    }

    /// `rows` holds the layers one after the other: `layers * hidden_size` numbers.
    pub fn insert(&mut self, kind: &VectorKind, rows: Vec<f32>) {
        debug_assert_eq!(rows.len(), self.layers * self.hidden_size);
        self.vectors.insert(kind.name(), rows);
    }

    /// Says how the feature whose direction this is reads residuals, or why it can't be read alone.
    pub fn insert_reader(&mut self, kind: &VectorKind, reader: Reader) {
        self.readers.insert(kind.name(), reader);
    }

    /// What was said of the feature with this name.
    pub fn reader(&self, name: &str) -> Option<&Reader> {
        self.readers.get(name)
    }

    /// A vector that some layers have and others don't: these get zeros in the file, and none from
    /// [`get`](Self::get).
    pub fn insert_some(&mut self, kind: &VectorKind, rows: &[Option<Vec<f32>>]) {
        let missing: Vec<String> = (0..rows.len())
            .filter(|layer| rows[*layer].is_none())
            .map(|layer| layer.to_string())
            .collect();
        if !missing.is_empty() {
            let key = format!("{WITHOUT}{}", kind.name());
            self.metadata = std::mem::take(&mut self.metadata).with(&key, missing.join(","));
        }
        let none = vec![0.0; self.hidden_size];
        let rows = rows.iter().map(|row| row.as_ref().unwrap_or(&none));
        self.insert(kind, rows.flatten().copied().collect());
    }

    fn is_missing(&self, name: &str, layer: usize) -> bool {
        let missing = self.metadata.get(&format!("{WITHOUT}{name}"));
        missing.is_some_and(|layers| layers.split(',').any(|without| without == layer.to_string()))
    }

    /// All that there are, in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.vectors.keys().map(String::as_str)
    }

    /// The layers that have this vector.
    pub fn layers_of(&self, name: &str) -> impl Iterator<Item = usize> {
        (0..self.layers).filter(move |layer| self.get(name, *layer).is_some())
    }

    /// The vector with this name at a layer: `[hidden_size]`.
    pub fn get(&self, name: &str, layer: usize) -> Option<&[f32]> {
        if self.is_missing(name, layer) {
            return None;
        }
        self.vectors
            .get(name)?
            .get(layer * self.hidden_size..(layer + 1) * self.hidden_size)
    }
}

/// Writes `analyze/contrast.safetensors`.
///
/// # Errors
/// What the file system says.
pub fn write_contrast_vectors(path: &Path, contrast: &ContrastVectors) -> Result<()> {
    let invalid = |error: safetensors::SafeTensorError| Error::invalid(path, error.to_string());
    let bytes: Vec<(&String, Vec<u8>)> = contrast
        .vectors
        .iter()
        .map(|(name, rows)| (name, rows.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let mut tensors = Vec::new();
    for (name, bytes) in &bytes {
        let shape = vec![contrast.layers, contrast.hidden_size];
        tensors.push((
            name.as_str(),
            TensorView::new(Dtype::F32, shape, bytes).map_err(invalid)?,
        ));
    }
    // The library writes metadata in the order of a hash map; one entry keeps the bytes the same
    // every time.
    let entries: BTreeMap<&str, &str> = contrast.metadata.iter().collect();
    let text = serde_json::to_string(&entries).map_err(|error| Error::invalid(path, error.to_string()))?;
    let metadata = HashMap::from([("roleswap".to_owned(), text)]);
    fs_err::write(path, serialize(tensors, Some(metadata)).map_err(invalid)?)?;
    Ok(())
}

/// Reads `analyze/contrast.safetensors`.
///
/// # Errors
/// A file that is not of this shape; the message says how to make it again.
pub fn read_contrast_vectors(path: &Path) -> Result<ContrastVectors> {
    let invalid =
        |message: String| Error::invalid(path, format!("{message}; run `cargo xtask analyze --force`"));
    let bytes = fs_err::read(path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| invalid(error.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| invalid(error.to_string()))?;
    let entries = header
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get("roleswap"));
    let entries: BTreeMap<String, String> = entries
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| invalid("the metadata has no entry `roleswap`".to_owned()))?;
    let metadata = entries
        .iter()
        .fold(Metadata::default(), |all, (key, value)| all.with(key, value));
    let contrast = tensors
        .tensor("contrast")
        .map_err(|error| invalid(error.to_string()))?;
    let [layers, hidden_size] = *contrast.shape() else {
        return Err(invalid("`contrast` must be [layers, hidden]".to_owned()));
    };
    let mut vectors = ContrastVectors::new(metadata, layers, hidden_size);
    for (name, tensor) in tensors.tensors() {
        let kind = VectorKind::parse(&name).ok_or_else(|| invalid(format!("unknown tensor `{name}`")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != [layers, hidden_size] {
            return Err(invalid(format!("`{name}` must be f32 [{layers}, {hidden_size}]")));
        }
        let rows = tensor
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        vectors.insert(&kind, rows);
    }
    Ok(vectors)
}

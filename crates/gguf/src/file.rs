use std::collections::HashMap;
use std::ops::Range;

use crate::cursor::Cursor;
use crate::foreign::not_gguf;
use crate::kind::{BlockKind, unreadable_name};
use crate::metadata::Metadata;

/// What a GGUF file says about itself: its metadata, and where its tensors are. Several files that
/// hold one model are one such value, see [`GgufFile::join`].
///
/// The format is described in docs/gguf.md of ggml (<https://github.com/ggml-org/ggml>).
#[derive(Debug)]
pub struct GgufFile {
    pub(crate) metadata: Metadata,
    pub(crate) tensors: Vec<TensorInfo>,
    pub(crate) places: HashMap<String, usize>,
    /// How many files were joined to this.
    pub(crate) parts: usize,
}

/// One tensor of a file.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    /// As the file has it, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// As Hugging Face has it, rows first: `[outputs, inputs]` of a linear layer. A GGUF file lists
    /// it the other way round.
    pub shape: Vec<usize>,
    /// The file that holds it: 0 except in a model of several files, where the first is 0.
    pub part: usize,
    stored: Stored,
}

#[derive(Clone, Debug)]
enum Stored {
    Blocks(BlockKind, Range<usize>),
    /// Of a type that cannot be read, so that its size in bytes is not known either.
    Unreadable(u32),
}

impl TensorInfo {
    /// How the numbers are stored, and which bytes of the file they are.
    ///
    /// # Errors
    /// A type that cannot be read; the message names the tensor and its type.
    pub fn blocks(&self) -> Result<(BlockKind, Range<usize>), String> {
        match &self.stored {
            Stored::Blocks(kind, range) => Ok((*kind, range.clone())),
            Stored::Unreadable(number) => Err(format!(
                "tensor `{}` is of type {}, which Roleswap does not read; get a BF16, Q8_0 or Q4_K_M file of the model",
                self.name,
                unreadable_name(*number),
            )),
        }
    }

    /// How many numbers the tensor holds.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl GgufFile {
    /// Reads the head of a file, of which `bytes` is the whole: versions 2 and 3, little-endian.
    ///
    /// Every tensor's bytes are within the file, unless its type cannot be read: see
    /// [`TensorInfo::blocks`], which a caller asks for all tensors before it begins to load.
    ///
    /// # Errors
    /// Names the key or the tensor that is broken, or says what the file is where it is not GGUF.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut cursor = Cursor::new(bytes);
        check_version(&mut cursor, bytes)?;
        let tensor_count = cursor.count(LEAST_TENSOR_BYTES, "the list of tensors")?;
        let entries = cursor.count(LEAST_ENTRY_BYTES, "the metadata")?;
        let metadata = Metadata::read(&mut cursor, entries)?;
        let alignment = alignment(&metadata)?;
        let mut raw = Vec::new();
        for index in 0..tensor_count {
            raw.push(RawTensor::read(&mut cursor, index)?);
        }
        let start = cursor
            .position()
            .checked_next_multiple_of(alignment)
            .ok_or_else(|| format!("`{ALIGNMENT}` is too large; download the file again"))?;
        let mut tensors = Vec::new();
        let mut places = HashMap::new();
        for tensor in raw {
            let info = tensor.place(start, alignment)?;
            if places.insert(info.name.clone(), tensors.len()).is_some() {
                return Err(format!(
                    "tensor `{}` is listed twice; download the file again",
                    info.name
                ));
            }
            tensors.push(info);
        }
        check_end(&tensors, bytes.len())?;
        Ok(GgufFile {
            metadata,
            tensors,
            places,
            parts: 1,
        })
    }

    /// The metadata; of the first file, where several were joined.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// All tensors, in the order of the file.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor of a name, as the file spells it.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.places.get(name).map(|place| &self.tensors[*place])
    }
}

const ALIGNMENT: &str = "general.alignment";

/// An empty name, one dimension, the type and the offset.
const LEAST_TENSOR_BYTES: usize = 8 + 4 + 8 + 4 + 8;

/// An empty key, the type and a value of one byte.
const LEAST_ENTRY_BYTES: usize = 8 + 4 + 1;

/// ggml's GGML_MAX_DIMS.
const MOST_DIMENSIONS: u32 = 4;

fn check_version(cursor: &mut Cursor<'_>, bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(b"GGUF") {
        return Err(not_gguf(bytes));
    }
    cursor.take(4, "its first bytes")?;
    match cursor.u32("its version")? {
        2 | 3 => Ok(()),
        version if (1..=u32::from(u16::MAX)).contains(&version.swap_bytes()) => Err(
            "the file is big-endian; Roleswap reads little-endian GGUF files, so get another conversion"
                .to_owned(),
        ),
        version => Err(format!(
            "the file is of GGUF version {version}; Roleswap reads versions 2 and 3, so get another conversion"
        )),
    }
}

/// Every tensor's bytes are within the file.
fn check_end(tensors: &[TensorInfo], size: usize) -> Result<(), String> {
    let end = |tensor: &TensorInfo| match &tensor.stored {
        Stored::Blocks(_, range) => range.end,
        Stored::Unreadable(_) => 0,
    };
    let needed = tensors.iter().map(end).max().unwrap_or(0);
    match tensors.iter().find(|tensor| end(tensor) > size) {
        None => Ok(()),
        Some(tensor) => Err(format!(
            "tensor `{}` reaches past the end of the file, which has {size} bytes where its tensors need {needed}; download \
             it again, or, where it was cut up, join its pieces (cat)",
            tensor.name
        )),
    }
}

fn alignment(metadata: &Metadata) -> Result<usize, String> {
    match metadata.count(ALIGNMENT)? {
        None => Ok(32),
        Some(bytes) if bytes.is_power_of_two() => Ok(bytes),
        Some(bytes) => Err(format!(
            "`{ALIGNMENT}` is {bytes}, but must be a power of two; download the file again"
        )),
    }
}

/// An entry of the list of tensors, before it is known where the tensors' bytes begin.
struct RawTensor {
    name: String,
    shape: Vec<usize>,
    kind: u32,
    offset: u64,
}

impl RawTensor {
    fn read(cursor: &mut Cursor<'_>, index: usize) -> Result<Self, String> {
        let name = cursor.text(&format!("the name of tensor {index}"))?.to_owned();
        let what = format!("the description of tensor `{name}`");
        let dimensions = cursor.u32(&what)?;
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Err(format!(
                "tensor `{name}` has {dimensions} dimensions; 1 to {MOST_DIMENSIONS} are possible, so download the file again"
            ));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = cursor.u64(&what)?;
            let size = usize::try_from(size).ok().filter(|size| *size > 0);
            shape.push(size.ok_or_else(|| bad_shape(&name))?);
        }
        shape.reverse();
        Ok(RawTensor {
            kind: cursor.u32(&what)?,
            offset: cursor.u64(&what)?,
            name,
            shape,
        })
    }

    /// Finds the tensor's bytes, given where the bytes of all tensors start.
    fn place(self, start: usize, alignment: usize) -> Result<TensorInfo, String> {
        let name = &self.name;
        let elements = self
            .shape
            .iter()
            .try_fold(1usize, |all, size| all.checked_mul(*size));
        let elements = elements.ok_or_else(|| bad_shape(name))?;
        let stored = match BlockKind::from_number(self.kind) {
            None => Stored::Unreadable(self.kind),
            Some(kind) => {
                let row = self.shape.last().copied().unwrap_or(1);
                if !row.is_multiple_of(kind.block_elements()) {
                    return Err(format!(
                        "tensor `{name}` has rows of {row} numbers, which do not fill blocks of {} ({kind}); download the file again",
                        kind.block_elements()
                    ));
                }
                let offset = usize::try_from(self.offset).ok();
                if offset.is_some_and(|offset| !offset.is_multiple_of(alignment)) {
                    return Err(format!(
                        "tensor `{name}` does not begin at a multiple of {alignment} bytes; download the file again"
                    ));
                }
                let length = (elements / kind.block_elements()).checked_mul(kind.block_bytes());
                let first = offset.and_then(|offset| start.checked_add(offset));
                let range = first.and_then(|first| Some(first..first.checked_add(length?)?));
                let past = || format!("tensor `{name}` reaches past the end of any file; download it again");
                Stored::Blocks(kind, range.ok_or_else(past)?)
            }
        };
        Ok(TensorInfo {
            name: self.name,
            shape: self.shape,
            part: 0,
            stored,
        })
    }
}

fn bad_shape(name: &str) -> String {
    format!("tensor `{name}` has an impossible shape; download the file again")
}

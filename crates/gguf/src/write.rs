use crate::BlockKind;

/// A value of the metadata of a file that is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A 32-bit integer.
    U32(u32),
    /// A number.
    F32(f32),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of 32-bit integers.
    I32s(Vec<i32>),
    /// A list of numbers.
    F32s(Vec<f32>),
    /// A list of texts.
    Texts(Vec<String>),
}

/// A tensor of a file that is written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTensor {
    /// Its name in the file.
    pub name: String,
    /// Its dimensions, the outermost first, as those of [`TensorInfo`](crate::TensorInfo).
    pub shape: Vec<usize>,
    /// How its numbers are stored.
    pub kind: BlockKind,
}

impl NewTensor {
    /// The bytes of its blocks; the innermost dimension must be a whole number of them.
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() / self.kind.block_elements() * self.kind.block_bytes()
    }
}

/// The file's beginning: all that comes before the numbers of the first tensor. Version 3,
/// little-endian.
///
/// Entries and tensors come in the order given. The numbers of each tensor follow in the same
/// order, each padded with zeros to a multiple of [`ALIGNMENT`]. Source: docs/gguf.md of ggml
/// (<https://github.com/ggml-org/ggml>).
pub fn header(entries: &[(&str, Entry)], tensors: &[NewTensor]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((entries.len() as u64).to_le_bytes());
    for (key, entry) in entries {
        text(&mut bytes, key);
        value(&mut bytes, entry);
    }
    let mut offset = 0;
    for tensor in tensors {
        text(&mut bytes, &tensor.name);
        bytes.extend((tensor.shape.len() as u32).to_le_bytes());
        for size in tensor.shape.iter().rev() {
            bytes.extend((*size as u64).to_le_bytes());
        }
        bytes.extend(tensor.kind.number().to_le_bytes());
        bytes.extend((offset as u64).to_le_bytes());
        offset += tensor.bytes().next_multiple_of(ALIGNMENT);
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

/// A file of f32 tensors with one dimension each, as [`header`] describes it.
pub fn write_f32(entries: &[(&str, Entry)], tensors: &[(String, &[f32])]) -> Vec<u8> {
    let described: Vec<NewTensor> = tensors
        .iter()
        .map(|(name, numbers)| NewTensor {
            name: name.clone(),
            shape: vec![numbers.len()],
            kind: BlockKind::F32,
        })
        .collect();
    let mut bytes = header(entries, &described);
    for (_, numbers) in tensors {
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
    bytes
}

/// What the place of each tensor's numbers is a multiple of, in bytes.
pub const ALIGNMENT: usize = 32;

/// An entry's type by its number in the format, then the value itself.
fn value(bytes: &mut Vec<u8>, entry: &Entry) {
    match entry {
        Entry::U32(number) => {
            bytes.extend(4u32.to_le_bytes());
            bytes.extend(number.to_le_bytes());
        }
        Entry::F32(number) => {
            bytes.extend(6u32.to_le_bytes());
            bytes.extend(number.to_le_bytes());
        }
        Entry::Bool(flag) => {
            bytes.extend(7u32.to_le_bytes());
            bytes.push(u8::from(*flag));
        }
        Entry::Text(value) => {
            bytes.extend(8u32.to_le_bytes());
            text(bytes, value);
        }
        Entry::I32s(numbers) => {
            list(bytes, 5, numbers.len());
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        Entry::F32s(numbers) => {
            list(bytes, 6, numbers.len());
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        Entry::Texts(values) => {
            list(bytes, 8, values.len());
            values.iter().for_each(|value| text(bytes, value));
        }
    }
}

fn list(bytes: &mut Vec<u8>, element: u32, count: usize) {
    bytes.extend(9u32.to_le_bytes());
    bytes.extend(element.to_le_bytes());
    bytes.extend((count as u64).to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend(value.as_bytes());
}

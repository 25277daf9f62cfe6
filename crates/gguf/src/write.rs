/// A value of the metadata of a file that is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A 32-bit integer.
    U32(u32),
    /// A text.
    Text(String),
}

/// A file of f32 tensors with one dimension each: version 3, little-endian, aligned to 32 bytes.
///
/// Entries and tensors come in the order given. Source: docs/gguf.md of ggml
/// (<https://github.com/ggml-org/ggml>).
pub fn write_f32(entries: &[(&str, Entry)], tensors: &[(String, &[f32])]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((entries.len() as u64).to_le_bytes());
    for (key, entry) in entries {
        text(&mut bytes, key);
        match entry {
            Entry::U32(number) => {
                bytes.extend(4u32.to_le_bytes());
                bytes.extend(number.to_le_bytes());
            }
            Entry::Text(value) => {
                bytes.extend(8u32.to_le_bytes());
                text(&mut bytes, value);
            }
        }
    }
    let mut offset = 0;
    for (name, numbers) in tensors {
        text(&mut bytes, name);
        bytes.extend(1u32.to_le_bytes());
        bytes.extend((numbers.len() as u64).to_le_bytes());
        bytes.extend(0u32.to_le_bytes());
        bytes.extend((offset as u64).to_le_bytes());
        offset += (numbers.len() * 4).next_multiple_of(ALIGNMENT);
    }
    for (_, numbers) in tensors {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

const ALIGNMENT: usize = 32;

fn text(bytes: &mut Vec<u8>, value: &str) {
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend(value.as_bytes());
}

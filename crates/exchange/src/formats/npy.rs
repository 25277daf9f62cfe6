//! NumPy's `.npy`, version 1.0: a magic number, a header that is a Python dictionary, and the numbers.

use super::{Float, Found, floats};
use crate::Vector;

const MAGIC: &[u8] = b"\x93NUMPY";

/// `[layers, hidden]` f32, rows first, with zeros for layers without a vector.
pub fn encode(vector: &Vector) -> Vec<u8> {
    let (layers, hidden) = (vector.rows.len(), vector.hidden_size);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({layers}, {hidden}), }}");
    // The numbers begin at a multiple of 64, and the header ends with a line break.
    let end = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64);
    header += &" ".repeat(end - MAGIC.len() - 4 - header.len() - 1);
    header.push('\n');
    let mut bytes = [
        MAGIC,
        &[1, 0],
        &(header.len() as u16).to_le_bytes(),
        header.as_bytes(),
    ]
    .concat();
    bytes.extend(vector.matrix().iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// Little-endian floats of 16, 32 or 64 bits, in C or Fortran order.
pub fn decode(bytes: &[u8]) -> Result<Found, String> {
    let (header, data) = parts(bytes).ok_or("this is no .npy file, or it was cut off")?;
    let descr = text_after(header, "'descr':").ok_or("the header has no `descr`")?;
    let (kind, width) = match descr {
        "<f2" => (Float::F16, 2),
        "<f4" => (Float::F32, 4),
        "<f8" => (Float::F64, 8),
        other => {
            return Err(format!(
                "its numbers are of type \"{other}\"; vectors are \"<f2\", \"<f4\" or \"<f8\": convert it with .astype(\"<f4\")"
            ));
        }
    };
    let shape = shape(header).ok_or("the header has no `shape`")?;
    let count = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
    if count.and_then(|count| count.checked_mul(width)) != Some(data.len()) {
        return Err(format!(
            "its shape is {shape:?}, which its {} bytes of numbers don't fill",
            data.len()
        ));
    }
    let numbers = floats(data, kind);
    let is_fortran = header.contains("'fortran_order': True");
    match *shape.as_slice() {
        [rows, columns] if is_fortran => Found::of_matrix(&transposed(&numbers, rows, columns), &shape),
        _ => Found::of_matrix(&numbers, &shape),
    }
}

/// The header's text, and the bytes after it. Versions 2 and 3 count the header in four bytes.
fn parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_at_checked(2)?;
    let width = if version[0] == 1 { 2 } else { 4 };
    let (length, rest) = rest.split_at_checked(width)?;
    let length = length
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte));
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// `'<f4'` without its quotes.
fn text_after<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(key)?;
    rest.split('\'').nth(1)
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let (_, rest) = header.split_once("'shape':")?;
    let (_, rest) = rest.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().ok()).collect()
}

/// Rows first, from columns first.
fn transposed(numbers: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| column * rows + row));
    places.filter_map(|place| numbers.get(place).copied()).collect()
}

//! NumPy's `.npy`, version 1.0: a magic number, a header that is a Python dictionary, and the
//! numbers.

use std::ops::Range;

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

/// Floats of 16, 32 or 64 bits of either byte order, in C or Fortran order.
pub fn decode(bytes: &[u8]) -> Result<Found, String> {
    let header = NpyHeader::read(bytes)?;
    let data = &bytes[header.numbers.clone()];
    let numbers = if header.is_big_endian {
        let swapped: Vec<u8> = data
            .chunks_exact(header.kind.width())
            .flat_map(|bytes| bytes.iter().rev().copied())
            .collect();
        floats(&swapped, header.kind)
    } else {
        floats(data, header.kind)
    };
    match *header.shape.as_slice() {
        [rows, columns] if header.is_fortran => {
            Found::of_matrix(&transposed(&numbers, rows, columns), &header.shape)
        }
        _ => Found::of_matrix(&numbers, &header.shape),
    }
}

/// What a `.npy` file says of its numbers. An `.npz` file is an archive of such files.
#[derive(Debug)]
pub struct NpyHeader {
    /// Their type.
    pub kind: Float,
    /// The most significant byte comes first.
    pub is_big_endian: bool,
    /// Columns first.
    pub is_fortran: bool,
    /// The sizes of the array.
    pub shape: Vec<usize>,
    /// Where they are in the file, which they fill to its end.
    pub numbers: Range<usize>,
}

impl NpyHeader {
    /// Of a whole file.
    ///
    /// # Errors
    /// What is wrong with it, and after `; ` what to do.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let (header, numbers) =
            parts(bytes).ok_or("this is no .npy file, or it was cut off; save it again with `numpy.save`")?;
        let (kind, is_big_endian) = number_kind(&header)?;
        let shape = shape(&header).ok_or("the header has no `shape`; save it again with `numpy.save`")?;
        let count = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
        if count.and_then(|count| count.checked_mul(kind.width())) != Some(numbers.len()) {
            return Err(format!(
                "its shape is {shape:?}, which its {} bytes of numbers don't fill; was it cut off? save it again",
                numbers.len()
            ));
        }
        let is_fortran = after(&header, "'fortran_order':").is_some_and(|value| value.starts_with("True"));
        Ok(NpyHeader {
            kind,
            is_big_endian,
            is_fortran,
            shape,
            numbers,
        })
    }
}

/// The type, and whether the most significant byte comes first.
fn number_kind(header: &str) -> Result<(Float, bool), String> {
    const SAVE_AGAIN: &str = "save it again with `.astype(\"<f4\")`";
    let descr = after(header, "'descr':")
        .ok_or_else(|| "the header has no `descr`; save it again with `numpy.save`".to_owned())?;
    if descr.starts_with('[') {
        return Err("it holds records with named fields (a structured dtype); save the field that is the vector, as in \
                    `numpy.save(\"v.npy\", v[\"NAME\"])`"
            .to_owned());
    }
    let descr = descr.split('\'').nth(1).unwrap_or_default();
    let (order, kind) = descr.split_at_checked(1).unwrap_or_default();
    let is_big_endian = order == ">";
    match kind {
        "f2" => Ok((Float::F16, is_big_endian)),
        "f4" => Ok((Float::F32, is_big_endian)),
        "f8" => Ok((Float::F64, is_big_endian)),
        "O" => Err(
            "it holds pickled Python objects (dtype=object), which are not read; save the vectors as one \
                    array of numbers: `numpy.save(\"v.npy\", numpy.stack(list(v)).astype(\"<f4\"))`"
                .to_owned(),
        ),
        _ => Err(format!(
            "its numbers are of type \"{descr}\"; vectors are \"<f2\", \"<f4\" or \"<f8\": {SAVE_AGAIN}"
        )),
    }
}

/// The header's text with single quotes, and where the bytes after it are. Versions 2 and 3 count the
/// header in four bytes.
fn parts(bytes: &[u8]) -> Option<(String, Range<usize>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_at_checked(2)?;
    let width = if version[0] == 1 { 2 } else { 4 };
    let (length, rest) = rest.split_at_checked(width)?;
    let length = length
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte));
    let (header, data) = rest.split_at_checked(length)?;
    let header = std::str::from_utf8(header).ok()?.replace('"', "'");
    Some((header, bytes.len() - data.len()..bytes.len()))
}

/// What comes after a key.
fn after<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    header.split_once(key).map(|(_, rest)| rest.trim_start())
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let (_, rest) = after(header, "'shape':")?.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().ok()).collect()
}

/// Rows first, from columns first.
fn transposed(numbers: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| column * rows + row));
    places.filter_map(|place| numbers.get(place).copied()).collect()
}

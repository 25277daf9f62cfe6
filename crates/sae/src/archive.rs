//! NumPy's `.npz`: a zip archive of `.npy` files. `numpy.savez` does not compress them, so that they can be
//! mapped; this reads where each of them is, and nothing else of zip (its format: PKWARE's APPNOTE 6.3,
//! 4.3 and 4.5.3).

use std::collections::BTreeMap;
use std::ops::Range;

use exchange::NpyHeader;

use crate::entry::Entry;

/// The arrays of an archive, by name.
///
/// # Errors
/// What is wrong with it, and after `; ` what to do.
pub(crate) fn arrays(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    const BROKEN: &str = "this is not a whole .npz archive; was it cut off? download it again";
    let directory = Directory::of(bytes).ok_or(BROKEN)?;
    let mut arrays = BTreeMap::new();
    let mut at = directory.start;
    for _ in 0..directory.entries {
        let file = File::read(bytes, at).ok_or(BROKEN)?;
        at = file.next;
        if file.is_changed {
            return Err(format!(
                "its array `{}` is compressed, and is mapped only as it is; write the archive again: \
                 `numpy.savez(\"params.npz\", **numpy.load(\"params.npz\"))`",
                file.name
            ));
        }
        let name = file.name.strip_suffix(".npy").unwrap_or(&file.name).to_owned();
        let array = entry(&bytes[file.place.clone()], file.place.start);
        arrays.insert(
            name.clone(),
            array.map_err(|problem| format!("array `{name}`: {problem}"))?,
        );
    }
    Ok(arrays)
}

fn entry(file: &[u8], start: usize) -> Result<Entry, String> {
    let header = NpyHeader::read(file)?;
    if header.is_big_endian {
        return Err(
            "its numbers have the most significant byte first; save it with `.astype(\"<f4\")`".to_owned(),
        );
    }
    Ok(Entry {
        kind: header.kind,
        columns_first: header.is_fortran && header.shape.len() > 1,
        shape: header.shape,
        bytes: start + header.numbers.start..start + header.numbers.end,
    })
}

/// The list of files at the archive's end.
struct Directory {
    start: usize,
    entries: u64,
}

impl Directory {
    fn of(bytes: &[u8]) -> Option<Self> {
        // The record at the very end, behind which there may be a comment.
        let earliest = bytes.len().saturating_sub(22 + 0xffff);
        let last = bytes.len().checked_sub(22)?;
        let end = (earliest..=last)
            .rev()
            .find(|at| has_mark(bytes, *at, b"PK\x05\x06"))?;
        let (entries, start) = (number(bytes, end + 10, 2)?, number(bytes, end + 16, 4)?);
        if entries != 0xffff && start != 0xffff_ffff {
            return Some(Directory {
                start: usize::try_from(start).ok()?,
                entries,
            });
        }
        // Numbers that don't fit are in a record of their own, whose place stands before the last one.
        let locator = end.checked_sub(20)?;
        let wide = usize::try_from(number(bytes, locator + 8, 8)?).ok()?;
        let is_wide = has_mark(bytes, locator, b"PK\x06\x07") && has_mark(bytes, wide, b"PK\x06\x06");
        is_wide.then_some(())?;
        Some(Directory {
            start: usize::try_from(number(bytes, wide.checked_add(48)?, 8)?).ok()?,
            entries: number(bytes, wide.checked_add(32)?, 8)?,
        })
    }
}

/// A file of the archive, as the directory describes it.
struct File {
    name: String,
    /// Its bytes.
    place: Range<usize>,
    /// They are not those of the file itself.
    is_changed: bool,
    /// Where the next one is described.
    next: usize,
}

impl File {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        has_mark(bytes, at, b"PK\x01\x02").then_some(())?;
        let length = |offset: usize| usize::try_from(number(bytes, at.checked_add(offset)?, 2)?).ok();
        let (name_length, extra_length, comment_length) = (length(28)?, length(30)?, length(32)?);
        let name_end = at.checked_add(46)?.checked_add(name_length)?;
        let extra_end = name_end.checked_add(extra_length)?;
        let name = std::str::from_utf8(bytes.get(at + 46..name_end)?).ok()?;
        let mut wide = wide_numbers(bytes.get(name_end..extra_end)?);
        // In this order; what doesn't fit into four bytes stands among the extra fields.
        let mut size_or_place = |offset: usize| match number(bytes, at + offset, 4)? {
            0xffff_ffff => wide.next(),
            small => Some(small),
        };
        let (size, stored, header) = (size_or_place(24)?, size_or_place(20)?, size_or_place(42)?);
        let header = usize::try_from(header).ok()?;
        has_mark(bytes, header, b"PK\x03\x04").then_some(())?;
        let before = number(bytes, header + 26, 2)? + number(bytes, header + 28, 2)?;
        let start = header + 30 + usize::try_from(before).ok()?;
        let end = start.checked_add(usize::try_from(stored).ok()?)?;
        (end <= bytes.len()).then_some(())?;
        let (is_encrypted, method) = (number(bytes, at + 8, 2)? & 1 == 1, number(bytes, at + 10, 2)?);
        Some(File {
            name: name.to_owned(),
            place: start..end,
            is_changed: is_encrypted || method != 0 || size != stored,
            next: extra_end.checked_add(comment_length)?,
        })
    }
}

/// The numbers of eight bytes in a file's extra fields: field 1.
fn wide_numbers(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut found: &[u8] = &[];
    while let (Some(kind), Some(length)) = (number(extra, 0, 2), number(extra, 2, 2)) {
        let (field, rest) = extra[4..].split_at((length as usize).min(extra.len() - 4));
        if kind == 1 {
            found = field;
        }
        extra = rest;
    }
    found
        .as_chunks::<8>()
        .0
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes))
}

fn has_mark(bytes: &[u8], at: usize, mark: &[u8; 4]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(mark))
}

/// A number of up to eight bytes, least significant first.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(values: &[f32]) -> Vec<u8> {
        let header = format!(
            "{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}\n",
            values.len()
        );
        let numbers: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        [
            b"\x93NUMPY\x01\x00",
            &(header.len() as u16).to_le_bytes()[..],
            header.as_bytes(),
            &numbers,
        ]
        .concat()
    }

    /// An archive with one file; `wide` puts all sizes and places where archives over 4 GB have them.
    fn archive(data: &[u8], wide: bool) -> Vec<u8> {
        let small = |value: usize| {
            if wide {
                [0xff; 4]
            } else {
                (value as u32).to_le_bytes()
            }
        };
        let wide_field = |values: &[usize]| -> Vec<u8> {
            let numbers: Vec<u8> = values
                .iter()
                .flat_map(|value| (*value as u64).to_le_bytes())
                .collect();
            match wide {
                true => [&[1, 0][..], &(numbers.len() as u16).to_le_bytes(), &numbers].concat(),
                false => Vec::new(),
            }
        };
        let sizes = [small(data.len()), small(data.len())].concat();
        let mut bytes = b"before".to_vec();
        let header = bytes.len();
        let extra = wide_field(&[data.len(), data.len()]);
        let lengths = [5u16.to_le_bytes(), (extra.len() as u16).to_le_bytes()].concat();
        bytes.extend(
            [
                &b"PK\x03\x04"[..],
                &[0; 14],
                &sizes,
                &lengths,
                b"a.npy",
                &extra,
                data,
            ]
            .concat(),
        );
        let directory = bytes.len();
        let extra = [
            &[7, 0, 2, 0, 1, 2][..],
            &wide_field(&[data.len(), data.len(), header]),
        ]
        .concat();
        let lengths = [5u16.to_le_bytes(), (extra.len() as u16).to_le_bytes()].concat();
        bytes.extend(
            [
                &b"PK\x01\x02"[..],
                &[0; 16],
                &sizes,
                &lengths,
                &[0; 10],
                &small(header),
                b"a.npy",
                &extra,
            ]
            .concat(),
        );
        let end = bytes.len();
        if wide {
            let numbers = [1, 1, end - directory, directory]
                .map(|value| (value as u64).to_le_bytes())
                .concat();
            bytes.extend([&b"PK\x06\x06"[..], &[0; 20], &numbers].concat());
            bytes.extend([&b"PK\x06\x07"[..], &[0; 4], &(end as u64).to_le_bytes(), &[0; 4]].concat());
        }
        let count = if wide { 0xffff } else { 1u16 }.to_le_bytes();
        bytes.extend(
            [
                &b"PK\x05\x06"[..],
                &[0; 4],
                &count,
                &count,
                &[0; 4],
                &small(directory),
                &[2, 0],
                b"hi",
            ]
            .concat(),
        );
        bytes
    }

    #[test]
    fn arrays_are_found_in_archives_of_both_sizes() {
        for wide in [false, true] {
            let bytes = archive(&npy(&[1.5, -2.0]), wide);
            let arrays = arrays(&bytes).unwrap();
            let entry = &arrays["a"];
            assert_eq!(entry.shape, [2]);
            assert_eq!(
                exchange::floats(&bytes[entry.bytes.clone()], entry.kind),
                [1.5, -2.0]
            );
        }
    }

    #[test]
    fn archives_that_were_cut_off_or_changed_are_no_panic() {
        for wide in [false, true] {
            let whole = archive(&npy(&[1.5, -2.0]), wide);
            for length in 0..whole.len() - 2 {
                assert!(arrays(&whole[..length]).is_err(), "{length}");
            }
            for place in 0..whole.len() {
                for value in [0, 0x7f, 0xff] {
                    let mut changed = whole.clone();
                    changed[place] = value;
                    if let Ok(arrays) = arrays(&changed) {
                        assert!(arrays.values().all(|entry| entry.bytes.end <= changed.len()));
                    }
                }
            }
        }
    }
}

use std::collections::BTreeMap;

use gguf::{BlockKind, GgufFile, dequantize};

const BLOCKS: &[u8] = include_bytes!("../fixtures/blocks.gguf");

#[test]
fn every_type_gives_the_bits_of_the_python_package() {
    let file = GgufFile::parse(BLOCKS).unwrap();
    for kind in BlockKind::all() {
        let name = &kind.to_string();
        let numbers = read(&file, name, kind);
        let expected = read(&file, &format!("{name}.expected"), BlockKind::F32);
        assert_eq!(numbers.len(), expected.len(), "{name}");
        for (index, (number, expected)) in numbers.iter().zip(&expected).enumerate() {
            let same = number.to_bits() == expected.to_bits() || (number.is_nan() && expected.is_nan());
            assert!(same, "{name}, number {index}: {number:e}, not {expected:e}");
        }
        // A third of the integers of a ternary type are 0.
        let finite = numbers
            .iter()
            .filter(|number| number.is_finite() && **number != 0.0);
        assert!(
            finite.count() * 3 > numbers.len(),
            "{name}: the fixture says little"
        );
    }
}

#[test]
fn a_tensor_can_be_cut_between_blocks() {
    let file = GgufFile::parse(BLOCKS).unwrap();
    for kind in BlockKind::all() {
        let name = &kind.to_string();
        let (_, range) = file.tensor(name).unwrap().blocks().unwrap();
        let whole = read(&file, name, kind);
        let mut parts = vec![0.0; whole.len()];
        let bytes = BLOCKS[range].chunks(3 * kind.block_bytes());
        for (bytes, part) in bytes.zip(parts.chunks_mut(3 * kind.block_elements())) {
            dequantize(kind, bytes, part);
        }
        let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&parts), bits(&whole), "{name}");
    }
}

/// All types that the Python package can turn into numbers, except NVFP4 and Q1_0.
#[test]
fn whole_tables_are_those_of_the_python_package() {
    let hashes: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../fixtures/blocks.json")).unwrap();
    let in_blocks: Vec<BlockKind> = BlockKind::all()
        .filter(|kind| kind.block_elements() > 1)
        .collect();
    assert_eq!(in_blocks.len(), hashes.len());
    for kind in in_blocks {
        let name = kind.to_string();
        let mut bytes = sequence(1024 * kind.block_bytes());
        for block in bytes.chunks_mut(kind.block_bytes()) {
            for place in scale_places(kind) {
                set_scale_to_one(kind, block, *place);
            }
        }
        let mut numbers = vec![f32::NAN; 1024 * kind.block_elements()];
        dequantize(kind, &bytes, &mut numbers);
        assert_eq!(fnv(&numbers), hashes[&name], "{name}");
    }
}

/// Where the f16 scales of a block begin.
fn scale_places(kind: BlockKind) -> &'static [usize] {
    match kind {
        BlockKind::Q4_1 | BlockKind::Q5_1 | BlockKind::Q4K | BlockKind::Q5K => &[0, 2],
        BlockKind::Q6K => &[208],
        BlockKind::Q2K => &[80, 82],
        BlockKind::Q3K => &[108],
        BlockKind::Mxfp4 => &[],
        BlockKind::Iq1M => &[48],
        BlockKind::Tq1_0 => &[52],
        BlockKind::Tq2_0 => &[64],
        _ => &[0],
    }
}

fn set_scale_to_one(kind: BlockKind, block: &mut [u8], place: usize) {
    let one = 0x3c00u16;
    if kind != BlockKind::Iq1M {
        block[place..place + 2].copy_from_slice(&one.to_le_bytes());
        return;
    }
    for quarter in 0..4 {
        let byte = &mut block[place + 2 * quarter + 1];
        *byte = *byte & 15 | ((one >> (4 * quarter) & 15) as u8) << 4;
    }
}

/// As in make_gguf_fixtures.py.
fn sequence(count: usize) -> Vec<u8> {
    let next = |state: &u64| {
        Some(
            state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407),
        )
    };
    let states = std::iter::successors(next(&1), next);
    states.take(count).map(|state| (state >> 56) as u8).collect()
}

/// FNV-1a with 64 bits.
fn fnv(numbers: &[f32]) -> String {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    let hash = bytes.fold(0xcbf29ce484222325u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x100000001b3)
    });
    format!("{hash:016x}")
}

#[test]
#[should_panic(expected = "Q4_K blocks")]
fn bytes_and_places_must_fit() {
    dequantize(BlockKind::Q4K, &[0; 143], &mut [0.0; 256]);
}

fn read(file: &GgufFile, name: &str, kind: BlockKind) -> Vec<f32> {
    let tensor = file.tensor(name).unwrap();
    let (stored, range) = tensor.blocks().unwrap();
    assert_eq!(stored, kind, "{name}");
    let mut numbers = vec![f32::NAN; tensor.elements()];
    dequantize(kind, &BLOCKS[range], &mut numbers);
    numbers
}

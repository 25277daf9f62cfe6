use ::gguf::{BlockKind, GgufFile, dequantize};

const BLOCKS: &[u8] = include_bytes!("../../fixtures/gguf/blocks.gguf");

/// Every kind, and its name in the fixture.
const KINDS: [(BlockKind, &str); 11] = [
    (BlockKind::F32, "F32"),
    (BlockKind::F16, "F16"),
    (BlockKind::Bf16, "BF16"),
    (BlockKind::Q4_0, "Q4_0"),
    (BlockKind::Q4_1, "Q4_1"),
    (BlockKind::Q5_0, "Q5_0"),
    (BlockKind::Q5_1, "Q5_1"),
    (BlockKind::Q8_0, "Q8_0"),
    (BlockKind::Q4K, "Q4_K"),
    (BlockKind::Q5K, "Q5_K"),
    (BlockKind::Q6K, "Q6_K"),
];

#[test]
fn every_type_gives_the_bits_of_the_python_package() {
    let file = GgufFile::parse(BLOCKS).unwrap();
    for (kind, name) in KINDS {
        let numbers = read(&file, name, kind);
        let expected = read(&file, &format!("{name}.expected"), BlockKind::F32);
        assert_eq!(numbers.len(), expected.len(), "{name}");
        for (index, (number, expected)) in numbers.iter().zip(&expected).enumerate() {
            let same = number.to_bits() == expected.to_bits() || (number.is_nan() && expected.is_nan());
            assert!(same, "{name}, number {index}: {number:e}, not {expected:e}");
        }
        let finite = numbers
            .iter()
            .filter(|number| number.is_finite() && **number != 0.0);
        assert!(
            finite.count() * 2 > numbers.len(),
            "{name}: the fixture says little"
        );
    }
}

#[test]
fn a_tensor_can_be_cut_between_blocks() {
    let file = GgufFile::parse(BLOCKS).unwrap();
    for (kind, name) in KINDS {
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

#[test]
fn kinds_have_the_names_of_ggml() {
    for (kind, name) in KINDS {
        assert_eq!(kind.to_string(), name);
        assert!(
            BlockKind::NAMES.split(", ").any(|listed| listed == name),
            "{name}"
        );
    }
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

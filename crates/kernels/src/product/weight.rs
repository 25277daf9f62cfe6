use gguf::BlockKind;
use half::bf16;

/// Weights, `[outputs, inputs]`, row by row.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// In f32.
    F32(&'a [f32]),
    /// In bf16, widened while they are used.
    Bf16(&'a [bf16]),
    /// In the blocks of a GGUF file, unpacked while they are used. A row is a whole number of blocks.
    Blocks {
        /// How numbers are stored.
        kind: BlockKind,
        /// The blocks of all rows.
        bytes: &'a [u8],
    },
}

impl Weight<'_> {
    pub(super) fn len(self) -> usize {
        match self {
            Weight::F32(numbers) => numbers.len(),
            Weight::Bf16(numbers) => numbers.len(),
            Weight::Blocks { kind, bytes } => bytes.len() / kind.block_bytes() * kind.block_elements(),
        }
    }
}

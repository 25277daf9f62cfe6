//! Models whose matrices are in blocks: they are used as they are stored.

use std::path::PathBuf;

use ::gguf::{BlockKind, dequantize};
use burn::tensor::Device;
use model::{Batch, ModelFiles, Network, Precision, StreamedNetwork};

use crate::gguf::build::Builder;
use crate::support::{KeepAll, numbers};

/// Types with their numbers in ggml's `ggml_type`.
const KINDS: [(u32, BlockKind); 16] = [
    (1, BlockKind::F16),
    (2, BlockKind::Q4_0),
    (3, BlockKind::Q4_1),
    (6, BlockKind::Q5_0),
    (7, BlockKind::Q5_1),
    (8, BlockKind::Q8_0),
    (10, BlockKind::Q2K),
    (11, BlockKind::Q3K),
    (12, BlockKind::Q4K),
    (13, BlockKind::Q5K),
    (14, BlockKind::Q6K),
    (18, BlockKind::Iq3Xxs),
    (20, BlockKind::Iq4Nl),
    (23, BlockKind::Iq4Xs),
    (34, BlockKind::Tq1_0),
    (39, BlockKind::Mxfp4),
];

/// A Llama of two layers, whose files hold the rows of queries and keys in an order of their own. Its
/// matrices have the types one after the other, the first one's that of the table.
struct Llama {
    file: Builder,
    first: usize,
    matrices: usize,
    wide: bool,
    state: u64,
}

impl Llama {
    const HIDDEN: u64 = 256;

    /// `wide`: the same numbers in f32.
    fn file(first: usize, wide: bool) -> Vec<u8> {
        let mut file = Builder::model("llama");
        for (key, value) in [
            ("embedding_length", Self::HIDDEN as u32),
            ("block_count", 2),
            ("feed_forward_length", 512),
            ("attention.key_length", 64),
        ] {
            let key = format!("llama.{key}");
            file = file.without(&key).count(&key, value);
        }
        let mut llama = Llama {
            file,
            first,
            matrices: 0,
            wide,
            state: 1,
        };
        llama.matrix("token_embd", 5, Self::HIDDEN);
        llama.norm("output_norm");
        for layer in 0..2 {
            let name = |part: &str| format!("blk.{layer}.{part}");
            for (part, outputs, inputs) in [
                ("attn_q", 256, 256),
                ("attn_k", 128, 256),
                ("attn_v", 128, 256),
                ("attn_output", 256, 256),
                ("ffn_gate", 512, 256),
                ("ffn_up", 512, 256),
                ("ffn_down", 256, 512),
            ] {
                llama.matrix(&name(part), outputs, inputs);
            }
            llama.norm(&name("attn_norm"));
            llama.norm(&name("ffn_norm"));
        }
        llama.file.bytes()
    }

    fn norm(&mut self, name: &str) {
        let ones = vec![1.0f32; Self::HIDDEN as usize];
        self.tensor(name, &[Self::HIDDEN], 0, &f32_bytes(&ones));
    }

    fn matrix(&mut self, name: &str, outputs: u64, inputs: u64) {
        let (number, kind) = KINDS[(self.first + self.matrices) % KINDS.len()];
        self.matrices += 1;
        let count = (outputs * inputs) as usize;
        let mut bytes = self.random(count / kind.block_elements() * kind.block_bytes());
        if kind == BlockKind::Mxfp4 {
            // Its scale is a power of two, of a byte less 127.
            bytes
                .iter_mut()
                .step_by(kind.block_bytes())
                .for_each(|scale| *scale = 120);
        }
        let dimensions = [inputs, outputs];
        if self.wide {
            let mut numbers = vec![0.0; count];
            dequantize(kind, &bytes, &mut numbers);
            self.tensor(name, &dimensions, 0, &f32_bytes(&numbers));
        } else {
            self.tensor(name, &dimensions, number, &bytes);
        }
    }

    /// Wherever a scale in f16 lies in them, it is below 2^-7.
    fn random(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.state = self
                .state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (self.state >> 56) as u8 & 0x1f
        };
        (0..count).map(|_| next()).collect()
    }

    fn tensor(&mut self, name: &str, dimensions: &[u64], number: u32, bytes: &[u8]) {
        let offset = self.file.data.len().next_multiple_of(32);
        self.file.data.resize(offset, 0);
        self.file.data.extend(bytes);
        self.file = self
            .file
            .clone()
            .tensor(&format!("{name}.weight"), dimensions, number, offset as u64);
    }
}

fn f32_bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A file in a folder of its own, which is removed at the end.
struct OnDisk {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl OnDisk {
    fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        std::fs::write(&path, bytes).unwrap();
        OnDisk {
            _folder: folder,
            path,
        }
    }

    fn network(&self, precision: Precision) -> Network {
        let (config, checkpoint) = ModelFiles::at(&self.path).unwrap().network().unwrap();
        Network::load(&config, &checkpoint, &Device::flex(), precision, &mut |_| ()).unwrap()
    }
}

fn batch() -> Batch {
    Batch::of(&[&[2, 3, 4, 3, 0][..], &[2, 4], &[1, 1, 3]]).unwrap()
}

fn logits(network: &Network) -> Vec<f32> {
    let h = network.forward(&batch(), None, &mut ()).unwrap();
    numbers(network.head(h))
}

/// Every type is that of every matrix once.
fn models() -> impl Iterator<Item = usize> {
    0..KINDS.len()
}

#[test]
fn in_f32_blocks_give_the_bits_of_their_numbers() {
    for first in models() {
        let [stored, wide] = [false, true].map(|wide| {
            let network = OnDisk::new(&Llama::file(first, wide)).network(Precision::F32);
            logits(&network)
        });
        assert!(stored.iter().all(|logit| logit.is_finite()), "{first}");
        assert_eq!(stored, wide, "{first}");
    }
}

/// Weights are exact then too, but for f16; activations are integers of 16 bits.
#[test]
fn in_bf16_they_are_close() {
    for first in models() {
        let file = OnDisk::new(&Llama::file(first, false));
        let [exact, fast] =
            [Precision::F32, Precision::Bf16].map(|precision| logits(&file.network(precision)));
        let squares = |numbers: &[f32]| numbers.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let differences: Vec<f32> = exact.iter().zip(&fast).map(|(a, b)| a - b).collect();
        let error = (squares(&differences) / squares(&exact)).sqrt();
        assert!(error < 2e-3, "{first}: {error}");
        assert!(exact != fast, "{first}");
    }
}

#[test]
fn streamed_weights_give_the_same_bits() {
    for first in models() {
        for precision in [Precision::F32, Precision::Bf16] {
            let file = OnDisk::new(&Llama::file(first, false));
            let network = file.network(precision);
            let (config, checkpoint) = ModelFiles::at(&file.path).unwrap().network().unwrap();
            let streamed = StreamedNetwork::open(&config, checkpoint, &Device::flex(), precision).unwrap();
            let (mut kept, mut taps) = (KeepAll::default(), [KeepAll::default()]);
            let resident = network.forward(&batch(), None, &mut kept).unwrap();
            let ends = streamed.forward(&[batch()], &mut taps, &mut |_| ());
            let end = ends.unwrap().remove(0);
            let [tap] = taps;
            for (a, b) in tap.0.into_iter().zip(kept.0) {
                assert_eq!(numbers(a), numbers(b), "{first} {precision:?}");
            }
            let head = numbers(streamed.head(end).unwrap());
            assert_eq!(head, numbers(network.head(resident)), "{first} {precision:?}");
        }
    }
}

/// Copies are what is in another order in the file (queries and keys), and in bf16 what is f16.
#[test]
fn weights_take_the_memory_of_the_file() {
    for first in models() {
        let file = OnDisk::new(&Llama::file(first, false));
        let (_, checkpoint) = ModelFiles::at(&file.path).unwrap().network().unwrap();
        let device = Device::flex();
        let loaded = Network::loaded_size(&checkpoint, &device, Precision::F32);
        assert_eq!(loaded, checkpoint.size(), "{first}");
        for precision in [Precision::F32, Precision::Bf16] {
            assert!(Network::loaded_size(&checkpoint, &device, precision) <= checkpoint.size());
            let copied = Network::copied_size(&checkpoint, &device, precision);
            assert!(copied < loaded / 2, "{first}: {copied} of {loaded}");
        }
    }
}

#[test]
fn a_scale_that_is_no_number_is_refused_with_its_place() {
    let mut bytes = Llama::file(2, false);
    // The last matrix is that of the last layer's way back; its last block is Q8_0 or so: all ones
    // are a NaN in f16.
    let second_norm = 2 * 4 * Llama::HIDDEN as usize;
    let end = bytes.len() - second_norm;
    for byte in &mut bytes[end - 600..end - 64] {
        *byte = 0xff;
    }
    let file = OnDisk::new(&bytes);
    let (config, checkpoint) = ModelFiles::at(&file.path).unwrap().network().unwrap();
    let loaded = Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ());
    let error = loaded.err().unwrap().to_string();
    assert!(
        error.contains("mlp.down_proj") && error.contains("not finite"),
        "{error}"
    );
}

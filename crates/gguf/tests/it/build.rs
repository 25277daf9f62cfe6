use gguf::{BlockKind, GgufFile, Value};

/// Builds GGUF files byte by byte, broken ones too. Every part is written as given.
#[derive(Clone)]
pub struct Builder {
    pub version: u32,
    entries: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    pub data: Vec<u8>,
}

pub const U32: u32 = 4;
pub const F32: u32 = 6;
pub const BOOL: u32 = 7;
pub const TEXT: u32 = 8;
pub const LIST: u32 = 9;

impl Builder {
    pub fn new() -> Self {
        Builder {
            version: 3,
            entries: Vec::new(),
            tensors: Vec::new(),
            data: Vec::new(),
        }
    }

    /// A file of an architecture with a vocabulary of five tokens, and the keys that a model has
    /// at least.
    pub fn model(architecture: &str) -> Self {
        let key = |name: &str| format!("{architecture}.{name}");
        Builder::new()
            .text("general.architecture", architecture)
            .count(&key("context_length"), 512)
            .count(&key("embedding_length"), 64)
            .count(&key("block_count"), 7)
            .count(&key("feed_forward_length"), 128)
            .count(&key("attention.head_count"), 4)
            .count(&key("attention.head_count_kv"), 2)
            .count(&key("attention.key_length"), 32)
            .number(&key("attention.layer_norm_rms_epsilon"), 1e-6)
            .text("tokenizer.ggml.model", "llama")
            .texts("tokenizer.ggml.tokens", &TOKENS)
            .list(
                "tokenizer.ggml.scores",
                F32,
                &[0f32, 0.0, 0.0, 0.0, -1.0].map(|score| score.to_le_bytes().to_vec()),
            )
            .list(
                "tokenizer.ggml.token_type",
                U32,
                &[3, 3, 3, 1, 1].map(|n: u32| n.to_le_bytes().to_vec()),
            )
            .count("tokenizer.ggml.eos_token_id", 1)
            .count("tokenizer.ggml.bos_token_id", 2)
    }

    pub fn entry(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.entries
            .push([&text(key)[..], &kind.to_le_bytes(), value].concat());
        self
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        self.entry(key, TEXT, &text(value))
    }

    pub fn count(self, key: &str, value: u32) -> Self {
        self.entry(key, U32, &value.to_le_bytes())
    }

    pub fn number(self, key: &str, value: f32) -> Self {
        self.entry(key, F32, &value.to_le_bytes())
    }

    pub fn flag(self, key: &str, value: bool) -> Self {
        self.entry(key, BOOL, &[u8::from(value)])
    }

    pub fn list(self, key: &str, kind: u32, elements: &[Vec<u8>]) -> Self {
        self.entry(key, LIST, &list(kind, elements.len() as u64, elements))
    }

    pub fn texts(self, key: &str, values: &[&str]) -> Self {
        let elements: Vec<Vec<u8>> = values.iter().map(|value| text(value)).collect();
        self.list(key, TEXT, &elements)
    }

    /// Drops an entry.
    pub fn without(mut self, key: &str) -> Self {
        let before = self.entries.len();
        self.entries.retain(|entry| !entry.starts_with(&text(key)));
        assert_eq!(self.entries.len() + 1, before, "{key}");
        self
    }

    /// Describes a tensor, whose dimensions are in GGUF's order; its bytes are those of `data`.
    pub fn tensor(mut self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        let mut info = text(name);
        info.extend((dimensions.len() as u32).to_le_bytes());
        info.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
        info.extend(kind.to_le_bytes());
        info.extend(offset.to_le_bytes());
        self.tensors.push(info);
        self
    }

    /// The metadata of a file, integers as 32 bits.
    pub fn entries_of(mut self, file: &GgufFile) -> Self {
        let mut keys: Vec<&str> = file.metadata().keys().collect();
        keys.sort();
        for key in keys {
            let (kind, bytes) = value_bytes(file.metadata().get(key).unwrap());
            self = self.entry(key, kind, &bytes);
        }
        self
    }

    /// A tensor of a file, whose bytes are given, behind the data that is there. It must be F32.
    pub fn tensor_of(self, file: &GgufFile, bytes: &[u8], place: usize) -> Self {
        self.tensor_as(&file.tensors()[place].name, file, bytes, place)
    }

    /// The same under another name.
    pub fn tensor_as(mut self, name: &str, file: &GgufFile, bytes: &[u8], place: usize) -> Self {
        let tensor = &file.tensors()[place];
        let (kind, range) = tensor.blocks().unwrap();
        assert_eq!(kind, BlockKind::F32);
        let dimensions: Vec<u64> = tensor.shape.iter().rev().map(|size| *size as u64).collect();
        let offset = self.data.len().next_multiple_of(32);
        self.data.resize(offset, 0);
        self.data.extend(&bytes[range]);
        self.tensor(name, &dimensions, 0, offset as u64)
    }

    pub fn data(mut self, bytes: usize) -> Self {
        self.data = vec![0; bytes];
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_claiming(self.tensors.len() as u64, self.entries.len() as u64)
    }

    /// The file with counts other than those of its entries.
    pub fn bytes_claiming(&self, tensors: u64, entries: u64) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(entries.to_le_bytes());
        bytes.extend(self.entries.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }
}

const TOKENS: [&str; 5] = ["<pad>", "<eos>", "<bos>", "a", "b"];

pub fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

pub fn list(kind: u32, claimed: u64, elements: &[Vec<u8>]) -> Vec<u8> {
    [
        &kind.to_le_bytes()[..],
        &claimed.to_le_bytes(),
        &elements.concat(),
    ]
    .concat()
}

fn value_bytes(value: &Value) -> (u32, Vec<u8>) {
    match value {
        Value::Unsigned(number) => (U32, (*number as u32).to_le_bytes().to_vec()),
        Value::Signed(number) => (5, (*number as i32).to_le_bytes().to_vec()),
        Value::F32(number) => (F32, number.to_le_bytes().to_vec()),
        Value::F64(number) => (12, number.to_le_bytes().to_vec()),
        Value::Bool(flag) => (BOOL, vec![u8::from(*flag)]),
        Value::Text(value) => (TEXT, text(value)),
        Value::List(values) => {
            let elements: Vec<(u32, Vec<u8>)> = values.iter().map(value_bytes).collect();
            let kind = elements.first().map_or(U32, |(kind, _)| *kind);
            let elements: Vec<Vec<u8>> = elements.into_iter().map(|(_, bytes)| bytes).collect();
            (LIST, list(kind, elements.len() as u64, &elements))
        }
    }
}

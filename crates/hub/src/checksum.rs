use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// What the hub says about the content of a file. The cache names the blob after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// Of a large file: SHA-256 of its content.
    Sha256(String),
    /// Of a file that is stored in git itself: the name that git gives it, a SHA-1 of its length
    /// and content.
    Git(String),
}

impl Checksum {
    /// `None`: the tag is of neither kind, and nothing could be verified with it.
    pub fn from_etag(etag: &str) -> Option<Self> {
        let hex = etag.trim().trim_start_matches("W/").trim_matches('"');
        let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match hex.len() {
            64 if is_hex => Some(Checksum::Sha256(hex.to_owned())),
            40 if is_hex => Some(Checksum::Git(hex.to_owned())),
            _ => None,
        }
    }

    pub fn hex(&self) -> &str {
        let (Checksum::Sha256(hex) | Checksum::Git(hex)) = self;
        hex
    }

    /// Starts the checksum of a file of this size.
    pub fn begin(&self, size: u64) -> Digest {
        Digest(match self {
            Checksum::Sha256(_) => Context::new(&SHA256),
            Checksum::Git(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {size}\0").as_bytes());
                context
            }
        })
    }
}

pub(crate) struct Digest(Context);

impl Digest {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn hex(self) -> String {
        let digest = self.0.finish();
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

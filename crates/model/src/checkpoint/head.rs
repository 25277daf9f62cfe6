//! Which head a model uses: the embeddings, or a separate tensor.

use super::{Checkpoint, Form, StoredTensor};
use crate::network::{HEAD, TABLE};
use crate::{Error, ModelConfig, Precision, Result};

/// Rows that are compared at a time.
const ROWS: usize = 1024;

impl Checkpoint {
    /// Settles `config.own_head` by what is in the files, and removes a head that repeats the
    /// embeddings from them.
    ///
    /// # Errors
    /// A separate head under a configuration that ties it to the embeddings: which of them is
    /// meant can't be determined, and versions of transformers differ in which they use.
    pub(crate) fn settle_head(&mut self, config: &mut ModelConfig) -> Result<()> {
        let (Some(head), Some(table)) = (self.tensors.get(HEAD), self.tensors.get(TABLE)) else {
            return Ok(());
        };
        if head.shape == table.shape && self.is_same(head, table)? {
            self.tensors.remove(HEAD);
            config.own_head = false;
        } else if !config.own_head {
            let message = format!(
                "tensor `{HEAD}` differs from the embeddings, and config.json ties the head to them; set `tie_word_embeddings` to \
                 false there if the model speaks with this head, or remove the tensor if it doesn't"
            );
            return Err(Error::file(&self.files[head.file].path, message));
        }
        Ok(())
    }

    /// Whether two matrices hold the same numbers, in whatever type. What an adapter adds makes them
    /// two.
    fn is_same(&self, one: &StoredTensor, other: &StoredTensor) -> Result<bool> {
        if one.low_rank.is_some() || other.low_rank.is_some() {
            return Ok(false);
        }
        let bytes = |tensor: &StoredTensor| &self.files[tensor.file].bytes[tensor.range.clone()];
        if one.storage == other.storage {
            let same = bytes(one) == bytes(other);
            self.files[one.file].release(one.range.clone());
            return Ok(same);
        }
        let [rows, columns] = one.shape[..] else {
            return Ok(false);
        };
        let all: Vec<u32> = (0..rows).filter_map(|row| u32::try_from(row).ok()).collect();
        for piece in all.chunks(ROWS) {
            let read = |name: &str| self.read_rows(name, [rows, columns], piece, Form::In(Precision::F32));
            if read(HEAD)? != read(TABLE)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

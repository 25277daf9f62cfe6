use ::gguf::{Metadata, Value};

use super::{Architecture, present};

/// The keys of an architecture, whose names begin with it: `gemma3.block_count`.
pub(super) struct Keys<'a> {
    pub metadata: &'a Metadata,
    pub architecture: Architecture,
}

impl Keys<'_> {
    pub fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    pub fn count(&self, name: &str) -> Result<usize, String> {
        present(&self.key(name), self.optional_count(name)?)
    }

    /// A number for each layer is read where all are the same.
    pub fn optional_count(&self, name: &str) -> Result<Option<usize>, String> {
        let key = self.key(name);
        let Some(Value::List(values)) = self.metadata.get(&key) else {
            return self.metadata.count(&key);
        };
        let first = values.first().and_then(Value::as_count);
        if first.is_none() || values.iter().any(|value| value.as_count() != first) {
            return Err(format!(
                "`{key}` differs from layer to layer, and Roleswap runs models whose layers have the same sizes; get the \
                 model as it was before layers were changed or left out"
            ));
        }
        Ok(first)
    }

    pub fn number(&self, name: &str) -> Result<f64, String> {
        present(&self.key(name), self.optional_number(name)?)
    }

    pub fn optional_number(&self, name: &str) -> Result<Option<f64>, String> {
        self.metadata.number(&self.key(name))
    }

    pub fn has(&self, name: &str) -> bool {
        self.metadata.get(&self.key(name)).is_some()
    }
}

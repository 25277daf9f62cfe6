//! The keys of an intervention's table that only some kinds have, and their values.

use std::collections::BTreeMap;

/// A key of a kind's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// The key in the pipeline file.
    pub name: &'static str,
    /// What its kind needs, in words that follow "needs".
    pub needed: &'static str,
    pub(crate) is_vector: bool,
}

impl OwnKey {
    pub(crate) const fn number(name: &'static str, needed: &'static str) -> Self {
        OwnKey {
            name,
            needed,
            is_vector: false,
        }
    }

    /// The name of a vector.
    pub(crate) const fn vector(name: &'static str, needed: &'static str) -> Self {
        OwnKey {
            name,
            needed,
            is_vector: true,
        }
    }
}

/// The values of the keys of a kind's own, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own(BTreeMap<&'static str, OwnValue>);

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnValue {
    /// A number.
    Number(f64),
    /// A vector's name.
    Vector(String),
}

impl Own {
    /// No keys.
    pub const NONE: Own = Own(BTreeMap::new());

    /// The same with one more.
    pub fn with(mut self, key: &'static str, value: OwnValue) -> Self {
        self.0.insert(key, value);
        self
    }

    /// The number under a key.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.0.get(key)? {
            OwnValue::Number(number) => Some(*number),
            OwnValue::Vector(_) => None,
        }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// The name of a vector.
    pub fn vector(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            OwnValue::Number(_) => None,
            OwnValue::Vector(name) => Some(name),
        }
    }

    /// Keys and the names of the vectors that they hold.
    pub fn vectors(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .keys()
            .filter_map(|key| self.vector(key).map(|name| (*key, name)))
    }
}

//! The list of kinds, and what follows from it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use terms::UnknownWord;

use crate::definition::{Definition, Given};
use crate::form::Form;

/// Makes [`Kind`] from the list of variants and of the modules whose `KIND` defines them.
macro_rules! kinds {
    ($($variant:ident = $file:ident,)+) => {
        /// A kind of intervention; [`definition`](Kind::definition) has all that is known about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = concat!("See `", stringify!($file), ".rs`.")] $variant,)+
        }

        impl Kind {
            /// All kinds, in the order of their definition.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),+];
            /// Their words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$(crate::$file::KIND.word),+];

            /// All that is known about the kind.
            pub const fn definition(self) -> &'static Definition {
                match self {
                    $(Kind::$variant => &crate::$file::KIND,)+
                }
            }
        }
    };
}

kinds! {
    Addition = addition,
    Ablation = ablation,
    MeanAblation = mean_ablation,
    Capping = capping,
    FeatureClamping = feature_clamping,
    FeatureAblation = feature_ablation,
}

impl Kind {
    /// The word, as files and tables have it.
    pub const fn as_str(self) -> &'static str {
        self.definition().word
    }

    /// What the intervention computes with these vectors and numbers.
    ///
    /// # Errors
    ///
    /// Which key the kind needs and was not given.
    pub fn form(self, given: &Given<'_>) -> Result<Form, String> {
        (self.definition().form)(given).map_err(|needed| format!("{self} needs {needed}"))
    }

    /// Whether an intervention with this coefficient leaves every residual as it is.
    pub fn changes_nothing_at(self, coefficient: f64) -> bool {
        let form = self.form(&Given::of(&[1.0], coefficient));
        form.is_ok_and(|form| form.changes_nothing())
    }

    /// Its name where a sentence or a table row begins, with the percentile of its threshold if
    /// there is one: `Capping at the 50th percentile`.
    pub fn title(self, percentile: Option<f64>) -> String {
        let title = self.definition().title;
        match percentile {
            Some(percentile) => format!("{title} at the {percentile}th percentile"),
            None => title.to_owned(),
        }
    }

    /// Those that `chat` and `serve` can use.
    pub fn live() -> impl Iterator<Item = Kind> {
        let all = Kind::ALL.iter().copied();
        all.filter(|kind| kind.definition().live.is_some())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = Kind::ALL.iter().find(|known| known.as_str() == text);
        known.copied().ok_or_else(|| UnknownWord {
            set: "kind",
            found: text.to_owned(),
            words: Kind::WORDS,
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        text.parse()
            .map_err(|_| de::Error::unknown_variant(&text, Kind::WORDS))
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(self.as_str())
    }
}

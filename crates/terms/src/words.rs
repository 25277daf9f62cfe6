//! How a closed set of words is defined: one list gives the type, parsing, printing, serde, and the
//! list itself for help, columns of tables and documents.

use std::fmt;

/// A text that is not one of the words it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// What the words are of, such as `pooling`.
    pub set: &'static str,
    /// The text.
    pub found: String,
    /// The words that it could have been.
    pub words: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownWord { set, found, words } = self;
        write!(f, "unknown {set} \"{found}\"; use {}", words.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

/// Defines an enum whose variants are words.
///
/// ```
/// terms::words! {
///     /// How sure one is.
///     #[derive(Default)]
///     pub enum Certainty: "certainty" {
///         /// Seen.
///         #[default]
///         Sure = "sure",
///         Unsure = "not-sure",
///     }
/// }
///
/// assert_eq!(Certainty::WORDS, ["sure", "not-sure"]);
/// assert_eq!("not-sure".parse(), Ok(Certainty::Unsure));
/// assert_eq!(
///     "perhaps".parse::<Certainty>().unwrap_err().to_string(),
///     "unknown certainty \"perhaps\"; use sure, not-sure"
/// );
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $set:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] #[doc = ""] $(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of their definition.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// Their words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word, as files and tables have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                let known = $name::ALL.iter().find(|known| known.as_str() == text);
                known.copied().ok_or_else(|| $crate::UnknownWord {
                    set: $set,
                    found: text.to_owned(),
                    words: $name::WORDS,
                })
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                source: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::string::String as $crate::serde::Deserialize>::deserialize(source)?;
                text.parse().map_err(|_| {
                    $crate::serde::de::Error::unknown_variant(&text, $name::WORDS)
                })
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                target: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                target.serialize_str(self.as_str())
            }
        }
    };
}

use ::gguf::Metadata;
use tokenizers::{AddedToken, Tokenizer};

use super::keys::{BOS, EOS, PADDING, TOKENS, UNKNOWN};
use super::vocabulary::{TokenKind, Vocabulary};

/// Added tokens that take the blanks beside them from the text. GGUF files have no key for it, so
/// the models are recognised by their vocabularies.
struct Stripping {
    /// Tokens that together only this vocabulary has.
    known_by: [&'static str; 2],
    /// Whether blanks before a token are taken; those behind it always are.
    left: bool,
    /// The added tokens that take none.
    except: &'static [&'static str],
}

/// From `added_tokens` in the tokenizer.json of the models.
const STRIPPING: [Stripping; 3] = [
    // Phi-3 and Phi-3.5; the second is the first version with long contexts.
    Stripping {
        known_by: ["<|placeholder1|>", "<|placeholder6|>"],
        left: false,
        except: &["<unk>", "<s>", "<|endoftext|>"],
    },
    Stripping {
        known_by: ["<|function_output|>", "<|continue|>"],
        left: false,
        except: &["<unk>", "<s>", "<|endoftext|>"],
    },
    // Phi-4 of 14 billion parameters. Some versions have a token for unreadable bytes.
    Stripping {
        known_by: ["<|im_sep|>", "<|dummy_1|>"],
        left: true,
        except: &["\u{fffd}"],
    },
];

/// Tokens that only the vocabulary of Phi-4-mini has together. Whether they take blanks is unknown.
const UNSETTLED: [&str; 2] = ["<|assistant|>", "<|tool|>"];

/// Adds the tokens that are found in a text before anything is merged. All are added at once, since
/// each addition rebuilds the search.
pub(super) fn add_tokens(
    tokenizer: &mut Tokenizer,
    metadata: &Metadata,
    vocabulary: &Vocabulary,
) -> Result<(), String> {
    let has = |token: &str| vocabulary.tokens.iter().any(|other| other == token);
    if UNSETTLED.iter().all(|token| has(token)) {
        return Err(format!(
            "`{TOKENS}` is the vocabulary of Phi-4-mini, and no key of a GGUF file says whether its added tokens take the blanks \
             beside them; give the model as its Hugging Face folder"
        ));
    }
    let mut named = Vec::new();
    for key in [BOS, EOS, UNKNOWN, PADDING] {
        named.extend(vocabulary.named(metadata, key)?);
    }
    let mut known = STRIPPING.iter();
    let stripping = known.find(|known| known.known_by.iter().all(|token| has(token)));
    let entries = vocabulary.tokens.iter().zip(&vocabulary.kinds).enumerate();
    let added = entries.filter_map(|(id, (text, kind))| {
        let special = *kind == TokenKind::Control || named.contains(&id);
        let added = special || *kind == TokenKind::UserDefined;
        let strips = stripping.filter(|model| !model.except.contains(&text.as_str()));
        added.then(|| {
            AddedToken::from(text.as_str(), special)
                .normalized(false)
                .lstrip(strips.is_some_and(|model| model.left))
                .rstrip(strips.is_some())
        })
    });
    let added: Vec<AddedToken> = added.collect();
    tokenizer.add_tokens(added).map(drop).map_err(|error| {
        format!("`{TOKENS}` makes no tokenizer ({error}); get another conversion of the model")
    })
}

use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{Result, SplitDelimiterBehavior};

/// How a byte-level tokenizer prepares texts for its merges, by a name in `tokenizer.ggml.pre`.
pub(super) struct PreTokenizer {
    pub names: &'static [&'static str],
    /// Whether accents are joined with their letters first (NFC).
    pub composes: bool,
    /// How texts are cut into words, which no merge crosses; each cuts what the ones before left.
    pub cuts: &'static [Cut],
    /// Whether a word that is a token is left whole, whatever the merges make of it.
    pub ignores_merges: bool,
    /// Whether the beginning token is added where the file doesn't say.
    pub adds_bos: bool,
}

/// A way to cut texts.
pub(super) enum Cut {
    /// At the matches of a regular expression, which are words themselves.
    Matches(&'static str),
    /// Into digits and what is between them.
    Digits,
    /// As GPT-2 does.
    Gpt2,
}

/// Contractions in any case, words with one sign before them, up to three digits, other signs.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The same with single digits.
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The same with marks as parts of words.
const QWEN_3_5: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Words end where a capital follows a small letter.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The same with contractions and up to three digits.
const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Digits, Chinese and Japanese, and the rest, in three steps.
const DEEPSEEK_3: [Cut; 3] = [
    Cut::Matches(r"\p{N}{1,3}"),
    Cut::Matches(r"[一-龥぀-ゟ゠-ヿ]+"),
    Cut::Matches(
        r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
    ),
];

/// From the tokenizer.json of the models that llama.cpp's converter knows by these names
/// (`get_vocab_base_pre`), with `normalizer`, `pre_tokenizer` and `ignore_merges`.
pub(super) const PRE_TOKENIZERS: [PreTokenizer; 10] = [
    PreTokenizer {
        names: &["gpt-2"],
        composes: false,
        cuts: &[Cut::Gpt2],
        ignores_merges: false,
        adds_bos: false,
    },
    // SmolLM and SmolLM2.
    PreTokenizer {
        names: &["smollm"],
        composes: false,
        cuts: &[Cut::Digits, Cut::Gpt2],
        ignores_merges: false,
        adds_bos: false,
    },
    // Llama 3 to 3.3, and what was distilled into it.
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3"],
        composes: false,
        cuts: &[Cut::Matches(LLAMA_3)],
        ignores_merges: true,
        adds_bos: true,
    },
    // Llama 3's without its beginning token, as SmolLM3 has it.
    PreTokenizer {
        names: &["smaug-bpe"],
        composes: false,
        cuts: &[Cut::Matches(LLAMA_3)],
        ignores_merges: true,
        adds_bos: false,
    },
    // GPT-4's: OLMo 2 and Phi-4.
    PreTokenizer {
        names: &["dbrx"],
        composes: false,
        cuts: &[Cut::Matches(LLAMA_3)],
        ignores_merges: false,
        adds_bos: false,
    },
    // Qwen 1.5 to 3, and what was distilled into them.
    PreTokenizer {
        names: &["qwen2", "deepseek-r1-qwen"],
        composes: true,
        cuts: &[Cut::Matches(QWEN_2)],
        ignores_merges: false,
        adds_bos: false,
    },
    PreTokenizer {
        names: &["qwen35"],
        composes: true,
        cuts: &[Cut::Matches(QWEN_3_5)],
        ignores_merges: false,
        adds_bos: false,
    },
    // Mistral Nemo and later models of Mistral.
    PreTokenizer {
        names: &["tekken"],
        composes: false,
        cuts: &[Cut::Matches(TEKKEN)],
        ignores_merges: true,
        adds_bos: true,
    },
    // gpt-oss and Phi-4-mini.
    PreTokenizer {
        names: &["gpt-4o"],
        composes: false,
        cuts: &[Cut::Matches(GPT_4O)],
        ignores_merges: false,
        adds_bos: false,
    },
    PreTokenizer {
        names: &["deepseek-v3"],
        composes: false,
        cuts: &DEEPSEEK_3,
        ignores_merges: false,
        adds_bos: false,
    },
];

impl PreTokenizer {
    /// The one of a name.
    pub fn named(name: &str) -> Option<&'static PreTokenizer> {
        PRE_TOKENIZERS.iter().find(|known| known.names.contains(&name))
    }

    /// The cuts, and the spelling of bytes as letters after them.
    pub fn sequence(&self) -> Result<Sequence> {
        let spelling = |use_regex| ByteLevel::new(false, true, use_regex).into();
        let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
        let mut spells = false;
        for cut in self.cuts {
            steps.push(match cut {
                Cut::Matches(pattern) => {
                    let pattern = SplitPattern::Regex((*pattern).to_owned());
                    Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into()
                }
                Cut::Digits => Digits::new(true).into(),
                // One step of the library cuts in this way and spells bytes.
                Cut::Gpt2 => {
                    spells = true;
                    spelling(true)
                }
            });
        }
        if !spells {
            steps.push(spelling(false));
        }
        Ok(Sequence::new(steps))
    }
}

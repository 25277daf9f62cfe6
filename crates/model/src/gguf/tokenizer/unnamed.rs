/// A published vocabulary, for files that don't name its pre-tokenizer.
struct Published {
    /// The name in files that do.
    name: &'static str,
    merges: usize,
    last: (&'static str, &'static str),
}

/// Early files have no name, and Ollama's converter writes `default` for those that it doesn't
/// know. A vocabulary is recognised by the number of its merges and the last one, which are not
/// the same by chance.
const PUBLISHED: [Published; 6] = [
    Published {
        name: "gpt-2",
        merges: 50_000,
        last: ("\u{120}g", "azed"),
    },
    Published {
        name: "smollm",
        merges: 48_900,
        last: ("ect", "able"),
    },
    Published {
        name: "llama-bpe",
        merges: 280_147,
        last: ("\u{e9}\u{136}", "\u{a6}"),
    },
    // Qwen 1.5 to 3.
    Published {
        name: "qwen2",
        merges: 151_387,
        last: ("\u{e2}\u{bd}", "\u{139}"),
    },
    Published {
        name: "tekken",
        merges: 269_443,
        last: ("\u{e5}\u{132}\u{130}", "\u{e6}\u{b1}\u{12b}\u{e4}\u{b9}\u{a6}"),
    },
    // GPT-4's, which OLMo 2 and Phi-4 share.
    Published {
        name: "dbrx",
        merges: 100_000,
        last: ("\u{120}Con", "veyor"),
    },
];

/// The name of the pre-tokenizer that goes with the merges of a published vocabulary.
pub(super) fn name_by_merges(merges: &[(String, String)]) -> Option<&'static str> {
    let (left, right) = merges.last()?;
    let mut published = PUBLISHED.iter();
    let same =
        |known: &&Published| known.merges == merges.len() && known.last == (left.as_str(), right.as_str());
    published.find(same).map(|known| known.name)
}

/// How the next token is chosen, in the order and with the semantics of Hugging Face's `generate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// The most likely token; temperature, top-k and top-p then don't matter.
    pub greedy: bool,
    /// Above 0.
    pub temperature: f64,
    /// 0 keeps all.
    pub top_k: usize,
    /// 1 keeps all.
    pub top_p: f64,
    /// Above 0; 1 means none. Counts over the prompt and what was generated, once for each token
    /// that occurs.
    pub repetition_penalty: f64,
    /// Tokens that are never generated.
    pub suppress: Vec<u32>,
}

impl Sampling {
    /// The most likely token each time, without a penalty.
    pub fn greedy() -> Self {
        Sampling {
            greedy: true,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
            suppress: Vec::new(),
        }
    }
}

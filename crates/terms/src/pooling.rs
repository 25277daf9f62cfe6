use crate::words;

words! {
    /// How one vector is made of the residuals of a sequence.
    #[derive(Default)]
    pub enum Pooling: "pooling" {
        /// The newline that ends the header of the opened turn; in a format without one there, the
        /// last token.
        #[default]
        Newline = "newline",
        /// The last token.
        Last = "last",
        /// The mean over all tokens, `<bos>` included.
        Mean = "mean",
        /// The mean over the tokens of the opened turn's header, such as `<start_of_turn>`, `model`
        /// and the newline.
        Opening = "opening",
        /// The mean over the first tokens of the answer that the model itself gives.
        Answer = "answer",
        /// The first token of that answer.
        AnswerFirst = "answer_first",
    }
}

impl Pooling {
    /// Whether it is a mean over several tokens, and not the residual of a single one.
    pub const fn is_mean(self) -> bool {
        matches!(self, Pooling::Mean | Pooling::Opening | Pooling::Answer)
    }

    /// Whether it reads what the model says after the text.
    pub const fn reads_answer(self) -> bool {
        matches!(self, Pooling::Answer | Pooling::AnswerFirst)
    }
}

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
    }
}

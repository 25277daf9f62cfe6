use crate::words;

words! {
    /// Where the model is read. The names are those of TransformerLens (`hook_embed`, and
    /// `blocks.N.…` for the others).
    pub enum Site: "site" {
        /// The residual stream after a layer, which is recorded in any case.
        ResidualPost = "hook_resid_post",
        /// The scaled embeddings, which are the residual stream before the first layer. Its layer
        /// is 0.
        Embedding = "hook_embed",
        /// What attention adds to the residual stream, after its output norm.
        AttentionOutput = "hook_attn_out",
        /// The residual stream between attention and feed-forward.
        ResidualMid = "hook_resid_mid",
        /// What the feed-forward adds, after its output norm.
        FeedForwardOutput = "hook_mlp_out",
        /// What attention mixes, head after head, before the output projection (in TransformerLens
        /// `attn.hook_z`).
        HeadOutputs = "hook_z",
    }
}

impl Site {
    /// How many tables it has in a model with this number of layers.
    pub fn layers(self, layers: usize) -> usize {
        if self == Site::Embedding { 1 } else { layers }
    }
}

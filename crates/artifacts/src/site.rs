use serde::Deserialize;

/// Where the model is read. The names are those of TransformerLens (`hook_embed`, and `blocks.N.…` for the others).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Site {
    /// The residual stream after a layer, which is recorded in any case.
    #[serde(rename = "hook_resid_post")]
    ResidualPost,
    /// The scaled embeddings.
    #[serde(rename = "hook_embed")]
    Embedding,
    /// What attention adds to the residual stream, after its output norm.
    #[serde(rename = "hook_attn_out")]
    AttentionOutput,
    /// The residual stream between attention and feed-forward.
    #[serde(rename = "hook_resid_mid")]
    ResidualMid,
    /// What the feed-forward adds, after its output norm.
    #[serde(rename = "hook_mlp_out")]
    FeedForwardOutput,
}

impl Site {
    pub fn as_str(self) -> &'static str {
        match self {
            Site::ResidualPost => "hook_resid_post",
            Site::Embedding => "hook_embed",
            Site::AttentionOutput => "hook_attn_out",
            Site::ResidualMid => "hook_resid_mid",
            Site::FeedForwardOutput => "hook_mlp_out",
        }
    }

    /// How many tables it has in a model of so many layers.
    pub fn layers(self, layers: usize) -> usize {
        if self == Site::Embedding { 1 } else { layers }
    }
}

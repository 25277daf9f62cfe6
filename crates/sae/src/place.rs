use std::fmt;

use terms::Site;

/// Where in the model an autoencoder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which activation.
    pub site: Site,
    /// Of which 0-based layer.
    pub layer: usize,
}

impl Place {
    /// From the name of a hook: TransformerLens's (`blocks.20.hook_resid_post`), or a module of
    /// Hugging Face's Gemma and what of it (`model.layers.20.output`).
    ///
    /// # Errors
    /// Why there is no such place, in words that go behind the hook's name.
    pub fn of_hook(hook: &str) -> Result<Self, String> {
        if hook == Site::Embedding.as_str() {
            return Ok(Place {
                site: Site::Embedding,
                layer: 0,
            });
        }
        let (layer, rest) = numbered(hook).ok_or(UNKNOWN)?;
        let site = match rest {
            "hook_resid_post" | "output" => Site::ResidualPost,
            // The residual stream before a layer is that after the one before.
            "hook_resid_pre" => {
                return Ok(match layer.checked_sub(1) {
                    Some(layer) => Place {
                        site: Site::ResidualPost,
                        layer,
                    },
                    None => Place {
                        site: Site::Embedding,
                        layer: 0,
                    },
                });
            }
            "hook_resid_mid" => Site::ResidualMid,
            "hook_attn_out" | "post_attention_layernorm.output" => Site::AttentionOutput,
            "hook_mlp_out" | "post_feedforward_layernorm.output" => Site::FeedForwardOutput,
            "attn.hook_z" | "self_attn.o_proj.input" => {
                return Err("is what the heads give before the output projection, which is not recorded; use one that was \
                            trained on the residual stream, or on what attention adds to it"
                    .to_owned());
            }
            _ => return Err(UNKNOWN.to_owned()),
        };
        Ok(Place { site, layer })
    }
}

const UNKNOWN: &str = "names no activation that is recorded (the residual stream, or what attention and feed-forward add to it); \
                       use one that was trained there";

/// The layer, and what follows it.
fn numbered(hook: &str) -> Option<(usize, &str)> {
    let rest = hook
        .strip_prefix("blocks.")
        .or_else(|| hook.strip_prefix("model.layers."))?;
    let (layer, rest) = rest.split_once('.')?;
    Some((layer.parse().ok()?, rest))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site {
            Site::Embedding => write!(f, "{}", self.site.as_str()),
            site => write!(f, "blocks.{}.{}", self.layer, site.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_of_both_kinds_name_places() {
        let place = |hook| Place::of_hook(hook).unwrap().to_string();
        assert_eq!(place("blocks.20.hook_resid_post"), "blocks.20.hook_resid_post");
        assert_eq!(place("model.layers.17.output"), "blocks.17.hook_resid_post");
        assert_eq!(place("blocks.8.hook_resid_pre"), "blocks.7.hook_resid_post");
        assert_eq!(place("blocks.0.hook_resid_pre"), "hook_embed");
        assert_eq!(
            place("model.layers.3.post_feedforward_layernorm.output"),
            "blocks.3.hook_mlp_out"
        );
        assert_eq!(place("blocks.3.hook_attn_out"), "blocks.3.hook_attn_out");
    }

    #[test]
    fn what_is_not_recorded_is_refused() {
        for hook in ["blocks.3.attn.hook_z", "model.layers.3.self_attn.o_proj.input"] {
            assert!(Place::of_hook(hook).unwrap_err().contains("output projection"));
        }
        for hook in [
            "blocks.3.ln2.hook_normalized",
            "blocks.x.hook_resid_post",
            "transformer.h.3",
            "",
        ] {
            assert!(Place::of_hook(hook).is_err(), "{hook}");
        }
    }
}

use serde::Deserialize;
use terms::Site;

/// Where in the network the role is looked for by activation patching.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocateTable {
    /// `true` runs the stage, which takes thousands of short passes; `false` leaves it out.
    pub enabled: bool,
    /// What is patched, in every layer: `hook_resid_post`, `hook_attn_out`, `hook_mlp_out`, and single
    /// heads with `hook_z`.
    pub places: Vec<Site>,
    /// How many tokens of the two unsteered answers are scored.
    pub tokens: usize,
    /// The most prompts; where there are more, as many are taken evenly.
    pub prompts: usize,
    /// Of the random vectors and the draws.
    pub seed: u64,
}

impl LocateTable {
    /// The sites that can be patched.
    pub const PLACES: [Site; 4] = [
        Site::ResidualPost,
        Site::AttentionOutput,
        Site::FeedForwardOutput,
        Site::HeadOutputs,
    ];

    /// The first thing that can't be, in words that name the key.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.places.is_empty() {
            return Some("locate.places: must name a place at least".to_owned());
        }
        if let Some(site) = self.places.iter().find(|site| !Self::PLACES.contains(site)) {
            let names = Self::PLACES.map(|site| site.as_str()).join(", ");
            let name = site.as_str();
            return Some(format!(
                "locate.places: \"{name}\" can't be patched; use some of {names}"
            ));
        }
        let is_twice = |index: usize| self.places[..index].contains(&self.places[index]);
        if let Some(index) = (0..self.places.len()).find(|index| is_twice(*index)) {
            let name = self.places[index].as_str();
            return Some(format!("locate.places: \"{name}\" is there twice"));
        }
        if !(1..=MOST_TOKENS).contains(&self.tokens) {
            return Some(format!("locate.tokens: must be from 1 to {MOST_TOKENS}"));
        }
        (self.prompts < 2).then(|| "locate.prompts: must be at least 2".to_owned())
    }
}

/// Patched prompts lose their hold on an answer with every token that the answer gives away itself.
const MOST_TOKENS: usize = 64;

impl Default for LocateTable {
    fn default() -> Self {
        LocateTable {
            enabled: false,
            places: Self::PLACES.to_vec(),
            tokens: 4,
            prompts: 16,
            seed: 0,
        }
    }
}

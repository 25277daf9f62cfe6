//! Words about activation patching.

use crate::words;

words! {
    /// What is put in the place of an activation.
    pub enum Patch: "patch" {
        /// The negative condition's activations of the same prompt, into the positive condition: what
        /// is sufficient to turn the answer.
        PutIn = "put-in",
        /// The mean over all prompts and both conditions, into the negative condition: what is
        /// necessary.
        TakenOut = "taken-out",
        /// A control: another prompt's activations in the same condition.
        OtherPrompt = "other-prompt",
        /// A control: the difference of the conditions replaced by a random vector of its norm.
        Random = "random",
    }
}

words! {
    /// Which positions are patched together, counted from the end of the text.
    pub enum PatchedPositions: "positions" {
        /// A single token of the opened turn.
        Token = "token",
        /// All tokens of the opened turn.
        Turn = "turn",
        /// The tokens before the opened turn that both texts have in common: the prompt and what ends
        /// its turn.
        Prompt = "prompt",
        /// Everything before these that has a counterpart in the other text.
        Before = "before",
        /// All of these.
        All = "all",
    }
}

words! {
    /// What the last tokens of a text are kept from seeing.
    pub enum HiddenTokens: "hidden" {
        /// The tokens of the opened turn in which the conditions differ: the speaker's name.
        Speaker = "speaker",
        /// The tokens before the opened turn that both texts have in common.
        Prompt = "prompt",
        /// Everything before these except the first token.
        Before = "before",
    }
}

use crate::words;

words! {
    /// The type of the activations, and of the weights on a GPU.
    #[derive(Default)]
    pub enum Dtype: "dtype" {
        /// bf16 for weights that are stored so, f32 for all others.
        #[default]
        Auto = "auto",
        F32 = "f32",
        Bf16 = "bf16",
    }
}

words! {
    /// A number type that has been decided on, as results record it.
    pub enum Precision: "precision" {
        F32 = "f32",
        Bf16 = "bf16",
    }
}

impl Dtype {
    /// The type that was asked for; `stored` is that of the weights, which counts where it was left
    /// open.
    pub fn decided(self, stored: Precision) -> Precision {
        match self {
            Dtype::Auto => stored,
            Dtype::F32 => Precision::F32,
            Dtype::Bf16 => Precision::Bf16,
        }
    }
}

words! {
    /// Whether extraction holds all weights or reads them layer by layer. The results are the same.
    #[derive(Default)]
    pub enum Residency: "residency" {
        /// Streamed where the weights don't fit into the free memory.
        #[default]
        Auto = "auto",
        Resident = "resident",
        Streamed = "streamed",
    }
}

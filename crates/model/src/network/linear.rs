use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Loader;
use crate::Result;

/// A product without bias.
#[derive(Module, Debug)]
pub(super) struct Linear {
    /// `[out, in]`, as checkpoints have it.
    weight: Param<Tensor<2>>,
}

impl Linear {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, shape: [usize; 2]) -> Result<Self> {
        Ok(Linear {
            weight: loader.tensor(&format!("{name}.weight"), shape)?,
        })
    }

    /// `[rows, width, in] -> [rows, width, out]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [rows, width, inputs] = x.dims();
        let weight = self.weight.val();
        let outputs = weight.dims()[0];
        // One product of two matrices: a batched one would broadcast the weight, and its gradient with it.
        x.reshape([rows * width, inputs])
            .matmul(weight.transpose())
            .reshape([rows, width, outputs])
    }
}

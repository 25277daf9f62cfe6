//! Queries, keys and values of a layer as GPUs compute them.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

use super::linear::Linear;
use super::loader::Loader;
#[cfg(feature = "gpu")]
use super::norm::RmsNorm;
use super::on_device;
#[cfg(feature = "gpu")]
use super::pass::Pass;
#[cfg(feature = "gpu")]
use crate::Cache;
use crate::{LayerDescription, Result};

/// Queries, keys and values as one product: as many of them as the layer computes.
#[derive(Module, Debug)]
pub(super) struct Joined {
    product: Linear,
    /// `[1]`, f32: in the place of what a layer doesn't have.
    blank: Param<Tensor<1>>,
}

impl Joined {
    /// `None` on the CPU, and where they are too large for the device as one.
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, layer: &LayerDescription) -> Result<Option<Self>> {
        let products = [
            (true, "q_proj", layer.query_width()),
            (layer.keeps_keys(), "k_proj", layer.key_width()),
            (layer.has_values(), "v_proj", layer.key_width()),
        ];
        let own = products.iter().filter(|(is_there, ..)| *is_there);
        let parts = own.map(|(_, part, width)| (format!("{name}.{part}"), *width));
        let parts: Vec<(String, usize)> = parts.collect();
        let width = parts.iter().map(|(_, width)| width).sum();
        if !on_device::has_kernels(loader.device) || !loader.fits(width) {
            return Ok(None);
        }
        let (hidden, biased) = (loader.config.hidden_size, layer.biases.query_key_value);
        let blank = Tensor::ones([1], (loader.device, DType::F32));
        Ok(Some(Joined {
            product: Linear::load_joined(loader, &parts, hidden, biased)?,
            blank: Param::from_tensor(blank),
        }))
    }

    /// Queries of `x`, normed and turned, and in a layer that computes keys and values all that it sees, those of `x` among them:
    /// written into the cache, where there is one.
    #[cfg(feature = "gpu")]
    pub fn heads(
        &self,
        x: Tensor<2>,
        norms: [&Option<RmsNorm>; 2],
        pass: &Pass<'_>,
        layer: usize,
        cache: Option<&mut Cache>,
    ) -> [Tensor<2>; 3] {
        let (device, tokens) = (x.device(), x.dims()[0]);
        let blank = self.blank.val();
        let tables = pass.rotary_tables(layer, &device);
        let tables = tables.unwrap_or_else(|| [(); 2].map(|()| blank.clone().reshape([1, 1])));
        let shape = on_device::head_shape(pass.config, layer);
        let norms = norms.map(|norm| norm.as_ref().map_or_else(|| blank.clone(), RmsNorm::scale));
        let qkv = self.product.forward(x);
        let (dtype, width) = (qkv.dtype(), shape.groups * shape.head_dim);
        let write =
            |keys, values, first| device_kernels::heads(qkv, tables, norms, [keys, values], first, shape);
        match cache.filter(|_| width > 0) {
            Some(cache) => cache.append_by(layer, write),
            None => {
                let room = || Tensor::empty([tokens, width.max(1)], (&device, dtype));
                write(room(), room(), 0)
            }
        }
    }
}

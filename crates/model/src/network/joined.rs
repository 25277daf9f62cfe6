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
use crate::{LayerDescription, QueryKeyNorms, Result};

/// Queries, keys and values as one product.
#[derive(Module, Debug)]
pub(super) struct Joined {
    product: Linear,
    /// `[1]`, f32: in the place of what a layer doesn't have.
    blank: Param<Tensor<1>>,
}

impl Joined {
    /// `None` on the CPU, where they are too large for the device as one, and in a layer that computes some of them only, or
    /// norms their whole width.
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, layer: &LayerDescription) -> Result<Option<Self>> {
        let is_whole = layer.keeps_keys() && layer.has_values();
        let by_width = layer.query_key_norms == QueryKeyNorms::OfWidth;
        let (queries, keys) = (layer.query_width(), layer.key_width());
        let joins = on_device::has_kernels(loader.device) && loader.fits(queries + 2 * keys);
        if !is_whole || by_width || !joins {
            return Ok(None);
        }
        let widths = [("q_proj", queries), ("k_proj", keys), ("v_proj", keys)];
        let parts = widths.map(|(part, width)| (format!("{name}.{part}"), width));
        let (hidden, biased) = (loader.config.hidden_size, layer.biases.query_key_value);
        let blank = Tensor::ones([1], (loader.device, DType::F32));
        Ok(Some(Joined {
            product: Linear::load_joined(loader, &parts, hidden, biased)?,
            blank: Param::from_tensor(blank),
        }))
    }

    /// Queries of all tokens that the layer takes, normed and turned, and all keys and values that it sees, theirs among
    /// them: written into the cache, where there is one.
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
        let shape = on_device::head_shape(pass.config, layer, norms[0].is_some());
        let norms = norms.map(|norm| norm.as_ref().map_or_else(|| blank.clone(), RmsNorm::scale));
        let qkv = self.product.forward(x);
        let (dtype, width) = (qkv.dtype(), shape.groups * shape.head_dim);
        let write =
            |keys, values, first| device_kernels::heads(qkv, tables, norms, [keys, values], first, shape);
        match cache {
            Some(cache) => cache.append_by(layer, write),
            None => {
                let room = || Tensor::empty([tokens, width], (&device, dtype));
                write(room(), room(), 0)
            }
        }
    }
}

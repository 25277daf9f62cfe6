use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
pub use testkit::{Golden, assert_close, token_ids as tokens};

use model::{Checkpoint, ModelConfig, Network, Precision, ResidualTap, Token};

pub fn fixtures() -> PathBuf {
    testkit::golden_folder()
}

pub fn nano() -> PathBuf {
    fixtures().join("nano")
}

pub fn load_nano(precision: Precision) -> Network {
    let config = ModelConfig::read(&nano()).unwrap();
    load_nano_with(config, precision)
}

/// The nano weights under another configuration.
pub fn load_nano_with(config: ModelConfig, precision: Precision) -> Network {
    let checkpoint = Checkpoint::open(&nano()).unwrap();
    Network::load(&config, &checkpoint, &Device::flex(), precision, &mut |_| ()).unwrap()
}

/// The nano weights, of which each layer sees this many tokens.
pub fn load_with_windows(windows: [Option<usize>; 4]) -> Network {
    let mut config = ModelConfig::read(&nano()).unwrap();
    assert_eq!(config.layers.len(), windows.len());
    for (layer, window) in config.layers.iter_mut().zip(windows) {
        layer.window = window;
    }
    load_nano_with(config, Precision::F32)
}

/// Tokens of which few repeat in the same order.
pub fn long_text(seed: usize, length: usize) -> Vec<u32> {
    let token = |index: usize| 3 + ((index * 7919 + index * index * 31 + seed * 17) % 50) as u32;
    (0..length).map(token).collect()
}

/// Keeps every layer's whole output.
#[derive(Default)]
pub struct KeepAll(pub Vec<Tensor<2>>);

impl ResidualTap for KeepAll {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.0.push(h.clone());
        h
    }
}

pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data_as::<f32>().try_into_vec().unwrap()
}

use std::collections::HashMap;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use model::{Checkpoint, ModelConfig, Network, Precision, ResidualTap, Token};
use safetensors::SafeTensors;

pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
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

pub struct Golden {
    tensors: HashMap<String, Vec<f32>>,
    pub facts: serde_json::Value,
}

impl Golden {
    pub fn read() -> Self {
        let bytes = std::fs::read(fixtures().join("golden_nano.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let floats = file
            .tensors()
            .into_iter()
            .filter(|(_, view)| view.dtype() == safetensors::Dtype::F32);
        let numbers = |bytes: &[u8]| {
            bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect()
        };
        let tensors = floats.map(|(name, view)| (name, numbers(view.data()))).collect();
        let facts =
            serde_json::from_slice(&std::fs::read(fixtures().join("golden_nano.json")).unwrap()).unwrap();
        Golden { tensors, facts }
    }

    pub fn tensor(&self, name: &str) -> &[f32] {
        &self.tensors[name]
    }

    pub fn input(&self, name: &str) -> Vec<u32> {
        tokens(&self.facts["inputs"][name])
    }
}

pub fn tokens(value: &serde_json::Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap() as u32)
        .collect()
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

/// The largest error must stay within `tolerance` of the expected tensor's RMS.
#[track_caller]
pub fn assert_close(name: &str, actual: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{name}: length");
    let squares: f64 = expected.iter().map(|value| f64::from(*value).powi(2)).sum();
    let rms = (squares / expected.len() as f64).sqrt();
    let errors = actual
        .iter()
        .zip(expected)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    let (index, error) = errors.enumerate().fold((0, 0.0), |worst, next| {
        if next.1 > worst.1 || next.1.is_nan() {
            next
        } else {
            worst
        }
    });
    assert!(
        error <= tolerance * rms,
        "{name}: element {index} is off by {error:.3e}, {:.3e} of the RMS {rms:.3e}",
        error / rms
    );
}

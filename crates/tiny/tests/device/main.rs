//! The model on a GPU, or on a program that does a GPU's work, against the CPU and against Hugging Face transformers:
//! everything that the stages do with it. `cargo test -p tiny --features wgpu --test device` takes the first device of that
//! interface; `ROLESWAP_DEVICE=vulkan:1` names another one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod allocation;
mod checkpoints;
mod extraction;
mod families;
mod generation;
mod logits;
mod long_prompts;
mod measures;
mod memory;
mod patches;
mod refusals;
mod reproducible;
mod steering;

use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::{Device as Tensors, Tensor};
use model::{
    Checkpoint, DeviceKind, GpuApi, ModelConfig, ModelFiles, Network, Precision, ResidualTap, Site, Token,
    is_built_for, open_device,
};
use terms::Device;

/// Of numbers in f32 on a device against the CPU's or the reference's: the largest error of a single number over the RMS.
/// As of burn's operations on the CPU; those of lavapipe are up to 1.5e-4, on random weights, which amplify.
pub const TOLERANCE: f64 = 3e-4;

/// Whether products are in f32. In TF32, random weights, which amplify, leave nothing to compare; the certificate and
/// extraction of the embedded model are compared in any case. The same card multiplies in f32 by another interface.
pub fn multiplies_in_f32() -> bool {
    let yes = model::arithmetic_of(&device()).has(Precision::F32);
    if !yes {
        println!(
            "skipped: {} multiplies in TF32; test the card by vulkan or wgpu too",
            named()
        );
    }
    yes
}

/// The device that is tested, as a pipeline names it.
pub fn named() -> Device {
    match std::env::var("ROLESWAP_DEVICE") {
        Ok(name) => name.parse().unwrap(),
        Err(_) => {
            let api = GpuApi::ALL.iter().rev().find(|api| is_built_for(**api)).unwrap();
            Device::Gpu(*api, 0)
        }
    }
}

pub fn kind() -> DeviceKind {
    named().decided(|| panic!("ROLESWAP_DEVICE must name a device"))
}

/// The same, open.
pub fn device() -> Tensors {
    static OPEN: OnceLock<Tensors> = OnceLock::new();
    OPEN.get_or_init(|| open_device(kind()).unwrap()).clone()
}

pub fn load(config: &ModelConfig, checkpoint: &Checkpoint, device: &Tensors) -> Network {
    Network::load(config, checkpoint, device, Precision::F32, &mut |_| ()).unwrap()
}

/// The same model on the CPU and on the device.
pub fn both(place: &Path) -> [Network; 2] {
    let (config, checkpoint) = ModelFiles::at(place).unwrap().network().unwrap();
    [&Tensors::flex(), &device()].map(|device| load(&config, &checkpoint, device))
}

pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    model::read_numbers(tensor).unwrap()
}

/// Keeps every layer's whole output, behind another tap.
pub struct Kept<T>(pub T, pub Vec<Tensor<2>>);

impl<T: ResidualTap> ResidualTap for Kept<T> {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let h = self.0.residual(layer, tokens, h);
        self.1.push(h.clone());
        h
    }

    fn changes(&self, site: Site, layer: usize) -> bool {
        self.0.changes(site, layer)
    }

    fn change(&mut self, site: Site, layer: usize, tokens: &[Token], x: Tensor<2>) -> Tensor<2> {
        self.0.change(site, layer, tokens, x)
    }

    fn hides_keys(&self, layer: usize) -> bool {
        self.0.hides_keys(layer)
    }

    fn hides(&self, layer: usize, query: &Token, position: usize) -> bool {
        self.0.hides(layer, query, position)
    }

    fn forks(&self) -> model::Forks {
        self.0.forks()
    }
}

/// The tiny pipeline, with paths that hold from this folder, on this device.
pub fn tiny_pipeline(device: Device) -> ::pipeline::Pipeline {
    let root = testkit::root();
    let mut pipeline = ::pipeline::Pipeline::read(&root.join("pipelines/tiny.toml"), &[]).unwrap();
    pipeline.model.source = root.join(&pipeline.model.source);
    pipeline.model.device = device;
    pipeline.prompts.file = root.join(&pipeline.prompts.file);
    pipeline.verify.reference = pipeline.verify.reference.map(|file| root.join(file));
    pipeline.dose.neutral = pipeline.dose.neutral.map(|file| root.join(file));
    pipeline
}

//! What a device can't do is said by name, before anything is computed.

use burn::tensor::TensorData;
use files::HashMemo;
use model::{ModelFiles, Network, Precision, arithmetic_of, open_device};
use session::open_model;
use terms::{Device, DeviceKind, Dtype, GpuApi};
use testkit::golden_folder;

use crate::{device, kind, named, tiny_pipeline};

#[test]
fn a_device_that_is_not_there_is_refused_with_how_many_are() {
    let DeviceKind::Gpu(api, _) = kind() else {
        panic!("a GPU is tested")
    };
    let error = open_device(DeviceKind::Gpu(api, 99)).unwrap_err().to_string();
    assert!(
        error.contains(&format!("no device {api}:99; this machine has")),
        "{error}"
    );
}

#[test]
fn bf16_is_refused_by_name_where_the_device_does_not_compute_in_it() {
    if arithmetic_of(&device()).bf16 {
        return;
    }
    let mut pipeline = tiny_pipeline(named());
    pipeline.model.dtype = Dtype::Bf16;
    let error = format!(
        "{:#}",
        open_model(&pipeline.model, &HashMemo::default()).err().unwrap()
    );
    let parts = [
        format!("the device {} does not compute in bf16", named()),
        "model.dtype = \"f32\"".to_owned(),
    ];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    // Left open, it is the type that the device has.
    pipeline.model.dtype = Dtype::Auto;
    let model = open_model(&pipeline.model, &HashMemo::default()).unwrap();
    assert_eq!(
        (model.precision, Device::from(model.device)),
        (Precision::F32, named())
    );
    let (config, checkpoint) = ModelFiles::at(&golden_folder().join("nano"))
        .unwrap()
        .network()
        .unwrap();
    let error = Network::load(&config, &checkpoint, &device(), Precision::Bf16, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("does not compute in bf16"), "{error}");
}

/// f32 is f32, or has another name: a device has one of both.
#[test]
fn f32_is_refused_where_products_are_in_tf32_and_tf32_where_they_are_not() {
    let (named_wrongly, word) = match arithmetic_of(&device()).tf32 {
        true => (Precision::F32, "multiplies numbers in f32 as TF32"),
        false => (Precision::Tf32, "has no TF32"),
    };
    let (config, checkpoint) = ModelFiles::at(&golden_folder().join("nano"))
        .unwrap()
        .network()
        .unwrap();
    let error = Network::load(&config, &checkpoint, &device(), named_wrongly, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains(word), "{error}");
    let mut pipeline = tiny_pipeline(named());
    pipeline.model.dtype = named_wrongly.as_str().parse().unwrap();
    let error = format!(
        "{:#}",
        open_model(&pipeline.model, &HashMemo::default()).err().unwrap()
    );
    assert!(error.contains(word), "{error}");
}

/// A table that no kernel of the device could be given.
#[test]
fn a_tensor_that_is_too_large_for_the_device_is_named() {
    // CUDA's only limit is the memory.
    if matches!(kind(), DeviceKind::Gpu(GpuApi::Cuda, _)) {
        return;
    }
    let (mut config, _) = ModelFiles::at(&golden_folder().join("nano"))
        .unwrap()
        .network()
        .unwrap();
    // 4.3 GB, of which nothing is ever touched.
    config.vocab_size = (1 << 30) / config.hidden_size + 1;
    let built = Network::build(&config, &device(), Precision::F32, &mut |_, shape| {
        Ok(TensorData::zeros::<f32, _>(shape.to_vec()))
    });
    let error = built.err().unwrap().to_string();
    assert!(
        error.contains("tensor `model.embed_tokens.weight` takes") && error.contains("holds at most"),
        "{error}"
    );
}

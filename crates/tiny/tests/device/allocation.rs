//! A device that can't give the memory: the process gets no more addresses than it has and a few, so that a software device's
//! allocations fail as a full card's do. What comes is an error that names it.

use std::process::{Command, Stdio};

use burn::tensor::{DType, Tensor, TensorData};
use model::{ModelFiles, Network, Precision, read_numbers};
use testkit::golden_folder;

use crate::{device, kind, numbers};

/// In processes of their own, which the limit stays in.
const ALONE: &str = "ROLESWAP_ALLOCATION_ALONE";

/// Bytes that are left, and that are asked for: less than what a kernel can be given at once, but more than there are.
const LEFT: usize = 48 << 20;
const WANTED: usize = 112 << 20;

/// Runs a test again in a process of its own; true in that process. None of it where the device is no program, or where limits
/// can't be set.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let terms::DeviceKind::Gpu(api, number) = kind() else {
        panic!("a GPU is tested")
    };
    let is_software = machine::gpu(api, number).is_some_and(|gpu| gpu.is_software());
    let can_limit = Command::new("prlimit")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !is_software || !can_limit.is_ok_and(|status| status.success()) {
        println!("skipped: the device is no program, or there is no prlimit");
        return false;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .status();
    assert!(status.unwrap().success());
    false
}

/// From now on, this process gets at most `LEFT` bytes more.
fn limit() {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split(' ').next().unwrap().parse().unwrap();
    let most = pages * 4096 + LEFT;
    let status = Command::new("prlimit")
        .args([format!("--pid={}", std::process::id()), format!("--as={most}")])
        .status();
    assert!(status.unwrap().success());
}

/// Starts the device, with all of its threads and kernels.
fn warm_up() {
    let sum = Tensor::<2>::ones([512, 512], (&device(), DType::F32))
        .sum_dim(1)
        .sum_dim(0);
    assert_eq!(numbers(sum), [512.0 * 512.0]);
}

#[test]
fn weights_that_the_device_has_no_memory_for_are_named() {
    if !is_alone("allocation::weights_that_the_device_has_no_memory_for_are_named") {
        return;
    }
    let (mut config, _) = ModelFiles::at(&golden_folder().join("nano"))
        .unwrap()
        .network()
        .unwrap();
    config.vocab_size = WANTED / 4 / config.hidden_size;
    let mut table = Some(TensorData::zeros::<f32, _>([
        config.vocab_size,
        config.hidden_size,
    ]));
    warm_up();
    limit();
    let built = Network::build(&config, &device(), Precision::F32, &mut |name, shape| {
        let own = (name == "model.embed_tokens.weight")
            .then(|| table.take())
            .flatten();
        Ok(own.unwrap_or_else(|| TensorData::zeros::<f32, _>(shape.to_vec())))
    });
    let error = built.err().unwrap().to_string();
    println!("{error}");
    assert!(
        error.contains("could not be loaded onto the device") && error.contains("model.device = \"cpu\""),
        "{error}"
    );
}

#[test]
fn a_pass_that_the_device_has_no_memory_for_ends_with_its_reason() {
    if !is_alone("allocation::a_pass_that_the_device_has_no_memory_for_ends_with_its_reason") {
        return;
    }
    warm_up();
    limit();
    let large = Tensor::<2>::ones([WANTED / 4 / 4096, 4096], (&device(), DType::F32));
    let error = read_numbers(large.sum_dim(1).sum_dim(0)).unwrap_err().to_string();
    println!("{error}");
    assert!(
        error.contains("the device gave no numbers:") && error.contains("fewer rows"),
        "{error}"
    );
}

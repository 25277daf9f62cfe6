//! NVIDIA's devices, by the library that its driver installs. Source: the CUDA driver API, `cuda.h`.

use std::ffi::{c_char, c_int};

use terms::{Arithmetic, GpuApi};

use super::device::{Gpu, Sort};
use super::library::{Library, text};
use super::traces::has_nvidia_driver;

/// Attribute of a device: the first number of its compute capability.
const CAPABILITY_MAJOR: c_int = 75;
/// From this capability on (Ampere), bf16 is computed, and products of numbers in f32 are in TF32.
const FIRST_WITH_BF16_AND_TF32: c_int = 8;

type Init = unsafe extern "C" fn(u32) -> c_int;
type GetNumber = unsafe extern "C" fn(*mut c_int) -> c_int;
type Get = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
type GetName = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
type TotalMemory = unsafe extern "C" fn(*mut usize, c_int) -> c_int;
type GetAttribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;

/// Empty without a driver, and where the driver lists nothing.
pub fn devices() -> Vec<Gpu> {
    if !has_nvidia_driver() {
        return Vec::new();
    }
    Library::open(c"libcuda.so.1")
        .and_then(|library| listed(&library))
        .unwrap_or_default()
}

fn listed(library: &Library) -> Option<Vec<Gpu>> {
    // SAFETY: the types are those of `cuda.h`.
    let (init, version, count) = unsafe {
        (
            library.function::<Init>(c"cuInit")?,
            library.function::<GetNumber>(c"cuDriverGetVersion")?,
            library.function::<GetNumber>(c"cuDeviceGetCount")?,
        )
    };
    // SAFETY: the driver is initialized before anything else is asked, and both functions write one number.
    let (version, count) = unsafe {
        if init(0) != 0 {
            return None;
        }
        (number(|out| version(out))?, number(|out| count(out))?)
    };
    let driver = format!("CUDA {}.{}", version / 1000, version % 1000 / 10);
    let kernel = std::fs::read_to_string("/proc/driver/nvidia/version");
    let driver = match kernel.ok().as_deref().and_then(version_of_driver) {
        Some(version) => format!("{driver}, driver {version}"),
        None => driver,
    };
    (0..count).map(|index| device(library, index, &driver)).collect()
}

fn device(library: &Library, index: c_int, driver: &str) -> Option<Gpu> {
    // SAFETY: the types are those of `cuda.h`.
    let (get, name, memory, attribute) = unsafe {
        (
            library.function::<Get>(c"cuDeviceGet")?,
            library.function::<GetName>(c"cuDeviceGetName")?,
            library.function::<TotalMemory>(c"cuDeviceTotalMem_v2")?,
            library.function::<GetAttribute>(c"cuDeviceGetAttribute")?,
        )
    };
    let (mut letters, mut bytes) = ([0; 256], 0);
    // SAFETY: the index is below the count of devices, and each pointer has room for what is written.
    let major = unsafe {
        let handle = number(|out| get(out, index))?;
        if name(letters.as_mut_ptr(), 255, handle) != 0 || memory(&raw mut bytes, handle) != 0 {
            return None;
        }
        number(|out| attribute(out, CAPABILITY_MAJOR, handle))?
    };
    Some(Gpu {
        api: GpuApi::Cuda,
        number: index as usize,
        name: text(&letters),
        driver: driver.to_owned(),
        sort: Sort::Discrete,
        memory: Some(bytes as u64),
        arithmetic: arithmetic(major),
    })
}

/// The version in what the kernel's module says of itself: the first word that is numbers with dots.
fn version_of_driver(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.starts_with("NVRM version:"))?;
    let is_version = |word: &&str| {
        word.contains('.')
            && word
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    line.split_whitespace().find(is_version)
}

/// That of a device by the first number of its compute capability.
fn arithmetic(major: c_int) -> Arithmetic {
    let has_both = major >= FIRST_WITH_BF16_AND_TF32;
    Arithmetic {
        bf16: has_both,
        tf32: has_both,
    }
}

/// What a function writes, if it says that all went well.
fn number(ask: impl FnOnce(*mut c_int) -> c_int) -> Option<c_int> {
    let mut number = 0;
    (ask(&raw mut number) == 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_version_is_read_from_either_module() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc 12.2.0\n";
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (root@host)  \n";
        assert_eq!(version_of_driver(closed), Some("550.54.15"));
        assert_eq!(version_of_driver(open), Some("570.86.10"));
        assert_eq!(version_of_driver("GCC version:  gcc 12.2.0"), None);
    }

    #[test]
    fn ampere_and_later_multiply_f32_in_tf32() {
        for (major, both) in [(6, false), (7, false), (8, true), (9, true), (12, true)] {
            let found = arithmetic(major);
            assert_eq!((found.bf16, found.tf32), (both, both), "{major}");
        }
    }
}

//! The GPUs of this machine, as its drivers name them. Nothing here needs a build with a GPU's feature: drivers are
//! asked through the libraries that they install, so that `auto` can be decided before anything is built.

#[cfg(target_os = "linux")]
mod cuda;
mod device;
#[cfg(target_os = "linux")]
mod library;
mod traces;
#[cfg(target_os = "linux")]
mod vulkan;

#[cfg(any(target_os = "macos", test))]
use terms::Arithmetic;
use terms::{DeviceKind, GpuApi};

pub use device::{Gpu, Sort};
pub use traces::may_have_gpu;

/// All GPUs that drivers offer here, software devices too. On other systems than Linux and macOS none is listed.
pub fn gpus() -> Vec<Gpu> {
    let mut all = Vec::new();
    #[cfg(target_os = "linux")]
    {
        all.extend(cuda::devices());
        all.extend(vulkan::devices());
    }
    #[cfg(target_os = "macos")]
    all.push(metal());
    all
}

/// The GPU with this number. By WGSL, devices have the numbers that they have by the system's own interface.
pub fn gpu(api: GpuApi, number: usize) -> Option<Gpu> {
    let own = match api {
        GpuApi::Wgpu if cfg!(target_os = "macos") => GpuApi::Metal,
        GpuApi::Wgpu => GpuApi::Vulkan,
        own => own,
    };
    let found = gpus()
        .into_iter()
        .find(|gpu| gpu.api == own && gpu.number == number)?;
    Some(found.by(api))
}

/// The Mac's own GPU. Each Mac that runs a system of these years has one.
#[cfg(target_os = "macos")]
fn metal() -> Gpu {
    Gpu {
        api: GpuApi::Metal,
        number: 0,
        name: "the Mac's GPU".to_owned(),
        driver: "Metal".to_owned(),
        sort: Sort::Integrated,
        memory: None,
        arithmetic: Arithmetic {
            bf16: true,
            tf32: false,
        },
    }
}

/// What `auto` means on a machine with these GPUs, and why: the first of CUDA, Metal, a card by Vulkan, the CPU. By
/// Vulkan, a GPU that shares the processor's memory is taken only by name: it reads that memory no faster, and in f32
/// alone, where the processor takes bf16 and blocks as they are stored. So is a software device.
pub fn preferred(gpus: &[Gpu]) -> (DeviceKind, String) {
    let rank = |gpu: &Gpu| match (gpu.api, gpu.sort) {
        (GpuApi::Cuda, _) => Some(0),
        (GpuApi::Metal, _) => Some(1),
        (GpuApi::Vulkan, Sort::Discrete) => Some(2),
        (GpuApi::Vulkan | GpuApi::Wgpu, _) => None,
    };
    let ranked = gpus.iter().filter_map(|gpu| Some((rank(gpu)?, gpu)));
    match ranked.min_by_key(|(rank, gpu)| (*rank, gpu.number)) {
        Some((_, gpu)) => (gpu.device(), format!("{} ({})", gpu.name, gpu.driver)),
        None if gpus.is_empty() => (DeviceKind::Cpu, "no driver of a GPU answers".to_owned()),
        None => (
            DeviceKind::Cpu,
            "drivers offer no card; what they offer can be named".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(api: GpuApi, number: usize, sort: Sort) -> Gpu {
        Gpu {
            api,
            number,
            name: format!("{api} {number}"),
            driver: "1.2".to_owned(),
            sort,
            memory: None,
            arithmetic: Arithmetic {
                bf16: false,
                tf32: false,
            },
        }
    }

    #[test]
    fn cuda_comes_first_then_metal_then_a_card_and_nothing_else_by_itself() {
        let mut gpus = vec![
            gpu(GpuApi::Vulkan, 0, Sort::Software),
            gpu(GpuApi::Vulkan, 1, Sort::Integrated),
            gpu(GpuApi::Vulkan, 2, Sort::Discrete),
            gpu(GpuApi::Vulkan, 3, Sort::Discrete),
            gpu(GpuApi::Metal, 0, Sort::Integrated),
            gpu(GpuApi::Cuda, 0, Sort::Discrete),
        ];
        let mut order = Vec::new();
        while let (DeviceKind::Gpu(api, number), why) = preferred(&gpus) {
            assert_eq!(why, format!("{api} {number} (1.2)"));
            order.push((api, number));
            gpus.retain(|gpu| (gpu.api, gpu.number) != (api, number));
        }
        let vulkan = [2, 3].map(|number| (GpuApi::Vulkan, number));
        assert_eq!(
            order,
            [&[(GpuApi::Cuda, 0), (GpuApi::Metal, 0)], &vulkan[..]].concat()
        );
        assert_eq!(gpus.len(), 2, "the program and the integrated one are left");
    }

    #[test]
    fn what_drivers_offer_here_is_counted_from_0_and_has_a_name() {
        let gpus = gpus();
        for api in GpuApi::ALL {
            let of_api = gpus.iter().filter(|gpu| gpu.api == *api);
            for (number, gpu) in of_api.enumerate() {
                assert_eq!(gpu.number, number);
                assert!(!gpu.name.is_empty(), "{gpu:?}");
                assert!(gpu.memory.is_none_or(|bytes| bytes > 1 << 20), "{gpu:?}");
            }
        }
    }
}

//! Devices by Vulkan, by the loader that each system with such a driver has. Source: the Vulkan specification, 1.2, and
//! `vulkan_core.h`.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use terms::{Arithmetic, GpuApi};

use super::device::{Gpu, Sort};
use super::library::{Library, as_function, text};

type Instance = *mut c_void;
type PhysicalDevice = *mut c_void;

type GetAddress = unsafe extern "C" fn(Instance, *const c_char) -> *mut c_void;
type CreateInstance = unsafe extern "C" fn(*const InstanceInfo, *const c_void, *mut Instance) -> i32;
type DestroyInstance = unsafe extern "C" fn(Instance, *const c_void);
type Enumerate = unsafe extern "C" fn(Instance, *mut u32, *mut PhysicalDevice) -> i32;
type GetProperties = unsafe extern "C" fn(PhysicalDevice, *mut Properties2);
type GetMemory = unsafe extern "C" fn(PhysicalDevice, *mut Memory);

const VERSION_1_2: u32 = (1 << 22) | (2 << 12);
const DEVICE_LOCAL: u32 = 1;

#[repr(C)]
struct ApplicationInfo {
    sort: u32,
    next: *const c_void,
    name: *const c_char,
    version: u32,
    engine: *const c_char,
    engine_version: u32,
    api_version: u32,
}

#[repr(C)]
struct InstanceInfo {
    sort: u32,
    next: *const c_void,
    flags: u32,
    application: *const ApplicationInfo,
    layers: u32,
    layer_names: *const *const c_char,
    extensions: u32,
    extension_names: *const *const c_char,
}

#[repr(C)]
struct Properties2 {
    sort: u32,
    next: *mut Driver,
    api_version: u32,
    driver_version: u32,
    vendor: u32,
    device: u32,
    device_type: u32,
    name: [c_char; 256],
    /// Limits and others, which aren't asked for: 532 bytes.
    rest: [u64; 80],
}

#[repr(C)]
struct Driver {
    sort: u32,
    next: *mut c_void,
    id: u32,
    name: [c_char; 256],
    info: [c_char; 256],
    conformance: [u8; 4],
}

#[repr(C)]
#[derive(Default)]
struct Memory {
    types: u32,
    type_table: [[u32; 2]; 32],
    heaps: u32,
    heap_table: [Heap; 16],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Heap {
    size: u64,
    flags: u32,
}

/// Empty without a loader, and where no driver answers it.
pub fn devices() -> Vec<Gpu> {
    Library::open(c"libvulkan.so.1")
        .and_then(|library| listed(&library))
        .unwrap_or_default()
}

fn listed(library: &Library) -> Option<Vec<Gpu>> {
    // SAFETY: the types are those of `vulkan_core.h`; the instance lives until all devices are described, and each
    // pointer has room for what is written.
    unsafe {
        let address: GetAddress = library.function(c"vkGetInstanceProcAddr")?;
        let instance = create_instance(address)?;
        let devices = described(address, instance);
        let destroy: Option<DestroyInstance> = function(address, instance, c"vkDestroyInstance");
        if let Some(destroy) = destroy {
            destroy(instance, ptr::null());
        }
        devices
    }
}

/// # Safety
/// `F` must be the type of a pointer to this function, and the instance one that lives, or none.
unsafe fn function<F: Copy>(address: GetAddress, instance: Instance, name: &CStr) -> Option<F> {
    // SAFETY: the caller's promise.
    unsafe { as_function(address(instance, name.as_ptr())) }
}

/// # Safety
/// `address` must be `vkGetInstanceProcAddr`.
unsafe fn create_instance(address: GetAddress) -> Option<Instance> {
    let application = ApplicationInfo {
        sort: 0,
        next: ptr::null(),
        name: c"roleswap".as_ptr(),
        version: 0,
        engine: ptr::null(),
        engine_version: 0,
        api_version: VERSION_1_2,
    };
    let info = InstanceInfo {
        sort: 1,
        next: ptr::null(),
        flags: 0,
        application: &raw const application,
        layers: 0,
        layer_names: ptr::null(),
        extensions: 0,
        extension_names: ptr::null(),
    };
    let mut instance = ptr::null_mut();
    // SAFETY: `info` and what it points to live during the call.
    let outcome = unsafe {
        let create: CreateInstance = function(address, ptr::null_mut(), c"vkCreateInstance")?;
        create(&raw const info, ptr::null(), &raw mut instance)
    };
    (outcome == 0).then_some(instance)
}

/// # Safety
/// `address` must be `vkGetInstanceProcAddr`, and the instance one that lives.
unsafe fn described(address: GetAddress, instance: Instance) -> Option<Vec<Gpu>> {
    // SAFETY: the types are those of `vulkan_core.h`, and the second call has room for what the first one counted.
    unsafe {
        let enumerate: Enumerate = function(address, instance, c"vkEnumeratePhysicalDevices")?;
        let properties: GetProperties = function(address, instance, c"vkGetPhysicalDeviceProperties2")?;
        let memory: GetMemory = function(address, instance, c"vkGetPhysicalDeviceMemoryProperties")?;
        let mut count = 0;
        if enumerate(instance, &raw mut count, ptr::null_mut()) < 0 {
            return None;
        }
        let mut handles = vec![ptr::null_mut(); count as usize];
        if enumerate(instance, &raw mut count, handles.as_mut_ptr()) < 0 {
            return None;
        }
        handles.truncate(count as usize);
        let handles = handles.into_iter().enumerate();
        Some(
            handles
                .map(|(number, handle)| device(number, handle, properties, memory))
                .collect(),
        )
    }
}

/// # Safety
/// The handle must be that of a device whose instance lives, and the functions those of this instance.
unsafe fn device(number: usize, handle: PhysicalDevice, properties: GetProperties, memory: GetMemory) -> Gpu {
    let mut driver = Driver {
        sort: 1_000_196_000,
        next: ptr::null_mut(),
        id: 0,
        name: [0; 256],
        info: [0; 256],
        conformance: [0; 4],
    };
    let mut found = Properties2 {
        sort: 1_000_059_001,
        next: &raw mut driver,
        api_version: 0,
        driver_version: 0,
        vendor: 0,
        device: 0,
        device_type: 0,
        name: [0; 256],
        rest: [0; 80],
    };
    let mut heaps = Memory::default();
    // SAFETY: both structures are as the specification has them, and live during the calls.
    unsafe {
        properties(handle, &raw mut found);
        memory(handle, &raw mut heaps);
    }
    let local = heaps.heap_table.iter().take(heaps.heaps as usize);
    let local = local.filter(|heap| heap.flags & DEVICE_LOCAL != 0);
    Gpu {
        api: GpuApi::Vulkan,
        number,
        name: text(&found.name),
        driver: format!("{} {}", text(&driver.name), text(&driver.info))
            .trim()
            .to_owned(),
        sort: match found.device_type {
            1 => Sort::Integrated,
            2 => Sort::Discrete,
            4 => Sort::Software,
            _ => Sort::Other,
        },
        memory: local.map(|heap| heap.size).max(),
        // SPIR-V has conversions and products of bf16, and no other arithmetic.
        arithmetic: Arithmetic {
            bf16: false,
            tf32: false,
        },
    }
}

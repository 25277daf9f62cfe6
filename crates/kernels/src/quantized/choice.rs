use super::machine::Machine;
use super::portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Instructions;

/// How these instructions compute. AVX-512 has its products of integers in an extension of its own.
pub(super) fn machine_of(instructions: Instructions) -> Machine {
    #[cfg(target_arch = "x86_64")]
    if instructions >= Instructions::Avx512 && is_x86_feature_detected!("avx512vnni") {
        return avx512::MACHINE;
    } else if instructions >= Instructions::Avx2 {
        return avx2::MACHINE;
    }
    let _ = instructions;
    portable::MACHINE
}

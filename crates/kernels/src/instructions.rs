use std::sync::OnceLock;

/// Which instructions of the processor the kernels use.
///
/// Each set sums products in an order of its own, so that results of different sets differ in their
/// last bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Whatever the compiler makes of plain loops.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512F, BW, DQ and VL.
    Avx512,
    /// The same with BF16: sums of products of pairs of bf16.
    Avx512Bf16,
    /// The same and AMX for weights in bf16: products of whole tiles. On Linux, where the process is
    /// permitted to use it.
    Amx,
}

impl Instructions {
    /// All that this processor can run, the best last.
    pub fn available() -> Vec<Instructions> {
        let all = [
            Instructions::Portable,
            Instructions::Avx2,
            Instructions::Avx512,
            Instructions::Avx512Bf16,
            Instructions::Amx,
        ];
        all.into_iter().filter(|set| set.is_available()).collect()
    }

    /// The fastest that this processor can run.
    ///
    /// Intel's processors multiply pairs of bf16 with AVX-512 more slowly than they multiply the widened
    /// numbers: on Emerald Rapids, 1.3 times the time at 12 rows and 1.7 times at 256. Where AMX
    /// isn't permitted, plain AVX-512 is best there.
    pub fn best() -> Instructions {
        static BEST: OnceLock<Instructions> = OnceLock::new();
        *BEST.get_or_init(|| {
            let mut sets = Self::available();
            sets.retain(|set| *set != Instructions::Avx512Bf16 || !is_intel());
            sets.pop().unwrap_or(Instructions::Portable)
        })
    }

    /// Whether products of two bf16 are computed as such, rather than widened.
    pub(crate) fn multiplies_bf16(self) -> bool {
        matches!(self, Instructions::Avx512Bf16 | Instructions::Amx)
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_available(self) -> bool {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let bf16 = is_x86_feature_detected!("avx512bf16");
        match self {
            Instructions::Portable => true,
            Instructions::Avx2 => avx2,
            Instructions::Avx512 => avx2 && avx512,
            Instructions::Avx512Bf16 => avx2 && avx512 && bf16,
            Instructions::Amx => avx2 && avx512 && bf16 && crate::product::amx_is_permitted(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn is_available(self) -> bool {
        self == Instructions::Portable
    }
}

/// Whether the processor is one of Intel's, for what differs in speed alone.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_intel() -> bool {
    let name = std::arch::x86_64::__cpuid(0);
    [name.ebx, name.edx, name.ecx]
        .map(u32::to_le_bytes)
        .as_flattened()
        == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn is_intel() -> bool {
    false
}

/// Compiles a plain function a second time with AVX2, and calls that where the processor has it.
/// The compiler turns its loops into vector code; what they compute is the same to the last bit,
/// since nothing is reordered or contracted.
macro_rules! also_with_avx2 {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident $(<$generic:ident: $bound:path>)? ($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        $visibility fn $name $(<$generic: $bound>)? ($($argument: $type),*) {
            #[inline(always)]
            fn plain $(<$generic: $bound>)? ($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<$generic: $bound>)? ($($argument: $type),*) {
                    plain($($argument),*)
                }
                if $crate::Instructions::best() != $crate::Instructions::Portable {
                    // SAFETY: every set but the portable one includes AVX2 and FMA.
                    return unsafe { avx2($($argument),*) };
                }
            }
            plain($($argument),*)
        }
    };
}
pub(crate) use also_with_avx2;

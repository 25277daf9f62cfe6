use std::path::{Path, PathBuf};

use ::machine::Gpu;
use files::HubVariables;
use kernels::{Instructions, ProductRates, read_bandwidth};

/// The machine's current speeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speeds {
    /// Multiplications and additions a second, all threads together.
    pub rates: ProductRates,
    /// Bytes of memory read in a second.
    pub bandwidth: f64,
    pub threads: usize,
}

/// What this machine has.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Bytes that can be allocated without displacing others; `None` where the system doesn't tell.
    pub free_memory: Option<u64>,
    pub instructions: Instructions,
    pub threads: usize,
    pub speeds: Speeds,
    /// The GPUs that drivers offer, and programs that do their work.
    pub gpus: Vec<Gpu>,
    /// The token of the Hugging Face hub is set.
    pub has_token: bool,
    /// What the hub said about the pipeline's model, where it was asked: `bytes N` or `problem
    /// TEXT`.
    pub hub_answer: Option<String>,
    /// Where models of the hub are kept.
    pub hub_cache: PathBuf,
    /// The hub is not to be asked.
    pub is_offline: bool,
    /// Bytes free on the disk of a folder that need not be there yet; `None` where the system
    /// doesn't tell.
    pub free_disk: fn(&Path) -> Option<u64>,
}

/// The amount of memory on which full-speed reading is measured.
const MEASURED_ON: u64 = 2 << 30;

impl Machine {
    /// Takes about a second: memory and multipliers are measured, as fast as they are now.
    pub fn measure() -> Self {
        let free_memory = machine::available_memory().map(|bytes| bytes as u64);
        let is_roomy = free_memory.is_none_or(|free| free > MEASURED_ON);
        let hub = HubVariables::of_process();
        Machine {
            free_memory,
            instructions: Instructions::best(),
            threads: rayon::current_num_threads(),
            speeds: Speeds {
                rates: ProductRates::measure(),
                bandwidth: if is_roomy { read_bandwidth() } else { 1e10 },
                threads: rayon::current_num_threads(),
            },
            gpus: machine::gpus(),
            hub_answer: None,
            has_token: hub.has_token(),
            is_offline: hub.is_offline,
            hub_cache: hub.cache.unwrap_or_default(),
            free_disk: machine::free_disk,
        }
    }
}

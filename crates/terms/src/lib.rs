//! The closed sets of words that pipeline files, tables, command lines and the code have in common,
//! each defined once.
//!
//! A set is an enum of [`words!`]: its definition gives parsing, printing, serde, the words that a
//! table's column may hold, and what help and documents list. Nothing else belongs here: no file,
//! no arithmetic.

#![warn(missing_docs)]

mod device;
mod generation;
mod locating;
mod model;
mod pooling;
mod site;
mod speaker;
mod stage;
mod words;

pub use device::{Device, DeviceKind, GpuApi};
pub use generation::{CoefficientUnit, FinishReason, GenerationStyle, LensSide, Positions};
pub use locating::{HiddenTokens, Patch, PatchedPositions};
pub use model::{Arithmetic, Dtype, Kernels, Precision, Residency};
pub use pooling::Pooling;
#[doc(hidden)]
pub use serde;
pub use site::Site;
pub use speaker::Speaker;
pub use stage::Stage;
pub use words::UnknownWord;

//! What every page is made with: the skeleton and its style, the plotting library, the base style
//! of charts, numbers in words, and texts with their chat markup and differences marked.
//!
//! A page holds everything that it shows and makes no request: its content security policy forbids
//! them. This crate knows no table and no pipeline; its users fill their own templates.

mod band;
mod bundle;
pub mod chart_style;
pub mod format;
mod javascript;
mod library;
mod markup;
mod template;
mod text_diff;

pub use band::Band;
pub use markup::{Markup, Span};
pub use template::{Templates, page_parts, shown};
pub use text_diff::compared;

//! The sections, each in its own file with its template, and the list of them.

mod ablations;
mod answer;
mod certainty;
mod certificate;
mod depth;
mod dose;
mod dose_texts;
mod features;
mod generations;
mod layers;
mod lens;
mod locate;
mod prompts;
mod provenance;
mod published;
mod question;
mod section;
mod speaker;
mod tokens;
mod trust;

pub use certificate::certificate_view;
pub use published::published_view;
pub use section::Section;

/// All sections in the order of the page.
pub const SECTIONS: &[Section] = &[
    question::SECTION,
    answer::SECTION,
    layers::SECTION,
    certainty::SECTION,
    depth::SECTION,
    speaker::SECTION,
    features::SECTION,
    dose::SECTION,
    locate::SECTION,
    generations::SECTION,
    trust::SECTION,
    certificate::SECTION,
    published::SECTION,
    prompts::SECTION,
    provenance::SECTION,
];

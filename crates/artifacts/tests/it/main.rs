//! Files as users write them, and files that must read back as they were written.

mod notebook;
mod pipeline;
mod prompts;
mod stage;
mod tables;

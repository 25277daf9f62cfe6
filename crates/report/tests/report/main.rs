#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod example_run;
mod figures;
mod page;
mod wording;

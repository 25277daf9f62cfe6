#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod certificate;
mod doses;
mod evidence;
mod example_doses;
mod example_evidence;
mod example_run;
mod figures;
mod formats;
mod in_browser;
mod many_prompts;
mod page;
mod published;
mod reading;
mod snapshot;
mod wording;

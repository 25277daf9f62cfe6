#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod client;
mod report_page;

// The run that the report's own tests read.
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../../../report/tests/report/example_doses.rs"]
mod example_doses;
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../../../report/tests/report/example_evidence.rs"]
mod example_evidence;
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../../../report/tests/report/example_run.rs"]
mod example_run;

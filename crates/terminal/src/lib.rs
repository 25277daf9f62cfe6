//! How every program of the project speaks on a terminal: how loud, in colour or not, what went
//! wrong in three lines, what somebody who mistyped a word may have meant, and how a command line
//! is read.

#![warn(missing_docs)]

mod command_line;
mod nearest;
mod output;

pub use command_line::{USAGE, one_of, parsed, parsed_from, unknown_option, usage_error};
pub use nearest::nearest;
pub use output::{LOUDNESS, Loudness, Output, colours, failure, finish, may_colour, print_failure, remark};

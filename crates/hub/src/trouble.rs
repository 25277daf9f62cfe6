use crate::Error;

/// Why a request brought no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The next try would bring none either.
    Final(Error),
    /// The network or the server failed, which may pass.
    Passing(String),
    /// The server does not have the bytes from the offset on.
    NoSuchRange,
}

use crate::Error;

/// Why a request brought no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It will bring none the next time either.
    Final(Error),
    /// The network or the server failed, which may pass.
    Passing(String),
    /// The server does not have the bytes from the offset on.
    NoSuchRange,
}

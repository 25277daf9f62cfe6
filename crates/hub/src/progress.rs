/// Is told how a fetch is going.
pub trait Progress {
    /// `done` of the `total` bytes that this fetch has to bring are on the disk. A transfer that
    /// has to start again makes `done` smaller.
    fn bytes(&mut self, done: u64, total: u64);

    /// Something that the user should know, though the fetch goes on.
    fn warning(&mut self, message: &str);
}

/// Says nothing.
impl Progress for () {
    fn bytes(&mut self, _done: u64, _total: u64) {}

    fn warning(&mut self, _message: &str) {}
}

/// Adds up the bytes of the files of one fetch.
pub(crate) struct Meter<'a> {
    progress: &'a mut dyn Progress,
    finished: u64,
    total: u64,
}

impl<'a> Meter<'a> {
    pub fn new(progress: &'a mut dyn Progress, total: u64) -> Self {
        Meter {
            progress,
            finished: 0,
            total,
        }
    }

    /// This much of the current file is there.
    pub fn file_at(&mut self, bytes: u64) {
        self.progress.bytes(self.finished + bytes, self.total);
    }

    /// The current file is whole; the next one follows.
    pub fn file_done(&mut self, size: u64) {
        self.finished += size;
        self.progress.bytes(self.finished, self.total);
    }

    pub fn warning(&mut self, message: &str) {
        self.progress.warning(message);
    }
}

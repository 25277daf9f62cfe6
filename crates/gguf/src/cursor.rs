/// A place in the bytes of a file, for reading little-endian numbers and texts from it. Reading
/// past the end is an error that names what was being read.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, position: 0 }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..count).ok_or_else(|| {
            let size = self.bytes.len();
            format!("the file ends within {what}, after {size} bytes; download it again")
        })?;
        self.position += count;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub fn u32(&mut self, what: &str) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub fn u64(&mut self, what: &str) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A number of things that each take at least `least` bytes: one that the rest of the file
    /// could not hold is refused here, before anything is read.
    pub fn count(&mut self, least: usize, what: &str) -> Result<usize, String> {
        let claimed = self.u64(what)?;
        match usize::try_from(claimed) {
            Ok(count) if count <= self.remaining() / least => Ok(count),
            _ => Err(format!(
                "{what} claims {claimed} entries, more than the file could hold; download it again"
            )),
        }
    }

    /// A text: its length in bytes (u64), then UTF-8 without an end mark.
    pub fn text(&mut self, what: &str) -> Result<&'a str, String> {
        let length = self.count(1, what)?;
        std::str::from_utf8(self.take(length, what)?)
            .map_err(|_| format!("{what} is not UTF-8 text; download the file again"))
    }
}

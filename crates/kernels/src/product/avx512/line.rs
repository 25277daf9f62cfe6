use super::LANES;

/// Numbers that lie within one line of the cache: vectors and tiles that cross two take twice as
/// long to load.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Line<T>(pub [T; LANES]);

impl<T: Copy + Default> Line<T> {
    pub fn zero() -> Self {
        Line([T::default(); LANES])
    }
}

/// All numbers of the lines.
pub fn numbers<T>(lines: &[Line<T>]) -> &[T] {
    // SAFETY: a line is its numbers, without gaps.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), LANES * lines.len()) }
}

/// All numbers of the lines.
pub fn numbers_mut<T>(lines: &mut [Line<T>]) -> &mut [T] {
    // SAFETY: a line is its numbers, without gaps.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), LANES * lines.len()) }
}

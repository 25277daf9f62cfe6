use std::marker::PhantomData;
use std::ops::Range;

/// The result, `[rows, outputs]`, whose columns are written by different threads.
#[derive(Clone, Copy)]
pub(crate) struct Results<'a> {
    start: *mut f32,
    /// Numbers from row to row.
    stride: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: each number is written by one task, as `of_row` demands.
unsafe impl Send for Results<'_> {}
// SAFETY: the same.
unsafe impl Sync for Results<'_> {}

impl<'a> Results<'a> {
    pub(crate) fn new(y: &'a mut [f32], outputs: usize) -> Self {
        Results {
            start: y.as_mut_ptr(),
            stride: outputs,
            borrowed: PhantomData,
        }
    }

    /// The columns from `first` on, which are then called 0, 1, ...
    pub(crate) fn columns_from(self, first: usize) -> Self {
        Results {
            start: self.start.wrapping_add(first),
            ..self
        }
    }

    /// # Safety
    /// The place must be within the result, and no one else may have it.
    pub(crate) unsafe fn of_row(self, row: usize, outputs: Range<usize>) -> &'a mut [f32] {
        // SAFETY: the caller's promise.
        unsafe {
            let first = self.start.add(row * self.stride + outputs.start);
            std::slice::from_raw_parts_mut(first, outputs.len())
        }
    }

    /// The place of a number; it may be written under the same conditions.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn pointer(self, row: usize, output: usize) -> *mut f32 {
        self.start.wrapping_add(row * self.stride + output)
    }

    /// Numbers from row to row.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn stride(self) -> usize {
        self.stride
    }
}

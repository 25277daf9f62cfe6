//! Nothing is read beyond the weights or the activations: they end where the memory does.

use std::ptr;

use half::bf16;
use kernels::{Instructions, Rounding, Weight, multiply_with};

use crate::support::{generator, numbers, to_bf16};

/// Numbers that end with the last byte before a page that can't be read.
struct AtTheEnd<T> {
    mapping: *mut libc::c_void,
    bytes: usize,
    numbers: *const T,
    count: usize,
}

impl<T: Copy> AtTheEnd<T> {
    fn new(numbers: &[T]) -> Self {
        // SAFETY: plain calls; the mapping is checked, and large enough for the numbers.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE).max(1).unsigned_abs() as usize;
            let room = size_of_val(numbers).next_multiple_of(page);
            let mapping = libc::mmap(
                ptr::null_mut(),
                room + page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert!(mapping != libc::MAP_FAILED);
            assert_eq!(libc::mprotect(mapping.byte_add(room), page, libc::PROT_NONE), 0);
            let first = mapping.byte_add(room - size_of_val(numbers)).cast::<T>();
            ptr::copy_nonoverlapping(numbers.as_ptr(), first, numbers.len());
            AtTheEnd {
                mapping,
                bytes: room + page,
                numbers: first,
                count: numbers.len(),
            }
        }
    }

    fn numbers(&self) -> &[T] {
        // SAFETY: they were written there.
        unsafe { std::slice::from_raw_parts(self.numbers, self.count) }
    }
}

impl<T> Drop for AtTheEnd<T> {
    fn drop(&mut self) {
        // SAFETY: nothing borrows it any more.
        unsafe { libc::munmap(self.mapping, self.bytes) };
    }
}

#[test]
fn nothing_is_read_beyond_the_end() {
    let mut generator = generator(11);
    for (inputs, outputs) in [
        (1, 1),
        (31, 15),
        (33, 33),
        (64, 32),
        (65, 40),
        (100, 64),
        (1100, 50),
    ] {
        let narrow = to_bf16(&numbers(&mut generator, inputs * outputs, 0.1));
        let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
        let (narrow_end, wide_end) = (AtTheEnd::<bf16>::new(&narrow), AtTheEnd::new(&wide));
        for rows in [1, 7, 12, 33] {
            let x = numbers(&mut generator, inputs * rows, 1.0);
            let x_end = AtTheEnd::new(&x);
            for instructions in Instructions::available() {
                for rounding in [Rounding::None, Rounding::InputsToBf16] {
                    let product = |x: &[f32], weight| {
                        let mut y = vec![f32::NAN; rows * outputs];
                        multiply_with(instructions, x, inputs, weight, rounding, &mut y);
                        y
                    };
                    let place = format!("{instructions:?} {rounding:?} {rows} {inputs} {outputs}");
                    assert_eq!(
                        product(x_end.numbers(), Weight::Bf16(narrow_end.numbers())),
                        product(&x, Weight::Bf16(&narrow)),
                        "{place}"
                    );
                    assert_eq!(
                        product(x_end.numbers(), Weight::F32(wide_end.numbers())),
                        product(&x, Weight::F32(&wide)),
                        "{place}"
                    );
                }
            }
        }
    }
}

/// Operations on bytes that compilers make no vector code of. Who knows the processor's instructions can
/// pass them to [`unpack_with`](crate::unpack_with); the results are the same.
pub trait ByteOperations: Copy {
    /// 255 for each bit that is set, the lowest of the first byte first, and 0 for the others.
    fn masks(self, bits: [u8; 4]) -> [u8; 32];

    /// The numbers at these places, each below 16.
    fn look_up(self, table: &[i8; 16], places: [u8; 16]) -> [i8; 16];
}

/// In plain code, for any processor.
#[derive(Clone, Copy)]
pub struct Plain;

impl ByteOperations for Plain {
    #[inline(always)]
    fn masks(self, bits: [u8; 4]) -> [u8; 32] {
        let mut masks = [0; 32];
        for (masks, bits) in masks.as_chunks_mut::<8>().0.iter_mut().zip(bits) {
            *masks = MASKS[usize::from(bits)];
        }
        masks
    }

    #[inline(always)]
    fn look_up(self, table: &[i8; 16], places: [u8; 16]) -> [i8; 16] {
        places.map(|place| table[usize::from(place & 15)])
    }
}

/// Of each byte.
pub(super) static MASKS: [[u8; 8]; 256] = {
    let mut masks = [[0; 8]; 256];
    let mut place = 0;
    while place < 256 * 8 {
        if (place / 8) >> (place % 8) & 1 == 1 {
            masks[place / 8][place % 8] = 255;
        }
        place += 1;
    }
    masks
};

use half::bf16;

use super::tile::{Kind, Tile, TileOperands, Tiles};

/// Plain loops over 8 lanes, which any compiler turns into vector code of some kind.
pub const TILES: Tiles = Tiles {
    lanes: LANES,
    rows: 1,
    outputs: 4,
    outputs_of_one_row: 4,
    run,
};

const LANES: usize = 8;

/// # Safety
/// As for [`Tiles::run`].
unsafe fn run(tile: &Tile, operands: TileOperands, sums: *mut f32) {
    for output in 0..tile.outputs {
        // SAFETY: the caller's promise; tiles have one row.
        unsafe {
            let x = std::slice::from_raw_parts(operands.x.cast::<f32>(), tile.inputs);
            let weight = operands.weight.cast::<f32>();
            let sums = &mut *sums.add(output * LANES).cast::<[f32; LANES]>();
            if tile.begins {
                *sums = [0.0; LANES];
            }
            let first = output * operands.stride;
            match operands.kind {
                Kind::F32F32 => add(
                    sums,
                    x,
                    std::slice::from_raw_parts(weight.add(first), tile.inputs),
                    |value| value,
                ),
                _ => {
                    let weight = operands.weight.cast::<bf16>().add(first);
                    let weight = std::slice::from_raw_parts(weight, tile.inputs);
                    add(sums, x, weight, |value| {
                        f32::from_bits(u32::from(value.to_bits()) << 16)
                    });
                }
            }
        }
    }
}

fn add<W: Copy>(sums: &mut [f32; LANES], x: &[f32], weight: &[W], widen: impl Fn(W) -> f32) {
    for (x, weight) in x.chunks(LANES).zip(weight.chunks(LANES)) {
        for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weight) {
            *sum += x * widen(*weight);
        }
    }
}

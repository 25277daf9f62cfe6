//! All inner products of a set of rows.

use rayon::prelude::*;

/// Rows go through the arithmetic four at a time, so that one loaded number serves four products.
const PANEL: usize = 4;
/// This many dimensions of a panel stay in the first-level cache, and each stretch of them has its
/// own partial sum.
const STRETCH: usize = 256;

type Column = [f64; PANEL];
type Tile = [Column; PANEL];

/// `G[i][j] = x_i . x_j`: row-major `[rows, rows]`, symmetric to the last bit.
///
/// Every entry is the sum of its stretches' sums, each in the order of the dimensions. The order
/// does not depend on where a row is, so that equal rows have equal products.
pub(crate) fn gram<T: Copy + Into<f64> + Sync>(rows: &[&[T]]) -> Vec<f64> {
    let count = rows.len();
    let packed = Packed::of(rows);
    let strips: Vec<Vec<Tile>> = (0..packed.panels)
        .into_par_iter()
        .map(|panel| packed.strip(panel))
        .collect();
    let mut gram = vec![0.0; count * count];
    for (first, strip) in strips.iter().enumerate() {
        for (offset, tile) in strip.iter().enumerate() {
            for (row, values) in tile.iter().enumerate() {
                for (column, &value) in values.iter().enumerate() {
                    let (i, j) = (first * PANEL + row, (first + offset) * PANEL + column);
                    if i < count && j < count {
                        gram[i * count + j] = value;
                        gram[j * count + i] = value;
                    }
                }
            }
        }
    }
    gram
}

/// The rows in f64, stretch by stretch and panel by panel; missing rows and dimensions are zeros.
struct Packed {
    panels: usize,
    stretches: usize,
    stretch: usize,
    columns: Vec<Column>,
}

impl Packed {
    fn of<T: Copy + Into<f64>>(rows: &[&[T]]) -> Self {
        let hidden = rows.first().map_or(0, |row| row.len());
        let stretch = STRETCH.min(hidden.max(1));
        let stretches = hidden.div_ceil(stretch);
        let panels = rows.len().div_ceil(PANEL);
        let mut columns = vec![[0.0; PANEL]; stretches * panels * stretch];
        for (index, row) in rows.iter().enumerate() {
            let (panel, lane) = (index / PANEL, index % PANEL);
            for (part, values) in row.chunks(stretch).enumerate() {
                let start = (part * panels + panel) * stretch;
                for (column, &value) in columns[start..].iter_mut().zip(values) {
                    column[lane] = value.into();
                }
            }
        }
        Packed {
            panels,
            stretches,
            stretch,
            columns,
        }
    }

    fn panel(&self, part: usize, panel: usize) -> &[Column] {
        let start = (part * self.panels + panel) * self.stretch;
        &self.columns[start..start + self.stretch]
    }

    /// The tiles of one panel of rows with itself and with every later panel.
    fn strip(&self, first: usize) -> Vec<Tile> {
        let mut strip = vec![[[0.0; PANEL]; PANEL]; self.panels - first];
        for part in 0..self.stretches {
            let rows = self.panel(part, first);
            for (offset, total) in strip.iter_mut().enumerate() {
                let products = tile(rows, self.panel(part, first + offset));
                for (total, products) in total.iter_mut().zip(&products) {
                    for (total, product) in total.iter_mut().zip(products) {
                        *total += product;
                    }
                }
            }
        }
        strip
    }
}

fn tile(rows: &[Column], columns: &[Column]) -> Tile {
    let mut sums = [[0.0; PANEL]; PANEL];
    for (row, column) in rows.iter().zip(columns) {
        for i in 0..PANEL {
            for j in 0..PANEL {
                sums[i][j] += row[i] * column[j];
            }
        }
    }
    sums
}

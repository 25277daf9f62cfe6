use exchange::{Float, floats};

/// A matrix in a mapped file.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub bytes: &'a [u8],
    pub kind: Float,
    pub rows: usize,
    pub columns: usize,
    /// The numbers of a column follow one another, and not those of a row.
    pub columns_first: bool,
}

impl Matrix<'_> {
    /// One row.
    pub fn row(&self, row: usize) -> Vec<f32> {
        if self.columns_first {
            return (0..self.columns)
                .map(|column| self.run(column * self.rows + row, 1)[0])
                .collect();
        }
        self.run(row * self.columns, self.columns)
    }

    /// Some columns, each as a row of the result.
    pub fn columns_as_rows(&self, columns: std::ops::Range<usize>) -> Vec<f32> {
        if self.columns_first {
            return self.run(columns.start * self.rows, columns.len() * self.rows);
        }
        let mut turned = vec![0.0; columns.len() * self.rows];
        for row in 0..self.rows {
            let strip = self.run(row * self.columns + columns.start, columns.len());
            for (column, value) in strip.into_iter().enumerate() {
                turned[column * self.rows + row] = value;
            }
        }
        turned
    }

    fn run(&self, first: usize, count: usize) -> Vec<f32> {
        let width = self.kind.width();
        floats(&self.bytes[first * width..(first + count) * width], self.kind)
    }
}

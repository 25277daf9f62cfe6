//! The rows that everything else is about.

/// Rows of the same prompts in two conditions, `[prompts, hidden]` each, in the residual stream's
/// units: row `i` of both belongs to prompt `i`.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedRows {
    /// Rows of the plus condition.
    pub plus: Vec<Vec<f32>>,
    /// Rows of the minus condition.
    pub minus: Vec<Vec<f32>>,
}

impl PairedRows {
    /// The number of prompts.
    pub fn prompts(&self) -> usize {
        self.plus.len()
    }

    /// The width of a row; 0 where there are no rows.
    pub fn hidden_size(&self) -> usize {
        self.plus.first().map_or(0, Vec::len)
    }

    /// `d_i = a_i - b_i`: `[prompts, hidden]`, in the residual stream's units. Their mean is the
    /// contrast.
    pub fn differences(&self) -> Vec<Vec<f64>> {
        let difference = |(plus, minus): (&Vec<f32>, &Vec<f32>)| {
            let pairs = plus.iter().zip(minus);
            pairs
                .map(|(&plus, &minus)| f64::from(plus) - f64::from(minus))
                .collect()
        };
        self.plus.iter().zip(&self.minus).map(difference).collect()
    }

    /// The same rows with these dimensions set to 0. Dimensions beyond the hidden size change
    /// nothing.
    pub fn without(&self, dimensions: &[usize]) -> PairedRows {
        self.map_rows(|row| {
            let mut row = row.to_vec();
            for &dimension in dimensions {
                if let Some(value) = row.get_mut(dimension) {
                    *value = 0.0;
                }
            }
            row
        })
    }

    /// Every number rounded to the nearest bf16, ties to the even one, and given as f32 again: what
    /// would be left of the rows if they were stored in bf16. Numbers beyond the largest bf16
    /// (3.39e38) become infinite.
    pub fn rounded_to_bf16(&self) -> PairedRows {
        self.map_rows(|row| row.iter().map(|&value| rounded_to_bf16(value)).collect())
    }

    fn map_rows(&self, map: impl Fn(&[f32]) -> Vec<f32>) -> PairedRows {
        PairedRows {
            plus: self.plus.iter().map(|row| map(row)).collect(),
            minus: self.minus.iter().map(|row| map(row)).collect(),
        }
    }
}

/// A bf16 is the upper half of an f32. Adding just under half of the lower half's range, and one
/// more where the last bit kept is odd, carries into the upper half exactly when rounding to
/// nearest even goes up.
fn rounded_to_bf16(value: f32) -> f32 {
    let bits = value.to_bits();
    let last_kept = (bits >> 16) & 1;
    let rounded = bits.wrapping_add(0x7fff + last_kept);
    f32::from_bits(rounded & 0xffff_0000)
}

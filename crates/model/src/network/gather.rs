use burn::tensor::{Device, Int, Tensor, TensorData};

use super::cpu;

/// Some rows of a matrix, in any order.
pub(super) struct Gather {
    rows: Vec<usize>,
    /// The same as a tensor, for backends.
    indices: Tensor<1, Int>,
}

impl Gather {
    pub fn new(rows: Vec<usize>, device: &Device) -> Self {
        let indices: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
        let indices = TensorData::new(indices, [rows.len()]);
        Gather {
            rows,
            indices: Tensor::from_data(indices, device),
        }
    }

    /// `None` where these are all rows in their order.
    pub fn unless_all(rows: Vec<usize>, count: usize, device: &Device) -> Option<Self> {
        let all = rows.len() == count && rows.iter().enumerate().all(|(index, row)| index == *row);
        (!all).then(|| Gather::new(rows, device))
    }

    /// `[any number, width]` to `[rows, width]`.
    pub fn of(&self, x: Tensor<2>) -> Tensor<2> {
        self.on_cpu(&x)
            .unwrap_or_else(|| x.select(0, self.indices.clone()))
    }

    fn on_cpu(&self, x: &Tensor<2>) -> Option<Tensor<2>> {
        let width = x.dims()[1];
        let numbers = cpu::HostSlice::of(x)?;
        let numbers = numbers.f32()?;
        let mut gathered = Vec::with_capacity(self.rows.len() * width);
        for row in &self.rows {
            gathered.extend_from_slice(&numbers[row * width..(row + 1) * width]);
        }
        Some(cpu::tensor(gathered, [self.rows.len(), width]))
    }
}

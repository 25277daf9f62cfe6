//! Interventions on numbers in this machine's memory: what the operations of tensors compute, to the
//! last bit, for those tokens alone that have an intervention.

use burn::tensor::{DType, Device, Tensor, TensorData};
use interventions::Form;

/// Changes `h: [tokens, hidden]`, each token's residual by its [`Form`]; without one it stays as it is.
pub fn apply(forms: &[Option<&Form>], h: &mut [f32]) {
    let width = h.len() / forms.len().max(1);
    let mut projections = projections(forms, h, width).into_iter();
    for (h, form) in h.chunks_exact_mut(width).zip(forms) {
        let Some(form) = form else { continue };
        let offset = form.offset.as_deref();
        match &form.unit {
            Some(unit) => {
                let removed = removed(form, projections.next().unwrap_or(f32::NAN));
                for (index, (h, unit)) in h.iter_mut().zip(unit).enumerate() {
                    *h += offset.map_or(0.0, |offset| offset[index]) - removed * unit;
                }
            }
            None => {
                let offset = offset.into_iter().flatten();
                h.iter_mut().zip(offset).for_each(|(h, offset)| *h += offset);
            }
        }
    }
}

/// `h.v^` (or `h.e`) of the tokens whose form has a direction v^, in order. The backend adds them up, in its own order.
fn projections(forms: &[Option<&Form>], h: &[f32], width: usize) -> Vec<f32> {
    let mut products = Vec::new();
    for (h, form) in h.chunks_exact(width).zip(forms) {
        let reads = form.and_then(Form::reads);
        products.extend(
            reads
                .into_iter()
                .flat_map(|reads| h.iter().zip(reads))
                .map(|(h, reads)| h * reads),
        );
    }
    if products.is_empty() {
        return products;
    }
    let shape = [products.len() / width, width];
    let products = Tensor::<2>::from_data(TensorData::new(products, shape), (&Device::flex(), DType::F32));
    let sums = products.sum_dim(1).into_data().try_into_vec();
    sums.unwrap_or_default()
}

/// How much of the direction is taken out.
fn removed(form: &Form, projection: f32) -> f32 {
    if let Some(reader) = &form.reader {
        return reader.activation(projection) * form.gain;
    }
    let removed = match form.threshold {
        Some(threshold) => (projection - threshold).max(0.0),
        None => projection,
    };
    removed * form.gain
}

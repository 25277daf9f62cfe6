use kernels::{RmsNormShape, add_rms_norm, rms_norm};

use crate::support::{generator, numbers};

#[test]
fn norms_are_within_their_bound() {
    let mut generator = generator(6);
    let shapes = [(1, 1), (3, 7), (2, 32), (5, 33), (1, 640), (17, 2304), (300, 100)];
    for ((rows, width), offset) in shapes.into_iter().zip([1.0, 0.0].into_iter().cycle()) {
        let x = numbers(&mut generator, rows * width, 5.0);
        let residual = numbers(&mut generator, rows * width, 5.0);
        let weight = numbers(&mut generator, width, 0.5);
        let shape = RmsNormShape {
            width,
            epsilon: 1e-6,
            offset,
        };
        let (mut normed, mut added) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        rms_norm(&x, &weight, shape, &mut normed);
        add_rms_norm(&residual, &x, &weight, shape, &mut added);
        for (row, x) in x.chunks(width).enumerate() {
            let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / width as f64;
            let root = (mean + 1e-6).sqrt();
            for (index, x) in x.iter().enumerate() {
                let expected = f64::from(*x) / root * f64::from(offset + weight[index]);
                let place = row * width + index;
                let error = (f64::from(normed[place]) - expected).abs();
                assert!(
                    error <= 1e-6 * expected.abs(),
                    "{rows} x {width}, row {row}, {index}: {error}"
                );
                assert_eq!(added[place], normed[place] + residual[place]);
            }
        }
    }
}

#[test]
fn a_vector_of_zeros_gives_zeros() {
    let mut y = vec![1.0; 10];
    rms_norm(
        &[0.0; 10],
        &[0.5; 10],
        RmsNormShape {
            width: 10,
            epsilon: 1e-6,
            offset: 1.0,
        },
        &mut y,
    );
    assert_eq!(y, [0.0; 10]);
}

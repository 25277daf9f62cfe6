use kernels::rotate;

use crate::support::{generator, numbers};

#[test]
fn halves_are_turned_against_each_other() {
    let mut generator = generator(7);
    for (tokens, heads, head_dim) in [(1, 1, 2), (3, 2, 6), (5, 3, 16), (40, 8, 256)] {
        let half = head_dim / 2;
        let x = numbers(&mut generator, tokens * heads * head_dim, 1.0);
        let angles = numbers(&mut generator, tokens * half, 3.0);
        let cosines: Vec<f32> = angles.iter().map(|angle| angle.cos()).collect();
        let sines: Vec<f32> = angles.iter().map(|angle| angle.sin()).collect();
        let mut turned = x.clone();
        rotate(&mut turned, head_dim, &cosines, &sines);
        for (index, (before, after)) in x.chunks(head_dim).zip(turned.chunks(head_dim)).enumerate() {
            let angles = &angles[index / heads * half..][..half];
            for (i, angle) in angles.iter().enumerate() {
                let (cosine, sine) = (f64::from(angle.cos()), f64::from(angle.sin()));
                let (a, b) = (f64::from(before[i]), f64::from(before[i + half]));
                let close = |found: f32, expected: f64| {
                    (f64::from(found) - expected).abs() <= 2e-7 * (a.abs() + b.abs())
                };
                assert!(close(after[i], a * cosine - b * sine), "head {index}, {i}");
                assert!(close(after[i + half], b * cosine + a * sine), "head {index}, {i}");
            }
        }
    }
}

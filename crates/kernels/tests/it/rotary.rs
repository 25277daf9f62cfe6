use kernels::rotate;

use crate::support::{generator, numbers};

#[test]
fn halves_are_turned_against_each_other() {
    let mut generator = generator(7);
    let shapes = [
        (1, 1, 2, 1),
        (3, 2, 6, 3),
        (3, 2, 6, 2),
        (5, 3, 16, 8),
        (5, 3, 16, 6),
        (40, 8, 256, 128),
    ];
    for (tokens, heads, head_dim, half) in shapes {
        let x = numbers(&mut generator, tokens * heads * head_dim, 1.0);
        let angles = numbers(&mut generator, tokens * half, 3.0);
        let cosines: Vec<f32> = angles.iter().map(|angle| angle.cos()).collect();
        let sines: Vec<f32> = angles.iter().map(|angle| angle.sin()).collect();
        let mut turned = x.clone();
        rotate(&mut turned, head_dim, half, &cosines, &sines);
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
            assert_eq!(
                before[2 * half..],
                after[2 * half..],
                "head {index}: the rest stays"
            );
        }
    }
}

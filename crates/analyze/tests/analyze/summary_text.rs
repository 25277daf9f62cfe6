use results::Summary;
use terms::Pooling;

fn row(layer: usize, within: f64, cross: f64) -> Summary {
    Summary {
        layer,
        pooling: Pooling::Newline,
        avg_within_category: within,
        avg_cross_category: cross,
        similarity_difference: within - cross,
        avg_within_positive: within,
        avg_within_negative: within,
        contrast_norm: 1.0,
        mean_residual_norm: 1.0,
    }
}

/// Layers 1 and 2 are equal: the lower one is named first.
#[test]
fn the_notebooks_layout() {
    let rows = [
        row(0, 1.0, 1.0),
        row(1, 0.75, 0.25),
        row(2, 0.75, 0.25),
        row(10, 0.5, -0.125),
    ];
    let expected = [
        "SUMMARY TABLE:",
        &"=".repeat(120),
        " layer  avg_within_category  avg_cross_category  similarity_difference  avg_normal_normal  avg_swapped_swapped",
        "     0               1.0000              1.0000                 0.0000             1.0000               1.0000",
        "     1               0.7500              0.2500                 0.5000             0.7500               0.7500",
        "     2               0.7500              0.2500                 0.5000             0.7500               0.7500",
        "    10               0.5000             -0.1250                 0.6250             0.5000               0.5000",
        "",
        "",
        "KEY INSIGHTS:",
        &"=".repeat(50),
        "Layers with highest within-category similarity:",
        "  Layer 0: 1.0000",
        "  Layer 1: 0.7500",
        "  Layer 2: 0.7500",
        "",
        "Layers with highest similarity difference (within - cross):",
        "  Layer 10: 0.6250",
        "  Layer 1: 0.5000",
        "  Layer 2: 0.5000",
        "",
        "Overall statistics:",
        "  Mean within-category similarity: 0.7500",
        "  Mean cross-category similarity: 0.3438",
        "  Mean similarity difference: 0.4062",
        "",
    ];
    assert_eq!(
        analyze::summary_text("normal", "swapped", &rows),
        expected.join("\n")
    );
}

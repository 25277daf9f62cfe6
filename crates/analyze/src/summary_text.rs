//! The table and the insights that the stage prints, laid out as the method's notebook prints them.

use results::Summary;

/// The layers' figures with four decimals, the three layers that stand out, and the means over
/// layers.
///
/// `rows`: one pooling's layers in order. Where layers are equal, the lower one is named first.
pub fn summary_text(positive: &str, negative: &str, rows: &[Summary]) -> String {
    let mut lines = vec!["SUMMARY TABLE:".to_owned(), "=".repeat(120)];
    lines.extend(table(positive, negative, rows));
    lines.extend(["", "", "KEY INSIGHTS:"].map(str::to_owned));
    lines.push("=".repeat(50));
    lines.push("Layers with highest within-category similarity:".to_owned());
    lines.extend(top_three(rows, |row| row.avg_within_category));
    lines.push("\nLayers with highest similarity difference (within - cross):".to_owned());
    lines.extend(top_three(rows, |row| row.similarity_difference));
    lines.push("\nOverall statistics:".to_owned());
    let mean = |of: fn(&Summary) -> f64| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
    let (within, cross) = (
        mean(|row| row.avg_within_category),
        mean(|row| row.avg_cross_category),
    );
    lines.push(format!("  Mean within-category similarity: {within:.4}"));
    lines.push(format!("  Mean cross-category similarity: {cross:.4}"));
    lines.push(format!(
        "  Mean similarity difference: {:.4}",
        mean(|row| row.similarity_difference)
    ));
    lines.join("\n") + "\n"
}

fn table(positive: &str, negative: &str, rows: &[Summary]) -> Vec<String> {
    let names = [
        "layer".to_owned(),
        "avg_within_category".to_owned(),
        "avg_cross_category".to_owned(),
        "similarity_difference".to_owned(),
        format!("avg_{positive}_{positive}"),
        format!("avg_{negative}_{negative}"),
    ];
    let line = |cells: &[String]| {
        let cells = cells
            .iter()
            .zip(&names)
            .map(|(cell, name)| format!("{cell:>width$}", width = name.len()));
        format!(" {}", cells.collect::<Vec<_>>().join("  "))
    };
    let cells = |row: &Summary| {
        [
            row.layer.to_string(),
            format!("{:.4}", row.avg_within_category),
            format!("{:.4}", row.avg_cross_category),
            format!("{:.4}", row.similarity_difference),
            format!("{:.4}", row.avg_within_positive),
            format!("{:.4}", row.avg_within_negative),
        ]
    };
    std::iter::once(line(&names))
        .chain(rows.iter().map(|row| line(&cells(row))))
        .collect()
}

fn top_three(rows: &[Summary], value: fn(&Summary) -> f64) -> Vec<String> {
    let mut order: Vec<&Summary> = rows.iter().collect();
    // The sort is stable, so that equal layers keep their order.
    order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    order
        .iter()
        .take(3)
        .map(|row| format!("  Layer {}: {:.4}", row.layer, value(row)))
        .collect()
}

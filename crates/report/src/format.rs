//! Small matters of how things are written.

/// A number with `decimals` decimals and a true minus sign; what rounds to zero has no sign.
pub fn number(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !is_zero {
        format!("\u{2212}{digits}")
    } else {
        digits
    }
}

/// A coefficient with its sign, as short as it can be written.
pub fn coefficient(value: f64) -> String {
    match value {
        _ if value < 0.0 => format!("\u{2212}{}", value.abs()),
        _ if value > 0.0 => format!("+{value}"),
        _ => "0".to_owned(),
    }
}

/// The first word of a label, which is what the method calls a group across groups: "Model Role" is "Model".
///
/// Labels that share their first word stay whole, so that they can be told apart.
pub fn short_labels(first: &str, second: &str) -> (String, String) {
    let word = |label: &str| label.split_whitespace().next().unwrap_or_default().to_owned();
    match (word(first), word(second)) {
        (a, b) if a != b && !a.is_empty() && !b.is_empty() => (a, b),
        _ => (first.to_owned(), second.to_owned()),
    }
}

/// Text for the plotting library, which reads a few HTML tags in labels: none of ours is meant as one.
pub fn plain(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// To six decimals: what a colour or a dot can show, in a third of the characters.
pub fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

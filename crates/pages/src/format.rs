//! How numbers, layers, coefficients and labels are written.

/// A number with `decimals` decimals and a true minus sign; what rounds to zero has no sign. A
/// figure that is not defined says so.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "not defined".to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !is_zero {
        format!("\u{2212}{digits}")
    } else {
        digits
    }
}

/// The same, with a dash for a value that is not defined, such as a figure of too few prompts.
pub fn number_or_dash(value: f64, decimals: usize) -> String {
    if value.is_finite() {
        number(value, decimals)
    } else {
        "\u{2013}".to_owned()
    }
}

/// A value with its interval, as "0.90 (0.72 to 1.16)", or alone where the interval is not defined.
pub fn with_interval(value: f64, low: f64, high: f64, decimals: usize) -> String {
    if low.is_nan() && high.is_nan() {
        return number_or_dash(value, decimals);
    }
    let [value, low, high] = [value, low, high].map(|end| number_or_dash(end, decimals));
    format!("{value} ({low} to {high})")
}

/// A share between 0 and 1 in percent, without decimals.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{} %", number(share * 100.0, 0))
    } else {
        "\u{2013}".to_owned()
    }
}

/// A p-value with four decimals.
pub fn p_value(p: f64) -> String {
    if p < 0.00005 {
        "< 0.0001".to_owned()
    } else {
        number_or_dash(p, 4)
    }
}

/// An error with two digits, a small one with a power of ten. A round limit is written as it was
/// set: 1e-4.
pub fn scientific(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if !value.is_finite() => "not finite".to_owned(),
        _ if (1.0..1000.0).contains(&value) => format!("{value:.1}"),
        _ => format!("{value:.1e}").replace(".0e", "e"),
    }
}

/// Layers in words, three or more neighbours as a range: "layers 3, 7–9 and 12".
pub fn layer_list(layers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &layer in layers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == layer => *last = layer,
            _ => runs.push((layer, layer)),
        }
    }
    let run = |(first, last): (usize, usize)| match last - first {
        0 => vec![first.to_string()],
        1 => vec![first.to_string(), last.to_string()],
        _ => vec![format!("{first}\u{2013}{last}")],
    };
    let mut parts: Vec<String> = runs.into_iter().flat_map(run).collect();
    let noun = if layers.len() == 1 { "layer" } else { "layers" };
    match parts.pop() {
        Some(last) if !parts.is_empty() => format!("{noun} {} and {last}", parts.join(", ")),
        Some(only) => format!("{noun} {only}"),
        None => "no layer".to_owned(),
    }
}

/// A coefficient with its sign, in as few digits as possible.
pub fn coefficient(value: f64) -> String {
    match value {
        _ if value < 0.0 => format!("\u{2212}{}", value.abs()),
        _ if value > 0.0 => format!("+{value}"),
        _ => "0".to_owned(),
    }
}

/// The first word of each label, as in "Model-User" for "Model Role" and "User Role". Labels that
/// share their first word stay whole.
pub fn short_labels(first: &str, second: &str) -> (String, String) {
    let word = |label: &str| label.split_whitespace().next().unwrap_or_default().to_owned();
    match (word(first), word(second)) {
        (a, b) if a != b && !a.is_empty() && !b.is_empty() => (a, b),
        _ => (first.to_owned(), second.to_owned()),
    }
}

/// Text escaped for the plotting library, which reads a few HTML tags in labels.
pub fn plain(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The first line of a text, cut to 60 characters.
pub fn shortened(text: &str) -> String {
    const LETTERS: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(LETTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Rounded to six decimals: more than a colour or a dot can show, in a third of the characters.
pub fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

use console::measure_text_width;

/// Two texts side by side under their headings, each line at most `width` wide.
pub fn side_by_side(headings: [&str; 2], texts: [&str; 2], width: usize) -> String {
    let column = (width.saturating_sub(3) / 2).max(20);
    let left = [wrap(headings[0], column), wrap(texts[0], column)];
    let right = [wrap(headings[1], column), wrap(texts[1], column)];
    let mut all = String::new();
    for (left, right) in left.iter().zip(&right) {
        for line in 0..left.len().max(right.len()) {
            let cell = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
            let (left, right) = (cell(left), cell(right));
            let space = " ".repeat(column.saturating_sub(measure_text_width(&left)));
            all.push_str(format!("{left}{space} | {right}").trim_end());
            all.push('\n');
        }
    }
    all
}

/// Words that fit on a line together; a word that is wider than a line is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut line, mut used) = (String::new(), 0);
        for word in paragraph.split_whitespace() {
            if used > 0 && used + 1 + measure_text_width(word) > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            for character in word.chars() {
                let own = measure_text_width(character.encode_utf8(&mut [0; 4]));
                if used + own > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(character);
                used += own;
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_wrapped_and_stand_beside_each_other() {
        let text = side_by_side(
            ["not steered", "steered"],
            ["one two three four five six", "日本語日本語日本語日本語\n\nseven"],
            43,
        );
        let expected = "\
not steered          | steered
one two three four   | 日本語日本語日本語日
five six             | 本語
                     |
                     | seven
";
        assert_eq!(text, expected);
    }
}

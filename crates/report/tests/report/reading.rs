//! How the tests read a page.

use serde_json::Value;

/// The page without the plotting library, whose text names addresses that no chart here asks for.
pub fn without_library(page: &str) -> String {
    let (head, rest) = page.split_once("<script>").unwrap();
    let (library, tail) = rest.split_once("</script>").unwrap();
    assert!(library.contains("plotly.js v"));
    format!("{head}{tail}")
}

/// The data that the page's scripts read.
pub fn embedded_data(page: &str) -> Value {
    let (_, rest) = page
        .split_once("<script type=\"application/json\" id=\"data\">")
        .unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// A number as the JSON reader gives it, which may differ from what was written in the last bit.
pub fn as_read(value: f64) -> Value {
    serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap()
}

/// The part of a page between the opening of a section and its end.
pub fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<section id=\"{id}\">")).unwrap();
    rest.split_once("</section>").unwrap().0
}

/// What a reader sees of some HTML: no tags, one space between words and between cells.
pub fn visible(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for letter in html.replace("</t", " </t").chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            letter if !is_tag => text.push(letter),
            _ => (),
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same with a line for each paragraph, heading, cell and option, and characters as they are
/// shown.
pub fn visible_lines(html: &str) -> String {
    let mut text = html.to_owned();
    for end in [
        "</p>",
        "</li>",
        "</h1>",
        "</h2>",
        "</h3>",
        "</h4>",
        "</h5>",
        "</th>",
        "</td>",
        "</figcaption>",
        "</summary>",
        "</pre>",
        "</option>",
        "</label>",
        "</span></li>",
        "</nav>",
    ] {
        text = text.replace(end, &format!("{end}\u{1}"));
    }
    let lines = text.split('\u{1}').map(visible).filter(|line| !line.is_empty());
    let mut shown = String::new();
    for line in lines {
        shown.push_str(&line);
        shown.push('\n');
    }
    let escapes = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ];
    for (escape, letter) in escapes {
        shown = shown.replace(escape, letter);
    }
    shown
}

//! Names and punctuation of a script, and which brackets belong together: as much of the language
//! as it takes to cut a bundle at its modules.

use anyhow::{Result, bail};

/// A name or keyword, or one character of punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub start: usize,
    /// How many brackets are open around it. A bracket and its partner have the same.
    pub depth: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    /// A name after a dot.
    Property,
    Punctuation,
}

/// What was read last, which decides whether a slash divides or begins a regular expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Something that has a value, such as a name or a closing bracket.
    Value,
    Dot,
    Other,
}

/// The tokens one after the other. Literals, comments and white space are skipped, except for what
/// a template computes.
pub struct Tokens<'a> {
    script: &'a str,
    at: usize,
    last: Last,
    /// The brackets that are open, and a back quote for each `${`.
    open: Vec<u8>,
}

impl<'a> Tokens<'a> {
    pub fn of(script: &'a str) -> Self {
        Tokens {
            script,
            at: 0,
            last: Last::Other,
            open: Vec::new(),
        }
    }

    /// # Errors
    /// A literal that does not end, and brackets without a partner.
    pub fn next(&mut self) -> Result<Option<Token<'a>>> {
        while let Some(first) = self.byte(0) {
            match first {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'/' if self.byte(1) == Some(b'/') => self.pass("\n")?,
                b'/' if self.byte(1) == Some(b'*') => self.pass("*/")?,
                b'"' | b'\'' => self.text(first)?,
                b'`' => self.template()?,
                b'}' if self.open.last() == Some(&b'`') => {
                    self.open.pop();
                    self.template()?;
                }
                b'/' if self.last != Last::Value => self.regular_expression()?,
                _ if is_in_name(first) => match self.word() {
                    Some(token) => return Ok(Some(token)),
                    None => self.last = Last::Value,
                },
                _ => return self.punctuation(first).map(Some),
            }
        }
        match self.open.is_empty() {
            true => Ok(None),
            false => bail!("a bracket is not closed"),
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.script.as_bytes().get(self.at + ahead).copied()
    }

    /// To the end of the next `end`, or of the script.
    fn pass(&mut self, end: &str) -> Result<()> {
        match self.script[self.at..].find(end) {
            Some(offset) => self.at += offset + end.len(),
            None if end == "\n" => self.at = self.script.len(),
            None => bail!("a comment does not end"),
        }
        Ok(())
    }

    fn text(&mut self, quote: u8) -> Result<()> {
        self.at += 1;
        while let Some(byte) = self.byte(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                byte if byte == quote => {
                    self.last = Last::Value;
                    return Ok(());
                }
                _ => {}
            }
        }
        bail!("a string does not end")
    }

    /// From a back quote, or the end of a computed part, to the next back quote or `${`.
    fn template(&mut self) -> Result<()> {
        self.at += 1;
        while let Some(byte) = self.byte(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'`' => {
                    self.last = Last::Value;
                    return Ok(());
                }
                b'$' if self.byte(0) == Some(b'{') => {
                    self.at += 1;
                    self.open.push(b'`');
                    self.last = Last::Other;
                    return Ok(());
                }
                _ => {}
            }
        }
        bail!("a template does not end")
    }

    fn regular_expression(&mut self) -> Result<()> {
        self.at += 1;
        let mut is_in_class = false;
        while let Some(byte) = self.byte(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'[' => is_in_class = true,
                b']' => is_in_class = false,
                b'/' if !is_in_class => {
                    while self.byte(0).is_some_and(is_in_name) {
                        self.at += 1;
                    }
                    self.last = Last::Value;
                    return Ok(());
                }
                b'\n' => break,
                _ => {}
            }
        }
        bail!("a regular expression does not end")
    }

    /// A name; none for a number.
    fn word(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let is_number = self.byte(0).is_some_and(|byte| byte.is_ascii_digit());
        let belongs = |byte: u8| is_in_name(byte) || is_number && byte == b'.';
        while self.byte(0).is_some_and(belongs) {
            self.at += 1;
        }
        if is_number {
            return None;
        }
        let text = &self.script[start..self.at];
        let kind = match self.last {
            Last::Dot => Kind::Property,
            _ => Kind::Name,
        };
        let is_keyword = kind == Kind::Name && BEFORE_VALUES.contains(&text);
        self.last = if is_keyword { Last::Other } else { Last::Value };
        Some(Token {
            text,
            start,
            depth: self.open.len(),
            kind,
        })
    }

    fn punctuation(&mut self, byte: u8) -> Result<Token<'a>> {
        let start = self.at;
        self.at += 1;
        let partner = match byte {
            b')' => Some(b'('),
            b']' => Some(b'['),
            b'}' => Some(b'{'),
            _ => None,
        };
        if partner.is_some() && self.open.pop() != partner {
            bail!("the bracket at byte {start} has no partner");
        }
        let depth = self.open.len();
        if matches!(byte, b'(' | b'[' | b'{') {
            self.open.push(byte);
        }
        self.last = match byte {
            b')' | b']' | b'}' => Last::Value,
            b'.' => Last::Dot,
            _ => Last::Other,
        };
        Ok(Token {
            text: &self.script[start..self.at],
            start,
            depth,
            kind: Kind::Punctuation,
        })
    }
}

/// Letters beyond ASCII are parts of names.
fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

/// Keywords that a value follows: a slash after one of them begins a regular expression.
const BEFORE_VALUES: [&str; 14] = [
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "instanceof",
    "new",
    "delete",
    "void",
    "throw",
    "else",
    "do",
    "yield",
    "await",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens' texts, properties with their dots.
    fn texts(script: &str) -> Vec<String> {
        let mut tokens = Tokens::of(script);
        let mut texts = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            texts.push(match token.kind {
                Kind::Property => format!(".{}", token.text),
                _ => token.text.to_owned(),
            });
        }
        texts
    }

    #[test]
    fn literals_and_comments_hold_no_name_and_no_bracket() {
        for (script, expected) in [
            (r#"a="(\"b";c='[\'d'"#, "a = ; c ="),
            ("a/*(b*/+c//[d\n+e", "a + c + e"),
            ("a=`(${b+`]${c}`}d`+e", "a = b + c + e"),
            (r"a=/[/(]\/b/g.test(c)", "a = . .test ( c )"),
            ("a/b/c", "a / b / c"),
            ("f(a)/b;[0]/c", "f ( a ) / b ; [ ] / c"),
            ("return/b(/.d;1.5/e", "return . .d ; / e"),
            ("a.return/b/c", "a . .return / b / c"),
            ("é=ü.ö", "é = ü . .ö"),
        ] {
            assert_eq!(texts(script).join(" "), expected, "{script}");
        }
    }

    #[test]
    fn a_bracket_and_its_partner_have_the_same_depth() {
        let mut tokens = Tokens::of("a(b[`${c({})}`])");
        let mut depths = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            depths.push((token.text, token.depth));
        }
        let expected = [
            ("a", 0),
            ("(", 0),
            ("b", 1),
            ("[", 1),
            ("c", 3),
            ("(", 3),
            ("{", 4),
            ("}", 4),
            (")", 3),
            ("]", 1),
            (")", 0),
        ];
        assert_eq!(depths, expected);
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for script in ["\"a", "`a", "`${a", "/* a", "=/a", "(", "(]", ")", "\"\\", "=/\\"] {
            let mut tokens = Tokens::of(script);
            let is_refused = loop {
                match tokens.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            assert!(is_refused, "{script}");
        }
    }
}

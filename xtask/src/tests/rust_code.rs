//! The source files of the workspace as tokens, with what only tests reach told apart.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folders of the workspace's crates relative to its root: `crates/model`, `xtask`.
pub fn crate_folders() -> Vec<String> {
    let folders = fs_err::read_dir(root().join("crates")).unwrap();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut folders: Vec<String> = names.map(|name| format!("crates/{name}")).collect();
    folders.sort();
    folders.push("xtask".into());
    folders
}

/// The files below a folder whose names end in `.rs`, none where there is no such folder.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = crate::hash::paths_below(folder).unwrap();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files
}

/// The tokens of a file. Comments are gone, doc comments are text in an attribute.
pub fn tokens(path: &Path) -> Vec<TokenTree> {
    let text = fs_err::read_to_string(path).unwrap();
    tokens_of(&text).unwrap_or_else(|| panic!("{}: not Rust", path.display()))
}

pub fn tokens_of(text: &str) -> Option<Vec<TokenTree>> {
    let stream: TokenStream = text.parse().ok()?;
    Some(stream.into_iter().collect())
}

pub fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// The tokens without the items behind `#[cfg(test)]`, at this level and inside every group.
pub fn without_tests(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let (mut kept, mut rest) = (Vec::new(), tokens);
    while let Some((token, after)) = rest.split_first() {
        if is_sign(token, '#') && after.first().is_some_and(is_cfg_test) {
            rest = after_item(&after[1..]);
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let stream = without_tests(&inside(group)).into_iter().collect();
                TokenTree::Group(Group::new(group.delimiter(), stream))
            }
            other => other.clone(),
        });
        rest = after;
    }
    kept
}

pub fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

pub fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// `::`, which is two signs.
pub fn is_path_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [one, two, ..] if is_sign(one, ':') && is_sign(two, ':'))
}

/// `[cfg(test)]`, or `[cfg(all(test, ..))]`.
fn is_cfg_test(token: &TokenTree) -> bool {
    let TokenTree::Group(attribute) = token else {
        return false;
    };
    let text: String = attribute.to_string().split_whitespace().collect();
    text == "[cfg(test)]" || text.starts_with("[cfg(all(test,")
}

/// What follows an item: it ends with its braces or a semicolon, and `use` with its semicolon.
fn after_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let is_semicolon = |token: &TokenTree| is_sign(token, ';');
    let is_brace =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let end = tokens
        .iter()
        .position(|token| is_semicolon(token) || is_brace(token));
    let is_use = tokens[..end.unwrap_or(0)]
        .iter()
        .any(|token| is_word(token, "use"));
    let end = if is_use {
        tokens.iter().position(is_semicolon)
    } else {
        end
    };
    end.map_or(&[], |end| &tokens[end + 1..])
}

/// Whether what follows these tokens is the next word of a path, as `b` in `a::b`. The first word
/// may have `::` before it too, as in `use ::a`.
pub fn is_within_path(before: &[TokenTree]) -> bool {
    let Some((rest, separator)) = before.split_last_chunk::<2>() else {
        return false;
    };
    is_path_separator(separator)
        && match rest.last() {
            Some(TokenTree::Ident(word)) => !KEYWORDS.iter().any(|keyword| word == keyword),
            Some(TokenTree::Punct(sign)) => sign.as_char() == '>',
            _ => false,
        }
}

/// The words that may come before a path.
const KEYWORDS: [&str; 9] = ["as", "dyn", "for", "if", "impl", "in", "match", "return", "use"];

/// The files that `#[path = ".."]` takes in from elsewhere, as tests do with fixtures of another
/// crate.
pub fn modules_elsewhere(path: &Path, tokens: &[TokenTree]) -> Vec<PathBuf> {
    let folder = path.parent().unwrap();
    let attributes = tokens.iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(inside(group)),
        _ => None,
    });
    let paths = attributes.filter_map(|attribute| match attribute.as_slice() {
        [word, equals, TokenTree::Literal(path)] if is_word(word, "path") && is_sign(equals, '=') => {
            Some(folder.join(path.to_string().trim_matches('"')))
        }
        _ => None,
    });
    paths.collect()
}

#[test]
fn items_behind_cfg_test_are_left_out() {
    let text = "
        #[cfg(test)] mod tests;
        #[cfg(test)] #[allow(unused)] pub(crate) use a::{b, c};
        fn kept() { #[cfg(test)] fn inner() { gone() } stays() }
        #[cfg(all(test, unix))] mod unix { fn gone() {} }
        #[cfg(unix)] fn platform() {}
    ";
    let kept: TokenStream = without_tests(&tokens_of(text).unwrap()).into_iter().collect();
    let expected: TokenStream = "fn kept() { stays() } #[cfg(unix)] fn platform() {}"
        .parse()
        .unwrap();
    assert_eq!(kept.to_string(), expected.to_string());
}

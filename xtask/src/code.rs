//! The hash of a crate's code, by what the code means: comments, doc comments, white space, tests
//! and the layout of a manifest make no difference, so that prose and names of tests can be
//! improved without running a stage again.
//!
//! This is right because of a rule of this project: **nothing in a result comes from a doc comment,
//! or from the place of a line in its file** (`line!`). Code that broke it would need `--force`.

use std::path::Path;

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use toml::{Table, Value};

use crate::{
    hash::{self, FileHash, Files},
    token_memo::TokenMemo,
    workspace::Workspace,
};

/// Raised when the same source would get another hash; see [`crate::lock::FORMAT`], which must then
/// be raised too.
pub const RULES: u32 = 1;

/// The tables of a manifest that have no influence on a result.
const MEANINGLESS: [&str; 5] = ["dev-dependencies", "lints", "test", "bench", "example"];

/// The code of a crate: its manifest and everything under `src` but its tests.
///
/// # Errors
///
/// Where the crate is not in the checkout, or a file of it cannot be read.
pub fn crate_code(workspace: &mut Workspace, name: &str, memo: &mut TokenMemo) -> Result<String> {
    let manifest = hash_of_manifest(workspace.manifest(name)?);
    let source = workspace.folder(name).join("src");
    let mut files = Files::new();
    for path in hash::paths_below(&source)? {
        let relative = hash::relative_name(&path, &source);
        if is_test(&relative) {
            continue;
        }
        files.insert(relative, file_code(&path, memo)?);
    }
    // Paths below `src` never start with a dot, so this name is free.
    files.insert("../Cargo.toml".into(), manifest);
    Ok(hash::combined(&files).unwrap_or_default())
}

/// A module that only `cfg(test)` reaches, by the convention of this project: a file `tests.rs` or
/// a folder `tests`. A test of xtask checks that every such module is behind `#[cfg(test)]`.
pub fn is_test(relative: &str) -> bool {
    relative
        .split('/')
        .any(|part| part == "tests" || part == "tests.rs")
}

/// Rust by its tokens, everything else (templates, styles, scripts) by its bytes.
fn file_code(path: &Path, memo: &mut TokenMemo) -> Result<FileHash> {
    let content = fs_err::read(path).context("cannot read the code of a stage")?;
    let bytes = content.len() as u64;
    let raw = blake3::hash(&content).to_hex().to_string();
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let hash = match std::str::from_utf8(&content) {
        Ok(text) if is_rust => memo.recall_or(raw, |raw| token_hash(text).unwrap_or_else(|| raw.to_owned())),
        _ => raw,
    };
    Ok(FileHash { hash, bytes })
}

/// The hash of the tokens of a source file without its doc comments. `None` where it is not Rust.
pub fn token_hash(text: &str) -> Option<String> {
    let stream: TokenStream = text.parse().ok()?;
    let mut hasher = blake3::Hasher::new();
    push_tokens(stream, &mut hasher);
    Some(hasher.finalize().to_hex().to_string())
}

/// Each token as its kind, its length and its text, so that no two sequences of tokens look alike.
fn push_tokens(stream: TokenStream, hasher: &mut blake3::Hasher) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        if let Some(after) = after_doc_comment(rest) {
            rest = after;
            continue;
        }
        match token {
            TokenTree::Ident(ident) => push(b'i', &ident.to_string(), hasher),
            TokenTree::Literal(literal) => push(b'l', &literal.to_string(), hasher),
            TokenTree::Punct(punct) => {
                let (first, is_joint) = (punct.as_char(), punct.spacing() == Spacing::Joint);
                let is_joined = is_joint && is_start_of_operator(first, after.first());
                push(if is_joined { b'j' } else { b'p' }, &first.to_string(), hasher);
            }
            TokenTree::Group(group) => {
                push(b'(', &format!("{:?}", group.delimiter()), hasher);
                push_tokens(group.stream(), hasher);
                push(b')', "", hasher);
            }
        }
        rest = after;
    }
}

fn push(kind: u8, text: &str, hasher: &mut blake3::Hasher) {
    hasher.update(&[kind]);
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// Whether two signs that touch are one operator. Others touch or not as rustfmt likes: `|x|-x`.
fn is_start_of_operator(first: char, second: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Punct(second)) = second else {
        // `'` before the name of a lifetime.
        return false;
    };
    match second.as_char() {
        '=' => "=!<>+-*/%^&|.".contains(first),
        '>' => "-=>".contains(first),
        second => "&|<:.".contains(first) && first == second || (first, second) == ('<', '-'),
    }
}

/// What follows a doc comment, which the lexer has made `#[doc = ".."]` or `#![doc = ".."]`.
fn after_doc_comment(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let tokens = after_sign('#', tokens)?;
    let tokens = after_sign('!', tokens).unwrap_or(tokens);
    match tokens {
        [TokenTree::Group(group), after @ ..] if is_doc(group) => Some(after),
        _ => None,
    }
}

fn after_sign(sign: char, tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [TokenTree::Punct(punct), after @ ..] if punct.as_char() == sign => Some(after),
        _ => None,
    }
}

fn is_doc(group: &Group) -> bool {
    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
    match inside.as_slice() {
        [
            TokenTree::Ident(name),
            TokenTree::Punct(equals),
            TokenTree::Literal(_),
        ] => group.delimiter() == Delimiter::Bracket && name == "doc" && equals.as_char() == '=',
        _ => false,
    }
}

/// The values of a manifest in the order of their keys, as far as they can influence a result.
fn hash_of_manifest(manifest: &Table) -> FileHash {
    let mut manifest = manifest.clone();
    manifest.retain(|key, _| !MEANINGLESS.contains(&key));
    let text = Value::Table(in_order(&manifest)).to_string();
    FileHash {
        hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        bytes: text.len() as u64,
    }
}

/// Sorted by key, and without the dev-dependencies of single platforms, or tables that are empty.
fn in_order(table: &Table) -> Table {
    let mut entries: Vec<(String, Value)> = table
        .iter()
        .filter(|(key, _)| *key != "dev-dependencies")
        .map(|(key, value)| match value {
            Value::Table(inner) => (key.clone(), Value::Table(in_order(inner))),
            other => (key.clone(), other.clone()),
        })
        .collect();
    entries.retain(|(_, value)| value.as_table().is_none_or(|table| !table.is_empty()));
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries.into_iter().collect()
}

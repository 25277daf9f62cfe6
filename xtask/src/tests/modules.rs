//! The modules of a crate, and which file a path in its code leads to.
//!
//! This reads tokens and expands no macro. What a path leads to is the file that defines its last
//! module or name, through every re-export on the way. Methods and implementations of traits that
//! are called without naming their type are not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, TokenTree};

use super::rust_code::{inside, is_path_separator, is_sign, is_word, tokens, without_tests};

/// One binary or library: its modules by their paths, the root under the empty one.
#[derive(Default)]
pub struct Modules(BTreeMap<Vec<String>, Module>);

#[derive(Default)]
struct Module {
    file: PathBuf,
    tokens: Vec<TokenTree>,
    imports: Vec<Import>,
    /// Functions, types, constants and macros.
    items: BTreeSet<String>,
}

/// One name that a `use` brings in.
#[derive(Debug)]
struct Import {
    path: Vec<String>,
    /// `*` for everything in `path`.
    name: String,
    is_public: bool,
}

impl Modules {
    /// The modules that are reached from a root file, without those of tests.
    pub fn of(root: &Path) -> Modules {
        let mut modules = Modules::default();
        let folder = root.parent().unwrap();
        modules.add(Vec::new(), root, folder, without_tests(&tokens(root)));
        modules
    }

    /// Adds a module, whose child modules in files of their own are in `folder`.
    fn add(&mut self, path: Vec<String>, file: &Path, folder: &Path, tokens: Vec<TokenTree>) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        for (place, token) in tokens.iter().enumerate() {
            let TokenTree::Ident(word) = token else {
                continue;
            };
            let Some(TokenTree::Ident(name)) = tokens.get(place + 1 + usize::from(word == "macro_rules"))
            else {
                continue;
            };
            let name = name.to_string();
            if ITEMS.iter().any(|item| word == item) {
                module.items.insert(name);
            } else if word == "mod" {
                let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
                let inner = folder.join(&name);
                match tokens.get(place + 2) {
                    Some(TokenTree::Group(group)) => self.add(child, file, &inner, inside(group)),
                    _ => self.add_file(child, &inner),
                }
            }
        }
        imports(&tokens, &mut module.imports);
        module.tokens = tokens;
        self.0.insert(path, module);
    }

    /// Adds the module in `inner.rs` or `inner/mod.rs`.
    fn add_file(&mut self, path: Vec<String>, inner: &Path) {
        let beside = inner.with_extension("rs");
        let file = if beside.is_file() {
            beside
        } else {
            inner.join("mod.rs")
        };
        self.add(path, &file, inner, without_tests(&tokens(&file)));
    }

    /// Which file needs which: each is the files that its code names.
    pub fn arrows(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let mut arrows: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for (place, module) in &self.0 {
            let targets = arrows.entry(module.file.clone()).or_default();
            let code = code_of_module(&module.tokens);
            let mut named = Vec::new();
            paths(&code, &mut named);
            // A re-export needs what it names only where the code of the same module uses it.
            let mut used = BTreeSet::new();
            words(&code, &mut used);
            let imports = module.imports.iter();
            let needed = imports.filter(|import| !import.is_public || used.contains(&import.name));
            named.extend(needed.map(|import| import.path.clone()));
            targets.extend(named.iter().filter_map(|path| self.file(place, path, 0)));
            targets.remove(&module.file);
        }
        arrows
    }

    /// The file that a path in the module at `place` leads to; `None` for other crates.
    fn file(&self, place: &[String], path: &[String], depth: usize) -> Option<PathBuf> {
        let (mut place, mut rest) = (place.to_vec(), path);
        let mut is_inside = false;
        while let Some((word, after)) = rest.split_first() {
            let child = [place.as_slice(), std::slice::from_ref(word)].concat();
            match word.as_str() {
                "crate" => place.clear(),
                "self" => {}
                "super" => drop(place.pop()),
                _ if self.0.contains_key(&child) => place = child,
                word => return self.file_of_name(&place, word, after, is_inside, depth),
            }
            is_inside = true;
            rest = after;
        }
        is_inside.then(|| self.0[&place].file.clone())
    }

    /// The file that `name::rest` leads to, where `name` is not a child of the module at `place`.
    /// `is_inside` says that this path is known to be of this crate.
    fn file_of_name(
        &self,
        place: &[String],
        name: &str,
        rest: &[String],
        is_inside: bool,
        depth: usize,
    ) -> Option<PathBuf> {
        let module = &self.0[place];
        if module.items.contains(name) {
            return Some(module.file.clone());
        }
        // Re-exports in a circle, and names of other crates, which come back to themselves.
        if depth == 8 {
            return None;
        }
        for import in &module.imports {
            let path = if import.name == name {
                [import.path.as_slice(), rest].concat()
            } else if import.name == "*" {
                [import.path.as_slice(), &[name.to_owned()], rest].concat()
            } else {
                continue;
            };
            if import.name == "*" && !self.defines(place, &path) {
                continue;
            }
            return self.file(place, &path, depth + 1);
        }
        let of_macro = || self.0.values().find(|module| module.items.contains(name));
        let file = || {
            of_macro()
                .filter(|_| place.is_empty())
                .unwrap_or(module)
                .file
                .clone()
        };
        is_inside.then(file)
    }

    /// Whether a path leads to a module of this crate, or to a name that a module itself defines.
    fn defines(&self, place: &[String], path: &[String]) -> bool {
        let mut place = place.to_vec();
        for word in path {
            let child = [place.as_slice(), std::slice::from_ref(word)].concat();
            match word.as_str() {
                "crate" => place.clear(),
                "self" => {}
                "super" => drop(place.pop()),
                _ if self.0.contains_key(&child) => place = child,
                word => return self.0[&place].items.contains(word),
            }
        }
        true
    }
}

/// What a name follows.
const ITEMS: [&str; 10] = [
    "fn",
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "static",
    "union",
    "macro_rules",
    "macro",
];

/// Every `use` in these tokens, also inside functions, but of `::a`, which is another crate.
fn imports(tokens: &[TokenTree], found: &mut Vec<Import>) {
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        place += 1;
        match token {
            TokenTree::Group(group) if !is_inline_module(&tokens[..place - 1]) => {
                imports(&inside(group), found);
            }
            token if is_word(token, "use") => {
                let length = tokens[place..].iter().position(|token| is_sign(token, ';'));
                let tree = &tokens[place..place + length.unwrap_or(0)];
                let before = &tokens[..place - 1];
                let is_public = before.last().is_some_and(|token| match token {
                    TokenTree::Ident(word) => word == "pub",
                    // `pub(crate)`
                    TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
                    _ => false,
                });
                if !is_path_separator(tree) {
                    use_tree(tree, &[], is_public, found);
                }
                place += tree.len();
            }
            _ => {}
        }
    }
}

/// Whether a group after these tokens is the body of a module, which has its own imports.
fn is_inline_module(before: &[TokenTree]) -> bool {
    matches!(before, [.., word, TokenTree::Ident(_)] if is_word(word, "mod"))
}

fn use_tree(tokens: &[TokenTree], prefix: &[String], is_public: bool, found: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    for (place, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                for part in inside(group).split(|token| is_sign(token, ',')) {
                    use_tree(part, &path, is_public, found);
                }
                return;
            }
            TokenTree::Ident(word) if word == "as" => {
                let name = tokens.get(place + 1).map(ToString::to_string);
                let name = name.unwrap_or_default();
                found.push(Import {
                    path,
                    name,
                    is_public,
                });
                return;
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            token if is_sign(token, '*') => {
                let name = "*".to_owned();
                found.push(Import {
                    path,
                    name,
                    is_public,
                });
                return;
            }
            _ => {}
        }
    }
    // `a::{self, b}` brings in `a`.
    if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
        path.pop();
    }
    if let Some(name) = path.last().cloned().filter(|_| !tokens.is_empty()) {
        found.push(Import {
            path,
            name,
            is_public,
        });
    }
}

/// The code without its imports and without the modules that are written inside it.
fn code_of_module(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut is_import = false;
    let mut kept = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        is_import |= is_word(token, "use");
        match token {
            _ if is_import => is_import = !is_sign(token, ';'),
            TokenTree::Group(_) if is_inline_module(&tokens[..place]) => {}
            TokenTree::Group(group) => {
                let stream = code_of_module(&inside(group)).into_iter().collect();
                kept.push(Group::new(group.delimiter(), stream).into());
            }
            other => kept.push(other.clone()),
        }
    }
    kept
}

/// The paths in code: words with `::` between them.
fn paths(code: &[TokenTree], found: &mut Vec<Vec<String>>) {
    for (place, token) in code.iter().enumerate() {
        match token {
            TokenTree::Group(group) => paths(&inside(group), found),
            TokenTree::Ident(word) => {
                let mut rest = &code[place + 1..];
                // `a` in `::a::b`, which is another crate, is not the start of a path of ours.
                let is_after_separator = place >= 2 && is_path_separator(&code[place - 2..]);
                if is_after_separator || !is_path_separator(rest) {
                    continue;
                }
                let mut path = vec![word.to_string()];
                while let [_, _, TokenTree::Ident(word), after @ ..] = rest
                    && is_path_separator(rest)
                {
                    path.push(word.to_string());
                    rest = after;
                }
                found.push(path);
            }
            _ => {}
        }
    }
}

fn words(code: &[TokenTree], found: &mut BTreeSet<String>) {
    for token in code {
        match token {
            TokenTree::Group(group) => words(&inside(group), found),
            TokenTree::Ident(word) => drop(found.insert(word.to_string())),
            _ => {}
        }
    }
}

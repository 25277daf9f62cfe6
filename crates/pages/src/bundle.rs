//! A bundle of CommonJS modules cut down to those that are needed.
//!
//! A bundler writes every module as `var NAME=WRAP((exports,module)=>{…});` and a reference to it
//! as `NAME()`. A module whose name occurs in no module that is kept is never run.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail, ensure};

use crate::javascript::{Kind, Token, Tokens};

/// How the bundler (esbuild, minified) defines the function that wraps modules.
const WRAPPER: &str = "=(e,t)=>()=>(t||e((t={exports:{}}).exports,t),t.exports)";

/// A script that is a bundle, and its modules in their order.
pub struct Bundle<'a> {
    script: &'a str,
    modules: Vec<Module<'a>>,
    by_name: HashMap<&'a str, usize>,
    /// Names outside all modules.
    outside: HashSet<&'a str>,
}

struct Module<'a> {
    name: &'a str,
    /// From its `var` to just after its semicolon, in bytes.
    start: usize,
    end: usize,
    /// The names in it, its own variables among them.
    names: HashSet<&'a str>,
}

impl<'a> Bundle<'a> {
    /// Finds the modules of a script.
    ///
    /// # Errors
    /// A script that is not such a bundle.
    pub fn parse(script: &'a str) -> Result<Self> {
        let at = script.find(WRAPPER).context("no function wraps its modules")?;
        let before = &script[..at];
        let start = before
            .rfind(|letter: char| !is_name(letter))
            .map_or(0, |place| place + 1);
        let wrapper = &before[start..];
        let mut bundle = Bundle {
            script,
            modules: Vec::new(),
            by_name: HashMap::new(),
            outside: HashSet::new(),
        };
        let mut tokens = Tokens::of(script);
        let mut recent: [Option<Token<'a>>; 4] = [None; 4];
        while let Some(token) = tokens.next()? {
            // A name belongs to code outside unless a module turns out to begin with it.
            bundle.add_outside(recent[0]);
            recent.rotate_left(1);
            recent[3] = Some(token);
            if let Some((start, name)) = opened(&recent, wrapper, token) {
                bundle.read_module(&mut tokens, start, name, token.depth)?;
                recent = [None; 4];
            }
        }
        recent.into_iter().for_each(|token| bundle.add_outside(token));
        ensure!(!bundle.modules.is_empty(), "it has no modules");
        Ok(bundle)
    }

    fn add_outside(&mut self, token: Option<Token<'a>>) {
        let name = token.filter(|token| token.kind == Kind::Name);
        self.outside.extend(name.map(|token| token.text));
    }

    /// Reads on to the end of a module, whose bracket opens at `depth`.
    fn read_module(
        &mut self,
        tokens: &mut Tokens<'a>,
        start: usize,
        name: &'a str,
        depth: usize,
    ) -> Result<()> {
        let mut names = HashSet::new();
        loop {
            let token = tokens.next()?.context("a module does not end")?;
            if token.kind == Kind::Name {
                names.insert(token.text);
            }
            if token.text == ")" && token.depth == depth {
                break;
            }
        }
        let semicolon = tokens.next()?.filter(|token| token.text == ";");
        let end = semicolon.context("a module is not a statement of its own")?.start + 1;
        self.by_name.insert(name, self.modules.len());
        self.modules.push(Module {
            name,
            start,
            end,
            names,
        });
        Ok(())
    }

    fn text(&self, module: usize) -> &'a str {
        &self.script[self.modules[module].start..self.modules[module].end]
    }

    /// The modules that a module names.
    fn named(&self, module: usize) -> impl Iterator<Item = usize> {
        let own = &self.modules[module];
        let names = own.names.iter().filter(|name| **name != own.name);
        names.filter_map(|name| self.by_name.get(name).copied())
    }

    /// The script with only those of the plug-ins that `is_wanted` is true of, and without the
    /// modules that nothing else needs. The last module registers the plug-ins as
    /// `.register([a(),b()])`; `is_wanted` sees the text of the module that defines one.
    ///
    /// # Errors
    /// A last module that registers nothing.
    pub fn with_plug_ins(&self, is_wanted: impl Fn(&str) -> bool) -> Result<String> {
        let entry = self.modules.len() - 1;
        let text = self.text(entry);
        let (before, rest) = text.split_once(".register([").context("it registers nothing")?;
        let (list, after) = rest.split_once("])").context("its list does not end")?;
        let mut wanted = Vec::new();
        for call in list.split(',') {
            let name = call.strip_suffix("()").unwrap_or(call);
            match self.by_name.get(name) {
                Some(module) if is_wanted(self.text(self.definition(*module))) => wanted.push(call),
                Some(_) => {}
                None => bail!("{call} is not a module"),
            }
        }
        let plug_ins = wanted.join(",");
        let entry_text = format!("{before}.register([{plug_ins}]){after}");
        let kept = self.needed(entry, &entry_text)?;
        let mut script = String::new();
        let mut at = 0;
        for (place, module) in self.modules.iter().enumerate() {
            script.push_str(&self.script[at..module.start]);
            match place {
                _ if place == entry => script.push_str(&entry_text),
                _ if kept[place] => script.push_str(self.text(place)),
                _ => {}
            }
            at = module.end;
        }
        script.push_str(&self.script[at..]);
        Ok(script)
    }

    /// The actual module behind one that only re-exports it.
    fn definition(&self, module: usize) -> usize {
        let hands_on = |other: &usize| {
            let call = format!(".exports={}()", self.modules[*other].name);
            self.text(module).contains(&call)
        };
        self.named(module).find(hands_on).unwrap_or(module)
    }

    /// For each module whether it can be run, where the entry has this text.
    fn needed(&self, entry: usize, entry_text: &str) -> Result<Vec<bool>> {
        let mut first: HashSet<&str> = self.outside.clone();
        let mut tokens = Tokens::of(entry_text);
        let mut names = Vec::new();
        while let Some(token) = tokens.next()? {
            if token.kind == Kind::Name {
                names.push(token.text);
            }
        }
        first.extend(names.iter().filter_map(|name| {
            let place = self.by_name.get(name)?;
            Some(self.modules[*place].name)
        }));
        let mut kept = vec![false; self.modules.len()];
        kept[entry] = true;
        let mut next: Vec<usize> = first
            .into_iter()
            .filter_map(|name| self.by_name.get(name).copied())
            .collect();
        while let Some(module) = next.pop() {
            if !std::mem::replace(&mut kept[module], true) {
                next.extend(self.named(module));
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
impl Bundle<'_> {
    pub fn module_count(&self) -> usize {
        self.modules.len()
    }

    /// Modules of `whole` that are named here but are not part of this bundle.
    pub fn unknown_names<'b>(&self, whole: &'b Bundle<'_>) -> Vec<&'b str> {
        let inside = self.modules.iter().flat_map(|module| &module.names);
        let named: HashSet<&str> = inside.chain(&self.outside).copied().collect();
        let all = whole.modules.iter().map(|module| module.name);
        all.filter(|name| named.contains(name) && !self.by_name.contains_key(name))
            .collect()
    }
}

/// Where a module begins and its name, if `token` is the bracket that opens it.
fn opened<'a>(recent: &[Option<Token<'a>>; 4], wrapper: &str, token: Token<'a>) -> Option<(usize, &'a str)> {
    let [Some(name), Some(equals), Some(call), Some(_)] = recent else {
        return None;
    };
    let is_it = token.text == "("
        && call.text == wrapper
        && call.kind == Kind::Name
        && equals.text == "="
        && name.kind == Kind::Name;
    is_it.then(|| (name.start - "var ".len().min(name.start), name.text))
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plug-ins `map` and `bar`; `map` needs `globe`, both need `core`, and code outside needs
    /// `lazy`.
    const SCRIPT: &str = "var P=(()=>{var w=(e,t)=>()=>(t||e((t={exports:{}}).exports,t),t.exports);\
        var core=w((e,t)=>{t.exports={w:e.globe,x:/globe()/,y:\"})\"}});\
        var globe=w((e,t)=>{t.exports=core()});\
        var map=w((e,t)=>{globe();t.exports={name:\"map\"}});\
        var bar=w((e,t)=>{core();t.exports={name:\"bar\"}});\
        var handsOn=w((e,t)=>{t.exports=bar()});\
        var lazy=w((e,t)=>{});function f(){lazy()}\
        var all=w((e,t)=>{var c=core();c.register([map(),handsOn()]);t.exports=c});return all();})();";

    #[test]
    fn what_only_an_unwanted_plug_in_needs_is_gone() {
        let bundle = Bundle::parse(SCRIPT).unwrap();
        let bars = bundle
            .with_plug_ins(|text| text.contains("name:\"bar\""))
            .unwrap();
        let expected = SCRIPT
            .replace("var globe=w((e,t)=>{t.exports=core()});", "")
            .replace("var map=w((e,t)=>{globe();t.exports={name:\"map\"}});", "")
            .replace("map(),", "");
        assert_eq!(bars, expected);
        assert_eq!(bundle.with_plug_ins(|_| true).unwrap(), SCRIPT);
        let none = bundle.with_plug_ins(|_| false).unwrap();
        assert!(none.contains(".register([])") && !none.contains("var bar=") && none.contains("var lazy="));
    }

    #[test]
    fn another_form_is_refused() {
        for (broken, why) in [
            (
                SCRIPT.replace("t.exports)", "t.exports )"),
                "no function wraps its modules",
            ),
            (SCRIPT.replace("c.register(", "c.add("), "it registers nothing"),
            (SCRIPT.replace("[map()", "[mop()"), "mop() is not a module"),
            (
                SCRIPT.replace("var core=w((e,t)=>{", "var core=w((e,t)=>{("),
                "has no partner",
            ),
        ] {
            let error = Bundle::parse(&broken)
                .and_then(|bundle| bundle.with_plug_ins(|_| true))
                .unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}

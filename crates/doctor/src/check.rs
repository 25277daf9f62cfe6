use std::fmt::Display;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub level: Level,
    /// What was found; except for `Fine`, it ends with what to do, after `; `.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Fine,
    /// It will work, but slowly or with less.
    Warning,
    /// It will fail.
    Problem,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        }
    }
}

impl Check {
    pub fn fine(name: &'static str, text: impl Display) -> Self {
        Check::new(name, Level::Fine, text)
    }

    pub fn warning(name: &'static str, text: impl Display) -> Self {
        Check::new(name, Level::Warning, text)
    }

    pub fn problem(name: &'static str, text: impl Display) -> Self {
        Check::new(name, Level::Problem, text)
    }

    fn new(name: &'static str, level: Level, text: impl Display) -> Self {
        Check {
            name,
            level,
            text: text.to_string(),
        }
    }
}

use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Write as _, stderr, stdin, stdout};

use anyhow::Result;
use console::{Term, style};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};
use terms::Speaker;

/// Where lines come from and answers go to. At a terminal there is a prompt and each answer says
/// whose it is; otherwise standard output holds answers and lists only, and what else is to be said
/// goes to standard error.
pub struct Screen {
    is_terminal: bool,
    /// What the arrow keys bring back.
    history: MemHistory,
}

pub enum Input {
    Line(String),
    /// Bytes that are not UTF-8.
    NotText,
    /// Ctrl-C at the prompt.
    Interrupted,
    End,
}

impl Screen {
    pub fn open() -> Self {
        Screen {
            is_terminal: stdin().is_terminal(),
            history: MemHistory::new(),
        }
    }

    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next line, which this speaker will have said.
    pub fn read(&mut self, speaker: Speaker) -> Result<Input> {
        if !self.is_terminal {
            let mut line = Vec::new();
            return Ok(match stdin().lock().read_until(b'\n', &mut line)? {
                0 => Input::End,
                _ => String::from_utf8(line).map_or(Input::NotText, Input::Line),
            });
        }
        // As long as there is an editor, it handles Ctrl-C; while the model speaks, we do.
        let history = std::mem::take(&mut self.history);
        let mut editor = Editor::<(), MemHistory>::with_history(Config::default(), history)?;
        let line = editor.readline(&format!("{}> ", style(speaker.as_str()).bold()));
        if let Ok(line) = &line {
            editor.add_history_entry(line.as_str())?;
        }
        self.history = std::mem::take(editor.history_mut());
        match line {
            Ok(line) => Ok(Input::Line(line)),
            Err(ReadlineError::Interrupted) => Ok(Input::Interrupted),
            Err(ReadlineError::Eof) => Ok(Input::End),
            // What the editor says of bytes that are not UTF-8.
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => Ok(Input::NotText),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins an answer: who speaks, and what is done to them.
    pub fn begin_answer(&self, speaker: Speaker, steering: &str) -> Result<()> {
        if self.is_terminal() {
            let name = style(speaker.as_str()).cyan().bold();
            let steering = match steering {
                "" => String::new(),
                _ => format!(" [{steering}]"),
            };
            self.write(&format!("{name}{}> ", style(steering).dim()))?;
        }
        Ok(())
    }

    pub fn write(&self, text: &str) -> Result<()> {
        let mut out = stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// A remark of the program.
    pub fn note(&self, text: &str) -> Result<()> {
        Ok(writeln!(stderr().lock(), "{}", style(text).dim().for_stderr())?)
    }

    /// Columns of characters, where lists are laid out.
    pub fn width(&self) -> usize {
        Term::stdout()
            .size_checked()
            .map_or(100, |(_, columns)| usize::from(columns))
    }
}

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::{layout, root, text_of_stage};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program at its own terminal, which `script` makes.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// `None` where there is no `script`; then the reason is printed.
    #[allow(clippy::print_stderr, reason = "a skipped test says why")]
    fn start() -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_chat");
        let results = layout().root().display();
        // What runs in the background, as the tests may, has Ctrl-C switched off, which its
        // children would inherit. And the shell must be gone: one that waits for the program is
        // interrupted with it, and says so at the end.
        let command = format!(
            "exec env --default-signal=INT '{program}' --pipeline pipelines/tiny.toml --set model.device=cpu --results '{results}'"
        );
        let child = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .current_dir(root())
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("skipped: there is no program `script` to make a terminal with");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        let (sender, output) = channel();
        let mut out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = out.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Terminal {
            child,
            output,
            seen: String::new(),
        };
        terminal.wait_for("user> ");
        Some(terminal)
    }

    fn press(&mut self, keys: &str) {
        let keyboard = self.child.stdin.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Waits until this is on the screen, and forgets what was there up to its end.
    fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(position) = self.seen.find(text) {
                self.seen.drain(..position + text.len());
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{error}: waited for {text:?}, saw {:?}", self.seen),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_are_edited_and_ctrl_c_stops_an_answer_and_not_the_program() {
    let Some(mut terminal) = Terminal::start() else {
        return;
    };
    // A letter too many is taken back.
    terminal.press("Who are you??\u{7f}\r");
    terminal.wait_for(&format!(
        "model> {}",
        text_of_stage("normal", "Who are you?", None)
    ));
    terminal.press("/max 1000000\r");
    terminal.wait_for("1000000 new tokens at most");
    // No text ends under such a push.
    terminal.press("/steer layer=3 coef=40\r");
    terminal.wait_for("+40 contrast at layer 3");
    terminal.press("/again\r");
    terminal.wait_for("model [+40 contrast at layer 3]> ");
    terminal.press("\u{3}");
    terminal.wait_for("(stopped)");
    terminal.press("/bad\r");
    terminal.wait_for("error: there is no command /bad");
    // Before the editor is there, Ctrl-C would be one that comes too late to stop an answer.
    terminal.wait_for("user> ");
    terminal.press("\u{3}");
    terminal.wait_for("Ctrl-C again ends");
    terminal.press("/off\r");
    terminal.wait_for("not steered");
    terminal.press("\u{4}");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
}

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::connection::Connection;
use crate::page::Page;

/// A running browser with its own profile, which ends when this value is dropped. Tests may share
/// one: each has its own pages.
pub struct Browser {
    child: Child,
    connection: Connection,
    profile: TempDir,
}

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// The browser reads messages from the file descriptor 3 and writes them to 4. The shell puts our
/// pipes there.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;

impl Browser {
    /// The program, in the folders of `PATH`.
    pub fn find() -> Option<PathBuf> {
        let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
        let places = NAMES
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        places.into_iter().find(|place| place.is_file())
    }

    /// `None` without a browser; the reason is printed, so that a test can be skipped.
    #[allow(clippy::print_stderr, reason = "a skipped test says why")]
    pub fn start_or_say_why_not() -> Result<Option<Self>> {
        let Some(program) = Self::find() else {
            eprintln!("skipped: none of {} is in PATH", NAMES.join(", "));
            return Ok(None);
        };
        Self::start(&program).map(Some)
    }

    pub fn start(program: &Path) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut child = Command::new("sh")
            .args(["-c", WITH_PIPES, "sh"])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} can't be started", program.display()))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let connection = Connection::new(to.context("no pipe to it")?, from.context("no pipe from it")?);
        let browser = Browser {
            child,
            connection,
            profile,
        };
        let version = browser.connection.call(None, "Browser.getVersion", json!({}));
        version.with_context(|| format!("{} does not answer", program.display()))?;
        Ok(browser)
    }

    /// A new, empty page, 1200 pixels wide and 900 high.
    pub fn page(&self) -> Result<Page<'_>> {
        // A separate context shares no cookies, storage or cache with others.
        let context = self.id("Target.createBrowserContext", json!({}), "browserContextId")?;
        let about = json!({ "url": "about:blank", "browserContextId": context });
        let target = self.id("Target.createTarget", about, "targetId")?;
        let about = json!({ "targetId": target, "flatten": true });
        let session = self.id("Target.attachToTarget", about, "sessionId")?;
        let downloads = self.profile.path().join("downloads").join(&session);
        Page::new(&self.connection, session, context, downloads)
    }

    fn id(&self, method: &str, about: Value, name: &str) -> Result<String> {
        let answer = self.connection.call(None, method, about)?;
        let id = answer[name].as_str();
        Ok(id
            .with_context(|| format!("{method} gives no {name}"))?
            .to_owned())
    }
}

impl Drop for Browser {
    /// Without its pipe the browser ends, with all its processes; if it doesn't, it is killed.
    fn drop(&mut self) {
        self.connection.close();
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        // Nothing can be done about a failure, and the process may just have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

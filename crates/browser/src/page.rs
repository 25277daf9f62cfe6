use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::connection::{Connection, PATIENCE};

/// One tab. It collects what goes wrong in it and what it asks for, from the start.
pub struct Page<'a> {
    connection: &'a Connection,
    session: String,
    context: String,
    downloads: PathBuf,
    is_dark: Cell<bool>,
    is_print: Cell<bool>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        session: String,
        context: String,
        downloads: PathBuf,
    ) -> Result<Self> {
        fs_err::create_dir_all(&downloads)?;
        let page = Page {
            connection,
            session,
            context,
            downloads,
            is_dark: Cell::new(false),
            is_print: Cell::new(false),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}))?;
        }
        let behaviour = json!({
            "behavior": "allow", "browserContextId": page.context, "downloadPath": page.downloads,
        });
        page.connection
            .call(None, "Browser.setDownloadBehavior", behaviour)?;
        page.set_size(1200, 900)?;
        Ok(page)
    }

    /// Goes to an address and waits until all of it has loaded.
    pub fn open(&self, url: &str) -> Result<()> {
        let since = self.events().len();
        let answer = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        // Without a loader only the part behind the # has changed.
        if answer.get("loaderId").is_some() {
            self.connection
                .wait_for_event(&self.session, "Page.loadEventFired", since)?;
        }
        Ok(())
    }

    /// Opens a file on this machine.
    pub fn open_file(&self, path: &Path) -> Result<()> {
        self.open(&format!("file://{}", fs_err::canonicalize(path)?.display()))
    }

    /// The value of a JavaScript expression, or of its promise. What is not JSON is null.
    pub fn evaluate(&self, expression: &str) -> Result<Value> {
        let about = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", about)?;
        match answer.get("exceptionDetails") {
            Some(details) => bail!("{expression}: {}", exception(details)),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until a JavaScript expression is true.
    pub fn wait_for(&self, condition: &str) -> Result<()> {
        let begin = Instant::now();
        while self.evaluate(&format!("Boolean({condition})"))? != true {
            if begin.elapsed() > PATIENCE {
                bail!("waited in vain for {condition}");
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Errors and warnings of the console, exceptions that nothing caught, and what the browser
    /// refused or failed to load.
    pub fn problems(&self) -> Vec<String> {
        self.events().iter().filter_map(problem).collect()
    }

    /// Every address that was asked for, the page's own included. What is within the page (`data:`,
    /// `blob:`) doesn't count.
    pub fn requests(&self) -> Vec<String> {
        let events = self.events();
        let urls = events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .filter_map(|event| event["params"]["request"]["url"].as_str());
        urls.filter(|url| !url.starts_with("data:") && !url.starts_with("blob:"))
            .map(str::to_owned)
            .collect()
    }

    /// Waits for a file that the page saves, whose name has this ending, and gives its content. It
    /// is removed, so that the next one can be waited for.
    pub fn saved_file(&self, ending: &str) -> Result<Vec<u8>> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            for entry in fs_err::read_dir(&self.downloads)? {
                let path = entry?.path();
                if path.to_string_lossy().ends_with(ending) {
                    let content = fs_err::read(&path)?;
                    fs_err::remove_file(&path)?;
                    return Ok(content);
                }
            }
            sleep(Duration::from_millis(20));
        }
        bail!("waited in vain for a file *{ending}")
    }

    pub fn set_size(&self, width: u32, height: u32) -> Result<()> {
        let about = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", about)?;
        Ok(())
    }

    /// As on a machine that is set to dark colours, or to light ones.
    pub fn set_dark(&self, is_dark: bool) -> Result<()> {
        self.is_dark.set(is_dark);
        self.emulate()
    }

    /// As on paper, or as on a screen.
    pub fn set_print(&self, is_print: bool) -> Result<()> {
        self.is_print.set(is_print);
        self.emulate()
    }

    /// The protocol forgets one of them where it isn't told both.
    fn emulate(&self) -> Result<()> {
        let scheme = if self.is_dark.get() { "dark" } else { "light" };
        let media = if self.is_print.get() { "print" } else { "screen" };
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        let about = json!({ "media": media, "features": [feature] });
        self.call("Emulation.setEmulatedMedia", about)?;
        Ok(())
    }

    /// Any command of the protocol, for this page.
    pub fn call(&self, method: &str, parameters: Value) -> Result<Value> {
        self.connection.call(Some(&self.session), method, parameters)
    }

    fn events(&self) -> Vec<Value> {
        self.connection.events(&self.session)
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        // The browser may have ended already.
        let about = json!({ "browserContextId": self.context });
        let _ = self.connection.call(None, "Target.disposeBrowserContext", about);
    }
}

fn problem(event: &Value) -> Option<String> {
    let about = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(exception(&about["exceptionDetails"])),
        "Runtime.consoleAPICalled" => {
            let kind = about["type"].as_str()?;
            let words = about["args"].as_array()?.iter().map(|argument| {
                let value = argument.get("value").or(argument.get("description"));
                value.map_or(String::new(), |value| {
                    value.as_str().map_or(value.to_string(), str::to_owned)
                })
            });
            matches!(kind, "error" | "warning" | "assert")
                .then(|| format!("{kind}: {}", words.collect::<Vec<_>>().join(" ")))
        }
        "Log.entryAdded" => {
            let entry = &about["entry"];
            let level = entry["level"].as_str()?;
            let text = || format!("{level}: {} {}", entry["text"], entry["url"]);
            matches!(level, "error" | "warning").then(text)
        }
        _ => None,
    }
}

fn exception(details: &Value) -> String {
    let thrown = &details["exception"];
    let said = thrown.get("description").or(thrown.get("value"));
    said.unwrap_or(&details["text"])
        .as_str()
        .unwrap_or("an exception")
        .to_owned()
}

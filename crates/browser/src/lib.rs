//! A headless Chromium for tests: pages opened, read and used as people do, with keys and a mouse.
//!
//! A thin client of the DevTools protocol. Messages go through a pair of pipes, so that no port is
//! opened, and a browser whose test has died sees its pipe closed and ends.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let Some(browser) = browser::Browser::start_or_say_why_not()? else { return Ok(()) };
//! let page = browser.page()?;
//! page.open("file:///home/me/report.html")?;
//! page.press("Tab")?;
//! assert_eq!(page.evaluate("document.title")?, "A report");
//! assert!(page.problems().is_empty() && page.requests().len() == 1);
//! # Ok(())
//! # }
//! ```

mod chromium;
mod connection;
mod input;
mod page;
mod picture;

pub use chromium::Browser;
pub use page::Page;

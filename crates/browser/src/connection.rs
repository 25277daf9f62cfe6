use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long an answer may take. Test pages are small; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Messages to the browser and back: JSON, each ended by a zero byte.
pub struct Connection {
    sender: Mutex<Sender>,
    received: Arc<Received>,
}

struct Sender {
    /// `None` once closed.
    pipe: Option<ChildStdin>,
    last_id: u64,
}

#[derive(Default)]
struct Received {
    inbox: Mutex<Inbox>,
    news: Condvar,
}

#[derive(Default)]
struct Inbox {
    answers: HashMap<u64, Value>,
    /// By session, in order.
    events: HashMap<String, Vec<Value>>,
    is_closed: bool,
}

impl Connection {
    pub fn new(to: ChildStdin, from: ChildStdout) -> Self {
        let received = Arc::new(Received::default());
        let reader = Arc::clone(&received);
        thread::spawn(move || reader.fill(from));
        Connection {
            sender: Mutex::new(Sender {
                pipe: Some(to),
                last_id: 0,
            }),
            received,
        }
    }

    /// Sends a command and waits for its result.
    pub fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
        let id = self.send(session, method, parameters)?;
        let answer = self
            .received
            .wait(|inbox| inbox.answers.remove(&id))
            .with_context(|| format!("no answer to {method}"))?;
        match answer.get("error") {
            Some(error) => bail!("{method}: {}", error["message"].as_str().unwrap_or("an error")),
            None => Ok(answer["result"].clone()),
        }
    }

    /// The events of a session so far.
    pub fn events(&self, session: &str) -> Vec<Value> {
        self.received
            .lock()
            .events
            .get(session)
            .cloned()
            .unwrap_or_default()
    }

    /// Waits for an event by its name, the first after `since` earlier ones.
    pub fn wait_for_event(&self, session: &str, name: &str, since: usize) -> Result<()> {
        let is_there = |inbox: &mut Inbox| {
            let events = inbox.events.get(session)?;
            events
                .iter()
                .skip(since)
                .any(|event| event["method"] == name)
                .then_some(())
        };
        self.received
            .wait(is_there)
            .with_context(|| format!("waited in vain for {name}"))
    }

    pub fn close(&self) {
        lock(&self.sender).pipe = None;
    }

    fn send(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<u64> {
        let mut sender = lock(&self.sender);
        sender.last_id += 1;
        let id = sender.last_id;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        let pipe = sender.pipe.as_mut().context("the browser was closed")?;
        pipe.write_all(&bytes).context("the browser has ended")?;
        Ok(id)
    }
}

impl Received {
    /// Reads until the browser ends.
    fn fill(&self, from: ChildStdout) {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while matches!(from.read_until(0, &mut bytes), Ok(length) if length > 0) {
            if let Ok(message) = serde_json::from_slice(bytes.strip_suffix(&[0]).unwrap_or(&bytes)) {
                self.lock().take(message);
                self.news.notify_all();
            }
            bytes.clear();
        }
        self.lock().is_closed = true;
        self.news.notify_all();
    }

    fn wait<T>(&self, mut find: impl FnMut(&mut Inbox) -> Option<T>) -> Result<T> {
        let mut inbox = self.lock();
        loop {
            if let Some(found) = find(&mut inbox) {
                return Ok(found);
            }
            if inbox.is_closed {
                bail!("the browser has ended");
            }
            let (after, waited) = self
                .news
                .wait_timeout(inbox, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() {
                bail!("{} seconds have passed", PATIENCE.as_secs());
            }
            inbox = after;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }
}

impl Inbox {
    fn take(&mut self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            self.answers.insert(id, message);
        } else {
            let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
            self.events.entry(session).or_default().push(message);
        }
    }
}

/// A test that panicked with the lock leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

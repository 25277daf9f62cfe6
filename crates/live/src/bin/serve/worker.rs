use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use anyhow::Result;
use live::{LiveModel, Prepared};
use model::FinishReason;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::question::Question;

/// A question, and where its answers go. Whoever asked may go away, which ends the work.
pub struct Job {
    pub question: Question,
    pub events: UnboundedSender<Event>,
}

/// What becomes of a question: it is refused, or lines of JSON come.
#[derive(Debug)]
pub enum Event {
    Refused(String),
    Line(String),
}

/// Answers one question after the other, on the model's own thread, until nobody can ask any more.
pub fn work(mut model: LiveModel, jobs: mpsc::Receiver<Job>, stop: Arc<AtomicBool>) {
    for job in jobs {
        let is_unwanted = || job.events.is_closed() || stop.load(Ordering::Relaxed);
        if is_unwanted() {
            continue;
        }
        let settings = job.question.settings();
        let send = |event: Event| {
            if job.events.send(event).is_err() || is_unwanted() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let prepared = match prepare(&model, job.question) {
            Ok(prepared) => prepared,
            Err(error) => {
                let _ = send(Event::Refused(format!("{error:#}")));
                continue;
            }
        };
        let _ = send(line(&json!({ "answers": prepared.len() })));
        let answers = model.answer(&prepared, settings, &mut |pieces| {
            for piece in pieces {
                let flow = send(line(&json!({ "answer": piece.answer, "text": piece.text })));
                if flow.is_break() {
                    return flow;
                }
            }
            match is_unwanted() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let last = match answers {
            Ok(answers) => json!({
                "ended": answers.iter().map(|answer| json!({
                    "tokens": answer.tokens,
                    "finish": finish(answer.finish),
                })).collect::<Vec<_>>(),
            }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        let _ = send(line(&last));
    }
}

fn prepare(model: &LiveModel, question: Question) -> Result<Vec<Prepared>> {
    let answers = question.answers();
    answers
        .map(|(conversation, steering)| model.prepare(&conversation, &steering))
        .collect()
}

fn line(value: &Value) -> Event {
    Event::Line(format!("{value}\n"))
}

fn finish(finish: Option<FinishReason>) -> &'static str {
    match finish {
        Some(reason) => reason.as_str(),
        None => "interrupted",
    }
}

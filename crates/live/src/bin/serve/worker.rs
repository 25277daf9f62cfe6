use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use anyhow::Result;
use live::{Answer, LiveModel, Prepared};
use model::FinishReason;
use pages::{Markup, Span, compared};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::question::{Question, Reference};

/// A question, and where its answers go. The asker may go away, which ends the work.
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
    for mut job in jobs {
        let is_unwanted = || job.events.is_closed() || stop.load(Ordering::Relaxed);
        if is_unwanted() {
            continue;
        }
        let settings = job.question.settings();
        let references = job.question.take_references();
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
                "ended": answers.iter().zip(references).map(|(answer, reference)| json!({
                    "tokens": answer.tokens,
                    "finish": finish(answer.finish),
                    "spans": reference.map(|reference| marked(&answers, answer, &reference)),
                })).collect::<Vec<_>>(),
            }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        let _ = send(line(&last));
    }
}

/// An answer with the words marked that its reference does not have there. It holds no token of the
/// chat format: those end it.
fn marked(answers: &[Answer], answer: &Answer, reference: &Reference) -> Vec<Span> {
    let reference = match reference {
        Reference::Answer(number) => answers.get(*number).map_or("", |other| &other.text),
        Reference::Text(text) => text,
    };
    compared(&Markup::default(), reference, &answer.text)
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

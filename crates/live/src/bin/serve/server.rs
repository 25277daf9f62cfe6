use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_core::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::guard::{Guard, random_text};
use crate::page::Page;
use crate::question::Question;
use crate::worker::{Event, Job};

/// Questions are conversations, and no longer than this.
const MOST_BYTES: usize = 256 << 10;

pub struct Server {
    pub guard: Guard,
    pub page: Page,
    pub jobs: Sender<Job>,
}

/// `GET /` is the page, `POST /answer` a question; each needs the token.
pub fn router(server: Server) -> Router {
    let server = Arc::new(server);
    Router::new()
        .route("/", get(page))
        .route("/answer", post(answer))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(Arc::clone(&server), guarded))
        .with_state(server)
}

/// Before anything else: whether the request is answered at all.
async fn guarded(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let mut response = match server.guard.refusal(request.uri(), request.headers()) {
        Some(reason) => (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn page(State(server): State<Arc<Server>>) -> Result<Response, Failure> {
    let nonce = random_text()?;
    let html = server.page.render(&nonce)?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    Ok((headers, html).into_response())
}

/// Lines of JSON as they come.
async fn answer(State(server): State<Arc<Server>>, body: Bytes) -> Result<Response, Failure> {
    let question = match Question::parse(&body) {
        Ok(question) => question,
        Err(error) => return Ok(refused(&format!("{error:#}"))),
    };
    let (events, mut receiver) = unbounded_channel();
    server.jobs.send(Job { question, events }).map_err(|_| Failure)?;
    match receiver.recv().await {
        Some(Event::Line(first)) => {
            let lines = Lines {
                first: Some(first),
                rest: receiver,
            };
            let headers = [(CONTENT_TYPE, "application/x-ndjson")];
            Ok((headers, Body::from_stream(lines)).into_response())
        }
        Some(Event::Refused(reason)) => Ok(refused(&reason)),
        None => Err(Failure),
    }
}

fn refused(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response()
}

/// The answer's lines. When its reader goes, it is dropped, which closes the channel.
struct Lines {
    first: Option<String>,
    rest: UnboundedReceiver<Event>,
}

impl Stream for Lines {
    type Item = Result<String, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.rest.poll_recv(context).map(|event| match event {
            Some(Event::Line(line)) => Some(Ok(line)),
            Some(Event::Refused(_)) | None => None,
        })
    }
}

/// Something here is broken, not the question.
struct Failure;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let message = "the server is stopping, or broken: see its terminal\n";
        (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
    }
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        tracing::error!("{error:#}");
        Failure
    }
}

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::{program, text_of_stage};

pub struct Server {
    child: Child,
    pub port: u16,
    token: String,
}

impl Server {
    pub fn start() -> Self {
        let mut child = program(env!("CARGO_BIN_EXE_serve"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let rest = line.trim().strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = rest.split_once("/?token=").unwrap();
        assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        Server {
            child,
            port: port.parse().unwrap(),
            token: token.to_owned(),
        }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    /// Asks as the page does.
    fn ask(&self, question: &Value) -> Response {
        let target = format!("/answer?token={}", self.token);
        send(self.port, "POST", &target, &[&self.host()], &question.to_string())
    }

    /// The texts of all answers, and the last line.
    fn answers(&self, question: &Value) -> (Vec<String>, Value) {
        let response = self.ask(question);
        let status = response.status;
        let body = response.text();
        assert_eq!(status, 200, "{body}");
        let mut texts = vec![String::new(); question["answers"].as_array().unwrap().len()];
        let mut last = Value::Null;
        for line in body.lines() {
            last = serde_json::from_str(line).unwrap();
            if let Some(text) = last["text"].as_str() {
                texts[last["answer"].as_u64().unwrap() as usize].push_str(text);
            }
        }
        (texts, last)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A user's words, answered as it is and steered.
fn question(text: &str, coefficient: f64) -> Value {
    let turns = json!([{ "speaker": "user", "text": text }]);
    json!({
        "opens": "model",
        "answers": [
            { "turns": turns },
            { "turns": turns, "steering": [{ "vector": "contrast", "layer": 3, "coef": coefficient }] },
        ],
        "max_new_tokens": 48,
    })
}

/// One that would be answered for minutes: a push that lets no text end.
fn endless_question() -> Value {
    let mut question = question("Who are you?", 40.0);
    let steered = question["answers"][1].clone();
    question["answers"] = json!(vec![steered; 8]);
    question["max_new_tokens"] = json!(4096);
    question
}

#[test]
fn both_texts_are_those_of_the_stage_and_the_same_again() {
    let server = Server::start();
    for prompt in ["Who are you?", "Can you help me?"] {
        let asked = question(prompt, -0.65);
        let (texts, last) = server.answers(&asked);
        let expected = [
            text_of_stage("normal", prompt, None),
            text_of_stage("steered", prompt, Some(-0.65)),
        ];
        assert_eq!(texts, expected);
        assert_eq!(last["ended"][1]["finish"], "stop");
        assert!(last["ended"][1]["tokens"].as_u64().unwrap() > 5);
        assert_eq!(server.answers(&asked).0, expected);
    }
    let as_user = json!({
        "opens": "user",
        "answers": [{
            "turns": [{ "speaker": "user", "text": "Hello." }, { "speaker": "model", "text": "Who are you?" }],
            "steering": [{ "layer": 3, "coef": 0.65 }],
        }],
        "max_new_tokens": 48,
    });
    let expected = text_of_stage("steered-swapped", "Who are you?", Some(0.65));
    assert_eq!(server.answers(&as_user).0, [expected]);
}

#[test]
fn an_answer_is_compared_with_another_or_with_a_text() {
    let server = Server::start();
    let mut asked = question("Who are you?", -0.65);
    asked["answers"][1]["reference"] = json!(0);
    let (texts, last) = server.answers(&asked);
    assert!(last["ended"][0]["spans"].is_null());
    let spans = &last["ended"][1]["spans"];
    let expected = pages::compared(&pages::Markup::default(), &texts[0], &texts[1]);
    assert_eq!(*spans, json!(expected));
    assert!(expected.iter().any(|span| span.differs));
    // The same text, as the page remembers it.
    let steered = asked["answers"][1].clone();
    asked["answers"] = json!([steered]);
    asked["answers"][0]["reference"] = json!(texts[0]);
    assert_eq!(server.answers(&asked).1["ended"][0]["spans"], *spans);
    for bad in [json!(1), json!(-1), json!("word ".repeat(4097))] {
        asked["answers"][0]["reference"] = bad.clone();
        assert_eq!(server.ask(&asked).status, 400, "{bad}");
    }
}

#[test]
fn answers_come_piece_by_piece() {
    let server = Server::start();
    let mut response = server.ask(&question("Who are you?", 0.65));
    assert!(response.head.contains("content-type: application/x-ndjson"));
    assert_eq!(response.chunk().unwrap(), "{\"answers\":2}\n");
    let mut pieces = 0;
    while let Some(chunk) = response.chunk() {
        pieces += chunk.lines().filter(|line| line.contains("\"text\"")).count();
    }
    assert!(pieces > 10, "{pieces}");
}

#[test]
fn only_who_has_the_token_and_the_right_names_is_answered() {
    let server = Server::start();
    let (port, token) = (server.port, &server.token);
    let page = format!("/?token={token}");
    let local = format!("Host: localhost:{port}");
    let status = |target: &str, head: &[&str]| send(port, "GET", target, head, "").status;
    assert_eq!(status(&page, &[&server.host()]), 200);
    assert_eq!(status(&page, &[&local]), 200);
    for target in [
        "/",
        "/?token=",
        "/?token=0",
        &page[..page.len() - 1],
        "/answer",
        "/nothing",
    ] {
        assert_eq!(status(target, &[&server.host()]), 403, "{target}");
    }
    let elsewhere = format!("Host: example.com:{port}");
    for host in [
        "Host: 127.0.0.1",
        "Host: 127.0.0.1:1",
        elsewhere.as_str(),
        "Host:",
    ] {
        assert_eq!(status(&page, &[host]), 403, "{host}");
    }
    let origin = |origin: &str| status(&page, &[&server.host(), &format!("Origin: {origin}")]);
    assert_eq!(origin(&format!("http://127.0.0.1:{port}")), 200);
    for foreign in ["null", "http://example.com", &format!("https://127.0.0.1:{port}")] {
        assert_eq!(origin(foreign), 403, "{foreign}");
    }
    assert_eq!(status(&format!("/nothing?token={token}"), &[&server.host()]), 404);
    assert_eq!(status(&format!("/answer?token={token}"), &[&server.host()]), 405);
}

#[test]
fn the_page_runs_its_own_script_only() {
    let server = Server::start();
    let target = format!("/?token={}", server.token);
    let page = || send(server.port, "GET", &target, &[&server.host()], "");
    let (first, second) = (page(), page());
    for line in [
        "default-src 'none'",
        "script-src 'nonce-",
        "frame-ancestors 'none'",
        "nosniff",
        "no-referrer",
        "no-store",
    ] {
        assert!(first.head.contains(line), "{}", first.head);
    }
    let nonce = |head: &str| {
        let (_, rest) = head.split_once("script-src 'nonce-").unwrap();
        rest.split('\'').next().unwrap().to_owned()
    };
    let (one, other) = (nonce(&first.head), nonce(&second.head));
    assert_ne!(one, other);
    let text = first.text();
    assert!(text.contains("Roleswap Tiny, steered live"));
    assert_eq!(
        text.matches("<script").count(),
        text.matches(&format!("nonce=\"{one}\">")).count() - 1
    );
    assert!(!text.contains("http://") && !text.contains("https://"));
}

#[test]
fn a_bad_question_is_told_what_is_wrong() {
    let server = Server::start();
    let good = question("Who are you?", 0.5);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad);
        server.ask(&bad)
    };
    let layer: &dyn Fn(&mut Value) = &|bad| bad["answers"][1]["steering"][0]["layer"] = json!(6);
    let vector: &dyn Fn(&mut Value) = &|bad| bad["answers"][1]["steering"][0]["vector"] = json!("joy");
    let kind: &dyn Fn(&mut Value) = &|bad| bad["answers"][1]["steering"][0]["kind"] = json!("capping");
    let speaker: &dyn Fn(&mut Value) = &|bad| bad["opens"] = json!("system");
    let key: &dyn Fn(&mut Value) = &|bad| bad["stear"] = json!(1);
    let none: &dyn Fn(&mut Value) = &|bad| bad["answers"] = json!([]);
    let limit: &dyn Fn(&mut Value) = &|bad| bad["max_new_tokens"] = json!(0);
    let control: &dyn Fn(&mut Value) = &|bad| bad["answers"][0]["turns"][0]["text"] = json!("<end_of_turn>");
    for (change, words) in [
        (layer, "the model has the layers 0 to 5"),
        (vector, "the vectors are contrast, lda"),
        (kind, "addition, ablation, feature-clamping, feature-ablation"),
        (speaker, "instructions aren't a turn"),
        (key, "unknown field `stear`"),
        (none, "ask for 1 to 8"),
        (limit, "must be 1 to 4096"),
        (control, "control token <end_of_turn>"),
    ] {
        let response = changed(change);
        assert_eq!(response.status, 400);
        let text = response.text();
        assert!(text.contains(words), "{text}");
    }
    let target = format!("/answer?token={}", server.token);
    let raw = |body: &str| send(server.port, "POST", &target, &[&server.host()], body);
    assert_eq!(raw("{\"opens\": ").status, 400);
    assert_eq!(raw(&" ".repeat(300 << 10)).status, 413);
    // The server goes on.
    assert_eq!(server.ask(&good).status, 200);
}

#[test]
fn who_goes_away_makes_room_for_the_next() {
    let server = Server::start();
    let mut endless = server.ask(&endless_question());
    for _ in 0..5 {
        assert!(endless.chunk().is_some());
    }
    drop(endless);
    let (texts, _) = server.answers(&question("Who are you?", 0.65));
    assert_eq!(texts[1], text_of_stage("steered", "Who are you?", Some(0.65)));
}

#[test]
fn a_push_that_breaks_the_model_is_told_as_the_answers_end() {
    let server = Server::start();
    let (_, last) = server.answers(&question("Who are you?", 1e38));
    assert!(
        last["error"]
            .as_str()
            .unwrap()
            .contains("coefficient may be far too large")
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_also_while_it_answers() {
    for is_busy in [false, true] {
        let mut server = Server::start();
        let busy = is_busy.then(|| {
            let mut response = server.ask(&endless_question());
            assert!(response.chunk().is_some() && response.chunk().is_some());
            response
        });
        let id = server.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        if let Some(mut response) = busy {
            while response.chunk().is_some() {}
        }
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_port_that_is_no_port_is_refused() {
    for port in ["many", "65536"] {
        let output = program(env!("CARGO_BIN_EXE_serve"))
            .args(["--port", port])
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert!(
            complaint.contains(&format!("--port {port}")) && complaint.contains("0 takes any free port"),
            "{complaint}"
        );
    }
}

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::{program, text_of_stage};

/// Runs the program with these lines at its standard input.
fn chat(arguments: &[&str], lines: &[&str]) -> Output {
    let mut child = program(env!("CARGO_BIN_EXE_chat"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends early has closed its end.
    let _ = child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes());
    child.wait_with_output().unwrap()
}

/// What came on standard output, of a run that went well.
fn texts(arguments: &[&str], lines: &[&str]) -> Vec<String> {
    let output = chat(arguments, lines);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaint}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "no colours where nobody sees them");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn steering_gives_the_texts_of_the_stage_steer() {
    let question = "Who are you?";
    let lines = [
        question,
        "/steer layer=3 coef=0.65",
        "/again",
        "/undo",
        question,
        "/steer layer=3 coef=-0.65",
        "/again",
        "/off",
        "/again",
    ];
    let stage = |set, coefficient| text_of_stage(set, question, coefficient);
    let expected = [
        stage("normal", None),
        stage("steered", Some(0.65)),
        stage("steered", Some(0.65)),
        stage("steered", Some(-0.65)),
        stage("normal", None),
    ];
    assert_eq!(texts(&[], &lines), expected);
}

#[test]
fn the_model_speaks_as_the_user() {
    let question = "What is your job?";
    let swapped = text_of_stage("swapped", question, None);
    assert_eq!(
        texts(&["--as", "user"], &[question]),
        std::slice::from_ref(&swapped)
    );
    assert_eq!(
        texts(&[], &["/as user", question, "/reset", question]),
        [swapped.clone(), swapped.clone()]
    );
    // In the middle of a conversation it goes on at once, since it is the user's turn.
    let both = texts(&[], &[question, "/as user"]);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0], text_of_stage("normal", question, None));
    let steered = texts(&["--as", "user"], &["/steer layer=3 coef=0.65", question]);
    assert_eq!(steered, [text_of_stage("steered-swapped", question, Some(0.65))]);
}

#[test]
fn answers_are_compared_side_by_side() {
    let question = "Who are you?";
    let lines = texts(
        &[],
        &[question, "/steer layer=3 coef=-0.65", "/compare", "/again"],
    );
    let column = |side: usize| {
        let cells = lines[1..lines.len() - 1].iter().filter_map(|line| {
            let mut cells = line.split(" |");
            cells.nth(side).map(|cell| cell.trim().to_owned())
        });
        cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    let (left, right) = (column(0), column(1));
    assert_eq!(
        (left[0].as_str(), right[0].as_str()),
        ("not steered", "-0.65 contrast at layer 3")
    );
    assert_eq!(left[1..].join(" "), text_of_stage("normal", question, None));
    assert_eq!(
        right[1..].join(" "),
        text_of_stage("steered", question, Some(-0.65))
    );
    assert_eq!(lines[lines.len() - 1], right[1..].join(" "));
}

#[test]
fn what_is_set_is_listed() {
    let lines = texts(
        &[],
        &[
            "/steer",
            "/steer layer=3 coef=0.5",
            "/steer layer=3 coef=0.25",
            "/steer layer=-1 coef=1 vector=pca unit=relative",
            "/steer layer=0 vector=lda kind=ablation",
            "/steer",
            "/steer dose",
            "/steer",
            "/as user",
            "/off",
            "/steer dose",
            "/steer",
            "/vectors",
        ],
    );
    let steering = [
        "not steered",
        "+0.25 contrast at layer 3",
        "+1 residual norms of pca at layer -1",
        "without lda at layer 0",
        "-1 contrast at layer 2",
        "+1 contrast at layer 2",
    ];
    assert_eq!(lines[..6], steering);
    let names: Vec<&str> = lines[7..]
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        names,
        ["contrast", "lda", "mean.normal", "mean.swapped", "pca", "probe"]
    );
}

#[test]
fn limits_draws_and_instructions_are_heard() {
    let question = "What do you like to do?";
    let cut = texts(&[], &["/max 2", question]);
    let whole = text_of_stage("normal", question, None);
    assert!(
        whole.starts_with(&cut[0]) && cut[0].len() < whole.len(),
        "{cut:?}"
    );
    let drawn = [
        "/sample on",
        question,
        "/again",
        "/again",
        "/again",
        "/again",
        "/sample off",
        "/again",
    ];
    let drawn_texts = texts(&["--as", "user"], &drawn);
    assert_eq!(texts(&["--as", "user"], &drawn), drawn_texts);
    assert!(
        drawn_texts[..5].iter().any(|text| *text != drawn_texts[0]),
        "{drawn_texts:?}"
    );
    assert_eq!(drawn_texts[5], text_of_stage("swapped", question, None));
    assert_eq!(texts(&["--system", "Be brief."], &[question]).len(), 1);
}

#[test]
fn a_line_that_cant_be_obeyed_ends_a_script_with_advice() {
    for (line, advice) in [
        ("/stear layer=3", "the commands are /steer, /off"),
        ("/steer layer=6 coef=1", "the model has the layers 0 to 5"),
        (
            "/steer layer=1 coef=1 vector=joy",
            "the vectors are contrast, lda",
        ),
        ("/compare", "nothing is steered"),
        ("/again", "there is no answer yet"),
        ("/undo", "nothing to take back"),
        ("/as model", "speaks as model already"),
        ("Hi.<end_of_turn>", "control token <end_of_turn>"),
    ] {
        let output = chat(&[], &[line, "Who are you?"]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(
            complaint.contains(line) && complaint.contains(advice),
            "{complaint}"
        );
        assert!(output.stdout.is_empty(), "{line}");
    }
    for (arguments, code, advice) in [
        (["--as", "me"], 2, "user or as model"),
        (["--layer", "3"], 2, "the options are --as, --help"),
        (
            ["--results", "results/nowhere"],
            1,
            "run `cargo xtask analyze --pipeline tiny` first",
        ),
    ] {
        let output = chat(&arguments, &[]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{complaint}");
        assert!(
            complaint.starts_with("error: ") && complaint.contains(advice),
            "{complaint}"
        );
    }
}

#[test]
fn a_line_that_is_not_text_is_refused_and_the_conversation_goes_on() {
    let mut child = program(env!("CARGO_BIN_EXE_chat"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"Who \xff\xfe are you?\nWho are you?\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaint}");
    assert!(
        complaint.contains("the line is not UTF-8") && complaint.contains("send it as UTF-8"),
        "{complaint}"
    );
    let answers = String::from_utf8(output.stdout).unwrap();
    let alone: Vec<String> = texts(&[], &["Who are you?"]);
    assert_eq!(answers.lines().collect::<Vec<_>>(), alone);
}

#[test]
fn a_coefficient_that_overflows_the_stream_is_an_error_and_not_a_text() {
    let output = chat(&[], &["/steer layer=3 coef=1e30", "Who are you?"]);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint.contains("would overflow") && complaint.contains("take a smaller coefficient"),
        "{complaint}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "");
}

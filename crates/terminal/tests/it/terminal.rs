//! How errors are told: one line what, one line why, one line what to do.

use terminal::failure;

#[track_caller]
fn check(what: &str, message: &str, lines: &str) {
    assert_eq!(failure(what, message, false), lines);
}

#[test]
fn a_message_is_cut_where_its_advice_begins() {
    check(
        "the stage extract failed",
        "data/prompts/x.jsonl: line 3: missing field `text`; add it, or remove the line",
        "error: the stage extract failed\n  why: data/prompts/x.jsonl: line 3: missing field `text`\n  \
         do:  add it, or remove the line",
    );
    // Advice may have several sentences.
    check(
        "w",
        "cannot reach it (a; b); check the network; or wait",
        "error: w\n  why: cannot reach it (a; b)\n  do:  check the network; or wait",
    );
    // What is quoted is somebody else's text.
    check(
        "w",
        "line 1: \"a; b\" and `c; d` are no prompts; mend them",
        "error: w\n  why: line 1: \"a; b\" and `c; d` are no prompts\n  do:  mend them",
    );
}

#[test]
fn a_line_that_has_nothing_to_say_is_left_out() {
    check(
        "",
        "there is no verb `x`; see the list",
        "error: there is no verb `x`\n  do:  see the list",
    );
    check("w", "the cause", "error: w\n  why: the cause");
    check(
        "",
        "cannot accept it: it has no outputs; run it",
        "error: cannot accept it\n  why: it has no outputs\n  do:  run it",
    );
    check("w", "", "error: w");
    check("w; general advice", "", "error: w\n  do:  general advice");
    check(
        "w; general advice",
        "cause",
        "error: w\n  why: cause\n  do:  general advice",
    );
    check(
        "w; general advice",
        "cause; advice",
        "error: w\n  why: cause\n  do:  advice",
    );
}

#[test]
fn an_error_of_the_system_gets_the_usual_remedy() {
    let missing = fs_err::read_to_string("no such file").unwrap_err().to_string();
    let text = failure("w", &missing, false);
    assert!(text.contains("why: failed to open file `no such file`"), "{text}");
    assert!(text.ends_with("\n  do:  check the path"), "{text}");
    let full = "failed to write to file `x`: No space left on device (os error 28)";
    assert!(failure("w", full, false).contains("do:  free some space"));
}

#[test]
fn several_lines_stay_together_and_colours_are_asked_for() {
    check(
        "w",
        "a\n  |\n3 | x",
        "error: w\n  why: a\n         |\n       3 | x",
    );
    let coloured = failure("w", "c; d", true);
    assert!(
        coloured.starts_with("\u{1b}[1;31merror:\u{1b}[0m"),
        "{coloured:?}"
    );
}

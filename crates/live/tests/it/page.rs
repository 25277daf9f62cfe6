use browser::{Browser, Page};
use pages::{Markup, Span};

use crate::serve::Server;
use crate::text_of_stage;

/// The last turn of a column once nothing is being answered.
fn answer(page: &Page<'_>, column: &str) -> String {
    let turn = format!("document.querySelector('#{column} .turn:last-child p').textContent");
    page.evaluate(&turn).unwrap().as_str().unwrap().to_owned()
}

fn wait_for_answers(page: &Page<'_>, column: &str, text: &str) {
    let last = format!("document.querySelector('#{column} .turn:last-child.own p')?.textContent");
    page.wait_for(&format!(
        "{last} === {text:?} && !document.querySelector('.pending')"
    ))
    .unwrap_or_else(|error| panic!("{error}: {:?}, not {text:?}", answer(page, column)));
}

/// Waits for what is marked in the last answer of a column, in brackets. Other answers may come
/// before it, since a slider moves through other values.
fn wait_for_marks(page: &Page<'_>, column: &str, expected: &str) {
    let shown = format!(
        "Array.from(document.querySelector('#{column} .turn:last-child p').childNodes, \
         (node) => node.nodeName === 'MARK' ? `[${{node.textContent}}]` : node.textContent).join('')"
    );
    page.wait_for(&format!("{shown} === {expected:?}"))
        .unwrap_or_else(|error| panic!("{error}: {expected:?}"));
}

/// What the one text difference makes of two texts, in the same manner.
fn compared(reference: &str, text: &str) -> String {
    let span = |span: Span| match span.differs {
        true => format!("[{}]", span.text),
        false => span.text,
    };
    let spans = pages::compared(&Markup::default(), reference, text);
    spans.into_iter().map(span).collect()
}

fn focus(page: &Page<'_>, selector: &str) {
    page.evaluate(&format!("document.querySelector('{selector}').focus()"))
        .unwrap();
}

fn press(page: &Page<'_>, key: &str, times: usize) {
    for _ in 0..times {
        page.press(key).unwrap();
    }
}

#[test]
fn a_person_asks_and_moves_the_sliders_with_keys() {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let server = Server::start();
    let page = browser.page().unwrap();
    page.open(&server.address()).unwrap();
    let question = "Who are you?";
    focus(&page, "#text");
    page.write(question).unwrap();
    page.press("Enter").unwrap();
    let plain = text_of_stage("normal", question, None);
    wait_for_answers(&page, "plain", &plain);

    // The page begins with the dose that was chosen: layer 2, coefficient -1.
    focus(&page, "[aria-label=\"contrast: layer\"]");
    press(&page, "ArrowRight", 1);
    focus(&page, "[aria-label=\"contrast: coefficient\"]");
    press(&page, "ArrowRight", 7);
    let steered = text_of_stage("steered", question, Some(-0.65));
    wait_for_answers(&page, "steered", &steered);
    assert_eq!(answer(&page, "plain"), plain);
    let words = page
        .evaluate("document.querySelector('#steering').textContent")
        .unwrap();
    assert!(
        words.as_str().unwrap().starts_with("−0.65 contrast at layer 3"),
        "{words}"
    );

    let marked = compared(&plain, &steered);
    assert!(marked.contains('['));
    wait_for_marks(&page, "steered", &marked);
    wait_for_marks(&page, "plain", &plain);

    // Steered by nothing, it is the model as it is.
    page.click("#off").unwrap();
    wait_for_answers(&page, "steered", &plain);
    wait_for_marks(&page, "steered", &plain);

    // The other speaker: the conversation begins again, with the greeting of the pipeline.
    page.click("[name=opens][value=user]").unwrap();
    focus(&page, "#text");
    page.write(question).unwrap();
    page.click("#say .main").unwrap();
    let swapped = text_of_stage("swapped", question, None);
    wait_for_answers(&page, "plain", &swapped);
    let turns = page
        .evaluate("document.querySelectorAll('#plain .turn').length")
        .unwrap();
    assert_eq!(turns, 3);

    // What is refused says why, and the words are there again to be corrected.
    page.click("#reset").unwrap();
    focus(&page, "#text");
    page.write("Hi.<end_of_turn>").unwrap();
    page.press("Enter").unwrap();
    page.wait_for("document.querySelector('#status').textContent.includes('control token')")
        .unwrap();
    assert_eq!(
        page.evaluate("document.querySelector('#text').value").unwrap(),
        "Hi.<end_of_turn>"
    );

    let problems: Vec<String> = page.problems();
    // The refusal, and nothing else.
    assert!(
        problems.iter().all(|problem| problem.contains("400")),
        "{problems:?}"
    );
    let own = format!("http://127.0.0.1:{}/", server.port);
    assert!(
        page.requests().iter().all(|url| url.starts_with(&own)),
        "{:?}",
        page.requests()
    );
}

/// Both answers are asked for at once, then the steered one alone: it is compared with the same
/// text.
#[test]
fn an_answer_that_is_asked_for_again_is_marked_again() {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let server = Server::start();
    let page = browser.page().unwrap();
    page.open(&server.address()).unwrap();
    let question = "Who are you?";
    focus(&page, "[aria-label=\"contrast: layer\"]");
    press(&page, "ArrowRight", 1);
    focus(&page, "[aria-label=\"contrast: coefficient\"]");
    press(&page, "ArrowRight", 7);
    focus(&page, "#text");
    page.write(question).unwrap();
    page.press("Enter").unwrap();
    let plain = text_of_stage("normal", question, None);
    let marked = compared(&plain, &text_of_stage("steered", question, Some(-0.65)));
    assert!(marked.contains('['));
    wait_for_marks(&page, "steered", &marked);
    page.click("#off").unwrap();
    wait_for_marks(&page, "steered", &plain);
    focus(&page, "[aria-label=\"contrast: coefficient\"]");
    press(&page, "ArrowLeft", 13);
    wait_for_marks(&page, "steered", &marked);
    wait_for_marks(&page, "plain", &plain);
}

#[test]
fn the_page_fits_a_phone() {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let server = Server::start();
    let page = browser.page().unwrap();
    for width in [1200, 390, 320] {
        page.set_size(width, 800).unwrap();
        page.open(&server.address()).unwrap();
        let widest = page.evaluate("document.documentElement.scrollWidth").unwrap();
        assert_eq!(widest, width);
    }
    assert!(page.problems().is_empty(), "{:?}", page.problems());
}

//! The client itself, against pages whose behaviour is known.

use std::path::PathBuf;

use browser::{Browser, Page};
use tempfile::TempDir;

fn page_file(body: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    fs_err::write(&path, format!("<!doctype html><title>A page</title><body>{body}")).unwrap();
    (folder, path)
}

fn opened<'a>(browser: &'a Browser, body: &str) -> (TempDir, Page<'a>) {
    let (folder, path) = page_file(body);
    let page = browser.page().unwrap();
    page.open_file(&path).unwrap();
    (folder, page)
}

#[test]
fn a_page_is_read_and_used() {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let body = "<input id=name><input id=range type=range min=0 max=5 value=2><select id=kind><option value=a>A<option value=b>B</select>
        <button id=say onclick='said.textContent = document.querySelector(`#name`).value + kind.value'>Say</button><p id=said></p>
        <p style='display: none' id=secret>x</p>";
    let (_folder, page) = opened(&browser, body);
    assert_eq!(page.evaluate("document.title").unwrap(), "A page");
    assert_eq!(
        page.evaluate("Promise.resolve([1, { a: null }])").unwrap(),
        serde_json::json!([1, { "a": null }])
    );
    page.click("#name").unwrap();
    page.write("Ada ").unwrap();
    page.press("&").unwrap();
    page.press("Tab").unwrap();
    page.press("ArrowRight").unwrap();
    page.choose("#kind", "b").unwrap();
    page.click("#say").unwrap();
    page.wait_for("said.textContent").unwrap();
    assert_eq!(
        page.evaluate("[said.textContent, range.value]").unwrap(),
        serde_json::json!(["Ada &b", "3"])
    );
    assert!(page.problems().is_empty(), "{:?}", page.problems());
    assert_eq!(page.requests().len(), 1);

    let error = |result: anyhow::Result<()>| result.unwrap_err().to_string();
    assert_eq!(error(page.click("#nobody")), "#nobody is not there");
    assert_eq!(error(page.click("#secret")), "#secret is not shown");
    assert!(
        page.evaluate("nothing.at.all")
            .unwrap_err()
            .to_string()
            .contains("nothing is not defined")
    );
}

#[test]
fn what_goes_wrong_in_a_page_is_collected() {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let body = "<img src='missing.png'><script>console.log('fine'); console.error('not', 'fine');</script><script>surely.not()</script>";
    let (_folder, page) = opened(&browser, body);
    let problems = page.problems();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for part in ["error: not fine", "surely is not defined", "missing.png"] {
        assert!(
            problems.iter().any(|problem| problem.contains(part)),
            "{part} is not in {problems:?}"
        );
    }
    let requests = page.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].ends_with("/missing.png"));
    // Another page of the same browser knows nothing about it.
    let (_folder, other) = opened(&browser, "");
    assert!(other.problems().is_empty());
    assert!(
        other
            .open("file:///no/such/file")
            .unwrap_err()
            .to_string()
            .contains("ERR_FILE_NOT_FOUND")
    );
}

#[test]
fn pages_are_seen_in_sizes_and_colours_and_as_pictures() {
    let Some(browser) = Browser::start_or_say_why_not().unwrap() else {
        return;
    };
    let body = "<a id=save download=words.txt href='data:text/plain,some%20words'>save</a><p style='height: 1500px'>";
    let (folder, page) = opened(&browser, body);
    page.set_size(390, 700).unwrap();
    assert_eq!(
        page.evaluate("[innerWidth, innerHeight]").unwrap(),
        serde_json::json!([390, 700])
    );
    let is_dark = "matchMedia('(prefers-color-scheme: dark)').matches";
    for dark in [true, false] {
        page.set_dark(dark).unwrap();
        assert_eq!(page.evaluate(is_dark).unwrap(), dark);
    }
    page.set_print(true).unwrap();
    assert_eq!(page.evaluate("matchMedia('print').matches").unwrap(), true);
    page.set_print(false).unwrap();
    page.click("#save").unwrap();
    assert_eq!(page.saved_file(".txt").unwrap(), b"some words");

    let path = folder.path().join("picture.png");
    page.screenshot(&path).unwrap();
    assert_eq!(png_size(&path), (390, 700));
    page.screenshot_of_all(&path).unwrap();
    let (width, height) = png_size(&path);
    assert!(width == 390 && height > 1500, "{width} x {height}");
    let path = folder.path().join("paper.pdf");
    page.pdf(&path).unwrap();
    assert!(fs_err::read(&path).unwrap().starts_with(b"%PDF-"));
}

fn png_size(path: &std::path::Path) -> (u32, u32) {
    let bytes = fs_err::read(path).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"));
    let at = |place: usize| u32::from_be_bytes(bytes[place..place + 4].try_into().unwrap());
    (at(16), at(20))
}

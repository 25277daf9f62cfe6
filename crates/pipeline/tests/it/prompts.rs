use pipeline::read_prompts;

fn read(text: &str) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prompts.jsonl");
    std::fs::write(&path, text).unwrap();
    read_prompts(&path)
        .map(|prompts| prompts.len())
        .map_err(|error| error.to_string())
}

#[track_caller]
fn check_error(text: &str, parts: &[&str]) {
    let error = read(text).unwrap_err();
    assert!(
        error.contains("prompts.jsonl") && parts.iter().all(|part| error.contains(part)),
        "{error}"
    );
}

#[test]
fn one_prompt_a_line_blank_lines_aside() {
    assert_eq!(
        read("{\"id\": \"a\", \"text\": \"A?\"}\n\n{\"id\": \"b\", \"text\": \"B?\"}\n"),
        Ok(2)
    );
}

#[test]
fn broken_lines_are_named() {
    check_error("", &["no prompt"]);
    check_error("\n \n", &["no prompt"]);
    check_error(
        "{\"id\": \"a\", \"text\": \"A?\"}\nB?\n",
        &["line 2", "id", "text"],
    );
    check_error("{\"id\": \"a\", \"text\": \" \"}", &["line 1", "empty"]);
    check_error(
        "{\"id\": \"a\", \"text\": \"A\", \"txt\": \"B\"}",
        &["line 1", "txt"],
    );
    check_error(
        "{\"id\": \"a\", \"text\": \"A\"}\n{\"id\": \"a\", \"text\": \"B\"}",
        &["line 2", "\"a\"", "twice, first in line 1"],
    );
}

#[test]
fn files_from_windows_are_as_any_other() {
    let lines = "{\"id\": \"a\", \"text\": \"A?\"}\r\n\r\n{\"id\": \"b\", \"text\": \"B?\"}\r\n";
    assert_eq!(read(lines), Ok(2));
    assert_eq!(read(&format!("\u{feff}{lines}")), Ok(2));
    // Two files with marks, one behind the other.
    let other = lines.replace("\"a\"", "\"c\"").replace("\"b\"", "\"d\"");
    assert_eq!(read(&format!("\u{feff}{lines}\u{feff}{other}")), Ok(4));
}

#[test]
fn other_formats_are_told_by_their_names() {
    check_error(
        "[{\"id\": \"a\", \"text\": \"A\"}]",
        &["line 1", "JSON array", "; each line must be"],
    );
    check_error(
        "id,text\na,A?\n",
        &["line 1", "a table or plain text", "; each line must be"],
    );
    check_error("Who are you?\n", &["line 1", "plain text", "; each line must be"]);
    check_error(
        "{\n\"id\": \"a\",\n\"text\": \"A\"\n}\n",
        &["line 1", "over several lines"],
    );
    check_error(
        "{\"id\": \"a\",\n\"text\": \"A\"}\n",
        &["line 1", "doesn't end on its line"],
    );
    check_error(
        "{\"id\": \"a\", \"prompt\": \"A\"}",
        &["line 1", "has `prompt` where `text` is wanted"],
    );
    check_error(
        "{\"id\": 7, \"text\": \"A\"}",
        &["line 1", "the id 7 is a number; put it in quotes, \"7\""],
    );
    check_error(
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n",
        &["pointer of Git LFS", "; run `git lfs pull`"],
    );
}

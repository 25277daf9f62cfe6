use artifacts::read_prompts;

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
        &["line 2", "\"a\"", "twice"],
    );
}

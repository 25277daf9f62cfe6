//! What `cargo xtask new` writes is a pipeline, and says the truth about defaults.

use pipeline::Pipeline;

/// Keys that are shown with an example: their default is to be absent.
const EXAMPLES: &[&str] = &[
    "revision",
    "adapter",
    "adapter_revision",
    "chat_template",
    "template_arguments",
    "date",
    "system",
    "cosine_matrices",
    "project_out",
    "sites",
    "suppress",
    "prompts",
    "published",
];

fn template() -> String {
    let text = include_str!("../../../../xtask/src/new.toml");
    text.replace("{NAME}", "mine").replace("{LAYER}", "3")
}

fn parsed(text: &str) -> Pipeline {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    fs_err::write(&file, text).unwrap();
    let pipeline = Pipeline::read(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
    Pipeline {
        path: "mine.toml".into(),
        ..pipeline
    }
}

/// The key of a line that is an assignment behind `# `.
fn commented_key(line: &str) -> Option<&str> {
    let (key, _) = line.strip_prefix("# ")?.split_once(" = ")?;
    let is_key = !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_');
    is_key.then_some(key)
}

#[test]
fn the_template_of_new_pipelines_is_one() {
    let pipeline = parsed(&template());
    assert_eq!(pipeline.report.title, "mine");
    assert_eq!(pipeline.conditions.len(), 2);
}

#[test]
fn what_is_commented_out_is_a_key_and_shows_its_default() {
    let text = template();
    let plain = format!("{:?}", parsed(&text));
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(key) = commented_key(line) else {
            continue;
        };
        keys.push(key);
        let with_it: Vec<&str> = text
            .lines()
            .enumerate()
            .map(|(other, line)| if other == number { &line[2..] } else { line })
            .collect();
        let changed = format!("{:?}", parsed(&with_it.join("\n")));
        if !EXAMPLES.contains(&key) {
            assert_eq!(changed, plain, "{line}");
        }
    }
    assert!(EXAMPLES.iter().all(|key| keys.contains(key)), "{keys:?}");
}

/// Every key of the tables that are all defaults has its line.
#[test]
fn no_key_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    for table in [
        "[dose]",
        "[locate]",
        "[model]",
        "[extract]",
        "[contrast]",
        "[steer]",
        "[report]",
        "[verify]",
    ] {
        let text = template().replacen(table, &format!("{table}\nno_such_key = 1"), 1);
        fs_err::write(&file, &text).unwrap();
        let error = Pipeline::read(&file, &[]).unwrap_err().to_string();
        let (_, keys) = error.split_once("here are ").unwrap_or_else(|| {
            let (_, key) = error
                .split_once("here belongs ")
                .unwrap_or_else(|| panic!("{error}"));
            ("", key)
        });
        let keys = keys.replace(" or ", ", ");
        for key in keys.split(", ").map(|key| key.trim_matches('`')) {
            // What is filled in by xtask.
            let is_told = ["path", "adapter_path"].contains(&key);
            let line = format!("{key} = ");
            let is_there = text.lines().any(|found| {
                let found = found.trim_start_matches("# ");
                found.starts_with(&line)
                    || found.starts_with(&format!("[{}.{key}]", &table[1..table.len() - 1]))
                    || found.starts_with(&format!("[[{}.{key}]]", &table[1..table.len() - 1]))
            });
            assert!(
                is_there || is_told,
                "{table} has the key {key}, which the template does not show"
            );
        }
    }
}

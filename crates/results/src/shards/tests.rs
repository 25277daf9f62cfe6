use std::path::{Path, PathBuf};

use tempfile::TempDir;
use terms::Stage;

use super::attempt::{Attempt, Committed};
use super::program::{Arguments, Program};
use super::todo::Todo;
use super::{Plan, Sharded, hash_of_rows};
use crate::{Layout, StageArguments};

/// A stage that writes its rows, a part file a shard and a file that is joined.
#[derive(Clone)]
struct Letters {
    rows: Vec<String>,
    size: usize,
    arithmetic: &'static str,
    fails: Option<usize>,
    /// The numbers of the shards that were run.
    ran: Vec<usize>,
}

impl Letters {
    fn new(rows: &str) -> Self {
        Letters {
            rows: rows.chars().map(String::from).collect(),
            size: 3,
            arithmetic: "a CPU",
            fails: None,
            ran: Vec::new(),
        }
    }
}

impl Sharded for &mut Letters {
    type Error = String;

    fn open(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn plan(&mut self) -> Result<Plan, String> {
        let hash = |start: usize, end: usize| hash_of_rows(self.rows[start..end].iter().map(String::as_str));
        Ok(Plan::even(
            self.rows.len(),
            self.size,
            serde_json::Value::Null,
            hash,
        ))
    }

    fn run(&mut self, plan: &Plan, number: usize, out: &Path) -> Result<(), String> {
        let shard = &plan.shards[number];
        self.ran.push(number);
        let text = self.rows[shard.start..shard.end].concat();
        let parts = out.join("parts");
        std::fs::create_dir_all(&parts).map_err(|error| error.to_string())?;
        std::fs::write(parts.join(format!("part-{number}")), &text).map_err(|error| error.to_string())?;
        if self.fails == Some(number) {
            return Err("this row is bad".to_owned());
        }
        std::fs::write(out.join("all"), text).map_err(|error| error.to_string())
    }

    fn join(&mut self, _plan: &Plan, shards: &[PathBuf], out: &Path) -> Result<(), String> {
        let read = |shard: &PathBuf| std::fs::read_to_string(shard.join("all"));
        let texts: Result<Vec<String>, _> = shards.iter().map(read).collect();
        let text = texts.map_err(|error| error.to_string())?.concat();
        std::fs::write(out.join("all"), text).map_err(|error| error.to_string())
    }

    fn arithmetic(&self) -> String {
        self.arithmetic.to_owned()
    }

    fn joined(&self) -> &[&str] {
        &["all"]
    }
}

/// A pipeline's results in a temporary folder.
struct Run {
    folder: TempDir,
    layout: Layout,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pipeline.toml"), "pipeline").unwrap();
        let layout = Layout::new(folder.path().join("results"));
        Run { folder, layout }
    }

    fn arguments(&self) -> Arguments {
        Arguments {
            stage: StageArguments {
                pipeline: self.folder.path().join("pipeline.toml"),
                results: self.layout.root().to_owned(),
                overrides: Vec::new(),
            },
            key: None,
            make_plan: false,
            plan: None,
            shards: Vec::new(),
        }
    }

    fn program(&self, arguments: &Arguments, letters: &mut Letters) -> Result<(), String> {
        Program {
            stage: Stage::Extract,
            layout: self.layout.clone(),
            arguments,
            sharded: letters,
        }
        .run()
    }

    fn whole(&self, letters: &mut Letters) -> Result<(), String> {
        let arguments = Arguments {
            key: Some("key".to_owned()),
            ..self.arguments()
        };
        self.program(&arguments, letters)
    }

    /// The place of the plan.
    fn plan(&self, letters: &mut Letters) -> PathBuf {
        let arguments = Arguments {
            key: Some("key".to_owned()),
            make_plan: true,
            ..self.arguments()
        };
        self.program(&arguments, letters).unwrap();
        let mut plans = self.names();
        plans.retain(|name| name.starts_with("plan-"));
        self.key().join(plans.last().unwrap())
    }

    fn part(&self, plan: &Path, shards: &[usize], letters: &mut Letters) -> Result<(), String> {
        let arguments = Arguments {
            plan: Some(plan.to_owned()),
            shards: shards.to_vec(),
            ..self.arguments()
        };
        self.program(&arguments, letters)
    }

    fn key(&self) -> PathBuf {
        self.layout.shards(Stage::Extract).join("key")
    }

    /// What is in the folder of the key.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.key()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn result(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.layout.stage(Stage::Extract).join(file)).ok()
    }

    /// The folder of a shard.
    fn shard(&self, number: usize) -> PathBuf {
        let start = format!("{number:05}-");
        let name = self.names().into_iter().find(|name| name.starts_with(&start));
        self.key().join(name.unwrap())
    }
}

#[test]
fn one_process_and_many_leave_the_same() {
    let (one, many) = (Run::new(), Run::new());
    one.whole(&mut Letters::new("abcdefgh")).unwrap();
    let letters = Letters::new("abcdefgh");
    let plan = many.plan(&mut letters.clone());
    for shards in [&[2][..], &[0, 1]] {
        many.part(&plan, shards, &mut letters.clone()).unwrap();
    }
    assert_eq!(many.result("all"), None, "not before all are joined");
    let mut joining = letters.clone();
    many.part(&plan, &[], &mut joining).unwrap();
    assert!(joining.ran.is_empty());
    for run in [&one, &many] {
        assert_eq!(run.result("all").unwrap(), "abcdefgh");
        assert_eq!(run.result("parts/part-2").unwrap(), "gh");
        assert_eq!(run.result("manifest.json"), None);
    }
}

#[test]
fn what_is_one_shard_leaves_nothing_else() {
    let run = Run::new();
    run.whole(&mut Letters::new("ab")).unwrap();
    assert_eq!(run.result("all").unwrap(), "ab");
    assert!(!run.layout.shards(Stage::Extract).exists());
    // Without a key nothing is kept either.
    run.program(&run.arguments(), &mut Letters::new("abcdefgh"))
        .unwrap();
    assert_eq!(run.result("all").unwrap(), "abcdefgh");
    assert!(!run.layout.shards(Stage::Extract).exists());
}

#[test]
fn a_shard_that_fails_keeps_the_others_and_the_earlier_result() {
    let run = Run::new();
    run.whole(&mut Letters::new("12345678")).unwrap();
    let mut letters = Letters::new("abcdefgh");
    letters.fails = Some(1);
    assert_eq!(run.whole(&mut letters).unwrap_err(), "shard 1: this row is bad");
    assert_eq!(run.result("all").unwrap(), "12345678");
    let failed: Vec<String> = run
        .names()
        .into_iter()
        .filter(|name| name.starts_with("failed.00001."))
        .collect();
    assert_eq!(failed.len(), 1, "so that it can be told where it failed");
    letters.fails = None;
    letters.ran.clear();
    run.whole(&mut letters).unwrap();
    assert_eq!(letters.ran, [1, 2], "shard 0 was there");
    assert_eq!(run.result("all").unwrap(), "abcdefgh");
    assert_eq!(run.names().len(), 3, "{:?}", run.names());
}

#[test]
fn only_shards_whose_rows_are_new_are_run() {
    let run = Run::new();
    run.whole(&mut Letters::new("abcdefgh")).unwrap();
    let check = |rows: &str, ran: &[usize]| {
        let mut letters = Letters::new(rows);
        run.whole(&mut letters).unwrap();
        assert_eq!(letters.ran, ran, "{rows}");
        assert_eq!(run.result("all").unwrap(), rows);
        assert_eq!(
            run.names().len(),
            rows.len().div_ceil(3),
            "the shards of before are removed"
        );
    };
    check("abcdefghijk", &[2, 3]);
    check("abcdEfghijk", &[1]);
    check("abcdEf", &[]);
}

#[test]
fn missing_shards_are_named_and_nothing_is_joined() {
    let run = Run::new();
    let letters = Letters::new("abcdefgh");
    let plan = run.plan(&mut letters.clone());
    run.part(&plan, &[1], &mut letters.clone()).unwrap();
    let error = run.part(&plan, &[], &mut letters.clone()).unwrap_err();
    assert!(error.contains("2 of 3 shards are missing (0, 2)"), "{error}");
    assert_eq!(run.result("all"), None);
    let error = run.part(&plan, &[3], &mut letters.clone()).unwrap_err();
    assert!(error.contains("no shard 3 among the 3"), "{error}");
}

#[test]
fn a_file_that_was_changed_is_not_joined() {
    let run = Run::new();
    let letters = Letters::new("abcdefgh");
    let plan = run.plan(&mut letters.clone());
    run.part(&plan, &[0, 1, 2], &mut letters.clone()).unwrap();
    std::fs::write(run.shard(1).join("parts/part-1"), "dEf").unwrap();
    let error = run.part(&plan, &[], &mut letters.clone()).unwrap_err();
    assert!(
        error.contains("shard 1 is not what was put there: parts/part-1 has other bytes"),
        "{error}"
    );
}

#[test]
fn shards_of_different_arithmetic_are_not_joined() {
    let run = Run::new();
    let mut letters = Letters::new("abcdefgh");
    let plan = run.plan(&mut letters.clone());
    run.part(&plan, &[0, 1], &mut letters.clone()).unwrap();
    letters.arithmetic = "another CPU";
    run.part(&plan, &[2], &mut letters).unwrap();
    let error = run.part(&plan, &[], &mut letters).unwrap_err();
    assert!(
        error.contains("computed by another CPU, and those before it by a CPU"),
        "{error}"
    );
}

#[test]
fn a_plan_is_for_its_pipeline() {
    let run = Run::new();
    let letters = Letters::new("abcdefgh");
    let plan = run.plan(&mut letters.clone());
    std::fs::write(run.folder.path().join("pipeline.toml"), "edited").unwrap();
    let error = run.part(&plan, &[0], &mut letters.clone()).unwrap_err();
    assert!(
        error.contains("the pipeline file or its overrides are others now"),
        "{error}"
    );
}

/// Two attempts at one shard at the same time, as a task that is queued again and its orphan are.
#[test]
fn the_first_attempt_wins_and_the_second_is_compared_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str, name: &str| {
        let attempt = Attempt::begin(folder.path(), name).unwrap();
        std::fs::write(attempt.path().join("all"), text).unwrap();
        attempt
    };
    let second = |text: &str| {
        // Another process's folder.
        let attempt = write(text, "00001-a");
        attempt.commit("a CPU".to_owned())
    };
    assert!(matches!(second("abc").unwrap(), Committed::First));
    assert!(matches!(second("abc").unwrap(), Committed::WasThere));
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names(), 1, "the second has removed itself");
    let error = second("abd").unwrap_err().to_string();
    assert!(
        error.contains("not equal (all has other bytes); both are kept"),
        "{error}"
    );
    assert_eq!(names(), 2);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("00001-a/all")).unwrap(),
        "abc"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn attempts_of_processes_that_are_gone_are_removed() {
    let run = Run::new();
    let letters = Letters::new("abcdefgh");
    let plan = run.plan(&mut letters.clone());
    run.part(&plan, &[0, 1, 2], &mut letters.clone()).unwrap();
    let of = |process: &str| {
        let own = files::process::this_process();
        let (host, _) = own.rsplit_once('.').unwrap();
        run.key().join(format!(".00001-abc.{host}.{process}"))
    };
    // No process has a number as large, and this one lives.
    let (gone, here) = (of("4194305"), of(&std::process::id().to_string()));
    let elsewhere = run.key().join(".00001-abc.elsewhere.1");
    for folder in [&gone, &here, &elsewhere] {
        std::fs::create_dir_all(folder).unwrap();
    }
    run.part(&plan, &[], &mut letters.clone()).unwrap();
    assert!(!gone.exists() && here.exists() && elsewhere.exists());
}

#[test]
fn an_even_plan_has_every_row_once() {
    for (rows, size, count) in [(0, 5, 1), (1, 5, 1), (5, 5, 1), (6, 5, 2), (10, 3, 4)] {
        let plan = Plan::even(rows, size, serde_json::Value::Null, |start, end| {
            format!("{start}-{end}")
        });
        assert_eq!(plan.shards.len(), count);
        assert_eq!(plan.shards.first().unwrap().start, 0);
        assert_eq!(plan.shards.last().unwrap().end, rows);
        assert!(plan.shards.windows(2).all(|pair| pair[0].end == pair[1].start));
        let todo = Todo::new(Path::new("nowhere"), plan);
        assert_eq!(todo.missing().unwrap().len(), count);
    }
}

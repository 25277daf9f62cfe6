use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

use serde_json::{Value, json};

use crate::check::{Check, Level};
use crate::diagnosis::Diagnosis;
use crate::estimate::{Needs, Range};
use crate::units::{bytes, duration};

/// For a terminal: a line for each check, then what each stage takes.
pub fn table(diagnosis: &Diagnosis) -> String {
    let mut text = format!("pipeline {}\n\n", diagnosis.pipeline);
    let colours = stdout().is_terminal() && terminal::may_colour();
    for check in &diagnosis.checks {
        push_check(&mut text, check, colours);
    }
    if !diagnosis.needs.is_empty() {
        push_needs(&mut text, diagnosis);
    }
    let problems = diagnosis
        .checks
        .iter()
        .filter(|check| check.level == Level::Problem)
        .count();
    let _ = match problems {
        0 => writeln!(
            text,
            "\nnothing stands in the way: cargo xtask all --pipeline {}",
            diagnosis.pipeline
        ),
        count => writeln!(text, "\n{count} problem(s): the run would fail"),
    };
    text
}

/// What was found, then what to do.
fn push_check(text: &mut String, check: &Check, colours: bool) {
    let (colour, plain) = match (colours, check.level) {
        (false, _) => ("", ""),
        (_, Level::Fine) => ("\u{1b}[32m", "\u{1b}[0m"),
        (_, Level::Warning) => ("\u{1b}[33m", "\u{1b}[0m"),
        (_, Level::Problem) => ("\u{1b}[31m", "\u{1b}[0m"),
    };
    let (found, advice) = match check.level {
        Level::Fine => (check.text.as_str(), None),
        _ => match check.text.split_once("; ") {
            Some((found, advice)) => (found, Some(advice)),
            None => (check.text.as_str(), None),
        },
    };
    let found = found.trim_end().replace('\n', "\n           ");
    let _ = writeln!(
        text,
        "{colour}{:<9}{plain}{}: {found}",
        check.level.as_str(),
        check.name
    );
    if let Some(advice) = advice {
        let _ = writeln!(text, "{:<9}  do: {advice}", "");
    }
}

fn push_needs(text: &mut String, diagnosis: &Diagnosis) {
    let heading = [
        "stage", "about", "at least", "at most", "memory", "weights", "disk",
    ]
    .map(str::to_owned);
    let mut rows = vec![heading];
    let mut total = Needs {
        stage: "all",
        seconds: Range::default(),
        memory: 0,
        weights: 0,
        disk: 0,
    };
    for needs in &diagnosis.needs {
        total.seconds = total.seconds.plus(needs.seconds);
        total.memory = total.memory.max(needs.memory);
        total.weights = total.weights.max(needs.weights);
        total.disk += needs.disk;
        rows.push(row(needs));
    }
    rows.push(row(&total));
    text.push('\n');
    for [stage, cells @ ..] in rows {
        let cells: String = cells.iter().map(|cell| format!("{cell:>10}")).collect();
        let _ = writeln!(text, "{stage:<9}{cells}");
    }
    let _ = writeln!(text, "\n{HOW}");
}

fn row(needs: &Needs) -> [String; 7] {
    [
        needs.stage.to_owned(),
        duration(needs.seconds.middle()),
        duration(needs.seconds.low),
        duration(needs.seconds.high),
        bytes(needs.memory),
        if needs.weights == 0 {
            "-".to_owned()
        } else {
            bytes(needs.weights)
        },
        bytes(needs.disk),
    ]
}

const HOW: &str = "\
Time: the multiplications at 0.3 to 0.6 of the speed that was measured just now, or reading all weights from memory once a token,
whichever is longer. Texts end after a third of max_new_tokens or not at all. Not counted: building, downloading, hashing
new weights. On an idle machine \"about\" was right within a factor of two; it is the middle of the logarithms.
Weights are pages of a file where nothing is converted, and can be dropped; memory is what a stage allocates besides.";

/// For scripts; `docs/command-line.md` has the shape.
pub fn json(diagnosis: &Diagnosis) -> Value {
    let check =
        |check: &Check| json!({"name": check.name, "level": check.level.as_str(), "text": check.text});
    let needs = |needs: &Needs| {
        json!({
            "stage": needs.stage,
            "seconds": needs.seconds.middle(),
            "seconds_low": needs.seconds.low,
            "seconds_high": needs.seconds.high,
            "memory_bytes": needs.memory,
            "weights_bytes": needs.weights,
            "disk_bytes": needs.disk,
        })
    };
    json!({
        "pipeline": diagnosis.pipeline,
        "ok": !diagnosis.has_problem(),
        "multiply_add_rate_per_second": diagnosis.speeds.rates.f32,
        "bf16_multiply_add_rate_per_second": diagnosis.speeds.rates.bf16,
        "read_bandwidth_bytes_per_second": diagnosis.speeds.bandwidth,
        "threads": diagnosis.speeds.threads,
        "checks": diagnosis.checks.iter().map(check).collect::<Vec<_>>(),
        "stages": diagnosis.needs.iter().map(needs).collect::<Vec<_>>(),
    })
}

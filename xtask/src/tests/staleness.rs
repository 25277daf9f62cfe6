//! The pure function, without a disk.

use crate::{
    hash::FileHash,
    lock::{FORMAT, Lock},
    stage::{STAGES, Stage},
    staleness::{Reason, Snapshot, stale_because, summary},
};

const STAGE: &Stage = &STAGES[2];

fn snapshot() -> Snapshot {
    let mut now = Snapshot::default();
    now.key.parameters.insert("steer.seed".into(), "0".into());
    now.key.upstream.insert("analyze".into(), "aa".into());
    now.outputs.insert(
        "out.txt".into(),
        FileHash {
            hash: "bb".into(),
            bytes: 1,
        },
    );
    now
}

fn lock() -> Lock {
    let Snapshot { key, outputs, .. } = snapshot();
    Lock {
        format: FORMAT,
        version: STAGE.version,
        key,
        outputs,
        ..Lock::default()
    }
}

/// Changes the snapshot and the lock of a fresh stage; expects exactly these reasons.
#[track_caller]
fn check(change: impl Fn(&mut Snapshot, &mut Lock), reasons: &[&str]) {
    let (mut now, mut lock) = (snapshot(), lock());
    change(&mut now, &mut lock);
    let found: Vec<String> = stale_because(STAGE, &now, Some(&lock))
        .iter()
        .map(Reason::to_string)
        .collect();
    assert_eq!(found, reasons);
}

#[test]
fn each_difference_is_a_reason_and_none_is_fresh() {
    check(|_, _| {}, &[]);
    check(|now, _| now.forced = true, &["forced"]);
    check(|now, _| now.interrupted = true, &["interrupted"]);
    check(|_, lock| lock.version = 0, &["stage version changed: 0 -> 1"]);
    check(
        |_, lock| lock.format = 1,
        &["lock of another version of xtask (format 1, not 2)"],
    );
    check(|_, lock| lock.format = 0, &["lock cannot be read"]);
    check(
        |now, _| now.key.upstream.clear(),
        &["upstream output changed: analyze"],
    );
    check(|now, _| now.outputs.clear(), &["output missing: out.txt"]);
    check(|_, lock| lock.outputs.clear(), &["output unexpected: out.txt"]);
    check(
        |_, lock| lock.key.parameters.clear(),
        &["parameter steer.seed added: 0"],
    );
    check(|_, lock| lock.provenance.seconds = 9.0, &[]);
}

#[test]
fn reasons_add_up() {
    let change = |now: &mut Snapshot, lock: &mut Lock| {
        now.forced = true;
        now.key.upstream.insert("analyze".into(), "cc".into());
        lock.key.parameters.insert("steer.seed".into(), "1".into());
    };
    check(
        change,
        &[
            "forced",
            "parameter steer.seed changed: 1 -> 0",
            "upstream output changed: analyze",
        ],
    );
}

#[test]
fn without_a_lock_it_never_ran() {
    assert_eq!(stale_because(STAGE, &snapshot(), None), [Reason::NeverRan]);
    let interrupted = Snapshot {
        interrupted: true,
        ..snapshot()
    };
    assert_eq!(stale_because(STAGE, &interrupted, None), [Reason::Interrupted]);
}

#[test]
fn a_summary_is_one_short_line() {
    let reasons: Vec<Reason> = (1..=5)
        .map(|number| Reason::OutputMissing {
            path: number.to_string(),
        })
        .collect();
    assert_eq!(
        summary(&reasons),
        "output missing: 1; output missing: 2; output missing: 3; and 2 more"
    );
    let long = Reason::ParameterAdded {
        key: "k".into(),
        new: format!("\"\"\"a\nb{}", "x".repeat(100)),
    };
    assert_eq!(
        long.to_string(),
        format!("parameter k added: \"\"\"a b{}…", "x".repeat(54))
    );
}

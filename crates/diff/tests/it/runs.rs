use diff::{Comparison, Contrasts, Run, page, summary};
use tempfile::TempDir;

use crate::example::Example;

/// Both runs and what is said about them.
struct Compared {
    _folder: TempDir,
    a: Run,
    b: Run,
    comparison: Comparison,
}

fn compared(a: &Example, b: &Example) -> Compared {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, example: &Example| {
        example.write(&folder.path().join(name));
        Run::read(&folder.path().join(name)).unwrap()
    };
    let (a, b) = (read("first", a), read("second", b));
    let comparison = Comparison::of(&a, &b).unwrap();
    Compared {
        _folder: folder,
        a,
        b,
        comparison,
    }
}

impl Compared {
    fn summary(&self) -> String {
        summary(&self.a, &self.b, &self.comparison)
    }

    fn page(&self) -> String {
        page(&self.a, &self.b, &self.comparison).unwrap()
    }

    fn differing_settings(&self) -> Vec<&str> {
        self.comparison
            .settings
            .iter()
            .map(|setting| setting.what.as_str())
            .collect()
    }
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let same = compared(&Example::default(), &Example::default());
    assert!(same.comparison.is_same());
    assert!(same.summary().contains("Nothing differs"), "{}", same.summary());
    assert!(same.page().contains("settings, curves and texts are the same"));
}

#[test]
fn a_changed_text_is_found_and_its_words_are_marked() {
    let changed = Example {
        answer: Some("I am a teacher."),
        ..Example::default()
    };
    let texts = compared(&Example::default(), &changed);
    assert!(!texts.comparison.is_same());
    let sets = texts.comparison.texts.as_deref().unwrap();
    let counts: Vec<(&str, usize, usize)> = sets
        .iter()
        .map(|set| (set.name.as_str(), set.same, set.differing.len()))
        .collect();
    assert_eq!(counts, [("normal", 1, 0), ("steered", 1, 1)]);
    assert!(
        texts.summary().contains("I am a [teacher.]"),
        "{}",
        texts.summary()
    );
    assert!(texts.page().contains("I am a <mark>teacher.</mark>"));
}

#[test]
fn a_text_of_another_prompt_under_the_same_id_is_no_counterpart() {
    let folder = tempfile::tempdir().unwrap();
    Example::default().write(folder.path());
    let a = Run::read(folder.path()).unwrap();
    let mut b = Run::read(folder.path()).unwrap();
    for row in &mut b.generations.as_mut().unwrap().0 {
        row.prompt = "Another question?".to_owned();
    }
    let sets = diff::texts(&a, &b).unwrap();
    assert!(sets.iter().all(|set| set.same == 0 && set.differing.is_empty()));
    assert!(sets.iter().all(|set| set.only_a > 0 && set.only_a == set.only_b));
}

#[test]
fn settings_name_what_was_done_differently() {
    let other = Example {
        weights: "bbbb",
        greeting: "Good day.",
        ..Example::default()
    };
    let differing = compared(&Example::default(), &other);
    assert_eq!(
        differing.differing_settings(),
        ["weights_fingerprint", "texts of 4 prompts, first who in normal"]
    );
    assert!(
        differing.summary().contains("the weights differ"),
        "cosines across weights need a word of caution"
    );
}

#[test]
fn contrasts_are_compared_where_they_share_a_basis() {
    let other = Example {
        contrast: [4.0, -4.0, 2.0],
        ..Example::default()
    };
    let turned = compared(&Example::default(), &other);
    let Contrasts::Cosines {
        caution: None,
        layers,
    } = &turned.comparison.contrasts
    else {
        panic!("{:?}", turned.comparison.contrasts);
    };
    assert_eq!(layers.len(), 4);
    for row in layers {
        assert!(row.cosine.abs() < 1e-12, "4 - 8 + 4");
        assert!((row.norm_ratio - 2.0).abs() < 1e-12);
        assert!((row.attainable.unwrap() - 1.6 / 1.8).abs() < 1e-12);
    }

    let deeper = Example {
        layers: 7,
        ..Example::default()
    };
    let apart = compared(&Example::default(), &deeper);
    assert!(matches!(&apart.comparison.contrasts, Contrasts::Incomparable(why) if why.contains("7")));
    assert!(apart.summary().contains("not comparable"));
    assert!(!apart.page().contains("id=\"contrast\""));
}

#[test]
fn curves_that_moved_are_apart() {
    let shifted = Example {
        shift: 0.05,
        ..Example::default()
    };
    let moved = compared(&Example::default(), &shifted);
    assert!((moved.comparison.curves.mean_distance - 0.05).abs() < 1e-12);
    assert!(moved.comparison.curves.rows.iter().all(|row| row.is_apart()));
    assert!(moved.summary().contains("+0.0500  apart"), "{}", moved.summary());
}

#[test]
fn a_run_without_texts_is_compared_as_far_as_it_goes() {
    let silent = Example {
        answer: None,
        ..Example::default()
    };
    let silent = compared(&Example::default(), &silent);
    assert!(silent.comparison.texts.is_none());
    assert!(silent.summary().contains("cargo xtask steer"));
    assert!(silent.page().contains("cargo xtask steer"));
}

#[test]
fn a_page_says_nothing_in_the_language_of_pages_that_a_text_says() {
    let sly = Example {
        answer: Some("</script><img src=x onerror=alert(1)> & more"),
        ..Example::default()
    };
    let page = compared(&Example::default(), &sly).page();
    assert!(!page.contains("<img src=x"));
    assert!(page.contains("&lt;img src"));
}

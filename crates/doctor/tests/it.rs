//! What is found wrong with a pipeline or a machine, and what is estimated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

use std::path::Path;

use doctor::{Diagnosis, Level, Machine, Speeds, Workload, diagnose, json, table};
use dose::{Direction, LayerDirections, Planned, doses};
use kernels::{Instructions, ProductRates};
use machine::{Gpu, Sort};
use pipeline::{DoseTable, Pipeline, read_prompts};
use results::{DoseDirection, Layout};
use terms::GpuApi;

/// A machine that has what it takes, without measuring it.
fn machine() -> Machine {
    Machine {
        free_memory: Some(24_000_000_000),
        instructions: Instructions::Portable,
        threads: 2,
        speeds: Speeds {
            rates: ProductRates {
                f32: 1.9e11,
                bf16: 1.9e11,
                exact_bf16: 1.9e11,
            },
            bandwidth: 2.1e10,
            threads: 2,
        },
        gpus: Vec::new(),
        hub_answer: None,
        has_token: true,
        hub_cache: "cache".into(),
        is_offline: false,
        free_disk: |_| Some(100_000_000_000),
    }
}

/// A pipeline of the project, as `cargo xtask` would hand it on.
fn examined(name: &str, overrides: &[&str], machine: &Machine) -> Diagnosis {
    // Paths in a pipeline start at the project's root.
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    let overrides: Vec<String> = ["model.device=cpu"]
        .iter()
        .chain(overrides)
        .map(|text| (*text).to_owned())
        .collect();
    let pipeline = Pipeline::read(format!("pipelines/{name}.toml").as_ref(), &overrides).unwrap();
    diagnose(&pipeline, &Layout::new(format!("results/{name}")), machine).unwrap()
}

#[track_caller]
fn check(diagnosis: &Diagnosis, name: &str, level: Level, part: &str) {
    let is_it =
        |check: &&doctor::Check| check.name == name && check.level == level && check.text.contains(part);
    assert!(
        diagnosis.checks.iter().any(|check| is_it(&check)),
        "no {level:?} of {name} with {part:?} in {diagnosis:#?}"
    );
}

fn seconds(diagnosis: &Diagnosis, stage: &str) -> (f64, f64) {
    let needs = diagnosis.needs.iter().find(|needs| needs.stage == stage).unwrap();
    (needs.seconds.low, needs.seconds.high)
}

#[test]
fn the_shipped_pipeline_has_no_problem_and_its_measured_times_lie_in_the_ranges() {
    let diagnosis = examined("tiny", &[], &machine());
    assert!(!diagnosis.has_problem(), "{diagnosis:#?}");
    check(
        &diagnosis,
        "prompts",
        Level::Fine,
        "6 prompts in 2 conditions, 23 tokens at most",
    );
    check(&diagnosis, "layers", Level::Fine, "6, ");
    check(&diagnosis, "processor", Level::Warning, "without AVX2");
    // What the run took on the machine whose speeds these are.
    for (stage, took) in [("steer", 0.26), ("dose", 18.9)] {
        let (low, high) = seconds(&diagnosis, stage);
        assert!((low..high).contains(&took), "{stage}: {low} to {high}");
    }
}

/// The embedded model's sweep, counted in the tables that the stage wrote: 367 doses, 3,756 texts and 12 that are held
/// out.
#[test]
fn a_sweep_has_as_many_doses_as_the_stage_makes() {
    let (workload, table) = workload_of_sweep(&[]);
    assert_eq!(workload.scored_texts, 3756 + 12);
    assert_eq!(1 + 6 * doses_of_a_layer(&table).len(), 367);
}

/// What doctor counts is what the stage plans with vectors, whatever the pipeline asks for.
#[test]
fn a_sweep_has_as_many_texts_as_the_plan() {
    for overrides in [
        &["dose.layers=[3]"][..],
        &["dose.layers=[1,-1]", "dose.random_directions=0"],
        &[
            "dose.layers=[2]",
            "dose.coefficients=[0.5]",
            "dose.percentiles=[]",
        ],
        &[
            "dose.layers=[0,4]",
            "dose.percentiles=[10.0,90.0]",
            "dose.prompts=3",
        ],
        &["dose.layers=[2,3]", "dose.directions=['contrast','pca','probe']"],
    ] {
        let (workload, table) = workload_of_sweep(overrides);
        let planned = doses_of_a_layer(&table);
        let prompts = table.prompts.min(workload.prompts);
        let of_a_layer: usize = planned.iter().map(|planned| planned.sides.len() * prompts).sum();
        let held_out = 2 * prompts * table.directions.len();
        let texts = 2 * prompts + table.layers.len() * of_a_layer + held_out;
        assert_eq!(workload.scored_texts, texts, "{overrides:?}");
        let neutral = read_prompts(table.neutral.as_deref().unwrap()).unwrap().len();
        assert_eq!(workload.dose.rows, texts + neutral, "{overrides:?}");
    }
}

fn workload_of_sweep(overrides: &[&str]) -> (Workload, DoseTable) {
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let pipeline = Pipeline::read("pipelines/tiny.toml".as_ref(), &overrides).unwrap();
    let (workload, found) = Workload::of(&pipeline, None);
    let workload = workload.unwrap_or_else(|| panic!("{found:?}"));
    (workload, pipeline.dose)
}

/// The stage's plan with made-up vectors.
fn doses_of_a_layer(table: &DoseTable) -> Vec<Planned> {
    let controls = (0..table.random_directions).map(|number| (DoseDirection::Random, number));
    let others = table.directions().into_iter().skip(1);
    let others = others.map(|kind| (DoseDirection::Vector(kind), 0));
    let directions = [(DoseDirection::CONTRAST, 0)]
        .into_iter()
        .chain(controls)
        .chain([(DoseDirection::Shuffled, 0)])
        .chain(others);
    let directions = directions.map(|(kind, number)| Direction {
        kind,
        number,
        vector: vec![1.0, 2.0],
        scale: 1.0,
        projections: vec![-1.0, 0.0, 2.0],
    });
    let layer = LayerDirections {
        layer: 0,
        residual_norm: 10.0,
        directions: directions.collect(),
        of_folds: Vec::new(),
    };
    doses(table, &layer)
}

#[test]
fn the_notebooks_model_is_examined_without_its_weights() {
    let diagnosis = examined(
        "user-swap-gemma-2-9b-it",
        &["model.source=google/gemma-2-9b-it"],
        &machine(),
    );
    assert!(!diagnosis.has_problem(), "{diagnosis:#?}");
    check(&diagnosis, "model", Level::Fine, "18.5 GB");
    check(&diagnosis, "prompts", Level::Fine, "estimated");
    // Extraction took 24.5 s, and writes two vectors of 3584 numbers for 12 texts and 42 layers.
    let (low, high) = seconds(&diagnosis, "extract");
    assert!((low..high).contains(&24.5), "{low} to {high}");
    let steer = diagnosis
        .needs
        .iter()
        .find(|needs| needs.stage == "steer")
        .unwrap();
    assert!(
        (18_400_000_000..18_600_000_000).contains(&steer.weights),
        "{}",
        steer.weights
    );
    let extract = diagnosis
        .needs
        .iter()
        .find(|needs| needs.stage == "extract")
        .unwrap();
    assert_eq!(extract.disk, (12.0 * 2.0 * 42.0 * 3584.0 * 4.0 * 0.9) as u64);
}

#[test]
fn what_is_missing_is_a_problem_with_advice() {
    let small = Machine {
        free_memory: Some(8_000_000_000),
        has_token: false,
        ..machine()
    };
    let diagnosis = examined("user-swap-gemma-2-9b-it", &[], &small);
    check(
        &diagnosis,
        "hub token",
        Level::Problem,
        "; accept the licence at https://huggingface.co/google/gemma-2-9b-it",
    );
    // The weights are pages of a file, so that it works, slowly.
    check(
        &diagnosis,
        "memory",
        Level::Warning,
        "the weights don't stay at hand",
    );
    assert!(diagnosis.has_problem());
    let text = table(&diagnosis);
    assert!(
        text.contains("\nproblem  hub token: google/gemma-2-9b-it is gated"),
        "{text}"
    );
    assert!(text.contains("\n           do: accept the licence"), "{text}");
    assert_eq!(json(&diagnosis)["ok"], false);

    let full = Machine {
        free_disk: |_| Some(10_000_000_000),
        ..machine()
    };
    let diagnosis = examined("user-swap-gemma-2-9b-it", &[], &full);
    check(
        &diagnosis,
        "disk, hub's cache",
        Level::Problem,
        "18.5 GB wanted, 10.0 GB free at cache; free some",
    );

    let starved = Machine {
        free_memory: Some(50_000_000),
        ..machine()
    };
    check(
        &examined("tiny", &[], &starved),
        "memory",
        Level::Problem,
        "are free",
    );
    let unknown = examined("tiny", &["model.source=somebody/some-model"], &machine());
    check(&unknown, "shape", Level::Warning, "is not known here");
    assert!(unknown.needs.is_empty());
    let cuda = examined("tiny", &["model.device=cuda"], &machine());
    check(
        &cuda,
        "device",
        Level::Problem,
        "cuda is wanted, and no driver offers it here",
    );
}

#[test]
fn gpus_are_listed_with_what_the_pipeline_takes_there() {
    let gpu = |number, sort, memory| Gpu {
        api: GpuApi::Vulkan,
        number,
        name: format!("card {number}"),
        driver: "driver 1.2".to_owned(),
        sort,
        memory: Some(memory),
        arithmetic: terms::Arithmetic {
            bf16: false,
            tf32: false,
        },
    };
    let machine = Machine {
        gpus: vec![
            gpu(0, Sort::Software, 1 << 34),
            gpu(1, Sort::Discrete, 8 << 30),
            gpu(2, Sort::Discrete, 1 << 21),
        ],
        ..machine()
    };
    let auto = examined("tiny", &["model.device=auto"], &machine);
    let text = "vulkan: card 0 (driver 1.2), 17.2 GB, computes in f32, a program";
    check(&auto, "gpu", Level::Fine, text);
    check(
        &auto,
        "device",
        Level::Fine,
        "vulkan:1, card 1: card 1 (driver 1.2)",
    );
    check(&auto, "device", Level::Fine, "of weights in f32");
    let small = examined("tiny", &["model.device=vulkan:2"], &machine);
    check(
        &small,
        "device",
        Level::Problem,
        "card 2 has 2 MB, so that only extraction",
    );
    let bf16 = examined("tiny", &["model.device=wgpu:1", "model.dtype=bf16"], &machine);
    check(
        &bf16,
        "device",
        Level::Problem,
        "the device wgpu:1 does not compute in bf16",
    );
    let cpu = examined("tiny", &[], &machine);
    check(&cpu, "device", Level::Fine, "cpu: named by the pipeline");
}

/// The same words as where the model is wanted.
#[test]
fn sources_that_are_not_there_are_told_for_what_they_are() {
    for (source, part) in [
        ("dta/tiny", None),
        ("./dta/tiny", Some("did you mean \"./data/tiny\"?")),
        ("data/tyny", Some("did you mean \"data/tiny\"?")),
        ("https://huggingface.co/owner/name", Some("give \"owner/name\"")),
        (
            "google/gemma-3-1b-it:latest",
            Some("`latest` behind the name has no meaning here"),
        ),
    ] {
        let diagnosis = examined("tiny", &[&format!("model.source={source}")], &machine());
        match part {
            Some(part) => check(&diagnosis, "model", Level::Problem, part),
            None => check(&diagnosis, "model", Level::Fine, "of the hub will be downloaded"),
        }
    }
}

#[test]
fn what_the_hub_says_is_told() {
    let with = |answer: &str| Machine {
        hub_answer: Some(answer.to_owned()),
        ..machine()
    };
    let of = |answer: &str| examined("tiny", &["model.source=google/gemma-2-9b-it"], &with(answer));
    check(&of("bytes 18500000000"), "hub", Level::Fine, "18.5 GB in all");
    let refused = of("problem google/gemma-2-9b-it: this model is gated; accept the licence");
    check(&refused, "model", Level::Problem, "gated; accept the licence");
}

#[test]
fn half_a_model_in_the_cache_is_told() {
    let cache = tempfile::tempdir().unwrap();
    let repository = cache.path().join("models--google--gemma-2-9b-it");
    let snapshot = repository.join("snapshots").join("0".repeat(40));
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::write(repository.join("refs/main"), "0".repeat(40)).unwrap();
    for name in ["config.json", "tokenizer.json"] {
        std::fs::write(snapshot.join(name), "{}").unwrap();
    }
    std::os::unix::fs::symlink("../../blobs/gone", snapshot.join("model.safetensors")).unwrap();
    let mut machine = Machine {
        hub_cache: cache.path().to_owned(),
        ..machine()
    };
    let of = |machine: &Machine| examined("tiny", &["model.source=google/gemma-2-9b-it"], machine);
    check(
        &of(&machine),
        "model",
        Level::Fine,
        "the rest will be downloaded (missing: model.safetensors)",
    );
    machine.is_offline = true;
    check(
        &of(&machine),
        "model",
        Level::Problem,
        "doesn't hold the whole model (missing: model.safetensors); unset HF_HUB_OFFLINE",
    );
}

#[test]
fn vectors_that_analyze_could_not_read_are_told() {
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    let mut pipeline =
        Pipeline::read("pipelines/tiny.toml".as_ref(), &["model.device=cpu".to_owned()]).unwrap();
    pipeline.vectors = vec![pipeline::VectorTable {
        name: "theirs".to_owned(),
        file: "data/tiny/model.safetensors".into(),
        layer: None,
    }];
    let told = diagnose(&pipeline, &Layout::new("results/tiny"), &machine()).unwrap();
    check(&told, "vectors", Level::Problem, "data/tiny/model.safetensors");
}

/// What extract would say of the prompts, with the same words.
#[test]
fn findings_about_prompts_are_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        format!("prompts.file={}", path.display())
    };
    let long = "Tell me more about you and what you do. ".repeat(90);
    let long = write(
        "long.jsonl",
        &format!("{{\"id\": \"long\", \"text\": \"{long}\"}}\n"),
    );
    let told = examined("tiny", &[&long], &machine());
    check(
        &told,
        "prompts",
        Level::Warning,
        "prompt \"long\" in condition \"",
    );
    check(&told, "prompts", Level::Warning, "made for 512");
    let twice = write(
        "twice.jsonl",
        "{\"id\": \"a\", \"text\": \"Who are you?\"}\n{\"id\": \"b\", \"text\": \" Who are you?\\n\"}\n",
    );
    let told = examined("tiny", &[&twice], &machine());
    check(
        &told,
        "prompts",
        Level::Warning,
        "1 of 2 prompts are the same text",
    );
    check(&told, "prompts", Level::Warning, "\"b\" is \"a\"");
    check(&told, "prompts", Level::Fine, "1 prompts in 2 conditions");
}

#[test]
fn mistakes_in_a_pipeline_that_would_show_hours_later_show_here() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.jsonl");
    std::fs::write(&bad, "{\"id\": \"a\"}\n").unwrap();
    let bad = format!("prompts.file={}", bad.display());
    let cases = [
        (
            "dose.layers=[9]",
            "layers",
            "dose.layers: there is no layer 9; the model has 0 to 5",
        ),
        (
            &*bad,
            "prompts",
            "bad.jsonl: line 1, column 11: missing field `text`",
        ),
        ("prompts.file=nowhere.jsonl", "prompts", "nowhere.jsonl"),
        ("dose.neutral=nowhere.jsonl", "dose.neutral", "nowhere.jsonl"),
        ("verify.reference=nowhere", "verify.reference", "nowhere"),
        ("model.chat_template=nowhere", "model", "nowhere"),
        (
            "report.published=nowhere",
            "files",
            "report.published = \"nowhere\" names no file",
        ),
        ("model.source=nowhere", "model", "there is no such folder or file"),
        (
            "steer.sets=[{ name = \"steered\", condition = \"normal\", suppress = [\"no single token\"], interventions = [{ \
             kind = \"addition\", layers = [3] }] }]",
            "suppress",
            "\"no single token\" is not a single token",
        ),
    ];
    for (assignment, name, part) in cases {
        let diagnosis = examined("tiny", &[assignment], &machine());
        check(&diagnosis, name, Level::Problem, part);
    }
}

#[test]
fn the_program_refuses_what_it_does_not_understand() {
    for (arguments, part) in [
        (
            &["--json"][..],
            "--pipeline <FILE> and --results <FOLDER> must be given",
        ),
        (
            &["--pipeline", "p", "--results", "r", "--jsn"],
            "did you mean `--json`?",
        ),
    ] {
        let program = env!("CARGO_BIN_EXE_doctor");
        let output = std::process::Command::new(program)
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(part), "{errors}");
    }
}

/// Two cores of an Emerald Rapids with AMX, with the speeds that docs/performance.md has of it.
fn machine_with_amx() -> Machine {
    Machine {
        instructions: Instructions::Amx,
        speeds: Speeds {
            rates: ProductRates {
                f32: 3.3e11,
                bf16: 6.6e12,
                exact_bf16: 2.2e12,
            },
            bandwidth: 1.7e10,
            threads: 2,
        },
        ..machine()
    }
}

/// Half of the processor seconds that the stages took there, since both cores can share the work.
#[test]
fn times_measured_with_amx_lie_in_the_ranges() {
    let diagnosis = examined("tiny", &[], &machine_with_amx());
    for (stage, took) in [("steer", 0.08), ("dose", 6.2)] {
        let (low, high) = seconds(&diagnosis, stage);
        assert!((low..high).contains(&took), "{stage}: {low} to {high}");
    }
}

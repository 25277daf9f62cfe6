//! Reading pipeline files: what is refused, and how parameters are printed.

use super::sandbox::Sandbox;
use terms::Device;

use ::pipeline::TABLES;

use crate::{
    pipeline::{Pipeline, name_of},
    stage::named,
};

#[track_caller]
fn check_refused(text: &str, message: &str) {
    let sandbox = Sandbox::new();
    sandbox.write("pipelines/tiny.toml", text);
    let error = format!("{:#}", sandbox.pipeline().unwrap_err());
    assert!(error.starts_with(message), "{error}");
    assert!(!error.contains('\n'), "one line: {error}");
}

#[test]
fn an_unknown_top_level_key_is_refused() {
    check_refused(
        "[steering]\nseed = 0\n",
        &format!(
            "pipelines/tiny.toml: unknown top-level key `steering`; the known tables are {}",
            TABLES.join(", ")
        ),
    );
    check_refused("seed = 0\n", "pipelines/tiny.toml: unknown top-level key `seed`");
    check_refused("steer = 0\n", "pipelines/tiny.toml: `steer` must be a table");
    check_refused("steer = [1]\n", "pipelines/tiny.toml: `steer` must be a table");
}

#[test]
fn a_syntax_error_names_file_and_line() {
    check_refused(
        "[model]\ndtype = \"f32\"\nsource = \n",
        "pipelines/tiny.toml: not valid TOML: line 3: source: ",
    );
}

#[test]
fn an_unknown_device_is_refused() {
    check_refused(
        "[model]\ndevice = \"tpu\"\n",
        "pipelines/tiny.toml: model.device = \"tpu\" is not one of auto, cpu, cuda",
    );
    check_refused(
        "[model]\ndevice = 1\n",
        "pipelines/tiny.toml: model.device = 1 is not one of",
    );
}

#[test]
fn a_missing_pipeline_lists_the_existing_ones() {
    let sandbox = Sandbox::new();
    sandbox.write("pipelines/gemma.toml", "");
    let load = |name: &str| Pipeline::load(&sandbox.project, name, &[], Device::Cpu);
    assert_eq!(
        load("tinny").unwrap_err().to_string(),
        "there is no pipeline file pipelines/tinny.toml; did you mean `tiny`? existing pipelines: gemma, tiny"
    );
    assert_eq!(load("gemma").unwrap().name, "gemma");
}

#[test]
fn a_pipeline_can_be_given_by_its_path() {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/mine.toml", "[steer]\nseed = 7\n");
    let load = |path: &str| Pipeline::load(&sandbox.project, path, &[], Device::Cpu).unwrap();
    let relative = load("elsewhere/mine.toml");
    assert_eq!(
        (relative.name.as_str(), relative.file.as_str()),
        ("mine", "elsewhere/mine.toml")
    );
    let absolute = load(sandbox.path("elsewhere/mine.toml").to_str().unwrap());
    assert_eq!(
        (absolute.name.as_str(), absolute.file.as_str()),
        ("mine", "elsewhere/mine.toml")
    );
}

#[test]
fn a_pipeline_from_windows_is_read() {
    let sandbox = Sandbox::new();
    sandbox.write("pipelines/tiny.toml", "\u{feff}[model]\r\ndevice = \"cpu\"\r\n");
    assert_eq!(sandbox.pipeline().unwrap().text("model.device"), Some("cpu"));
    let utf_16: Vec<u8> = "[model]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs_err::write(sandbox.path("pipelines/tiny.toml"), utf_16).unwrap();
    let error = format!("{:#}", sandbox.pipeline().unwrap_err());
    assert!(
        error.contains("tiny.toml: is UTF-16 (little-endian); save it as UTF-8"),
        "{error}"
    );
}

/// Both would write results/tiny.
#[test]
fn two_pipelines_of_one_name_do_not_share_results() {
    let sandbox = Sandbox::fresh();
    let load = || {
        let path = sandbox.path("elsewhere/tiny.toml");
        let loaded = Pipeline::load(&sandbox.project, path.to_str().unwrap(), &[], Device::Cpu);
        loaded.map_err(|error| error.to_string())
    };
    sandbox.write("elsewhere/tiny.toml", &sandbox.read("pipelines/tiny.toml"));
    load().expect("a copy is the same pipeline");
    sandbox.edit("elsewhere/tiny.toml", "seed = 0", "seed = 1");
    let error = load().unwrap_err();
    for part in [
        "elsewhere/tiny.toml: ",
        "results of pipelines/tiny.toml, which has the same name",
        "; rename one",
    ] {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
    sandbox.pipeline().expect("the owner goes on");
    sandbox.remove("pipelines/tiny.toml");
    load().expect("a file that was moved and then edited");
}

#[test]
fn a_name_cannot_lead_out_of_the_results() {
    assert_eq!(name_of("gemma-2.2b").unwrap(), "gemma-2.2b");
    assert_eq!(name_of("some/where/mine.toml").unwrap(), "mine");
    for bad in [
        "", "..", ".", "../tiny", "a/b", "/", ".toml", "a/..toml", ".hidden",
    ] {
        assert!(name_of(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_stage_sees_the_parameters_of_its_tables_only() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pipelines/tiny.toml",
        "[model]\ndevice = \"cpu\"\n[contrast]\nlayers = [1, 2]\n[steer.sampling]\ntop_k = 5\n",
    );
    let pipeline = sandbox.pipeline().unwrap();
    let printed = |name: &str| {
        let parameters = pipeline.parameters(named(name).unwrap()).into_iter();
        parameters
            .map(|(key, value)| format!("{key} = {value}"))
            .collect::<Vec<_>>()
    };
    let (device, layers, top_k) = (
        r#"model.device = "cpu""#,
        "contrast.layers = [1, 2]",
        "steer.sampling.top_k = 5",
    );
    assert_eq!(printed("extract"), [device]);
    assert_eq!(printed("analyze"), [layers]);
    assert_eq!(printed("steer"), [device, top_k]);
    assert_eq!(printed("report"), [layers, device, top_k]);
}

#[test]
fn a_list_of_tables_is_numbered() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pipelines/tiny.toml",
        "[[conditions]]\nname = \"normal\"\n\
         [[conditions]]\nname = \"swapped\"\nturns = [{ speaker = \"user\" }, { speaker = \"model\" }]\n",
    );
    let parameters = sandbox.pipeline().unwrap().parameters(named("extract").unwrap());
    let printed: Vec<_> = parameters
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    assert_eq!(
        printed,
        [
            "conditions[0].name = \"normal\"",
            "conditions[1].name = \"swapped\"",
            "conditions[1].turns[0].speaker = \"user\"",
            "conditions[1].turns[1].speaker = \"model\"",
            "model.device = \"cpu\"",
        ]
    );
}

#[test]
fn parameters_are_flat_and_unambiguous() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pipelines/tiny.toml",
        "[conditions]\n\"a.b\" = 1\na.b = 2\nnone = []\nempty = {}\n\
         [[conditions.roles]]\nname = \"pirate\"\n",
    );
    let parameters = sandbox.pipeline().unwrap().parameters(named("extract").unwrap());
    let printed: Vec<_> = parameters
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    assert_eq!(
        printed,
        [
            "conditions.\"a.b\" = 1",
            "conditions.a.b = 2",
            "conditions.empty = {}",
            "conditions.none = []",
            "conditions.roles[0].name = \"pirate\"",
            "model.device = \"cpu\"",
        ]
    );
}

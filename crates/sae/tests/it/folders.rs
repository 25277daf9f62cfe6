//! Folders that can't be read, or that say what is not known.

use std::path::Path;

use half::bf16;
use safetensors::serialize_to_file;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// A copy of a folder, with other values in its description.
fn changed(folder: &str, config: &str, changes: &Value) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs_err::read_dir(Path::new(DATA).join(folder)).unwrap() {
        let file = file.unwrap();
        fs_err::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let path = copy.path().join(config);
    let mut description: Value = serde_json::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        description[key] = value.clone();
    }
    fs_err::write(&path, description.to_string()).unwrap();
    copy
}

fn refusal(folder: &Path, hook: Option<&str>) -> String {
    match sae::open(folder, hook) {
        Ok(_) => panic!("{} was opened", folder.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_would_change_the_features_is_refused_by_name() {
    let cases = [
        (json!({"architecture": "transcoder"}), "transcoder"),
        (json!({"architecture": "temporal"}), "\"temporal\""),
        (
            json!({"normalize_activations": "expected_average_only_in"}),
            "expected_average_only_in",
        ),
        (json!({"normalize_activations": true}), "normalize_activations"),
        (json!({"reshape_activations": "hook_z"}), "reshape_activations"),
        (json!({"hook_head_index": 3}), "hook_head_index"),
        (json!({"activation_fn": "tanh-relu"}), "tanh-relu"),
        (json!({"activation_fn_str": "topk"}), "`k`"),
        (
            json!({"metadata": {"hook_name": "blocks.1.attn.hook_z"}}),
            "output projection",
        ),
        (
            json!({"metadata": {"hook_name": "blocks.1.hook_mlp_in", "hook_name_out": "blocks.1.hook_mlp_out"}}),
            "hook_name_out",
        ),
        (json!({"architecture": "gated"}), "b_enc"),
        (json!({"architecture": "batchtopk"}), "topk_threshold"),
    ];
    for (changes, words) in cases {
        let folder = changed("standard", "cfg.json", &changes);
        let problem = refusal(folder.path(), None);
        assert!(problem.contains(words), "{changes}: {problem}");
        assert!(
            problem.contains(';') || problem.contains('?'),
            "says what to do: {problem}"
        );
    }
    let cases = [
        (json!({"type": "transcoder"}), "transcoder"),
        (json!({"affine_connection": true}), "transcoder"),
        (
            json!({"hf_hook_point_out": "model.layers.18.output"}),
            "transcoder",
        ),
        (json!({"architecture": "topk"}), "jump_relu"),
        (
            json!({"hf_hook_point_in": "model.layers.3.self_attn.o_proj.input", "hf_hook_point_out": null}),
            "output projection",
        ),
    ];
    for (changes, words) in cases {
        let folder = changed(
            "resid_post_all/layer_17_width_40_l0_small",
            "config.json",
            &changes,
        );
        let problem = refusal(folder.path(), None);
        assert!(problem.contains(words), "{changes}: {problem}");
    }
}

#[test]
fn older_descriptions_of_saelens_are_read() {
    let older = json!({"architecture": null, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 7},
                       "metadata": null, "hook_point": "blocks.5.hook_mlp_out", "k": null});
    let folder = changed("topk", "cfg.json", &older);
    let (older, newer) = (
        sae::open(folder.path(), None).unwrap(),
        sae::open(&Path::new(DATA).join("topk"), None).unwrap(),
    );
    assert_eq!(older.activation, newer.activation);
    assert_eq!(older.description.place, newer.description.place);
}

#[test]
fn a_hook_is_named_where_the_folder_says_none_and_contradicts_none() {
    let copy = tempfile::tempdir().unwrap();
    let scope = Path::new(DATA).join("gemma-scope-9b-pt-res/layer_20/width_40/average_l0_114/params.npz");
    fs_err::copy(&scope, copy.path().join("params.npz")).unwrap();
    assert!(refusal(copy.path(), None).contains("hook ="));
    let sae = sae::open(copy.path(), Some("blocks.7.hook_resid_post")).unwrap();
    assert_eq!(sae.description.place.to_string(), "blocks.7.hook_resid_post");
    assert!(
        refusal(&Path::new(DATA).join("topk"), Some("blocks.6.hook_mlp_out")).contains("leave `hook` out")
    );
    assert!(sae::open(&Path::new(DATA).join("topk"), Some("blocks.5.hook_mlp_out")).is_ok());
}

#[test]
fn files_that_were_cut_off_or_hold_other_tensors_are_refused() {
    let copy = tempfile::tempdir().unwrap();
    assert!(refusal(copy.path(), None).contains("holds no autoencoder"));
    assert!(refusal(&copy.path().join("absent"), None).contains("no such folder"));
    let hook = Some("blocks.7.hook_resid_post");
    let scope = Path::new(DATA).join("gemma-scope-9b-pt-res/layer_20/width_40/average_l0_114/params.npz");
    let whole = fs_err::read(&scope).unwrap();
    for length in [0, 10, 300, whole.len() / 2, whole.len() - 1] {
        fs_err::write(copy.path().join("params.npz"), &whole[..length]).unwrap();
        assert!(refusal(copy.path(), hook).contains("params.npz"));
    }
    assert!(refusal(&Path::new(DATA).join("compressed"), hook).contains("numpy.savez("));
    let other = tempfile::tempdir().unwrap();
    let data = [0u8; 16];
    let tensor = TensorView::new(Dtype::F32, vec![2, 2], &data).unwrap();
    let tensors = [("W_enc", tensor.clone()), ("W_skip", tensor)];
    serialize_to_file(tensors, None, &other.path().join("params.safetensors")).unwrap();
    fs_err::write(
        other.path().join("config.json"),
        r#"{"hf_hook_point_in": "model.layers.1.output"}"#,
    )
    .unwrap();
    assert!(refusal(other.path(), None).contains("W_skip"));
}

/// More features than are encoded at a time, in bf16, against plain loops.
#[test]
fn many_features_in_bf16_equal_plain_loops() {
    const HIDDEN: usize = 6;
    const FEATURES: usize = 2500;
    let number = |index: usize, seed: usize| bf16::from_f32(((index * 37 + seed * 101) as f32 * 0.71).sin());
    let tensor =
        |count: usize, seed: usize| -> Vec<bf16> { (0..count).map(|index| number(index, seed)).collect() };
    let bytes =
        |values: &[bf16]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let (w_enc, w_dec) = (tensor(HIDDEN * FEATURES, 1), tensor(FEATURES * HIDDEN, 2));
    let (b_enc, b_dec, threshold) = (
        tensor(FEATURES, 3),
        tensor(HIDDEN, 4),
        vec![bf16::from_f32(0.5); FEATURES],
    );
    let stored = [
        ("w_enc", vec![HIDDEN, FEATURES], bytes(&w_enc)),
        ("w_dec", vec![FEATURES, HIDDEN], bytes(&w_dec)),
        ("b_enc", vec![FEATURES], bytes(&b_enc)),
        ("b_dec", vec![HIDDEN], bytes(&b_dec)),
        ("threshold", vec![FEATURES], bytes(&threshold)),
    ];
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| (*name, TensorView::new(Dtype::BF16, shape.clone(), bytes).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    serialize_to_file(views, None, &folder.path().join("params.safetensors")).unwrap();
    fs_err::write(
        folder.path().join("config.json"),
        r#"{"hf_hook_point_in": "model.layers.1.output"}"#,
    )
    .unwrap();
    let sae = sae::open(folder.path(), None).unwrap();
    let rows: Vec<f32> = (0..700 * HIDDEN)
        .map(|index| (index as f32 * 0.37).cos() * 2.0)
        .collect();
    let encoded = sae.encode(&rows).unwrap();
    for (row, encoded) in rows.chunks(HIDDEN).zip(&encoded) {
        let mut active = encoded.active.iter().peekable();
        for feature in 0..FEATURES {
            let dot: f64 = (0..HIDDEN)
                .map(|input| f64::from(row[input]) * w_enc[input * FEATURES + feature].to_f64())
                .sum();
            let pre = dot + b_enc[feature].to_f64();
            match active.next_if(|active| active.feature == feature) {
                Some(active) => assert!((f64::from(active.value) - pre).abs() < 1e-5 && pre > 0.5 - 1e-5),
                None => assert!(pre < 0.5 + 1e-5, "{feature}: {pre}"),
            }
        }
        assert!(active.next().is_none());
    }
    assert!(
        sae.direction(FEATURES)
            .is_err_and(|error| error.to_string().contains("2500"))
    );
}

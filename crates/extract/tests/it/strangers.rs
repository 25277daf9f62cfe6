//! Models as found in practice: copies of the embedded one, each changed as tools, trainers and
//! downloads change files. Each gives the embedded model's numbers, or is refused with what to do.

use std::path::{Path, PathBuf};

use extract::{capture, prepare_prompts};
use files::HashMemo;
use pipeline::ModelTable;
use results::Activation;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use serde_json::{Value, json};
use session::{inspect, open_model};
use terms::Pooling;

use crate::root;

fn tiny() -> PathBuf {
    root().join("data/tiny")
}

/// A copy of the embedded model; `change` is given its folder.
fn copy(change: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(tiny()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    change(folder.path());
    folder
}

/// Changes one of the JSON files of a folder.
fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join(name);
    let mut value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn weights() -> Vec<Tensor> {
    let bytes = std::fs::read(tiny().join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.tensors().into_iter();
    tensors
        .map(|(name, view)| (name, view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect()
}

fn write(path: &Path, tensors: &[Tensor]) {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        let view = TensorView::new(*dtype, shape.clone(), data).unwrap();
        (name.as_str(), view)
    });
    std::fs::write(path, serialize(views, None).unwrap()).unwrap();
}

/// A copy of the embedded model with other tensors.
fn with_weights(change: impl FnOnce(&mut Vec<Tensor>)) -> tempfile::TempDir {
    copy(|folder| {
        let mut tensors = weights();
        change(&mut tensors);
        write(&folder.join("model.safetensors"), &tensors);
    })
}

fn table(folder: &Path) -> ModelTable {
    ModelTable {
        dtype: terms::Dtype::F32,
        ..ModelTable::local(folder, "a stranger's")
    }
}

/// Every layer's vectors of the method's texts.
fn vectors(folder: &Path) -> Vec<Vec<Activation>> {
    let pipeline = crate::pipeline(root().join("data/prompts/role-questions.jsonl"));
    let model = open_model(&table(folder), &HashMemo::default()).unwrap();
    let prepared = prepare_prompts(&pipeline, model.network.config(), &model.tokenizer).unwrap();
    assert_eq!(prepared.findings, [""; 0]);
    assert_eq!(prepared.rendered.len(), 12);
    capture(&model, &prepared.rendered, &[Pooling::Newline, Pooling::Mean]).unwrap()
}

#[track_caller]
fn check_same(name: &str, folder: &Path) {
    assert!(vectors(folder) == vectors(&tiny()), "{name}: other numbers");
}

#[track_caller]
fn check_refused(folder: &Path, parts: &[&str]) {
    let error = inspect(&table(folder)).err().expect("this must be refused");
    let error = format!("{error:#}");
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

/// Instructions add a blank line, which the notebook's rule would read in place of the turn that is
/// opened.
#[test]
fn instructions_move_no_position() {
    let mut pipeline = crate::pipeline(root().join("data/prompts/role-questions.jsonl"));
    let model = open_model(&table(&tiny()), &HashMemo::default()).unwrap();
    for told in [&[0][..], &[0, 1]] {
        for condition in told {
            pipeline.conditions[*condition].system = Some("Answer in one sentence.".to_owned());
        }
        let prepared = prepare_prompts(&pipeline, model.network.config(), &model.tokenizer).unwrap();
        let elsewhere = format!("in {} of 12 texts the notebook's rule", 6 * told.len());
        assert!(
            prepared.findings[0].contains(&elsewhere),
            "{:?}",
            prepared.findings
        );
        let layers = capture(&model, &prepared.rendered, &[Pooling::Newline]).unwrap();
        for (row, prompt) in layers[5].iter().zip(&prepared.rendered) {
            assert_eq!(
                row.position,
                Some(prompt.token_ids.len() as i32 - 1),
                "{}",
                prompt.text
            );
        }
        let different = |condition: &str| {
            let rows = layers[5].iter().filter(|row| row.condition == condition);
            let mut rows: Vec<Vec<u32>> = rows
                .map(|row| row.activation.iter().map(|value| value.to_bits()).collect())
                .collect();
            rows.sort();
            rows.dedup();
            rows.len()
        };
        assert_eq!((different("normal"), different("swapped")), (6, 6));
    }
}

#[test]
fn a_tokenizer_with_more_tokens_than_the_table_has_rows() {
    let more = copy(|folder| {
        edit(folder, "tokenizer.json", |tokenizer| {
            let token = json!({"id": 1488, "content": "<image_soft_token>", "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": false});
            tokenizer["added_tokens"].as_array_mut().unwrap().push(token);
        });
    });
    check_same("one token more", more.path());
    let model = open_model(&table(more.path()), &HashMemo::default()).unwrap();
    let prompts = more.path().join("prompts.jsonl");
    std::fs::write(&prompts, r#"{"id": "sees", "text": "Look: <image_soft_token>"}"#).unwrap();
    let pipeline = crate::pipeline(prompts);
    let error = prepare_prompts(&pipeline, model.network.config(), &model.tokenizer)
        .err()
        .unwrap();
    let error = format!("{error:#}");
    for part in ["\"sees\"", "<image_soft_token>", "1488", "no row"] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn what_a_training_run_leaves_in_the_tokenizer() {
    let leaves = [
        (
            "truncation",
            json!({"direction": "Right", "max_length": 16, "strategy": "LongestFirst", "stride": 0}),
        ),
        (
            "truncation",
            json!({"direction": "Left", "max_length": 4, "strategy": "OnlyFirst", "stride": 0}),
        ),
        (
            "padding",
            json!({"strategy": {"Fixed": 40}, "direction": "Left", "pad_to_multiple_of": null, "pad_id": 0,
                "pad_type_id": 0, "pad_token": "<pad>"}),
        ),
        (
            "padding",
            json!({"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": 64, "pad_id": 0,
                "pad_type_id": 0, "pad_token": "<pad>"}),
        ),
        (
            "post_processor",
            json!({"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]},
                    "<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}}),
        ),
    ];
    for (key, value) in leaves {
        let left = copy(|folder| edit(folder, "tokenizer.json", |tokenizer| tokenizer[key] = value));
        check_same(key, left.path());
    }
    let flags = copy(|folder| {
        edit(folder, "tokenizer_config.json", |config| {
            config["add_bos_token"] = false.into()
        })
    });
    check_same("add_bos_token", flags.path());
}

#[test]
fn turn_tokens_that_are_not_called_special() {
    let plain = copy(|folder| {
        edit(folder, "tokenizer.json", |tokenizer| {
            for token in tokenizer["added_tokens"].as_array_mut().unwrap() {
                if token["content"].as_str().unwrap().contains("turn>") {
                    token["special"] = false.into();
                }
            }
        });
    });
    check_same("not special", plain.path());
    let model = open_model(&table(plain.path()), &HashMemo::default()).unwrap();
    let prompts = plain.path().join("prompts.jsonl");
    let text = json!({"id": "bad", "text": "Hi.<end_of_turn>\n<start_of_turn>model\nYes."});
    std::fs::write(&prompts, text.to_string()).unwrap();
    let error = |pipeline: &pipeline::Pipeline| {
        let prepared = prepare_prompts(pipeline, model.network.config(), &model.tokenizer);
        format!("{:#}", prepared.err().unwrap())
    };
    let bad = error(&crate::pipeline(prompts));
    assert!(bad.contains("\"bad\" holds the control token"), "{bad}");
    let plain = root().join("data/prompts/role-questions.jsonl");
    let mut told = crate::pipeline(plain.clone());
    told.conditions[0].system = Some("Be <start_of_turn> brief.".to_owned());
    let told = error(&told);
    assert!(
        told.contains("conditions.normal") && told.contains("<start_of_turn>"),
        "{told}"
    );
    let mut turned = crate::pipeline(plain);
    turned.conditions[1].turns[0].text = "Hello.<end_of_turn>".to_owned();
    let turned = error(&turned);
    assert!(
        turned.contains("conditions.swapped") && turned.contains("<end_of_turn>"),
        "{turned}"
    );
}

#[test]
fn special_tokens_and_templates_in_other_files() {
    let template = |folder: &Path| {
        let config: Value =
            serde_json::from_slice(&std::fs::read(folder.join("tokenizer_config.json")).unwrap()).unwrap();
        config["chat_template"].as_str().unwrap().to_owned()
    };
    let map = json!({"bos_token": "<bos>", "eos_token": {"content": "<eos>"}}).to_string();
    let without = copy(|folder| {
        std::fs::write(folder.join("chat_template.jinja"), template(folder)).unwrap();
        std::fs::write(folder.join("special_tokens_map.json"), &map).unwrap();
        std::fs::remove_file(folder.join("tokenizer_config.json")).unwrap();
    });
    check_same("no tokenizer_config.json", without.path());
    let json = copy(|folder| {
        let text = json!({"chat_template": template(folder)});
        std::fs::write(folder.join("chat_template.json"), text.to_string()).unwrap();
        edit(folder, "tokenizer_config.json", |config| {
            _ = config.as_object_mut().unwrap().remove("chat_template")
        });
    });
    check_same("chat_template.json", json.path());
    let listed = copy(|folder| {
        let text = template(folder);
        let list = json!([{"name": "tool_use", "template": "none"}, {"name": "default", "template": text}]);
        edit(folder, "tokenizer_config.json", |config| {
            config["chat_template"] = list
        });
    });
    check_same("a list of templates", listed.path());
    let unnamed = copy(|folder| {
        let list = json!([{"name": "rag", "template": "none"}, {"name": "tool_use", "template": "none"}]);
        edit(folder, "tokenizer_config.json", |config| {
            config["chat_template"] = list
        });
    });
    check_refused(unnamed.path(), &["rag, tool_use", "model.chat_template"]);
    let windows = copy(|folder| {
        let text = format!("\u{feff}{}", template(folder).replace('\n', "\r\n"));
        std::fs::write(folder.join("chat_template.jinja"), text).unwrap();
    });
    check_same("a template from Windows", windows.path());
    let tagged = copy(|folder| {
        let loop_ = "{%- for turn in messages -%}";
        let tags = "{%- if turn['role'] == 'assistant' -%}{% generation %}{% endgeneration %}{%- endif -%}";
        let text = template(folder).replacen(loop_, &format!("{loop_}{tags}"), 1);
        assert!(text.contains("generation"));
        std::fs::write(folder.join("chat_template.jinja"), text).unwrap();
    });
    check_same("generation tags", tagged.path());
}

#[test]
fn names_of_tensors_under_other_prefixes() {
    type Rename = fn(&str) -> String;
    let rename: [(&str, Rename); 8] = [
        ("none", |name| name.trim_start_matches("model.").to_owned()),
        ("torch.compile", |name| format!("_orig_mod.{name}")),
        ("DDP", |name| format!("module.{name}")),
        ("both", |name| format!("module._orig_mod.{name}")),
        ("PEFT", |name| format!("base_model.model.{name}")),
        ("PEFT, wrapped", |name| {
            format!(
                "base_model.model.{}",
                name.replace("q_proj.weight", "q_proj.base_layer.weight")
            )
        }),
        ("hub", |name| format!("language_model.{name}")),
        ("transformers", |name| {
            format!("model.language_model.{}", name.trim_start_matches("model."))
        }),
    ];
    for (kind, rename) in rename {
        let renamed =
            with_weights(|tensors| tensors.iter_mut().for_each(|tensor| tensor.0 = rename(&tensor.0)));
        check_same(kind, renamed.path());
    }
    let adapted = with_weights(|tensors| {
        let name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight";
        tensors.push((name.to_owned(), Dtype::F32, vec![8, 128], vec![0; 4096]));
    });
    check_refused(adapted.path(), &["lora_A", "merge"]);
}

#[test]
fn tensors_that_are_no_part_of_the_network() {
    let left = with_weights(|tensors| {
        for layer in 0..6 {
            let name = format!("model.layers.{layer}.self_attn.rotary_emb.inv_freq");
            tensors.push((name, Dtype::F32, vec![16], vec![0; 64]));
        }
        let ids = "model.embeddings.position_ids".to_owned();
        tensors.push((ids, Dtype::I64, vec![1, 4], vec![0; 32]));
        tensors.push((
            "vision_tower.norm.weight".to_owned(),
            Dtype::U8,
            vec![3],
            vec![0; 3],
        ));
    });
    check_same("buffers", left.path());
    let classifier = with_weights(|tensors| {
        tensors.push(("score.weight".to_owned(), Dtype::F32, vec![2, 128], vec![0; 1024]));
    });
    check_same("a classifier's head", classifier.path());
    let inspected = inspect(&table(classifier.path())).unwrap();
    assert_eq!(inspected.parts.checkpoint.left_out(), ["score.weight"]);
    let unknown = with_weights(|tensors| {
        tensors.push((
            "model.layers.0.gate.weight".to_owned(),
            Dtype::F32,
            vec![2],
            vec![0; 8],
        ));
    });
    check_refused(unknown.path(), &["model.layers.0.gate.weight", "no place"]);
}

#[test]
fn a_head_beside_tied_embeddings() {
    let with_head = |head: &dyn Fn(&Tensor) -> Tensor| {
        with_weights(|tensors| {
            let table = tensors
                .iter()
                .find(|tensor| tensor.0 == "model.embed_tokens.weight")
                .unwrap();
            tensors.push(head(table));
        })
    };
    let named = |table: &Tensor| {
        (
            "lm_head.weight".to_owned(),
            table.1,
            table.2.clone(),
            table.3.clone(),
        )
    };
    check_same("an equal head", with_head(&named).path());
    // The same numbers in another type.
    let widened = with_head(&|table| {
        let wide = table
            .3
            .chunks_exact(2)
            .flat_map(|pair| [0, 0, pair[0], pair[1]])
            .collect();
        ("lm_head.weight".to_owned(), Dtype::F32, table.2.clone(), wide)
    });
    assert_eq!(
        weights()
            .iter()
            .find(|tensor| tensor.0.contains("embed"))
            .unwrap()
            .1,
        Dtype::BF16
    );
    check_same("an equal head in another type", widened.path());
    let backwards = |table: &Tensor| {
        let row = table.3.len() / table.2[0];
        let rows: Vec<u8> = table.3.chunks_exact(row).rev().flatten().copied().collect();
        ("lm_head.weight".to_owned(), table.1, table.2.clone(), rows)
    };
    let other = with_head(&backwards);
    check_refused(other.path(), &["lm_head.weight", "tie_word_embeddings"]);
    // Untied, it is the head that the model speaks with: logits in the order of its rows.
    edit(other.path(), "config.json", |config| {
        config["tie_word_embeddings"] = false.into()
    });
    let tokens = [2, 4, 364, 6];
    let own = logits(other.path(), &tokens);
    let mut tied = logits(&tiny(), &tokens);
    tied.reverse();
    assert_eq!(own, tied);
    check_same("residuals don't depend on the head", other.path());
}

/// Logits of the last token.
fn logits(folder: &Path, tokens: &[u32]) -> Vec<f32> {
    let model = open_model(&table(folder), &HashMemo::default()).unwrap();
    let network = model.resident().unwrap();
    let batch = model::Batch::of(&[tokens]).unwrap();
    let h = network.forward(&batch, None, &mut ()).unwrap();
    let last = h.narrow(0, tokens.len() - 1, 1);
    network.head(last).into_data().try_into_vec().unwrap()
}

#[test]
fn shards_beside_a_single_file_and_in_folders() {
    let index = |folder: &Path, files: &dyn Fn(usize) -> String| {
        let names = weights();
        let names = names.iter().enumerate();
        let map: serde_json::Map<String, Value> = names
            .map(|(index, tensor)| (tensor.0.clone(), files(index).into()))
            .collect();
        let index = json!({"metadata": {}, "weight_map": map});
        std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    };
    let both = copy(|folder| {
        // From an older save.
        let mut old = weights();
        let changed = old
            .iter_mut()
            .find(|tensor| tensor.0.ends_with("layers.5.mlp.down_proj.weight"))
            .unwrap();
        changed.3.fill(0);
        write(&folder.join("model-00001-of-00001.safetensors"), &old);
        index(folder, &|_| "model-00001-of-00001.safetensors".to_owned());
    });
    check_same("a single file beside an index", both.path());
    let below = copy(|folder| {
        std::fs::create_dir(folder.join("weights")).unwrap();
        std::fs::rename(
            folder.join("model.safetensors"),
            folder.join("weights/w.safetensors"),
        )
        .unwrap();
        index(folder, &|_| "weights/w.safetensors".to_owned());
    });
    check_same("a folder below", below.path());
    for outside in [
        "../w.safetensors",
        "/etc/w.safetensors",
        "weights/../../w.safetensors",
    ] {
        index(below.path(), &|_| outside.to_owned());
        check_refused(below.path(), &["index.json", outside, "outside"]);
    }
}

#[test]
fn pointers_adapters_and_folders_of_the_cache() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3343816\n";
    for file in ["model.safetensors", "tokenizer.json", "config.json"] {
        let folder = copy(|folder| std::fs::write(folder.join(file), pointer).unwrap());
        check_refused(folder.path(), &[file, "pointer of Git LFS", "git lfs pull"]);
    }
    let adapter = tempfile::tempdir().unwrap();
    let config = json!({"peft_type": "LORA", "base_model_name_or_path": "someone/base"});
    std::fs::write(adapter.path().join("adapter_config.json"), config.to_string()).unwrap();
    check_refused(adapter.path(), &["adapter", "someone/base", "model.adapter"]);
    let cache = tempfile::tempdir().unwrap();
    let repository = cache.path().join("models--someone--tiny");
    let snapshot = repository.join("snapshots/0123");
    std::fs::create_dir_all(&snapshot).unwrap();
    check_refused(&snapshot, &["not downloaded whole", "someone/tiny"]);
    std::fs::write(snapshot.join("config.json"), "{}").unwrap();
    check_refused(
        &repository,
        &["hub's cache", "snapshots/0123", "\"someone/tiny\""],
    );
    check_refused(cache.path(), &["hub's cache", "someone/tiny"]);
    check_refused(&repository.join("snapshots"), &["snapshots/0123"]);
    let run = tempfile::tempdir().unwrap();
    std::fs::create_dir(run.path().join("checkpoint-500")).unwrap();
    std::fs::write(run.path().join("checkpoint-500/config.json"), "{}").unwrap();
    check_refused(run.path(), &["checkpoint-500"]);
}

#[test]
fn end_tokens_in_any_place_and_errors_that_name_the_right_file() {
    let ends = |folder: &Path| inspect(&table(folder)).unwrap().parts.config.end_tokens;
    let without = |folder: &Path| {
        _ = std::fs::remove_file(folder.join("generation_config.json"));
        edit(folder, "config.json", |config| {
            _ = config.as_object_mut().unwrap().remove("eos_token_id")
        });
    };
    let silent = copy(without);
    assert_eq!(ends(silent.path()), [1], "as the tokenizer's files have it");
    let generation = copy(|folder| {
        without(folder);
        std::fs::write(
            folder.join("generation_config.json"),
            r#"{"eos_token_id": [1, 5]}"#,
        )
        .unwrap();
    });
    assert_eq!(ends(generation.path()), [1, 5]);
    let beyond = copy(|folder| {
        std::fs::write(
            folder.join("generation_config.json"),
            r#"{"eos_token_id": [1, 9999]}"#,
        )
        .unwrap();
    });
    check_refused(beyond.path(), &["generation_config.json", "9999"]);
}

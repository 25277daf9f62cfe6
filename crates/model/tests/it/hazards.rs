//! One test for each way in which public implementations of Gemma-2 have gone wrong. Where a
//! mistake can be made on purpose by a changed configuration, the test makes it and checks that the
//! golden logits notice.

use burn::tensor::{Device, Tensor, TensorData};
use model::{
    Batch, Checkpoint, GenerationRequest, ModelConfig, Network, Precision, ResidualTap, Rope, Sampling,
    Token, generate,
};

use crate::support::{Golden, KeepAll, assert_close, load_nano, load_nano_with, nano, numbers};

fn logits(model: &Network, row: &[u32]) -> Vec<f32> {
    let batch = Batch::of(&[row.to_vec()]).unwrap();
    numbers(model.head(model.forward(&batch, None, &mut ()).unwrap()))
}

fn largest_change(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Gives every sliding layer another window.
fn set_window(config: &mut ModelConfig, window: usize) {
    let windows = config.layers.iter_mut().filter_map(|layer| layer.window.as_mut());
    windows.for_each(|own| *own = window);
}

/// The golden record says how far each mistake moves the logits in the reference; ours must move as
/// far.
fn assert_mistake_moves_logits(mistake: &str, change: impl FnOnce(&mut ModelConfig)) {
    let (golden, mut config) = (Golden::read(), load_nano(Precision::F32).config().clone());
    change(&mut config);
    let wrong = logits(&load_nano_with(config, Precision::F32), &golden.input("long"));
    let moved = f64::from(largest_change(&wrong, golden.tensor("plain.long.logits")));
    let expected = golden.facts["sensitivity_max_abs_logit_change"][mistake]
        .as_f64()
        .unwrap();
    assert!(
        (moved - expected).abs() < 0.02 * expected.max(0.05),
        "{mistake}: moved {moved}, the reference {expected}"
    );
}

#[test]
fn hazard_1_scores_are_scaled_by_query_pre_attn_scalar() {
    assert_mistake_moves_logits("scale_by_head_dim", |config| config.query_pre_attn_scalar = 16.0);
}

#[test]
fn hazard_2_even_layers_slide_and_odd_layers_are_global() {
    let config = ModelConfig::read(&nano()).unwrap();
    let windows: Vec<Option<usize>> = config.layers.iter().map(|layer| layer.window).collect();
    assert_eq!(windows, [Some(8), None, Some(8), None]);
    assert_mistake_moves_logits("swapped_layer_types", |config| config.layers.reverse());
    assert_mistake_moves_logits("no_sliding_window", |config| set_window(config, 4096));
}

#[test]
fn hazard_2_the_window_keeps_exactly_w_keys() {
    assert_mistake_moves_logits("window_off_by_one_plus", |config| set_window(config, 9));
    assert_mistake_moves_logits("window_off_by_one_minus", |config| set_window(config, 7));
    // Across W - 1, W and W + 1 tokens: the first token falls out of sight at the last of these.
    let mut config = load_nano(Precision::F32).config().clone();
    let exact = load_nano_with(config.clone(), Precision::F32);
    set_window(&mut config, 4096);
    let unlimited = load_nano_with(config, Precision::F32);
    let row = Golden::read().input("long");
    for (length, same) in [(7, true), (8, true), (9, false)] {
        let change = largest_change(
            &logits(&exact, &row[..length]),
            &logits(&unlimited, &row[..length]),
        );
        assert_eq!(change == 0.0, same, "{length} tokens: changed by {change}");
    }
}

#[test]
fn hazard_3_soft_caps_bite() {
    assert_mistake_moves_logits("no_attn_softcap", |config| config.attn_logit_softcapping = None);
    assert_mistake_moves_logits("no_final_softcap", |config| config.final_logit_softcapping = None);
}

#[test]
fn hazard_4_norms_multiply_by_one_plus_w_and_use_the_epsilon() {
    assert_mistake_moves_logits("rms_eps_1e_5", |config| config.rms_norm_eps = 1e-5);
    // Weights of zero must leave a normed residual, not zeros.
    let config = ModelConfig::read(&nano()).unwrap();
    let checkpoint = Checkpoint::open(&nano()).unwrap();
    let original = Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
    let zero_norms = Network::build(&config, &Device::flex(), Precision::F32, &mut |_, shape| {
        Ok(TensorData::new(
            vec![0.0f32; shape.iter().product()],
            shape.to_vec(),
        ))
    })
    .unwrap();
    let h = Tensor::<2>::from_data([[3.0f32; 64]], &Device::flex());
    for value in numbers(zero_norms.final_norm(h.clone())) {
        assert!(
            (value - 1.0).abs() < 1e-6,
            "w = 0 must multiply by 1, not by {value}"
        );
    }
    assert!(
        largest_change(&numbers(original.final_norm(h)), &[1.0; 64]) > 1e-3,
        "the nano norms are not all zero"
    );
}

#[test]
fn hazard_4_norms_keep_small_weights_in_bf16() {
    // 1 + 2^-9 is not a bf16 number: folding it into the weight would lose it, f32 arithmetic keeps
    // it until the cast.
    let config = ModelConfig::read(&nano()).unwrap();
    let build = |weight: f32| {
        Network::build(&config, &Device::flex(), Precision::Bf16, &mut |_, shape| {
            let values = vec![half::bf16::from_f32(weight); shape.iter().product()];
            Ok(TensorData::new(values, shape.to_vec()))
        })
        .unwrap()
    };
    // mean(x^2) = 1, x = 1.5 at one place: 1.5 (1 + 2^-9) rounds up to the next bf16, 1.5 * 1 does
    // not.
    let mut values = vec![0.0f32; 64];
    values[0] = 1.5;
    values[1] = (64.0f32 - 2.25).sqrt();
    let h = Tensor::<2>::from_data(TensorData::new(values, [1, 64]), &Device::flex())
        .cast(burn::tensor::DType::BF16);
    let (plain, small) = (
        numbers(build(0.0).final_norm(h.clone())),
        numbers(build(0.001_953_125 * 1.5).final_norm(h)),
    );
    assert_ne!(plain[0], small[0]);
}

#[test]
fn hazard_5_embeddings_are_scaled_and_rounded_to_the_activations_type() {
    // A model of zeros except for the embeddings: layers add nothing, so the residual is the scaled
    // embedding.
    let config = ModelConfig::read(&nano()).unwrap();
    let text = std::fs::read_to_string(nano().join("config.json")).unwrap();
    let mut wide: serde_json::Value = serde_json::from_str(&text).unwrap();
    wide["hidden_size"] = 3584.into();
    let config_59 = ModelConfig::from_json(&wide).unwrap();
    for (config, precision, expected) in [
        (&config, Precision::F32, 8.0),
        (&config_59, Precision::F32, (3584f64).sqrt() as f32),
        (&config_59, Precision::Bf16, 59.75),
    ] {
        let model = Network::build(config, &Device::flex(), precision, &mut |name, shape| {
            let value = if name == "model.embed_tokens.weight" {
                1.0f32
            } else {
                0.0
            };
            let data = TensorData::new(vec![value; shape.iter().product()], shape.to_vec());
            Ok(if precision == Precision::Bf16 {
                data.convert::<half::bf16>()
            } else {
                data
            })
        })
        .unwrap();
        let batch = Batch::of(&[[2u32]]).unwrap();
        let h = numbers(model.forward(&batch, None, &mut ()).unwrap());
        assert!(
            h.iter().all(|value| *value == expected),
            "{} instead of {expected}",
            h[0]
        );
    }
}

#[test]
fn hazard_6_rotary_tables_follow_theta_on_split_halves() {
    assert_mistake_moves_logits("rope_theta_1e6", |config| {
        config.ropes = vec![Rope::plain(1e6, 16)]
    });
}

#[test]
fn hazard_7_gelu_is_the_tanh_form_and_hidden_activation_wins() {
    let mut value: serde_json::Value =
        serde_json::from_slice(&std::fs::read(nano().join("config.json")).unwrap()).unwrap();
    value["hidden_act"] = "gelu".into();
    assert!(
        ModelConfig::from_json(&value).is_ok(),
        "hidden_activation wins over hidden_act"
    );
    value["hidden_activation"] = "gelu".into();
    assert!(
        ModelConfig::from_json(&value)
            .unwrap_err()
            .contains("hidden_activation")
    );
}

#[test]
fn hazard_8_tied_embeddings_and_a_head_dim_of_its_own() {
    let config = ModelConfig::read(&nano()).unwrap();
    let layer = &config.layers[0];
    assert_eq!(
        (layer.head_dim, config.hidden_size, layer.num_attention_heads),
        (16, 64, 4)
    );
    // 27B: 4608 / 32 = 144, head_dim 128.
    let mut value: serde_json::Value =
        serde_json::from_slice(&std::fs::read(nano().join("config.json")).unwrap()).unwrap();
    value["hidden_size"] = 4608.into();
    value["num_attention_heads"] = 32.into();
    value["num_key_value_heads"] = 16.into();
    value["head_dim"] = 128.into();
    assert_eq!(ModelConfig::from_json(&value).unwrap().layers[0].head_dim, 128);
    let checkpoint = Checkpoint::open(&nano()).unwrap();
    assert!(
        checkpoint.size() > 0,
        "the checkpoint holds no lm_head, and loads"
    );
}

#[test]
fn hazard_9_the_last_residual_is_before_the_final_norm() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let batch = Batch::of(&[golden.input("long")]).unwrap();
    let h = numbers(model.forward(&batch, None, &mut ()).unwrap());
    assert_close("hidden.3", &h, golden.tensor("plain.long.hidden.3"), 1e-4);
    assert!(largest_change(&h, golden.tensor("plain.long.final_norm")) > 0.1);
}

#[test]
fn hazard_11_a_row_alone_is_the_row_in_a_batch_to_the_last_bit() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let (short, long) = (golden.input("short"), golden.input("long"));
    // The third row begins as the second does.
    let rows = [short.clone(), long.clone(), [&long[..10], &[7, 8, 9]].concat()];
    let together = Batch::of(&rows).unwrap();
    assert!(
        together.len() < rows.iter().map(Vec::len).sum(),
        "something is shared"
    );
    let both = numbers(model.forward(&together, None, &mut ()).unwrap());
    for (index, row) in rows.iter().enumerate() {
        let alone = model.forward(&Batch::of(&[row]).unwrap(), None, &mut ()).unwrap();
        let of_place = |place: &usize| &both[place * 64..(place + 1) * 64];
        let batched: Vec<f32> = together
            .places(index)
            .iter()
            .flat_map(of_place)
            .copied()
            .collect();
        assert_eq!(numbers(alone), batched, "row {index}");
    }
}

#[test]
fn hazard_12_cached_decoding_equals_the_whole_pass_token_by_token() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let row = golden.input("long");
    // A prompt of five tokens at once, then one at a time, across the window of eight.
    let mut cache = model.cache();
    let step = |start: usize, end: usize| {
        let mut batch = Batch::default();
        batch.push(0, start, &row[start..end]).unwrap();
        batch
    };
    let mut steps = vec![step(0, 5)];
    steps.extend((5..row.len()).map(|index| step(index, index + 1)));
    let mut layers: Vec<Vec<f32>> = vec![Vec::new(); 4];
    for step in &steps {
        let mut kept = KeepAll::default();
        model.forward(step, Some(&mut cache), &mut kept).unwrap();
        for (layer, h) in kept.0.into_iter().enumerate() {
            layers[layer].extend(numbers(h));
        }
    }
    for (layer, values) in layers.iter().enumerate() {
        let name = format!("plain.long.hidden.{layer}");
        assert_close(&name, values, golden.tensor(&name), 1e-4);
    }
}

struct StopAfter(usize, Vec<usize>);

impl ResidualTap for StopAfter {
    fn residual(&mut self, layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.1.push(layer);
        h
    }

    fn last_layer(&self) -> Option<usize> {
        Some(self.0)
    }
}

#[test]
fn a_tap_stops_the_pass_after_the_last_layer_it_needs() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let batch = Batch::of(&[golden.input("long")]).unwrap();
    let mut tap = StopAfter(1, Vec::new());
    let h = model.forward(&batch, None, &mut tap).unwrap();
    assert_eq!(tap.1, [0, 1]);
    assert_close(
        "hidden.1",
        &numbers(h),
        golden.tensor("plain.long.hidden.1"),
        1e-4,
    );
}

#[test]
fn bf16_stays_near_f32() {
    // bf16 keeps 8 bits, so 0.4 % a rounding; a dozen of them follow each other in a layer, and a
    // network of random weights makes them larger with each layer, so only the first one can be
    // held to a figure.
    let (golden, model) = (Golden::read(), load_nano(Precision::Bf16));
    let batch = Batch::of(&[golden.input("long")]).unwrap();
    let mut kept = KeepAll::default();
    model.forward(&batch, None, &mut kept).unwrap();
    assert_close(
        "bf16 hidden.0",
        &numbers(kept.0[0].clone()),
        golden.tensor("plain.long.hidden.0"),
        0.1,
    );
}

#[test]
fn a_seeded_row_draws_the_same_text_alone_and_in_a_batch() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let sampling = Sampling {
        greedy: false,
        temperature: 0.9,
        top_k: 50,
        top_p: 0.95,
        repetition_penalty: 1.1,
        suppress: vec![1],
    };
    let request = |name: &str, seed| GenerationRequest {
        prompt: golden.input(name),
        sampling: sampling.clone(),
        seed,
    };
    let requests: Vec<GenerationRequest> = (0..8)
        .map(|seed| request(["short", "mid", "long"][seed as usize % 3], seed))
        .collect();
    let together = generate(&model, &requests, 12, &mut (), &mut |_| ()).unwrap();
    let mut texts = std::collections::HashSet::new();
    for (request, batched) in requests.iter().zip(&together) {
        let alone = generate(&model, std::slice::from_ref(request), 12, &mut (), &mut |_| ()).unwrap();
        assert_eq!(alone[0], *batched);
        texts.insert(batched.tokens.clone());
    }
    assert_eq!(texts.len(), 8, "other seeds draw other texts");
}

//! What a pass asks of a device, counted and limited: kernels launched, reads that wait for the device, the bytes that they
//! bring, and memory. A program of its own, since launches are counted for a whole process.
//! `cargo test -p tiny --features wgpu --test device_counts -- --nocapture --test-threads 1` prints the table of `docs/gpu.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use model::{
    Batch, Cache, GenerationRequest, GpuApi, LaunchObservation, LaunchObserver, ModelFiles, Network,
    Precision, ResidualTap, Sampling, Token, generate, is_built_for, open_device, reads_from_devices,
};
use terms::{Pooling, Site};
use testkit::{assert_close, family_folders, root};

/// Launches per layer at most: of a step in which each row goes on by a token, and of a pass of whole prompts.
const STEP: usize = 14;
const PROMPT: usize = 18;
/// More of a layer that takes an embedding of its own: gate, product, norm and sum, scalar.
const ENTERING: usize = 4;

/// The names of all kernels that were launched.
#[derive(Default)]
struct Launches(Mutex<Vec<&'static str>>);

impl LaunchObserver for Launches {
    fn launched(&self, kernel: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(kernel);
    }
}

/// Ends a pass after a number of layers.
struct Until(usize);

impl ResidualTap for Until {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        h
    }

    fn last_layer(&self) -> Option<usize> {
        Some(self.0 - 1)
    }
}

/// The device that is tested, as a pipeline names it.
fn named() -> terms::Device {
    match std::env::var("ROLESWAP_DEVICE") {
        Ok(name) => name.parse().unwrap(),
        Err(_) => {
            let api = GpuApi::ALL.iter().rev().find(|api| is_built_for(**api)).unwrap();
            terms::Device::Gpu(*api, 0)
        }
    }
}

fn device() -> Device {
    open_device(named().decided(|| panic!("ROLESWAP_DEVICE must name a device"))).unwrap()
}

fn tiny(device: &Device) -> Network {
    let files = ModelFiles::at(&root().join("data/tiny")).unwrap();
    let (config, checkpoint) = files.network().unwrap();
    Network::load(&config, &checkpoint, device, Precision::F32, &mut |_| ()).unwrap()
}

/// The kernels that `work` launches.
fn launches(device: &Device, work: impl FnOnce()) -> Vec<&'static str> {
    device.sync().unwrap();
    let seen = Arc::new(Launches::default());
    let watching = LaunchObservation::new(seen.clone());
    work();
    device.sync().unwrap();
    drop(watching);
    let seen = seen.0.lock().unwrap();
    seen.clone()
}

/// Row, position, tokens.
type Part = (usize, usize, Vec<u32>);

fn pass(network: &Network, cache: Option<&mut Cache>, parts: &[Part], layers: usize) -> Tensor<2> {
    let mut batch = Batch::default();
    for (row, start, tokens) in parts {
        batch.push(*row, *start, tokens).unwrap();
    }
    network.forward(&batch, cache, &mut Until(layers)).unwrap()
}

/// Three prompts of unlike lengths.
fn prompts() -> Vec<Part> {
    let token = |row: usize, index: usize| ((10 + row * 17 + index * 7) % 120) as u32;
    (0..3)
        .map(|row| (row, 0, (0..70 + row).map(|index| token(row, index)).collect()))
        .collect()
}

/// Of a pass of prompts and of the second step after it, up to a layer.
fn counted(network: &Network, layers: usize) -> [Vec<&'static str>; 2] {
    let (device, mut cache) = (network.device(), network.cache());
    let mut count = |parts: &[Part]| {
        launches(&device, || {
            pass(network, Some(&mut cache), parts, layers);
        })
    };
    let prompt = count(&prompts());
    let mut step = |step: usize| count(&[0, 1, 2].map(|row| (row, 70 + row + step, vec![5])));
    step(0);
    [prompt, step(1)]
}

#[test]
fn launches_of_a_layer_are_limited() {
    let network = tiny(&device());
    let layers = network.config().layers.len();
    // What fuses operations decides at the first pass.
    counted(&network, layers);
    let [few, all] = [2, layers].map(|layers| counted(&network, layers));
    for (index, (what, limit)) in [("prompts", PROMPT), ("step", STEP)].into_iter().enumerate() {
        let (few, all) = (&few[index], &all[index]);
        let more = all.len() - few.len();
        let of_layer = more as f64 / (layers - 2) as f64;
        println!("counted {{\"what\": \"launches a layer, {what}\", \"count\": {of_layer:.1}}}");
        assert!(more <= limit * (layers - 2), "{what}: {all:#?}");
    }
}

/// Of layers like those of all families: how many launches each beyond the first takes, on the average. What enters by token and
/// layer (Gemma 3n's and 4's own embeddings of layers) has products of its own.
#[test]
fn launches_of_all_families_are_limited() {
    let device = device();
    for folder in family_folders() {
        let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
        let (layers, enters) = (config.layers.len(), config.per_layer_inputs.is_some());
        let network = Network::load(&config, &checkpoint, &device, Precision::F32, &mut |_| ()).unwrap();
        counted(&network, layers);
        let [first, all] = [1, layers].map(|layers| counted(&network, layers));
        let mut found = Vec::new();
        for (index, limit) in [PROMPT, STEP].into_iter().enumerate() {
            let limit = if enters { limit + ENTERING } else { limit };
            let more = all[index].len() - first[index].len();
            found.push(more as f64 / (layers - 1) as f64);
            assert!(
                more <= limit * (layers - 1),
                "{}: {:#?}",
                folder.display(),
                all[index]
            );
        }
        let name = folder.file_name().unwrap().to_string_lossy();
        for (what, count) in ["prompts", "step"].iter().zip(found) {
            println!("counted {{\"what\": \"launches a layer of {name}, {what}\", \"count\": {count:.1}}}");
        }
    }
}

/// The kernels of the device against those of the CPU, with and without a cache.
#[test]
fn passes_are_the_cpus() {
    let networks = [Device::flex(), device()].map(|device| tiny(&device));
    let layers = networks[0].config().layers.len();
    let [cpu, gpu] = networks.each_ref().map(|network| {
        let mut cache = network.cache();
        let mut all = model::read_numbers(pass(network, None, &prompts(), layers)).unwrap();
        for parts in [
            prompts(),
            vec![(1, 71, vec![5]), (0, 70, vec![9, 8, 7]), (2, 72, vec![3])],
        ] {
            all.extend(model::read_numbers(pass(network, Some(&mut cache), &parts, layers)).unwrap());
        }
        all
    });
    assert_close("passes", &gpu, &cpu, 1e-4);
}

#[test]
fn reads_of_a_text_are_one_a_token() {
    const TOKENS: usize = 8;
    let network = tiny(&device());
    let vocabulary = network.config().vocab_size;
    let sampled = Sampling {
        greedy: false,
        top_k: 20,
        ..Sampling::greedy()
    };
    // As sharp as a chat model: nearly all choices are certain from the largest logits and the others' masses.
    let of_all = |top_p| Sampling {
        greedy: false,
        temperature: 0.7,
        top_p,
        ..Sampling::greedy()
    };
    let rules = [
        ("greedy", Sampling::greedy()),
        ("top-k 20", sampled),
        ("top-p 0.9", of_all(0.9)),
        ("temperature 0.7", of_all(1.0)),
    ];
    for (what, sampling) in rules {
        let requests: Vec<GenerationRequest> = prompts()
            .into_iter()
            .map(|(row, _, prompt)| GenerationRequest {
                prompt,
                sampling: Sampling {
                    suppress: network.config().end_tokens.clone(),
                    ..sampling.clone()
                },
                seed: row as u64,
            })
            .collect();
        let before = reads_from_devices();
        let texts = generate(&network, &requests, TOKENS, &mut (), &mut |_| ()).unwrap();
        assert!(texts.iter().all(|text| text.tokens.len() == TOKENS));
        let after = reads_from_devices();
        let [reads, bytes] = [0, 1].map(|index| after[index] - before[index]);
        let rows = requests.len() * TOKENS;
        let (reads_of_step, bytes_of_token) = (reads as f64 / TOKENS as f64, bytes as usize / rows);
        println!("counted {{\"what\": \"reads a step, {what}\", \"count\": {reads_of_step:.1}}}");
        println!(
            "counted {{\"what\": \"bytes to the host, a token and row, {what}\", \"count\": {bytes_of_token}}}"
        );
        // What is drawn from all tokens brings a longer list, of which the vocabulary here is not much longer; where the choice isn't
        // certain from it, a line is read.
        let (more, limit) = match sampling.greedy || sampling.top_k > 0 {
            true => (0, vocabulary),
            false => (TOKENS / 2, 4 * vocabulary),
        };
        assert!(
            (TOKENS..=TOKENS + more).contains(&(reads as usize)),
            "{what}: {reads} reads"
        );
        assert!((bytes as usize) < rows * limit, "{what}: {bytes} bytes");
    }
}

/// All layers, sites and poolings of the method's prompts.
#[test]
fn a_recorded_pass_is_read_once() {
    let mut pipeline = pipeline::Pipeline::read(&root().join("pipelines/tiny.toml"), &[]).unwrap();
    pipeline.model.source = root().join(&pipeline.model.source);
    pipeline.model.device = named();
    let model = session::open_model(&pipeline.model, &files::HashMemo::default()).unwrap();
    let file = root().join(&pipeline.prompts.file);
    let prompts = pipeline::read_prompts(&file).unwrap();
    let rendered = session::render_prompts(&model.tokenizer, &file, &prompts, &pipeline.conditions).unwrap();
    let sites: Vec<Site> = Site::ALL
        .iter()
        .copied()
        .filter(|site| *site != Site::ResidualPost)
        .collect();
    let table = &pipeline.extract.answer;
    let answers = extract::answers(&model, &rendered, table).unwrap();
    let before = reads_from_devices();
    let mut places = 0;
    let texts = (&rendered[..], &answers[..]);
    extract::capture_in_pieces(&model, texts, Pooling::ALL, &sites, &mut |_, _, _| {
        places += 1;
        Ok(())
    })
    .unwrap();
    let reads = reads_from_devices()[0] - before[0];
    let prompts = rendered.len();
    println!(
        "counted {{\"what\": \"reads of extraction, {prompts} prompts and {places} places\", \"count\": {reads}}}"
    );
    let tokens: usize = rendered.iter().map(|prompt| prompt.token_ids.len()).sum();
    let tokens = tokens + rendered.len() * table.tokens;
    assert!(reads as usize <= 1 + tokens / 1024, "{reads} reads");
}

/// Passes leave nothing behind, and pages that one took serve the next.
#[test]
fn memory_of_passes_is_used_again() {
    let device = device();
    let network = tiny(&device);
    let (layers, mut cache) = (network.config().layers.len(), network.cache());
    let mut used = |row: usize| {
        let (_, start, tokens) = prompts().remove(0);
        pass(&network, Some(&mut cache), &[(row, start, tokens)], layers);
        cache.remove(row);
        device.sync().unwrap();
        device.memory_pool_usage().unwrap()
    };
    let first = used(0);
    let last = (1..20).map(&mut used).last().unwrap();
    println!(
        "memory: {} bytes in use, {} reserved",
        last.bytes_in_use, last.bytes_reserved
    );
    // Of one sample to the next: what waits to be dropped.
    assert!(
        last.bytes_in_use < first.bytes_in_use * 5 / 4,
        "{first:?} {last:?}"
    );
    assert!(
        last.bytes_reserved < first.bytes_reserved * 3 / 2,
        "{first:?} {last:?}"
    );
}

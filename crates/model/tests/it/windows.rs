//! Sliding layers keep only what later queries see, and nothing else changes: every row's residual
//! streams are those of a pass over its whole text without a cache.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use model::{
    Batch, Cache, ConversationCache, Forks, GenerationRequest, ModelConfig, ModelFiles, Network, NewToken,
    Precision, ResidualTap, Sampling, Token, generate, generate_on,
};
use testkit::family_folders;

use crate::support::{KeepAll, assert_close, load_nano, load_nano_with, nano, numbers};

/// Tokens of which few repeat in the same order.
fn text(seed: usize, length: usize) -> Vec<u32> {
    let token = |index: usize| 3 + ((index * 7919 + index * index * 31 + seed * 17) % 50) as u32;
    (0..length).map(token).collect()
}

/// The nano weights, of which layer 0 sees 200 tokens and layer 1 all.
fn wide() -> Network {
    let mut config = ModelConfig::read(&nano()).unwrap();
    let windows = [Some(200), None, Some(40), Some(1)];
    for (layer, window) in config.layers.iter_mut().zip(windows) {
        layer.window = window;
    }
    load_nano_with(config, Precision::F32)
}

fn pass(network: &Network, cache: &mut Cache, text: &[u32]) {
    let mut batch = Batch::default();
    let start = cache.length(0);
    batch.push(0, start, &text[start..]).unwrap();
    network.forward(&batch, Some(cache), &mut ()).unwrap();
}

#[test]
fn a_sliding_layer_holds_its_window_and_a_global_one_all() {
    const PART: usize = 100;
    let (network, text) = (wide(), text(0, 2000));
    let mut cache = network.cache();
    for end in (PART..=text.len()).step_by(PART) {
        pass(&network, &mut cache, &text[..end]);
        assert_eq!(cache.length(0), end);
        assert_eq!(cache.held(1), end);
        assert!(cache.held(0) >= end.min(200) && cache.held(0) <= 2 * (200 + PART));
        // Never less than the slots at first.
        assert!(cache.held(2) <= 2 * (40 + PART) && cache.held(3) <= 256);
    }
    // The slots of a pass of many tokens don't stay either.
    let mut cache = network.cache();
    pass(&network, &mut cache, &text[..1999]);
    assert_eq!([0, 1, 2, 3].map(|layer| cache.held(layer)), [1999; 4]);
    pass(&network, &mut cache, &text);
    assert_eq!([0, 1, 2, 3].map(|layer| cache.held(layer)), [200, 2000, 40, 2]);
}

/// Adds a number to the residual streams of each row after layer 1, and another to the last token's
/// after layer 0.
struct Shift {
    of_rows: Vec<f32>,
    layers: usize,
    /// For each layer and row, the outputs by position.
    seen: BTreeMap<(usize, usize), Vec<Vec<u32>>>,
    batch: Batch,
}

impl Shift {
    fn new(of_rows: &[f32], layers: usize) -> Self {
        let mut shift = Shift {
            of_rows: of_rows.to_vec(),
            layers,
            seen: BTreeMap::new(),
            batch: Batch::default(),
        };
        shift.batch = Batch::with_forks(shift.forks());
        shift
    }

    fn run(&mut self, network: &Network, cache: Option<&mut Cache>, pieces: &[(usize, usize, &[u32])]) {
        let mut batch = Batch::with_forks(self.forks());
        for (row, start, ids) in pieces {
            batch.push(*row, *start, ids).unwrap();
        }
        self.batch = batch.clone();
        let rows: Vec<usize> = pieces.iter().map(|(row, ..)| *row).collect();
        let mut reading = Reading { shift: self, rows };
        network.forward(&batch, cache, &mut reading).unwrap();
    }
}

impl ResidualTap for Shift {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        if layer != 1 {
            return h;
        }
        let (mut all, shape) = (numbers(h.clone()), h.dims());
        for (token, h) in tokens.iter().zip(all.chunks_mut(shape[1])) {
            h.iter_mut()
                .step_by(3)
                .for_each(|x| *x += self.of_rows[token.row]);
        }
        Tensor::from_data(TensorData::new(all, shape), &h.device())
    }

    fn forks(&self) -> Forks {
        Forks::new(self.layers, self.of_rows.len(), |layer, row, _| match layer {
            1 => self.of_rows[row].to_bits(),
            _ => 0,
        })
    }
}

/// Keeps what each row of the batch has after each layer.
struct Reading<'a> {
    shift: &'a mut Shift,
    rows: Vec<usize>,
}

impl ResidualTap for Reading<'_> {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let h = self.shift.residual(layer, tokens, h);
        let (all, width) = (numbers(h.clone()), h.dims()[1]);
        for (entry, row) in self.rows.iter().enumerate() {
            let seen = self.shift.seen.entry((layer, *row)).or_default();
            for place in self.shift.batch.places_before(layer + 1, entry) {
                let own = &all[place * width..(place + 1) * width];
                seen.push(own.iter().map(|x| x.to_bits()).collect());
            }
        }
        h
    }

    fn forks(&self) -> Forks {
        self.shift.forks()
    }
}

/// Texts of several lengths that begin alike, some shifted alike and some not, in parts of any
/// size, one removed and begun again.
#[test]
fn rows_of_any_lengths_and_forks_are_as_without_a_cache_in_every_family() {
    for folder in family_folders() {
        let name = folder.display().to_string();
        let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
        let longest = config.longest_text().unwrap_or(usize::MAX).min(400);
        let network =
            Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
        let lengths = [400, 390, 70, 310, 400].map(|length: usize| length.min(longest));
        let shifts = [0.0, 0.0, 0.0, 0.3, -0.2];
        let common = 150.min(longest);
        let texts: Vec<Vec<u32>> = lengths
            .iter()
            .enumerate()
            .map(|(row, length)| [text(0, common), text(row, 400)].concat()[..*length].to_vec())
            .collect();
        let mut cached = Shift::new(&shifts, config.layers.len());
        let mut cache = network.cache();
        let mut random = 7_usize;
        let mut next = |below: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for round in 0..400 {
            if round == 20 {
                cache.remove(1);
                cached.seen.retain(|(_, row), _| *row != 1);
            }
            let mut pieces = Vec::new();
            for (row, text) in texts.iter().enumerate() {
                let (start, skip) = (cache.length(row), round > 0 && next(4) == 0);
                let size = [1, 1, 3, 40][next(4)];
                // All begin with the same tokens together.
                let size = if start == 0 { common / 2 } else { size };
                let end = text.len().min(start + size);
                if start < end && !skip {
                    pieces.push((row, start, &text[start..end]));
                }
            }
            if !pieces.is_empty() {
                cached.run(&network, Some(&mut cache), &pieces);
            }
        }
        for (row, text) in texts.iter().enumerate() {
            assert_eq!(cache.length(row), text.len(), "{name}");
            let mut whole = Shift::new(&shifts, config.layers.len());
            whole.run(&network, None, &[(row, 0, text)]);
            for layer in 0..config.layers.len() {
                let same = whole.seen[&(layer, row)] == cached.seen[&(layer, row)];
                assert!(same, "{name}: row {row}, layer {layer}");
            }
        }
    }
}

/// On whole tensors, as other devices compute: autodiff has to follow each operation.
#[test]
fn the_backend_s_own_operations_find_what_is_left_of_a_window() {
    for name in ["gemma3-nano", "gemma4-e", "qwen2-window"] {
        let folder = family_folders()
            .into_iter()
            .find(|folder| folder.ends_with(name))
            .unwrap();
        let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
        let load = |device: &Device| {
            Network::load(&config, &checkpoint, device, Precision::F32, &mut |_| ()).unwrap()
        };
        let (ours, theirs) = (load(&Device::flex()), load(&Device::flex().autodiff()));
        let texts = [text(1, 500), text(2, 500)];
        let mut cache = theirs.cache();
        let mut seen = KeepAll::default();
        for (start, end) in [(0, 200), (200, 290), (290, 490), (490, 500)] {
            let mut batch = Batch::default();
            // The second row is behind.
            batch.push(0, start, &texts[0][start..end]).unwrap();
            batch.push(1, start / 2, &texts[1][start / 2..end / 2]).unwrap();
            seen = KeepAll::default();
            theirs.forward(&batch, Some(&mut cache), &mut seen).unwrap();
        }
        let mut whole = KeepAll::default();
        let batch = Batch::of(&[&texts[0][..], &texts[1][..250]]).unwrap();
        ours.forward(&batch, None, &mut whole).unwrap();
        for (layer, (part, whole)) in seen.0.into_iter().zip(whole.0).enumerate() {
            let (part, whole, width) = (numbers(part), numbers(whole), config.hidden_size);
            let ends = [&whole[490 * width..500 * width], &whole[745 * width..]].concat();
            assert_close(&format!("{name}, layer {layer}"), &part, &ends, 3e-4);
        }
    }
}

fn request(prompt: Vec<u32>) -> GenerationRequest {
    GenerationRequest {
        prompt,
        sampling: Sampling::greedy(),
        seed: 0,
    }
}

/// The most likely tokens, by a pass over the whole text for each, without a cache.
fn plainly(network: &Network, prompt: &[u32], new: usize, tap: &mut dyn ResidualTap) -> Vec<u32> {
    let mut text = prompt.to_vec();
    for _ in 0..new {
        let mut batch = Batch::with_forks(tap.forks());
        batch.push(0, 0, &text).unwrap();
        let wanted = vec![batch.len() - 1];
        let h = network.forward(&batch.with_wanted(wanted), None, tap).unwrap();
        let logits = numbers(network.head(h));
        let most = (0..logits.len()).reduce(|a, b| if logits[b] > logits[a] { b } else { a });
        text.push(most.unwrap() as u32);
    }
    text.split_off(prompt.len())
}

/// Some are longer than what one pass computes.
#[test]
fn long_prompts_of_several_rows_are_generated_as_without_a_cache() {
    let network = wide();
    let prompts: Vec<Vec<u32>> = [1500, 20, 2100, 1024, 1025, 1500]
        .into_iter()
        .enumerate()
        .map(|(row, length)| text(row % 5, length))
        .collect();
    let requests: Vec<GenerationRequest> = prompts.iter().cloned().map(request).collect();
    let mut counts = Vec::new();
    let texts = generate(&network, &requests, 6, &mut (), &mut |tokens| counts.push(tokens)).unwrap();
    for (prompt, generated) in prompts.iter().zip(&texts) {
        let length = generated.tokens.len();
        assert_eq!(generated.tokens, plainly(&network, prompt, length, &mut ()));
    }
    assert_eq!(counts[0], 0, "no prompt ends in the first pass: {counts:?}");
    let all: usize = texts.iter().map(|text| text.tokens.len()).sum();
    assert_eq!(counts.iter().sum::<usize>(), all);
}

/// Changes the last token of a row.
struct AtTheEnd(usize);

impl ResidualTap for AtTheEnd {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let ends: Vec<usize> = (0..tokens.len()).filter(|index| tokens[*index].is_last).collect();
        if layer != 2 || ends.is_empty() {
            return h;
        }
        self.0 += ends.len();
        let (mut all, shape) = (numbers(h.clone()), h.dims());
        for end in ends {
            let own = &mut all[end * shape[1]..(end + 1) * shape[1]];
            own.iter_mut().step_by(2).for_each(|x| *x -= 4.0);
        }
        Tensor::from_data(TensorData::new(all, shape), &h.device())
    }
}

#[test]
fn a_long_prompt_has_one_last_token() {
    let (network, prompt) = (load_nano(Precision::F32), text(1, 2500));
    let mut tap = AtTheEnd(0);
    let texts = generate(&network, &[request(prompt.clone())], 1, &mut tap, &mut |_| ()).unwrap();
    assert_eq!(tap.0, 1);
    assert_eq!(texts[0].tokens, plainly(&network, &prompt, 1, &mut tap));
    assert_ne!(
        texts[0].tokens,
        plainly(&network, &prompt, 1, &mut ()),
        "the change matters"
    );
}

/// Counts what each pass computes.
#[derive(Default)]
struct Count(Vec<usize>);

impl ResidualTap for Count {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        if layer == 0 {
            self.0.push(tokens.len());
        }
        h
    }
}

/// To the end of the prompt nothing is computed again; further back, everything is.
#[test]
fn a_conversation_that_is_cut_back_is_right_however_far() {
    let network = wide();
    let mut memory = ConversationCache::of(&network);
    let mut answer = |prompt: &[u32]| {
        let (request, mut count) = (request(prompt.to_vec()), Count::default());
        let requests = BTreeMap::from([(4, &request)]);
        let mut each = |_: &[NewToken]| ControlFlow::Continue(());
        let texts = generate_on(&network, &mut memory, &requests, 20, &mut count, &mut each).unwrap();
        (texts[&4].tokens.clone(), count.0[0])
    };
    let fresh = |prompt: &[u32]| {
        let texts = generate(&network, &[request(prompt.to_vec())], 20, &mut (), &mut |_| ()).unwrap();
        texts[0].tokens.clone()
    };
    let prompt = text(3, 1900);
    let (first, computed) = answer(&prompt);
    assert_eq!((&first, computed), (&fresh(&prompt), 1024));
    assert_eq!(answer(&prompt), (first.clone(), 1), "the same again");
    let longer = [prompt.clone(), first[..first.len() - 1].to_vec(), text(4, 30)].concat();
    let (second, computed) = answer(&longer);
    assert_eq!(second, fresh(&longer));
    assert!(computed <= 31, "{computed}");
    // Into the middle of the prompt, where windows have moved on.
    let shorter = &prompt[..1100];
    assert_eq!(answer(shorter), (fresh(shorter), 1024));
    assert_eq!(answer(&prompt[..1101]).1, 1);
}

//! Sliding layers keep only what later queries see, and nothing else changes: every row's residual
//! streams are those of a pass over its whole text without a cache.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use model::{Batch, Cache, Forks, ModelFiles, Network, Precision, ResidualTap, Token};
use testkit::family_folders;

use crate::support::{KeepAll, assert_close, load_with_windows, long_text as text, numbers};

/// Of the nano model's layers.
const WINDOWS: [Option<usize>; 4] = [Some(200), None, Some(40), Some(1)];

fn pass(network: &Network, cache: &mut Cache, text: &[u32]) {
    let mut batch = Batch::default();
    let start = cache.length(0);
    batch.push(0, start, &text[start..]).unwrap();
    network.forward(&batch, Some(cache), &mut ()).unwrap();
}

#[test]
fn a_sliding_layer_holds_its_window_and_a_global_one_all() {
    const PART: usize = 100;
    let (network, text) = (load_with_windows(WINDOWS), text(0, 2000));
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

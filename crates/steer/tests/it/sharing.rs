//! Rows with different interventions compute what they have in common once, and each row's
//! residual streams are to the last bit what they are alone.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use interventions::{ablation, addition, capping};
use model::{
    Batch, Cache, Forks, GenerationRequest, ModelConfig, ModelFiles, Network, Precision, ResidualTap,
    Sampling, Site, StreamedNetwork, Token, generate,
};
use steer::{Intervention, Steer};
use terms::Positions;
use testkit::{Reference, family_folders};

/// A site (none: the residual stream after the layer), a layer, and a row of the batch.
type Place = (Option<&'static str>, usize, usize);

/// Steering, and what a row's tokens are at every site of every layer, for each row of the batch.
struct Reading {
    steer: Steer,
    batch: Batch,
    /// By position.
    seen: BTreeMap<Place, Vec<Vec<f32>>>,
    /// As many tokens as each layer computes.
    computed: Vec<usize>,
}

impl Reading {
    fn new(steer: Steer, batch: &Batch) -> Self {
        Reading {
            steer,
            batch: batch.clone(),
            seen: BTreeMap::new(),
            computed: Vec::new(),
        }
    }

    /// `layer_of_places`: the layer that takes these tokens.
    fn read(
        &mut self,
        site: Option<Site>,
        layer: usize,
        layer_of_places: usize,
        tokens: &[Token],
        x: &Tensor<2>,
    ) {
        let (values, width) = (numbers(x.clone()), x.dims()[1]);
        assert_eq!(values.len(), tokens.len() * width);
        for row in 0..self.batch.rows() {
            let found: Vec<Vec<f32>> = self
                .batch
                .places_before(layer_of_places, row)
                .iter()
                .filter_map(|place| tokens.iter().position(|token| token.place == *place))
                .map(|index| values[index * width..(index + 1) * width].to_vec())
                .collect();
            self.seen
                .insert((site.map(|site| site.as_str()), layer, row), found);
        }
    }
}

impl ResidualTap for Reading {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let h = self.steer.residual(layer, tokens, h);
        self.read(None, layer, layer + 1, tokens, &h);
        h
    }

    fn wants_sites(&self) -> bool {
        true
    }

    fn site(&mut self, site: Site, layer: usize, tokens: &[Token], x: &Tensor<2>) {
        if site == Site::AttentionOutput {
            self.computed.push(tokens.len());
        }
        self.read(Some(site), layer, layer, tokens, x);
    }

    fn forks(&self) -> Forks {
        self.steer.forks()
    }
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// What is done to each row of a network with this many layers: nothing, all kinds, both signs, the
/// first and last layers, several layers, several at one layer, the last position, the same twice.
fn interventions(config: &ModelConfig) -> Vec<Vec<Intervention>> {
    let last = config.layers.len() - 1;
    let direction: Vec<f32> = (0..config.hidden_size)
        .map(|index| ((index * 7) as f32).sin() * 3.0)
        .collect();
    let at = |layer: usize, positions, form| Intervention::new(layer, positions, form);
    let push = |coefficient: f64| addition(&direction, coefficient);
    let (all, end) = (Positions::All, Positions::Last);
    vec![
        vec![],
        vec![at(1, all, push(0.7))],
        vec![at(1, all, push(-0.7))],
        vec![at(1, all, push(0.7))],
        vec![at(last, all, push(0.5))],
        vec![at(0, all, push(0.5))],
        vec![at(1, end, push(0.7))],
        vec![at(last, end, ablation(&direction, 1.0))],
        vec![
            at(1, all, push(0.7)),
            at(1, end, push(0.2)),
            at(last, all, capping(&direction, 0.1)),
        ],
        // Begins as the row of the last position only, and ends otherwise.
        vec![at(1, end, push(0.7)), at(last, all, push(-0.3))],
        vec![at(last - 1, all, ablation(&direction, 0.5))],
        vec![],
    ]
}

/// Texts of which many begin alike, one of them the beginning of another.
fn texts(rows: usize, tokens: &[u32]) -> Vec<Vec<u32>> {
    let text = |row: usize| match row % 4 {
        3 => [&tokens[..7], &[5, 7, 9]].concat(),
        2 if row > 8 => tokens[..6].to_vec(),
        _ => tokens[..9].to_vec(),
    };
    (0..rows).map(text).collect()
}

fn steer(rows: &[Vec<Intervention>], config: &ModelConfig) -> Steer {
    Steer::new(rows, config.layers.len(), config.hidden_size, &Device::flex()).unwrap()
}

/// Each row's own pass.
fn alone(network: &Network, rows: &[Vec<Intervention>], texts: &[Vec<u32>]) -> Vec<Reading> {
    let each = rows.iter().zip(texts).map(|(row, text)| {
        let batch = Batch::of(&[text]).unwrap();
        let mut reading = Reading::new(steer(std::slice::from_ref(row), network.config()), &batch);
        network.forward(&batch, None, &mut reading).unwrap();
        reading
    });
    each.collect()
}

fn assert_same(name: &str, together: &Reading, alone: &[Reading]) {
    for ((site, layer, row), found) in &together.seen {
        let expected = &alone[*row].seen[&(*site, *layer, 0)];
        assert_eq!(found, expected, "{name}: row {row}, layer {layer}, {site:?}");
    }
}

#[test]
fn residual_streams_of_rows_that_part_are_those_of_rows_alone_in_every_family() {
    for folder in family_folders() {
        let name = folder.display().to_string();
        let files = ModelFiles::at(&folder).unwrap();
        let (config, checkpoint) = files.network().unwrap();
        let network =
            Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
        let reference = Reference::read(&folder.join("reference.safetensors"));
        let rows = interventions(&config);
        let texts = texts(rows.len(), &reference.tokens["tokens"]);
        let alone = alone(&network, &rows, &texts);

        let steer = || steer(&rows, &config);
        let batch = Batch::with_forks(steer().forks()).with_rows(&texts).unwrap();
        let mut together = Reading::new(steer(), &batch);
        let end = numbers(network.forward(&batch, None, &mut together).unwrap());
        assert_same(&name, &together, &alone);
        // Layer 0 computes what the texts have in common, later ones more.
        let all: usize = texts.iter().map(Vec::len).sum();
        let computed = &together.computed;
        assert_eq!(computed[0], Batch::of(&texts).unwrap().len(), "{name}");
        assert!(computed[0] < computed[1] && computed[1] < computed[2], "{name}");
        assert!(batch.len() < all, "{name}: what is alike is shared to the end");

        // The layer by layer network, beside a batch without steering.
        let plain = Batch::of(&texts).unwrap();
        let nothing = vec![Vec::new(); rows.len()];
        let unsteered = || self::steer(&nothing, &config);
        let (_, checkpoint) = files.network().unwrap();
        let streamed = StreamedNetwork::open(&config, checkpoint, &Device::flex(), Precision::F32).unwrap();
        let mut taps = [Reading::new(steer(), &batch), Reading::new(unsteered(), &plain)];
        let ends = streamed
            .forward(&[batch.clone(), plain], &mut taps, &mut |_| ())
            .unwrap();
        assert_same(&format!("{name}, streamed"), &taps[0], &alone);
        assert_eq!(numbers(ends[0].clone()), end, "{name}, streamed");

        // Some of them only, in another order, some twice.
        let wanted: Vec<usize> = vec![batch.len() - 1, 2, batch.len() / 2, 2, 0];
        let some = batch.clone().with_wanted(wanted.clone());
        let some = numbers(network.forward(&some, None, &mut steer()).unwrap());
        let width = config.hidden_size;
        let expected: Vec<f32> = wanted
            .iter()
            .flat_map(|place| &end[place * width..(place + 1) * width])
            .copied()
            .collect();
        assert_eq!(some, expected, "{name}: some places");
    }
}

/// The residual streams after each layer of the rows' newest tokens.
fn step(
    network: &Network,
    cache: &mut Cache,
    steer: Steer,
    rows: &[(usize, usize, Vec<u32>)],
) -> Vec<Vec<Vec<Vec<f32>>>> {
    let mut batch = Batch::with_forks(steer.forks());
    for (number, start, ids) in rows {
        batch.push(*number, *start, ids).unwrap();
    }
    let mut reading = Reading::new(steer, &batch);
    network.forward(&batch, Some(cache), &mut reading).unwrap();
    let layers = network.config().layers.len();
    let of_row = |row: usize| {
        (0..layers)
            .map(|layer| reading.seen[&(None, layer, row)].clone())
            .collect()
    };
    (0..rows.len()).map(of_row).collect()
}

/// Rows begin together, go on in pieces while others begin, leave, and take what they had with
/// them; each of their tokens is what it is in a cache of its own.
#[test]
fn cached_rows_that_parted_go_on_as_alone_in_every_family() {
    for folder in family_folders() {
        let name = folder.display().to_string();
        let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
        let network =
            Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
        let reference = Reference::read(&folder.join("reference.safetensors"));
        let rows = interventions(&config);
        let texts = texts(rows.len(), &reference.tokens["tokens"]);
        let (first, late) = (0..rows.len() - 4, rows.len() - 4..rows.len());
        let tap = || steer(&rows, &config);
        // Each pass: which rows go on from where to where.
        let piece = |row: usize, range: std::ops::Range<usize>| {
            let end = range.end.min(texts[row].len());
            (row, range.start, texts[row][range.start..end].to_vec())
        };
        let passes: Vec<Vec<(usize, usize, Vec<u32>)>> = vec![
            first.clone().map(|row| piece(row, 0..4)).collect(),
            first
                .clone()
                .map(|row| piece(row, 4..5))
                .chain(late.clone().map(|row| piece(row, 0..4)))
                .collect(),
            (0..rows.len())
                .rev()
                .filter(|row| row % 3 > 0)
                .map(|row| {
                    let start = if late.contains(&row) { 4 } else { 5 };
                    piece(row, start..6)
                })
                .collect(),
        ];
        let mut cache = network.cache();
        let mut own: Vec<Cache> = rows.iter().map(|_| network.cache()).collect();
        for (number, pass) in passes.iter().enumerate() {
            let together = step(&network, &mut cache, tap(), pass);
            for (found, (row, start, ids)) in together.into_iter().zip(pass) {
                let alone = [(0, *start, ids.clone())];
                let tap = steer(std::slice::from_ref(&rows[*row]), &config);
                let alone = step(&network, &mut own[*row], tap, &alone);
                assert_eq!(found, alone[0], "{name}: row {row} in pass {number}");
            }
            // The first row is not in the last pass.
            if number == 1 {
                cache.remove(0);
            }
        }
    }
}

/// Steering that counts the tokens of each layer.
struct Counting(Steer, Vec<usize>);

impl ResidualTap for Counting {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.1[layer] += tokens.len();
        self.0.residual(layer, tokens, h)
    }

    fn forks(&self) -> Forks {
        self.0.forks()
    }
}

/// Most of these interventions are too weak to change a text soon.
#[test]
fn rows_whose_texts_still_agree_share_the_layers_before_they_part() {
    const NEW_TOKENS: usize = 12;
    let model = crate::golden::nano();
    let direction: Vec<f32> = (0..64).map(|index| (index as f32 * 0.7).sin()).collect();
    let row = |row: usize| -> Vec<Intervention> {
        let size = if row < 6 { row as f64 * 1e-4 } else { row as f64 };
        let positions = if row.is_multiple_of(2) {
            Positions::All
        } else {
            Positions::Last
        };
        vec![Intervention::new(2, positions, addition(&direction, size))]
    };
    let rows: Vec<Vec<Intervention>> = (0..9).map(row).collect();
    let request = GenerationRequest {
        prompt: vec![2, 5, 9, 33, 71],
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let generated = |rows: &[Vec<Intervention>]| {
        let mut counting = Counting(steer(rows, model.config()), vec![0; 4]);
        let requests = vec![request.clone(); rows.len()];
        let texts = generate(&model, &requests, NEW_TOKENS, &mut counting, &mut |_| ()).unwrap();
        (texts, counting.1)
    };
    let (together, counts) = generated(&rows);
    for (row, text) in together.iter().enumerate() {
        let (alone, _) = generated(&rows[row..=row]);
        assert_eq!(alone[0], *text, "row {row}");
    }
    assert_ne!(together[0], together[8], "a strong one changes the text");
    // The last token of a text is not computed; after layer 1 all rows are still alike.
    let later = rows.len() * (NEW_TOKENS - 1);
    assert!(counts[1] < 5 + later, "{counts:?}: rows share some tokens");
    assert!(counts[1] >= 5 + NEW_TOKENS - 1, "{counts:?}");
    assert!(counts[2] > later, "{counts:?}: each has its own after layer 2");
}

#[test]
fn a_batch_for_another_tap_is_refused() {
    let folder = testkit::golden_folder().join("nano");
    let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
    let network = Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
    let rows = interventions(&config);
    let texts = texts(rows.len(), &[2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let alike = Batch::of(&texts).unwrap();
    let error = network.forward(&alike, None, &mut steer(&rows, &config));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("another tap"), "{error}");
    let apart = Batch::with_forks(steer(&rows, &config).forks());
    let apart = apart.with_rows(&texts).unwrap();
    assert!(network.forward(&apart, None, &mut ()).is_err());
}

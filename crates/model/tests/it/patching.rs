//! A tap may change what is inside of layers, in single tokens, and hide keys from queries: each row then is what it
//! is alone, and the kernels compute what whole tensors do.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use model::{Batch, Forks, ModelFiles, Network, Parting, Precision, ResidualTap, Site, Token};
use testkit::family_folders;

use crate::support::{assert_close, long_text, numbers};

/// What is done to one row.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    /// Adds to every third number of what is at this place, in two tokens.
    At(Site, usize, [usize; 2]),
    /// In these layers, queries from the first position on don't see the key at the second one, nor the first key.
    Hides([usize; 2], usize, usize),
}

impl Change {
    fn parting(self, change: usize) -> Option<Parting> {
        let (before_layer, position) = match self {
            Change::Nothing => return None,
            Change::At(Site::ResidualPost, layer, [first, _]) => (layer + 1, first),
            Change::At(_, layer, [first, _]) => (layer, first),
            Change::Hides([first, _], query, _) => (first, query),
        };
        Some(Parting {
            before_layer,
            position,
            change,
        })
    }
}

struct Changing<'a> {
    rows: &'a [Change],
    forks: Forks,
    batch: Batch,
    /// The bits of each row's last tokens after the layers, by layer and row.
    seen: BTreeMap<(usize, usize), Vec<u32>>,
}

impl<'a> Changing<'a> {
    fn new(rows: &'a [Change]) -> Self {
        let partings = rows.iter().enumerate().map(|(row, change)| change.parting(row));
        let forks = Forks::of_partings(&partings.collect::<Vec<_>>());
        Changing {
            rows,
            batch: Batch::with_forks(forks.clone()),
            forks,
            seen: BTreeMap::new(),
        }
    }

    fn changed(&self, site: Site, layer: usize, tokens: &[Token], x: Tensor<2>) -> Tensor<2> {
        let (mut all, shape) = (numbers(x.clone()), x.dims());
        for (token, x) in tokens.iter().zip(all.chunks_mut(shape[1])) {
            match self.rows[token.row] {
                Change::At(at, of, positions)
                    if (at, of) == (site, layer) && positions.contains(&token.position) =>
                {
                    x.iter_mut().step_by(3).for_each(|x| *x += 0.5);
                }
                _ => {}
            }
        }
        Tensor::from_data(TensorData::new(all, shape), &x.device())
    }
}

impl ResidualTap for Changing<'_> {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let h = self.changed(Site::ResidualPost, layer, tokens, h);
        let (all, width) = (numbers(h.clone()), h.dims()[1]);
        for row in 0..self.batch.rows() {
            let places = self.batch.places_before(layer + 1, row);
            let own = places
                .iter()
                .flat_map(|place| &all[place * width..(place + 1) * width]);
            self.seen.insert((layer, row), own.map(|x| x.to_bits()).collect());
        }
        h
    }

    fn changes(&self, site: Site, layer: usize) -> bool {
        let is_here =
            |change: &Change| matches!(change, Change::At(at, of, _) if (*at, *of) == (site, layer));
        self.rows.iter().any(is_here)
    }

    fn change(&mut self, site: Site, layer: usize, tokens: &[Token], x: Tensor<2>) -> Tensor<2> {
        self.changed(site, layer, tokens, x)
    }

    fn hides_keys(&self, layer: usize) -> bool {
        let hides = |change: &Change| matches!(change, Change::Hides([first, last], ..) if (*first..=*last).contains(&layer));
        self.rows.iter().any(hides)
    }

    fn hides(&self, layer: usize, query: &Token, position: usize) -> bool {
        match self.rows[query.row] {
            Change::Hides([first, last], from, hidden) => {
                (first..=last).contains(&layer)
                    && query.position >= from
                    && (position == hidden || position == 0)
            }
            _ => false,
        }
    }

    fn forks(&self) -> Forks {
        self.forks.clone()
    }
}

const LENGTH: usize = 24;

/// Every site of the first, a middle and the last layer; two rows alike in tokens and change; knock-outs.
fn changes(layers: usize) -> Vec<Change> {
    let sites = [
        Site::ResidualPost,
        Site::AttentionOutput,
        Site::FeedForwardOutput,
        Site::HeadOutputs,
    ];
    let mut changes = vec![Change::Nothing];
    for site in sites {
        for layer in [0, layers / 2, layers - 1] {
            changes.push(Change::At(site, layer, [LENGTH - 5, LENGTH - 3]));
        }
        changes.push(Change::At(site, 0, [0, LENGTH - 1]));
    }
    changes.push(Change::Hides([0, layers - 1], LENGTH - 3, LENGTH - 6));
    changes.push(Change::Hides([layers / 2, layers - 1], LENGTH - 4, LENGTH - 5));
    changes
}

fn seen(network: &Network, rows: &[Change], text: &[u32]) -> BTreeMap<(usize, usize), Vec<u32>> {
    let mut tap = Changing::new(rows);
    let mut batch = Batch::with_forks(tap.forks());
    for row in 0..rows.len() {
        batch.push(row, 0, text).unwrap();
    }
    tap.batch = batch.clone();
    network.forward(&batch, None, &mut tap).unwrap();
    tap.seen
}

fn load(folder: &std::path::Path, device: &Device) -> Network {
    let (config, checkpoint) = ModelFiles::at(folder).unwrap().network().unwrap();
    Network::load(&config, &checkpoint, device, Precision::F32, &mut |_| ()).unwrap()
}

#[test]
fn changed_rows_are_what_they_are_alone_in_every_family() {
    for folder in family_folders() {
        let network = load(&folder, &Device::flex());
        let layers = network.config().layers.len();
        let (text, changes) = (long_text(0, LENGTH), changes(layers));
        let together = seen(&network, &changes, &text);
        let unchanged = &together[&(layers - 1, 0)];
        for (row, change) in changes.iter().enumerate() {
            let alone = seen(&network, &[*change], &text);
            for layer in 0..layers {
                assert!(
                    together[&(layer, row)] == alone[&(layer, 0)],
                    "{}: change {row} after layer {layer}",
                    folder.display()
                );
            }
            let differs = together[&(layers - 1, row)] != *unchanged;
            assert_eq!(differs, row > 0, "{}: change {row}", folder.display());
        }
    }
}

/// On whole tensors, as other devices compute: autodiff has to follow each operation.
#[test]
fn kernels_and_whole_tensors_agree_on_changes_in_every_family() {
    for folder in family_folders() {
        let (ours, theirs) = (
            load(&folder, &Device::flex()),
            load(&folder, &Device::flex().autodiff()),
        );
        let layers = ours.config().layers.len();
        let (text, changes) = (long_text(0, LENGTH), changes(layers));
        let [ours, theirs] = [ours, theirs].map(|network| seen(&network, &changes, &text));
        for (place, bits) in &ours {
            let [ours, theirs] = [bits, &theirs[place]].map(|bits| {
                bits.iter()
                    .map(|bits| f32::from_bits(*bits))
                    .collect::<Vec<f32>>()
            });
            assert_close(&format!("{} {place:?}", folder.display()), &ours, &theirs, 3e-4);
        }
    }
}

#[test]
fn tokens_before_the_first_changed_one_are_shared() {
    let rows: Vec<Change> = (0..5)
        .map(|layer| Change::At(Site::AttentionOutput, layer, [LENGTH - 2, LENGTH - 1]))
        .collect();
    let tap = Changing::new(&rows);
    let texts = vec![long_text(0, LENGTH); rows.len()];
    let batch = Batch::with_forks(tap.forks()).with_rows(&texts).unwrap();
    assert_eq!(batch.len(), LENGTH - 2 + 2 * 5);
    let own = |layer: usize, row: usize| batch.places_before(layer, row)[LENGTH - 2];
    assert_ne!(own(0, 0), own(0, 1), "the first row parts before the first layer");
    assert_eq!(own(0, 1), own(0, 4));
    assert_eq!(own(2, 3), own(2, 4));
    assert_ne!(own(3, 3), own(3, 4));
}

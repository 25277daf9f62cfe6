//! The positive control of the stage `locate`: the place that it names in the model that ships turns the texts
//! when it is put in, by the grammar's own judge, and no other head does.

use std::path::Path;

use locate::{Activations, Change, Changes, Pair, Place, pairs};
use model::{GenerationRequest, Network, Sampling, generate};
use results::{Layout, PatchEffect, PatchedPrompt, RenderedPrompt, StageDirectory, Table};
use session::open_for_generation;
use terms::{Patch, PatchedPositions, Site, Stage};
use tiny::judge::{Role, judge};

const NORMAL: usize = 0;
const SWAPPED: usize = 1;

/// The head's output in the opened turn of the one text, put into the other.
fn change(network: &Network, pair: &Pair, place: Place, into: usize) -> Change {
    let source = Activations::of(network, &pair.tokens[1 - into]).unwrap();
    let tokens = pair.alignment.group(PatchedPositions::Turn, None);
    let values = tokens.into_iter().map(|(_, positions)| {
        let value = source.at(place, positions[1 - into]).unwrap();
        (positions[into], value.into())
    });
    Change::Values {
        place,
        values: values.collect(),
    }
}

#[test]
fn the_head_that_is_named_turns_the_texts_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("results"));
    let mut pipeline = crate::tiny_pipeline();
    pipeline.locate.places = vec![Site::ResidualPost, Site::HeadOutputs];
    let stage = |stage: Stage, body: &dyn Fn(&Path)| {
        let directory = StageDirectory::begin(&layout, stage).unwrap();
        body(directory.path());
        directory.commit().unwrap();
    };
    stage(Stage::Extract, &|out| {
        extract::run(&pipeline, &layout, out).unwrap()
    });
    stage(Stage::Locate, &|out| {
        locate::run(&pipeline, &layout, out).unwrap()
    });
    let effects = PatchEffect::read(&layout.table::<PatchEffect>()).unwrap().0;
    let prompts = PatchedPrompt::read(&layout.table::<PatchedPrompt>()).unwrap().0;
    assert_eq!(prompts.len(), 6);
    assert!(
        prompts
            .iter()
            .all(|row| row.log_odds_positive > 0.0 && row.log_odds_negative < 0.0)
    );

    // With every aligned token put in after the last layer but one, hardly anything of the run is left.
    let all_put_in = effects
        .iter()
        .find(|row| row.patch == Patch::PutIn && row.positions == PatchedPositions::All && row.layer == 4);
    let all_put_in = all_put_in.unwrap();
    assert!((all_put_in.effect - 1.0).abs() < 0.1, "{all_put_in:#?}");
    // A control moves nothing like it.
    for row in effects.iter().filter(|row| row.patch == Patch::OtherPrompt) {
        assert!(row.effect.abs() < 0.2, "{row:#?}");
    }

    let mut heads: Vec<&PatchEffect> = effects
        .iter()
        .filter(|row| {
            row.patch == Patch::PutIn && row.head.is_some() && row.positions == PatchedPositions::Turn
        })
        .collect();
    heads.sort_by(|a, b| b.effect.total_cmp(&a.effect));
    assert!(
        heads[0].effect > 0.8 && heads[1].effect < 0.2,
        "{:#?}",
        &heads[..2]
    );
    assert_eq!(
        heads[0].p_family,
        Some(2.0 / 64.0),
        "the smallest that six prompts can give"
    );
    confirm_by_generation(&pipeline, &layout, &heads);
}

/// `heads`: the one that turns the texts, and all others.
fn confirm_by_generation(pipeline: &pipeline::Pipeline, layout: &Layout, heads: &[&PatchEffect]) {
    let model = open_for_generation(&pipeline.model, &files::HashMemo::read(&layout.hash_memo())).unwrap();
    let network = model.resident().unwrap();
    let rendered = RenderedPrompt::read(&layout.table::<RenderedPrompt>()).unwrap().0;
    let dims = network.config().layers.iter().map(|layer| layer.head_dim);
    let dims: Vec<usize> = dims.collect();
    // Whether each text left its own role, and whether it took the other one.
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for pair in pairs(pipeline, &rendered, 6).unwrap() {
        for (into, own, other) in [
            (NORMAL, Role::Assistant, Role::Human),
            (SWAPPED, Role::Human, Role::Assistant),
        ] {
            let place = |row: &PatchEffect| Place {
                site: row.site,
                layer: row.layer,
                head: row.head,
            };
            let changes = heads.iter().map(|row| change(network, &pair, place(row), into));
            let mut tap = Changes::new(changes.collect(), 1, dims.clone());
            let request = GenerationRequest {
                prompt: pair.tokens[into].clone(),
                sampling: Sampling::greedy(),
                seed: 0,
            };
            let requests = vec![request; heads.len() + 1];
            let texts = generate(network, &requests, 48, &mut tap, &mut |_| ()).unwrap();
            let roles = texts.iter().map(|text| {
                let text = model.tokenizer.decode(&text.tokens).unwrap();
                judge(&text)
            });
            let roles: Vec<Role> = roles.collect();
            assert_eq!(roles[0], own, "{}: unpatched", pair.id);
            named.push((roles[1] != own, roles[1] == other));
            for role in &roles[2..] {
                others.push((*role != own, *role == other));
            }
        }
    }
    let left = |texts: &[(bool, bool)]| texts.iter().filter(|(left, _)| *left).count();
    let turned = |texts: &[(bool, bool)]| texts.iter().filter(|(_, turned)| *turned).count();
    assert_eq!((named.len(), others.len()), (12, 12 * 23));
    assert_eq!(left(&named), 12, "{named:?}");
    assert!(turned(&named) >= 10, "{named:?}");
    assert_eq!(left(&others), 0, "another head changes a text's role");
}

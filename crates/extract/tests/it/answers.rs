//! The answers that poolings read: which tokens they have, and what is read in them.

use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use extract::{Extraction, answers, capture_in_pieces};
use files::HashMemo;
use model::{Batch, ResidualTap, Token};
use pipeline::{AnswerTable, ModelTable, Pipeline, read_prompts};
use results::{Activation, Answer, Layout, RenderedPrompt, Sharded, Table, read_activations};
use session::{OpenModel, open_model, render_prompts};
use terms::{Pooling, Residency, Stage};

const POOLINGS: [Pooling; 4] = [
    Pooling::Newline,
    Pooling::Mean,
    Pooling::Answer,
    Pooling::AnswerFirst,
];

/// The embedded model, whose answers end by themselves.
fn tiny() -> Pipeline {
    let mut pipeline = Pipeline::read(&crate::root().join("pipelines/tiny.toml"), &[]).unwrap();
    pipeline.model = ModelTable::local(crate::root().join("data/tiny"), "tiny");
    pipeline.prompts.file = crate::root().join("data/prompts/role-questions.jsonl");
    pipeline.extract.poolings = POOLINGS.to_vec();
    pipeline.extract.answer.tokens = 12;
    pipeline
}

fn opened(pipeline: &Pipeline) -> (OpenModel, Vec<RenderedPrompt>) {
    let model = open_model(&pipeline.model, &HashMemo::default()).unwrap();
    let file = &pipeline.prompts.file;
    let prompts = read_prompts(file).unwrap();
    let rendered = render_prompts(&model.tokenizer, file, &prompts, &pipeline.conditions).unwrap();
    (model, rendered)
}

/// The whole stream, for comparison.
#[derive(Default)]
struct Whole(Vec<Vec<f32>>);

impl ResidualTap for Whole {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.0.push(h.clone().into_data().try_into_vec().unwrap());
        h
    }
}

fn captured(
    model: &OpenModel,
    texts: (&[RenderedPrompt], &[Answer]),
    poolings: &[Pooling],
) -> Vec<Vec<Activation>> {
    let mut layers = vec![Vec::new(); model.network.config().layers.len()];
    capture_in_pieces(model, texts, poolings, &[], &mut |_, layer, rows| {
        layers[layer].extend(rows);
        Ok(())
    })
    .unwrap();
    layers
}

fn ids(ids: &[i32]) -> impl Iterator<Item = u32> {
    ids.iter().map(|id| id.cast_unsigned())
}

/// What the definition says: one pass over the prompt alone after the other, each with one token more.
fn plain_greedy(model: &OpenModel, prompt: &RenderedPrompt, most: usize) -> Vec<u32> {
    let network = model.resident().unwrap();
    let end_of_turn = model.tokenizer.end_of_turn();
    let mut text: Vec<u32> = ids(&prompt.token_ids).collect();
    for _ in 0..most {
        let batch = Batch::of(&[&text]).unwrap().with_wanted(vec![text.len() - 1]);
        let h = network.forward(&batch, None, &mut ()).unwrap();
        let logits: Vec<f32> = network.head(h).into_data().try_into_vec().unwrap();
        let best = (0..logits.len()).fold(0, |best, id| if logits[id] > logits[best] { id } else { best });
        if network.config().end_tokens.contains(&(best as u32)) || end_of_turn == Some(best as u32) {
            break;
        }
        text.push(best as u32);
    }
    text.split_off(prompt.token_ids.len())
}

#[test]
fn answers_are_what_the_model_says_first() {
    let pipeline = tiny();
    let (model, rendered) = opened(&pipeline);
    let most = pipeline.extract.answer.tokens;
    let found = answers(&model, &rendered, &pipeline.extract.answer).unwrap();
    assert_eq!(found.len(), 12);
    for (answer, prompt) in found.iter().zip(&rendered) {
        assert_eq!(
            (&answer.prompt_id, &answer.condition),
            (&prompt.prompt_id, &prompt.condition)
        );
        let found: Vec<u32> = ids(&answer.token_ids).collect();
        assert_eq!(found, plain_greedy(&model, prompt, most));
        assert_eq!(answer.text, model.tokenizer.decode(&found).unwrap());
        assert_eq!(answer.n_tokens, found.len());
    }
    assert!(
        found.iter().any(|answer| answer.n_tokens < most),
        "some answer must end by itself"
    );
}

/// Drawn answers too: each has its own seed.
#[test]
fn an_answer_depends_on_nothing_else_in_the_batch() {
    let (model, rendered) = opened(&tiny());
    for greedy in [true, false] {
        let table = AnswerTable {
            tokens: 20,
            greedy,
            seed: 7,
        };
        let together = answers(&model, &rendered, &table).unwrap();
        for (prompt, expected) in rendered.iter().zip(&together) {
            let alone = answers(&model, std::slice::from_ref(prompt), &table).unwrap();
            assert_eq!(alone, std::slice::from_ref(expected));
        }
        let again = AnswerTable { seed: 8, ..table };
        assert_eq!(answers(&model, &rendered, &again).unwrap() == together, greedy);
    }
}

#[test]
fn the_mean_over_an_answer_and_its_first_token_are_read_where_they_are_fed_in() {
    let pipeline = tiny();
    let (model, rendered) = opened(&pipeline);
    let answers = answers(&model, &rendered, &pipeline.extract.answer).unwrap();
    let layers = captured(&model, (&rendered, &answers), &POOLINGS);
    let hidden = model.network.config().hidden_size;
    for (index, (prompt, answer)) in rendered.iter().zip(&answers).enumerate() {
        let text: Vec<u32> = ids(&prompt.token_ids).chain(ids(&answer.token_ids)).collect();
        let mut whole = Whole::default();
        let batch = Batch::of(&[text]).unwrap();
        model
            .resident()
            .unwrap()
            .forward(&batch, None, &mut whole)
            .unwrap();
        let end = prompt.n_tokens;
        for (layer, rows) in layers.iter().enumerate() {
            let stream: Vec<&[f32]> = whole.0[layer].chunks(hidden).collect();
            let [.., mean, first] = &rows[index * 4..index * 4 + 4] else {
                panic!("four poolings")
            };
            assert_eq!(
                (mean.pooling, mean.position, mean.token_id),
                (Pooling::Answer, None, None)
            );
            for (place, value) in mean.activation.iter().enumerate() {
                let sum: f64 = stream[end..].iter().map(|row| f64::from(row[place])).sum();
                let expected = (sum / answer.n_tokens as f64) as f32;
                assert!((value - expected).abs() <= 1e-5 * expected.abs().max(1.0));
            }
            assert_eq!(first.pooling, Pooling::AnswerFirst);
            assert_eq!(
                (first.position, first.token_id),
                (Some(end as i32), Some(answer.token_ids[0]))
            );
            for (value, expected) in first.activation.iter().zip(stream[end]) {
                assert!((value - expected).abs() <= 1e-5 * expected.abs().max(1.0));
            }
        }
    }
}

#[test]
fn answers_leave_what_is_read_in_prompts_as_it_is() {
    let pipeline = tiny();
    let (model, rendered) = opened(&pipeline);
    let answers = answers(&model, &rendered, &pipeline.extract.answer).unwrap();
    let with = captured(&model, (&rendered, &answers), &POOLINGS);
    let without = captured(&model, (&rendered, &[]), &POOLINGS[..2]);
    for (with, without) in with.into_iter().zip(without) {
        let of_prompts = with.into_iter().filter(|row| !row.pooling.reads_answer());
        assert_eq!(of_prompts.collect::<Vec<_>>(), without);
    }
}

#[test]
fn what_has_no_answers_is_refused() {
    let mut pipeline = tiny();
    let (model, rendered) = opened(&pipeline);
    let error = extract::capture(&model, &rendered, &[Pooling::Answer])
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"answer\""), "{error}");
    pipeline.model.residency = Residency::Streamed;
    let (streamed, rendered) = opened(&pipeline);
    let error = answers(&streamed, &rendered, &pipeline.extract.answer).unwrap_err();
    assert!(format!("{error:#}").contains("model.residency"), "{error:#}");
}

fn made(pipeline: &Pipeline, root: &Path) -> Layout {
    let layout = Layout::new(root);
    let out = layout.stage(Stage::Extract);
    std::fs::create_dir_all(&out).unwrap();
    extract::run(pipeline, &layout, &out).unwrap();
    layout
}

#[test]
fn shards_give_the_same_answers() {
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut pipeline = tiny();
    pipeline.extract.answer.greedy = false;
    let whole = made(&pipeline, one.path());
    pipeline.extract.shard_prompts = Some(4);
    let layout = Layout::new(many.path());
    let mut extraction = Extraction::new(pipeline, layout.clone());
    extraction.open().unwrap();
    let plan = extraction.plan().unwrap();
    assert_eq!(plan.shards.len(), 2);
    assert_eq!(extraction.joined(), ["prompts.parquet", "answers.parquet"]);
    let folders: Vec<PathBuf> = (0..2)
        .map(|number| many.path().join(format!("shard-{number}")))
        .collect();
    for (number, folder) in folders.iter().enumerate() {
        std::fs::create_dir_all(folder).unwrap();
        extraction.run(&plan, number, folder).unwrap();
    }
    let out = layout.stage(Stage::Extract);
    std::fs::create_dir_all(&out).unwrap();
    extraction.join(&plan, &folders, &out).unwrap();
    let read = |layout: &Layout| Answer::read(&layout.table::<Answer>()).unwrap();
    assert_eq!(read(&layout), read(&whole));
    let (rows, metadata) = read(&whole);
    assert_eq!(rows.len(), 12);
    assert_eq!(
        (
            metadata.get("max_new_tokens"),
            metadata.get("decoding"),
            metadata.get("seed")
        ),
        (Some("12"), Some("sampled"), Some("0"))
    );
    let (rows, _) = read_activations(&whole.activations(), 0).unwrap();
    assert_eq!(rows.len(), 12 * 4);
}

#[test]
fn there_is_no_table_of_answers_where_no_pooling_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = tiny();
    pipeline.extract.poolings.truncate(2);
    let layout = made(&pipeline, folder.path());
    assert!(layout.table::<RenderedPrompt>().exists());
    assert!(!layout.table::<Answer>().exists());
}

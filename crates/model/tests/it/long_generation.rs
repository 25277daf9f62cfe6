//! Prompts that are longer than what one pass computes, and conversations that are cut back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use model::{
    Batch, ConversationCache, GenerationRequest, Network, NewToken, Precision, ResidualTap, Sampling, Token,
    generate, generate_on,
};

use crate::support::{load_nano, load_with_windows, long_text as text, numbers};

/// Of the nano model's layers.
const WINDOWS: [Option<usize>; 4] = [Some(200), None, Some(40), Some(1)];

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
    let network = load_with_windows(WINDOWS);
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
    let network = load_with_windows(WINDOWS);
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

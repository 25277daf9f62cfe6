//! Texts that continue where earlier ones ended.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::Tensor;
use model::{
    ConversationCache, Generated, GenerationRequest, Network, NewToken, Precision, ResidualTap, Sampling,
    Token, generate, generate_on,
};

use crate::support::{Golden, load_nano};

/// How many tokens each pass computed.
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

fn request(prompt: &[u32]) -> GenerationRequest {
    GenerationRequest {
        prompt: prompt.to_vec(),
        sampling: Sampling::greedy(),
        seed: 0,
    }
}

fn fresh(model: &Network, prompt: &[u32]) -> Generated {
    generate(model, &[request(prompt)], 12, &mut (), &mut |_| ())
        .unwrap()
        .swap_remove(0)
}

/// One row, and how many tokens its first pass computed.
fn remembering(
    model: &Network,
    memory: &mut ConversationCache,
    row: usize,
    prompt: &[u32],
) -> (Generated, usize) {
    let (request, mut count) = (request(prompt), Count::default());
    let requests = BTreeMap::from([(row, &request)]);
    let mut each = |_: &[NewToken]| ControlFlow::Continue(());
    let mut all = generate_on(model, memory, &requests, 12, &mut count, &mut each).unwrap();
    (all.remove(&row).unwrap(), count.0[0])
}

/// The prompts are longer than the sliding window, continue where the text ended, diverge from it,
/// and are part of it.
#[test]
fn a_row_goes_on_with_the_same_tokens_and_computes_what_is_new() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let mut memory = ConversationCache::of(&model);
    let first = golden.input("long");
    let begun = fresh(&model, &first);
    assert_eq!(
        remembering(&model, &mut memory, 3, &first),
        (begun.clone(), first.len())
    );
    let mut longer = [first.clone(), begun.tokens.clone(), golden.input("mid")].concat();
    let new = golden.input("mid").len() + 1;
    assert_eq!(
        remembering(&model, &mut memory, 3, &longer),
        (fresh(&model, &longer), new)
    );
    longer[20] += 1;
    let new = longer.len() - 20;
    assert_eq!(
        remembering(&model, &mut memory, 3, &longer),
        (fresh(&model, &longer), new)
    );
    let shorter = &longer[..12];
    assert_eq!(
        remembering(&model, &mut memory, 3, shorter),
        (fresh(&model, shorter), 1)
    );
    // Other rows can't see it, and what was forgotten leaves no trace.
    assert_eq!(
        remembering(&model, &mut memory, 4, shorter),
        (fresh(&model, shorter), 12)
    );
    memory.forget(3);
    assert_eq!(
        remembering(&model, &mut memory, 3, shorter),
        (fresh(&model, shorter), 12)
    );
}

#[test]
fn tokens_are_seen_as_they_come_until_nobody_wants_more() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let prompts = [golden.input("mid"), golden.input("long")];
    let whole: Vec<Generated> = prompts.iter().map(|prompt| fresh(&model, prompt)).collect();
    let requests: Vec<GenerationRequest> = prompts.iter().map(|prompt| request(prompt)).collect();
    let rows = BTreeMap::from([(7, &requests[0]), (9, &requests[1])]);
    let mut memory = ConversationCache::of(&model);
    for passes in [3, 12] {
        let mut seen: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let mut each = |new: &[NewToken]| {
            for new in new {
                seen.entry(new.row).or_default().push(new.token);
            }
            match seen[&7].len() == passes {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let all = generate_on(&model, &mut memory, &rows, 12, &mut (), &mut each).unwrap();
        for (row, whole) in [(7, &whole[0]), (9, &whole[1])] {
            assert_eq!(all[&row].tokens, whole.tokens[..passes]);
            assert_eq!(all[&row].tokens, seen[&row]);
            let finish = if passes < 12 { None } else { whole.finish };
            assert_eq!(all[&row].finish, finish);
        }
    }
}

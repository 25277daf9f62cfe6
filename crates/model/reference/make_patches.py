"""Activation patching and attention knock-out with plain hooks in Hugging Face transformers, as a reference for the crate
`locate`: sampled runs, and the log-odds of two answers in each.

    python crates/model/reference/make_patches.py data/tiny crates/locate/tests/fixtures/patches_tiny.json

The definitions, none of which looks at the Rust code:

    hook_resid_post   what a decoder layer returns
    hook_attn_out     what attention adds to the residual stream: after its output norm, where the model has one
    hook_mlp_out      what the feed-forward adds, likewise
    hook_z            what enters `o_proj`; head h is the numbers h * head_dim .. (h + 1) * head_dim
    knock-out         minus infinity in the attention mask of some layers, at some keys, for queries from a position on

A run is a context, of which tokens are given another context's activations at one place, and the log-odds are
`mean log p(first answer) - mean log p(second answer)` over the tokens of each answer after the context.
"""
import argparse
import json
import random
from contextlib import ExitStack, contextmanager

import torch
import transformers

TOKENS_OF_ANSWER = 4
CHAT = {
    "positive": "<bos><start_of_turn>user\n{prompt}<end_of_turn>\n<start_of_turn>model\n",
    "negative": "<bos><start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\n{prompt}<end_of_turn>\n<start_of_turn>user\n",
}
SITES = ["hook_resid_post", "hook_attn_out", "hook_mlp_out", "hook_z"]


class Model:
    def __init__(self, folder):
        load = transformers.AutoModelForCausalLM.from_pretrained
        self.model = load(folder, dtype=torch.float32, attn_implementation="eager").eval()
        self.config = self.model.config
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def module(self, site, layer):
        """The module of a site, and whether the site is what enters it."""
        layer = self.model.model.layers[layer]
        has_output_norms = hasattr(layer, "pre_feedforward_layernorm")
        return {
            "hook_resid_post": (layer, False),
            "hook_attn_out": (layer.post_attention_layernorm if has_output_norms else layer.self_attn, False),
            "hook_mlp_out": (layer.post_feedforward_layernorm if has_output_norms else layer.mlp, False),
            "hook_z": (layer.self_attn.o_proj, True),
        }[site]

    @contextmanager
    def hooked(self, site, layer, change):
        """Within it, the site is `change` of what it would be, which is given [tokens, width]."""
        def before(_module, inputs):
            return (change(inputs[0][0])[None], *inputs[1:])

        def after(_module, _inputs, output):
            first, *rest = output if isinstance(output, tuple) else (output,)
            first = change(first[0])[None]
            return (first, *rest) if isinstance(output, tuple) else first

        module, is_input = self.module(site, layer)
        handle = module.register_forward_pre_hook(before) if is_input else module.register_forward_hook(after)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def blinded(self, layer, queries_from, keys):
        """Within it, queries from a position on don't see these keys in the layer."""
        def before(_module, args, kwargs):
            mask = kwargs["attention_mask"]
            count = kwargs["hidden_states"].shape[1] if "hidden_states" in kwargs else args[0].shape[1]
            if mask is None:
                mask = torch.full((1, 1, count, count), 0.0).masked_fill(torch.ones(count, count).triu(1).bool(), -torch.inf)
            mask = mask.clone()
            for query in range(queries_from, count):
                for key in keys:
                    if key < query:
                        mask[..., query, key] = torch.finfo(mask.dtype).min
            return args, {**kwargs, "attention_mask": mask}

        attention = self.model.model.layers[layer].self_attn
        handle = attention.register_forward_pre_hook(before, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()

    @torch.no_grad()
    def logits(self, tokens):
        return self.model(torch.tensor([tokens]), use_cache=False).logits[0]

    def capture(self, tokens, site, layer):
        kept = []
        with self.hooked(site, layer, lambda x: (kept.append(x.clone()), x)[1]):
            self.logits(tokens)
        return kept[0]

    def answer(self, context):
        tokens = list(context)
        for _ in range(TOKENS_OF_ANSWER):
            tokens.append(int(self.logits(tokens)[-1].argmax()))
            if tokens[-1] == self.config.eos_token_id:
                break
        return tokens[len(context):]

    def log_odds(self, context, answers):
        def mean(answer):
            logs = self.logits(context + answer[:-1])[len(context) - 1:].double().log_softmax(-1)
            return float(logs[range(len(answer)), answer].mean())

        return mean(answers[0]) - mean(answers[1])


def put_in(positions, values, start, size):
    def change(x):
        x = x.clone()
        for position, value in zip(positions, values):
            x[position, start:start + size] = value
        return x

    return change


def patched_run(model, dice, texts, answers):
    """Activations of one context in another, at a random place."""
    site, layer = dice.choice(SITES), dice.randrange(model.config.num_hidden_layers)
    into = dice.randrange(2)
    context, source = texts[into], texts[1 - into]
    # From the end: single tokens of the opened turn, and groups of any size.
    count = min(len(context), len(source))
    aligned = [[len(context) - back, len(source) - back] for back in range(1, count + 1)]
    tokens = dice.choice([[aligned[dice.randrange(3)]], aligned[:3], aligned[3:dice.randrange(4, count)], aligned])
    head = dice.randrange(model.config.num_attention_heads) if site == "hook_z" else None
    captured = model.capture(source, site, layer)
    start, size = (head * model.config.head_dim, model.config.head_dim) if head is not None else (0, captured.shape[1])
    values = [captured[position, start:start + size] for _, position in tokens]
    with model.hooked(site, layer, put_in([position for position, _ in tokens], values, start, size)):
        log_odds = model.log_odds(context, answers)
    return dict(kind="patch", into=into, site=site, layer=layer, head=head, tokens=tokens, log_odds=log_odds)


def knocked_out_run(model, dice, texts, answers):
    """Layers in which the last tokens don't see some keys."""
    layers = model.config.num_hidden_layers
    first = dice.randrange(layers)
    last = dice.randrange(first, layers)
    into = dice.randrange(2)
    context = texts[into]
    queries_from = len(context) - dice.choice([0, 1, 2])
    keys = sorted(dice.sample(range(queries_from), dice.randrange(1, 4)))
    with ExitStack() as stack:
        for layer in range(first, last + 1):
            stack.enter_context(model.blinded(layer, queries_from, keys))
        log_odds = model.log_odds(context, answers)
    return dict(kind="knock-out", into=into, layers=[first, last], queries_from=queries_from, keys=keys, log_odds=log_odds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("--prompts", default="data/prompts/role-questions.jsonl")
    parser.add_argument("--runs", type=int, default=240)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, dice = Model(arguments.model), random.Random(19)
    with open(arguments.prompts, encoding="utf-8") as lines:
        prompts = [json.loads(line)["text"] for line in lines if line.strip()]
    pairs = []
    for prompt in prompts:
        texts = [CHAT[condition].format(prompt=prompt) for condition in CHAT]
        tokens = [model.tokenizer(text, add_special_tokens=False).input_ids for text in texts]
        answers = [model.answer(text) for text in tokens]
        unpatched = [model.log_odds(text, answers) for text in tokens]
        pairs.append(dict(texts=tokens, answers=answers, log_odds=unpatched, runs=[]))
    for number in range(arguments.runs):
        pair = pairs[number % len(pairs)]
        run = knocked_out_run if number % 5 == 4 else patched_run
        pair["runs"].append(run(model, dice, pair["texts"], pair["answers"]))
    versions = dict(transformers=transformers.__version__, torch=torch.__version__)
    with open(arguments.output, "w", encoding="utf-8") as file:
        lines = ",\n".join(json.dumps(pair) for pair in pairs)
        file.write('{"versions": ' + json.dumps(versions) + ', "pairs": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()

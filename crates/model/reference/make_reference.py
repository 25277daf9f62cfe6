#!/usr/bin/env python3
"""What Hugging Face transformers computes from a model: every layer, the final norm, logits, greedy continuations, and the
last layer after interventions.

    python3 -m venv venv && venv/bin/pip install -r crates/model/reference/requirements.txt
    venv/bin/python crates/model/reference/make_reference.py MODEL OUT.safetensors [options]
    venv/bin/python crates/model/reference/make_reference.py MODEL --check FILE

MODEL is a folder in Hugging Face layout, a hub id, or a .gguf file; `--adapter` names a folder of PEFT that is merged into it. The token sequences come from a generator (see
`token_stream`); `--pipeline` adds the tokens of a pipeline's own texts, which needs the folder's tokenizer (see
pipeline_texts.py). The README beside this file lists the tensors and metadata of OUT.safetensors. `--check` computes
everything again as FILE's metadata say, and exits with 1 where the two differ.
"""
import argparse
import os
import sys

import hf_model
import interventions
import pipeline_texts

try:
    import blake3
    import numpy
    import torch
    import transformers
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file
except ImportError as error:
    sys.exit(f"error: {error}; install crates/model/reference/requirements.txt")

FORMAT = "roleswap-reference-1"
SEED = 2024
LENGTH = 24
# Where a window is small enough, the sequence reaches beyond it, so that local layers differ from global ones.
LARGEST_WINDOW, BEYOND_WINDOW = 256, 10
PROMPT_LENGTHS, PROMPT_TOKENS = (3, 9, 20), 12
# A vocabulary up to this size makes a small file even with the logits of all positions.
SMALL_VOCABULARY = 1024
TOLERANCE = 1e-5


def token_stream(vocab_size):
    """Knuth's 64-bit linear congruential generator: state <- state * a + c mod 2^64, id = (state >> 33) mod vocab_size."""
    state = SEED
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 33) % vocab_size


def sequences(config):
    """The main sequence and the prompts: each begins with <bos>, if the model has one, and goes on with the next ids of one
    common stream."""
    window = getattr(config, "sliding_window", None)
    length = max(LENGTH, window + BEYOND_WINDOW) if window and window <= LARGEST_WINDOW else LENGTH
    stream = token_stream(config.vocab_size)
    start = [] if config.bos_token_id is None else [config.bos_token_id]

    def draw(count):
        return start + [next(stream) for _ in range(count - len(start))]

    return draw(length), [draw(count) for count in PROMPT_LENGTHS]


def fingerprint(files):
    """BLAKE3 over name, zero byte and BLAKE3 of the content of each weight file, in order of name."""
    total = blake3.blake3()
    for path in files:
        # Memory-mapped and on all cores: a shard may be larger than memory.
        content = blake3.blake3(max_threads=blake3.blake3.AUTO)
        content.update_mmap(path)
        total.update(os.path.basename(path).encode() + b"\0" + content.digest())
    return total.hexdigest()


def integers(values):
    return torch.tensor(values, dtype=torch.int32)


def reference(source, adapter, dtype, positions, greedy, prompt_tokens, intervene):
    """The tensors and metadata; None for one of the last four takes what suits the vocabulary."""
    model = hf_model.open_model(source, dtype, adapter)
    small = model.config.vocab_size <= SMALL_VOCABULARY
    positions = positions or ("all" if small else "last")
    greedy = (16 if small else 0) if greedy is None else greedy
    prompt_tokens = (PROMPT_TOKENS if small else 0) if prompt_tokens is None else prompt_tokens
    intervene = small if intervene is None else intervene
    tokens, prompts = sequences(model.config)
    captured = model.forward(tokens)
    kept = list(range(len(tokens))) if positions == "all" else [len(tokens) - 1]
    tensors = {"tokens": integers(tokens), "final_norm": captured.final_norm}
    tensors |= {f"residual.{layer}": residual for layer, residual in enumerate(captured.residuals)}
    tensors |= {"logit_positions": integers(kept), "logits": captured.logits[kept]}
    if greedy:
        tensors["greedy"] = integers(model.greedy(tokens, greedy))
    for index, prompt in enumerate(prompts if prompt_tokens else []):
        tensors[f"prompt.{index}"] = integers(prompt)
        tensors[f"greedy.{index}"] = integers(model.greedy(prompt, prompt_tokens))
    metadata = dict(
        format=FORMAT, model=os.path.basename(source.rstrip("/")), dtype=dtype, attention="eager",
        torch=torch.__version__, transformers=transformers.__version__, numpy=numpy.__version__,
        weights_fingerprint=fingerprint(model.weight_files),
    )
    if adapter:
        metadata["adapter"] = os.path.basename(adapter.rstrip("/"))
    if intervene:
        numbers = token_stream(interventions.DIRECTION_STEPS)
        changed, metadata["interventions"] = interventions.reference(model, tokens, captured.residuals, numbers)
        tensors |= changed
    return {name: tensor.contiguous() for name, tensor in tensors.items()}, metadata


def check(source, adapter, path, pipeline):
    """Computes `path` again; returns the largest difference of each tensor, in units of its root mean square, and
    how many texts were compared."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            expected = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError) as error:
        raise hf_model.ModelError(f"{path}: {error}") from error
    if metadata.get("format") != FORMAT:
        raise hf_model.ModelError(f'{path}: its metadata don\'t say "{FORMAT}"')
    positions = "all" if len(expected["logit_positions"]) == len(expected["tokens"]) else "last"
    greedy, prompt_tokens = (len(expected.get(name, [])) for name in ("greedy", "greedy.0"))
    intervene = "interventions" in metadata
    actual, facts = reference(source, adapter, metadata["dtype"], positions, greedy, prompt_tokens, intervene)
    if facts["weights_fingerprint"] != metadata["weights_fingerprint"]:
        raise hf_model.ModelError(f"{source}: these are not the weights of {path}")
    if set(actual) != set(expected):
        raise hf_model.ModelError(f"{path}: other tensors than now: {', '.join(sorted(set(actual) ^ set(expected)))}")
    errors = {name: difference(name, actual[name], expected[name]) for name in expected}
    return errors, pipeline_texts.check(source, path, metadata.get("texts"), pipeline)


def difference(name, actual, expected):
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return float("inf")
    if not expected.is_floating_point():
        return 0.0 if torch.equal(actual, expected) else float("inf")
    scale = expected.double().square().mean().sqrt()
    worst = float((actual.double() - expected.double()).abs().max() / scale)
    return worst if worst == worst else float("inf")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--adapter", metavar="FOLDER", help="a folder that PEFT wrote, merged into the model")
    parser.add_argument("--dtype", choices=hf_model.DTYPES, default="f32", help="of weights and activations")
    parser.add_argument("--positions", choices=("all", "last"), help="whose logits are kept; all where the vocabulary is small")
    parser.add_argument("--greedy", type=int, metavar="N", help="tokens after the sequence; 16 where the vocabulary is small, else 0")
    parser.add_argument("--prompts", type=int, metavar="N", help="tokens after each of the three prompts; 12 or 0 likewise")
    parser.add_argument("--interventions", action=argparse.BooleanOptionalAction, help="where the vocabulary is small, unless said")
    parser.add_argument("--pipeline", metavar="TOML", help="also the tokens of this pipeline's texts; paths in it count from here")
    parser.add_argument("--check", metavar="FILE", help="compare with this reference instead of writing one")
    options = parser.parse_args()
    if bool(options.out) == bool(options.check):
        parser.error("give either OUT.safetensors or --check FILE")
    # One thread sums in one order, so a run gives the same bits as the last one on this machine.
    torch.set_num_threads(1)
    try:
        if options.check:
            errors, texts = check(options.model, options.adapter, options.check, options.pipeline)
            worst = max(errors, key=errors.get)
            print(f"{options.check}: {len(errors)} tensors; largest error {errors[worst]:.1e} of the RMS, in {worst}; {texts} texts")
            sys.exit(errors[worst] > TOLERANCE)
        tensors, metadata = reference(
            options.model, options.adapter, options.dtype, options.positions, options.greedy, options.prompts,
            options.interventions,
        )
        if options.pipeline:
            metadata["texts"] = pipeline_texts.written(options.model, options.pipeline)
    except hf_model.ModelError as error:
        sys.exit(f"error: {error}")
    save_file(tensors, options.out, metadata=metadata)
    print(f"{options.out}: {len(tensors)} tensors, {os.path.getsize(options.out)} bytes")
    for name, tensor in tensors.items():
        if name == "tokens" or name.startswith(("greedy", "prompt")):
            print(f"{name:9} {tensor.tolist()}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Checks the exported control vector with the programs that it is for: llama.cpp and repeng.

    pip install -r scripts/llama-cpp-requirements.txt        # compiles llama.cpp
    pip install --no-deps repeng==0.4.0                      # what it needs is in crates/model/reference/requirements.txt
    python3 scripts/llama_cpp_control_vector.py results/gemma-3-270m models/gemma-3-270m-q4_k_m.gguf

Run from the root of the repository after `cargo xtask analyze`. The same prompts go through llama.cpp with
analyze/export/contrast.gguf, and through our own steering (crates/steer/examples/steered_logits.rs) with
analyze/contrast.safetensors. The logits of the last position must move alike: llama.cpp computes with quantized activations, and
we don't, so that both differ by a few percent of the move. Exits with 1 where they don't.
"""
import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
import pyarrow.parquet as pq
from safetensors.numpy import load_file

# Of the move, over one layer and over all: what quantized activations may change, and the layers after it may magnify.
COSINE_LIMIT = 0.99
ERROR_LIMIT = 0.15


def main(run, model):
    vector = f"{run}/analyze/export/contrast.gguf"
    contrast = load_file(f"{run}/analyze/contrast.safetensors")["contrast"]
    data = loaded(vector, contrast)
    imported_by_repeng(vector, contrast)
    program = built_example()
    prompts = pq.read_table(f"{run}/extract/prompts.parquet").to_pylist()
    llama = Llama(model)
    place = f"{run}/analyze/contrast.safetensors"
    layers, results = len(contrast), []
    middle = layers // 2
    doses = [(middle, middle, 1.0), (middle, middle, -1.0), (1, layers - 1, 0.1), (layers - 1, layers - 1, 1.0)]
    for condition in dict.fromkeys(row["condition"] for row in prompts):
        tokens = next(row["token_ids"] for row in prompts if row["condition"] == condition)
        before = llama.logits(tokens, None, 0, 0), our_logits(program, model, place, tokens, [], 0.0)
        for first, last, coefficient in doses:
            theirs = llama.logits(tokens, data * np.float32(coefficient), first, last) - before[0]
            ours = our_logits(program, model, place, tokens, range(first, last + 1), coefficient) - before[1]
            cosine, error = compared(theirs, ours)
            print(f"{condition}, layers {first} to {last}, coefficient {coefficient:+}: logits move by {np.linalg.norm(ours):.0f}, "
                  f"cosine with llama.cpp's move {cosine:.5f}, relative difference {error:.4f}")
            results.append(cosine > COSINE_LIMIT and error < ERROR_LIMIT)
            if first == last == middle and coefficient > 0:
                shifted = llama.logits(tokens, np.roll(data, 1, axis=0), middle + 1, middle + 1) - before[0]
                cosine, error = compared(shifted, ours)
                print(f"  the same vector one layer later, which is wrong: cosine {cosine:.5f}, relative difference {error:.4f}")
                results.append(error > 2 * ERROR_LIMIT)
    sys.exit(int(not all(results)))


def compared(theirs, ours):
    cosine = theirs @ ours / np.linalg.norm(theirs) / np.linalg.norm(ours)
    return float(cosine), float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours))


def loaded(path, contrast):
    """The buffer that llama.cpp's common_control_vector_load_one makes of the file, by the same rules."""
    reader = gguf.GGUFReader(path)
    field = lambda key: reader.get_field(key).contents()
    assert field("general.architecture") == "controlvector"
    assert field("controlvector.layer_count") == len(reader.tensors) == len(contrast) - 1
    data = np.zeros((len(contrast) - 1, contrast.shape[1]), dtype=np.float32)
    for tensor in reader.tensors:
        kind, number = tensor.name.split(".")
        layer = int(number)
        assert kind == "direction" and layer > 0, tensor.name
        assert tensor.tensor_type == gguf.GGMLQuantizationType.F32 and len(tensor.shape) == 1
        data[layer - 1] = tensor.data
    assert np.array_equal(data, contrast[1:]), "the control vector is not the contrast"
    print(f"{path}: {len(data)} layers, model {field('controlvector.model_hint')}, the contrast to the last bit")
    return data


def imported_by_repeng(path, contrast):
    np.float_ = np.float64  # repeng 0.4.0 was written for NumPy 1.
    from repeng import ControlVector

    vector = ControlVector.import_gguf(path)
    assert sorted(vector.directions) == list(range(1, len(contrast)))
    assert all(np.array_equal(row, contrast[layer]) for layer, row in vector.directions.items())
    print(f"repeng imports it: {vector.model_type}, layers {min(vector.directions)} to {max(vector.directions)}")


class Llama:
    """A context of llama.cpp, with its memory cleared before every prompt."""

    def __init__(self, path):
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        self.keep = quiet
        llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        self.size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.hidden = llama_cpp.llama_model_n_embd(self.model)

    def logits(self, tokens, data, first, last):
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = 512
        context = llama_cpp.llama_init_from_model(self.model, parameters)
        if data is not None:
            flat = np.ascontiguousarray(data, dtype=np.float32).ravel()
            pointer = flat.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            assert llama_cpp.llama_set_adapter_cvec(context, pointer, flat.size, self.hidden, first, last) == 0
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(tokens))) == 0
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=(self.size,)).astype(np.float64)
        llama_cpp.llama_free(context)
        return logits


def built_example():
    """The whole workspace is named, so that nothing that is shared is compiled in another way."""
    command = ["cargo", "build", "--quiet", "--workspace", "--example", "steered_logits", "--message-format", "json"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return next(message["executable"] for message in map(json.loads, lines) if message.get("executable"))


def our_logits(program, model, vectors, tokens, layers, coefficient):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "logits"
        lists = [",".join(map(str, numbers)) for numbers in (tokens, layers)]
        subprocess.run([program, model, vectors, *lists, str(coefficient), out], check=True)
        return np.fromfile(out, dtype="<f4").astype(np.float64)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

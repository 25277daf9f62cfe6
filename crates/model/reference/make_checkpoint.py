#!/usr/bin/env python3
"""Tiny random checkpoints in Hugging Face layout, one for each family and trap of the tests.

    python3 -m venv venv && venv/bin/pip install -r crates/model/reference/requirements.txt
    venv/bin/python crates/model/reference/make_checkpoint.py PRESET OUT_FOLDER [--seed N] [--naming hub|new]

OUT_FOLDER gets config.json, config.transformers-5.json, generation_config.json and model.safetensors; there is no
tokenizer. The keys of config.json are those of the published files, so that a reader of such files is what the tests
exercise; config.transformers-5.json is the same configuration as transformers writes it. `--naming` is for
gemma3-multimodal-nano: `hub` names tensors as google/gemma-3-4b-it does, `new` as the module tree of transformers since
4.52. presets/ has the configurations and how the weights are drawn.
"""
import argparse
import json
import os
import tempfile

import transformers
from safetensors.torch import save_file

from presets import PRESETS, gemma


def write_json(path, content):
    with open(path, "w") as file:
        json.dump(content, file, indent=2, sort_keys=True)
        file.write("\n")


def write_as_transformers_does(folder):
    transformers.utils.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as scratch:
        transformers.AutoConfig.from_pretrained(folder).save_pretrained(scratch)
        with open(os.path.join(scratch, "config.json")) as written:
            text = written.read()
    with open(os.path.join(folder, "config.transformers-5.json"), "w") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("out_folder")
    parser.add_argument("--seed", type=int, help="another than the preset's own")
    parser.add_argument("--naming", choices=("hub", "new"), default="hub")
    options = parser.parse_args()
    preset = PRESETS[options.preset]
    seed = preset.seed if options.seed is None else options.seed
    tensors = preset.tensors(preset.config, seed)
    if options.naming == "new":
        tensors = gemma.renamed(tensors)
    os.makedirs(options.out_folder, exist_ok=True)
    write_json(os.path.join(options.out_folder, "config.json"), preset.config)
    write_json(os.path.join(options.out_folder, "generation_config.json"), preset.generation)
    write_as_transformers_does(options.out_folder)
    path = os.path.join(options.out_folder, "model.safetensors")
    stored = {name: tensor.to(preset.dtype).contiguous() for name, tensor in tensors.items()}
    save_file(stored, path, metadata={"format": "pt"})
    numbers = sum(tensor.numel() for tensor in tensors.values())
    print(f"{options.preset}: {len(tensors)} tensors, {numbers} numbers, {os.path.getsize(path)} bytes, seed {seed}")


if __name__ == "__main__":
    main()

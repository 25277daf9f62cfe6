#!/usr/bin/env python3
"""Tiny random adapters as PEFT writes them, one for each way of putting one onto a model that the tests look at.

    venv/bin/python crates/model/reference/make_adapter.py PRESET OUT_FOLDER
    venv/bin/python crates/model/reference/make_reference.py BASE OUT_FOLDER/reference.safetensors --adapter OUT_FOLDER

The bases are fixtures beside the adapters, named by each preset. `lora_B` is zero in a new adapter; here both matrices are
random, so that every layer moves. PEFT's own `save_pretrained` writes the files; its README.md is removed.
"""
import argparse
import json
import os
import sys
from dataclasses import dataclass

try:
    import peft
    import torch
    import transformers
except ImportError as error:
    sys.exit(f"error: {error}; install crates/model/reference/requirements.txt")

FAMILY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/fixtures/family")


@dataclass
class Preset:
    base: str
    config: dict
    seed: int


PRESETS = {
    # A tied base whose table is replaced as a whole: its head stays the old table, as PEFT has it.
    "llama3-lora": Preset("llama3-nano", dict(
        r=4, lora_alpha=10, use_rslora=True, target_modules="all-linear", modules_to_save=["embed_tokens"],
        rank_pattern={"k_proj": 2, r"layers\.2\.mlp\.(up|down)_proj": 1},
        alpha_pattern={r".*\.1\.self_attn\.v_proj": 3, "v_proj": 5, "^model.layers.0.mlp.gate_proj": 7},
    ), 61),
    # Fused products, a head of its own, not every layer, and a plain scale.
    "phi3-lora": Preset("phi3-nano", dict(
        r=3, lora_alpha=5, target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"],
        layers_to_transform=[0, 2], rank_pattern={"gate_up_proj": 2}, modules_to_save=["lm_head"],
    ), 62),
}
# Of the change of a matrix, in units of the spread of its own numbers.
CHANGE = 0.35


def draw(model, seed):
    """Random numbers for what is trained: A and B, and a change of what is saved as a whole."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, module in sorted(model.named_modules(), key=lambda named: named[0]):
            if isinstance(module, peft.tuners.lora.LoraLayer):
                a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
                for weight in (a, b):
                    weight.copy_(torch.randn(weight.shape, generator=generator))
                b.mul_(CHANGE * module.get_base_layer().weight.std() / module.get_delta_weight("default").std())
            elif isinstance(module, peft.utils.ModulesToSaveWrapper):
                weight = module.modules_to_save["default"].weight
                weight.add_(CHANGE * weight.std() * torch.randn(weight.shape, generator=generator))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("out_folder")
    options = parser.parse_args()
    preset = PRESETS[options.preset]
    transformers.utils.logging.set_verbosity_error()
    base = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(FAMILY, preset.base), dtype=torch.float32)
    model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **preset.config))
    draw(model, preset.seed)
    # Half as large as in f32, and the numbers are the same once they are widened.
    model = model.to(torch.bfloat16)
    model.save_pretrained(options.out_folder)
    os.remove(os.path.join(options.out_folder, "README.md"))
    path = os.path.join(options.out_folder, "adapter_config.json")
    with open(path) as file:
        config = json.load(file)
    # The path of the base depends on the machine, and the order of a set on the run.
    config["base_model_name_or_path"] = preset.base
    config["target_modules"].sort()
    with open(path, "w") as file:
        json.dump(config, file, indent=2, sort_keys=True)
        file.write("\n")
    size = os.path.getsize(os.path.join(options.out_folder, "adapter_model.safetensors"))
    print(f"{options.preset}: on {preset.base}, {size} bytes, seed {preset.seed}")


if __name__ == "__main__":
    main()

"""What make_config_fixtures.py and its parts have in common: refusals, and single facts about a network."""
import math
import re

import torch

# A layer beyond these, and a token beyond those, shows nothing new.
MOST_LAYERS, TOKENS = 12, 12
# The network's activation by name, if it is one of these.
ACTIVATIONS = {
    "gelu_pytorch_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"), "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu, "relu": torch.nn.functional.relu,
}


def without(base, *keys):
    return {key: value for key, value in base.items() if key not in keys}


class Refused(Exception):
    """transformers refuses; the message says at which stage, and how."""


def attempt(stage, action):
    try:
        return action()
    except Exception as error:  # Every layer of the library raises its own kinds.
        lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
        # Sets come in another order each time.
        message = re.sub(r"\{('[^{}]*')\}", lambda found: f"{{{', '.join(sorted(found[1].split(', ')))}}}", " ".join(lines))
        raise Refused(f"{stage}: {type(error).__name__}: {message}"[:240]) from error


def final_cap(model):
    """The largest logit that comes out where the head gives a million."""
    hook = model.lm_head.register_forward_hook(lambda _module, _inputs, output: torch.full_like(output, 1e6))
    try:
        largest = float(model(input_ids=torch.tensor([[3]]), use_cache=False).logits.max())
    finally:
        hook.remove()
    return None if largest == 1e6 else 0.0 if math.isnan(largest) else round(largest, 4)


def activation(function):
    points = torch.linspace(-3, 3, 13)
    return next((name for name, other in ACTIVATIONS.items() if torch.allclose(function(points), other(points), atol=1e-6)), "another")


def ends_of(model, folder):
    """The tokens at which `generate` ends: from generation_config.json, or config.json where there is none."""
    absent = dict.fromkeys(
        ("generation_config", "from_auto_class", "from_pipeline", "cache_dir", "force_download", "proxies", "token", "subfolder"))
    model.adjust_generation_fn(
        **absent | {"subfolder": "", "from_auto_class": False}, pretrained_model_name_or_path=folder, local_files_only=True,
        revision="main", trust_remote_code=False,
    )
    prepared, _ = model._prepare_generation_config(None)
    model._prepare_special_tokens(prepared, device="cpu")
    ends = prepared._eos_token_tensor
    return [] if ends is None else ends.tolist()

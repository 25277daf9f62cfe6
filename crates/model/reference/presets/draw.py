"""What all presets share: how their weights are drawn, and what a preset is."""
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass
class Preset:
    config: dict  # config.json
    generation: dict  # generation_config.json
    tensors: Callable  # (config, seed) -> tensors by name, in f32
    # Tried until greedy continuations vary: at least 9 different tokens in each, and never a choice between two logits
    # closer than 0.02, which rounding could turn.
    seed: int
    dtype: torch.dtype = torch.bfloat16  # as stored


class Draw:
    """Random weights from one seed; the order of the calls is part of what the seed means."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator)

    def matrix(self, rows, columns, gain=1.0):
        return self.normal(rows, columns) * gain / columns**0.5

    def norm(self, size, mean=0.0):
        """Weights of an RMS norm: far enough from their mean to miss where they are dropped."""
        return self.normal(size) * 0.3 + mean

    def tensor(self, *shape):
        return self.normal(*shape) * 0.1

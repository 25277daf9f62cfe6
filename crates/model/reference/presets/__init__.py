"""The tiny checkpoints by name, one module a group of families."""
from . import gemma

PRESETS = gemma.PRESETS

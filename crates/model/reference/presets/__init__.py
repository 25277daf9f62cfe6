"""The tiny checkpoints by name, one module a group of families."""
from . import gemma, llama

PRESETS = gemma.PRESETS | llama.PRESETS

"""The tiny checkpoints by name, one module a group of families."""
from . import gemma, gemma4, llama

PRESETS = gemma.PRESETS | llama.PRESETS | gemma4.PRESETS

import pyarrow.compute as pc
import pyarrow.dataset as ds
import torch


def activations(condition):
    """A tensor [prompts, layers, hidden]: files are read in the order of their names, so layers ascend."""
    wanted = (pc.field("pooling") == "newline") & (pc.field("condition") == condition)
    rows = ds.dataset("results/tiny/extract/activations", partitioning="hive").to_table(filter=wanted).combine_chunks()
    vectors = torch.tensor(rows["activation"].chunk(0).flatten().to_numpy())
    return vectors.view(len(rows["layer"].unique()), -1, rows["activation"].type.list_size).transpose(0, 1)


unit = torch.nn.functional.normalize
normal, swapped = (unit(activations(condition).double(), dim=-1) for condition in ("normal", "swapped"))
for layer in range(normal.shape[1]):
    print(layer, (normal[:, layer] @ swapped[:, layer].T).mean().item())

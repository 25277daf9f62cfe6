import datasets
import numpy as np

def unit(rows, condition):
    rows = rows.filter(lambda row: row["pooling"] == "newline" and row["condition"] == condition)
    vectors = rows.with_format("numpy")["activation"][:].astype(np.float64)  # [prompts, hidden]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

for layer in range(6):
    file = f"results/tiny/extract/activations/layer={layer:02}/part-*.parquet"
    rows = datasets.load_dataset("parquet", data_files=file, split="train")
    print(layer, (unit(rows, "normal") @ unit(rows, "swapped").T).mean())

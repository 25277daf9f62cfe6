import pandas as pd

table = pd.read_parquet("results/tiny/analyze/similarities.parquet")
rows = table.query("pooling == 'newline' and condition_a == 'normal' and condition_b == 'swapped'")
for layer, cosine in rows.groupby("layer")["cosine"].mean().items():
    print(layer, cosine)

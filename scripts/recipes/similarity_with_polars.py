import polars as pl

across = (
    pl.scan_parquet("results/tiny/analyze/similarities.parquet")
    .filter(pooling="newline", condition_a="normal", condition_b="swapped")
    .group_by("layer").agg(pl.col("cosine").mean()).sort("layer").collect()
)
for layer, cosine in across.iter_rows():
    print(layer, cosine)

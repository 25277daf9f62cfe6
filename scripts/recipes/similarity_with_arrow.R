library(arrow)
library(dplyr)

read_parquet("results/tiny/analyze/similarities.parquet") |>
  filter(pooling == "newline", condition_a == "normal", condition_b == "swapped") |>
  group_by(layer) |> summarise(across = mean(cosine)) |>
  as.data.frame() |> print(digits = 15, row.names = FALSE)

-- The mean cosine across the two conditions, layer by layer, from every pair of prompts.
SELECT layer, avg(cosine) AS across
FROM 'results/tiny/analyze/similarities.parquet'
WHERE pooling = 'newline' AND condition_a = 'normal' AND condition_b = 'swapped'
GROUP BY layer ORDER BY layer;

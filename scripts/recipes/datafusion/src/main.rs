//! The mean cosine across the two conditions, layer by layer, with DataFusion.

use datafusion::prelude::{ParquetReadOptions, SessionContext};

const QUERY: &str = "SELECT layer, avg(cosine) FROM similarities
    WHERE pooling = 'newline' AND condition_a = 'normal' AND condition_b = 'swapped'
    GROUP BY layer ORDER BY layer";

#[tokio::main]
async fn main() -> datafusion::error::Result<()> {
    let context = SessionContext::new();
    let file = "results/tiny/analyze/similarities.parquet";
    context.register_parquet("similarities", file, ParquetReadOptions::default()).await?;
    context.sql(QUERY).await?.show().await
}

//! Vectors that someone else made (`[[vectors]]`), alongside those of the analysis.

use exchange::{Vector, read_vector};
use pipeline::{Pipeline, VectorKind, VectorTable};
use results::{Error, Result, VectorComparison, VectorRow};

use crate::contrast::norm;
use crate::depth::cosine;

/// Reads all of them, for a model of this shape.
pub fn read(pipeline: &Pipeline, layers: usize, hidden_size: usize) -> Result<Vec<Vector>> {
    let one = |table: &VectorTable| {
        let layer = table
            .layer
            .map(|layer| resolved(pipeline, table, layer, layers))
            .transpose()?;
        read_vector(&table.file, &table.name, layer, layers, hidden_size)
    };
    pipeline.vectors.iter().map(one).collect()
}

fn resolved(pipeline: &Pipeline, table: &VectorTable, layer: i64, layers: usize) -> Result<usize> {
    let from_start = if layer < 0 { layer + layers as i64 } else { layer };
    let found = usize::try_from(from_start).ok().filter(|layer| *layer < layers);
    found.ok_or_else(|| {
        let message = format!(
            "vectors.{}: there is no layer {layer}; the model has {layers}",
            table.name
        );
        Error::invalid(&pipeline.path, message)
    })
}

/// Their rows in the table of vectors, under the contrast's pooling, though no pooling made them.
pub fn rows(pipeline: &Pipeline, vectors: &[Vector]) -> Vec<VectorRow> {
    let of_vector = |vector: &Vector| {
        let row = |(layer, row): (usize, &[f32])| VectorRow {
            layer,
            pooling: pipeline.contrast.pooling,
            vector_name: VectorKind::Imported(vector.name.clone()),
            norm: norm(&in_f64(row)),
            vector: row.to_vec(),
        };
        vector.present().map(row).collect::<Vec<_>>()
    };
    vectors.iter().flat_map(of_vector).collect()
}

/// The cosine of each of them with every other vector of its layer: imported ones in their order,
/// for each the others in the order of `all`, layers ascending. `all`: the rows under the
/// contrast's pooling.
pub fn comparisons(imported: &[Vector], all: &[&VectorRow]) -> Vec<VectorComparison> {
    let mut kinds: Vec<&VectorKind> = Vec::new();
    for row in all {
        if !kinds.contains(&&row.vector_name) {
            kinds.push(&row.vector_name);
        }
    }
    let mut comparisons = Vec::new();
    for vector in imported {
        let own = VectorKind::Imported(vector.name.clone());
        for kind in kinds.iter().filter(|kind| ***kind != own) {
            for (layer, row) in vector.present() {
                let other = all
                    .iter()
                    .find(|other| other.layer == layer && other.vector_name == **kind);
                comparisons.extend(other.map(|other| VectorComparison {
                    vector_name: vector.name.clone(),
                    other_name: kind.name(),
                    layer,
                    cosine: cosine(&in_f64(row), &in_f64(&other.vector)),
                }));
            }
        }
    }
    comparisons
}

fn in_f64(row: &[f32]) -> Vec<f64> {
    row.iter().map(|value| f64::from(*value)).collect()
}

use pipeline::{Pipeline, SaeTable, VectorKind};
use results::{ContrastVectors, Error, Result};
use terms::Site;

/// Adds the directions of features (`sae.<name>.<number>`) among `names` to the vectors that a model is
/// steered with, each at the layer where its autoencoder reads. Other names are left alone.
///
/// How each of them reads residuals goes with it, for clamping and ablation.
///
/// Adding a feature's direction to the residual stream after a layer is adding to the feature itself where
/// the autoencoder reads the stream there, or what the feed-forward of the layer adds to it.
///
/// # Errors
/// An autoencoder that can't be read, is of another model, or reads a place whose change is not that of the
/// residual stream after its layer; a feature that it does not have.
pub fn insert_directions<'a>(
    pipeline: &Pipeline,
    names: impl Iterator<Item = &'a str>,
    vectors: &mut ContrastVectors,
) -> Result<()> {
    let mut kinds: Vec<VectorKind> = Vec::new();
    for kind in names.filter_map(VectorKind::parse) {
        if matches!(kind, VectorKind::Feature(..)) && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for table in &pipeline.saes {
        let own = |kind: &&VectorKind| matches!(kind, VectorKind::Feature(name, _) if *name == table.name);
        let own: Vec<&VectorKind> = kinds.iter().filter(own).collect();
        if !own.is_empty() {
            insert(pipeline, table, &own, vectors)?;
        }
    }
    Ok(())
}

fn insert(
    pipeline: &Pipeline,
    table: &SaeTable,
    kinds: &[&VectorKind],
    vectors: &mut ContrastVectors,
) -> Result<()> {
    let sae = sae::open(&table.folder, table.hook.as_deref())?;
    let place = sae.description.place;
    let problem = |what: String| {
        Err(Error::invalid(
            &pipeline.path,
            format!("saes.{}: {what}", table.name),
        ))
    };
    if sae.hidden_size() != vectors.hidden_size || place.layer >= vectors.layers {
        return problem(format!(
            "it reads {place} of vectors with {} numbers, and the model has {} layers of {}; use an autoencoder of this model",
            sae.hidden_size(),
            vectors.layers,
            vectors.hidden_size
        ));
    }
    if !matches!(place.site, Site::ResidualPost | Site::FeedForwardOutput) {
        return problem(format!(
            "it reads {place}, and what is added to the residual stream after the layer is not added there; steer with features of \
             an autoencoder of hook_resid_post or hook_mlp_out"
        ));
    }
    for kind in kinds {
        if let VectorKind::Feature(_, feature) = kind {
            let mut rows = vec![None; vectors.layers];
            rows[place.layer] = Some(sae.direction(*feature)?);
            vectors.insert_some(kind, &rows);
            let reader = match place.site {
                Site::ResidualPost => sae.reader(*feature)?,
                _ => Err(format!(
                    "it reads {place} and not the residual stream, where it could be clamped or ablated; add to the feature (`addition`)"
                )),
            };
            let of_sae = |why| format!("saes.{}: {why}", table.name);
            vectors.insert_reader(kind, reader.map_err(of_sae));
        }
    }
    Ok(())
}

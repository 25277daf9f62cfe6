//! Gemma Scope and Gemma Scope 2: a folder for each autoencoder, all of them JumpReLU.

use std::path::Path;

use results::{Error, Result};
use serde_json::Value;

use crate::said::{agreed, read_json};
use crate::tensors::Tensors;
use crate::{Activation, Description, Normalization, Place, SparseAutoencoder};

/// The first version's only file.
pub(crate) const ARCHIVE: &str = "params.npz";
/// The second version's weights, and its description.
pub(crate) const TENSORS: &str = "params.safetensors";
const CONFIG: &str = "config.json";

/// The first version says nothing about itself: model and place are in the names of the repository
/// and its folders, `gemma-scope-9b-pt-res/layer_20/width_131k/average_l0_114`.
pub(crate) fn open_first(folder: &Path, hook: Option<&str>) -> Result<SparseAutoencoder> {
    let path = folder.join(ARCHIVE);
    let names = folder.to_string_lossy().replace('\\', "/");
    let said = hook_of_path(&names);
    let place = agreed(&path, said.as_deref(), hook)?;
    let names: Vec<&str> = names.split('/').collect();
    let repository = names.iter().find_map(|name| repository_of(name));
    jump_relu(
        Tensors::open(&path)?,
        Description {
            place,
            neuronpedia: repository.and_then(|repository| neuronpedia(repository, place, &names)),
            model: repository.map(model_of_repository),
            ..plain("jumprelu", place)
        },
    )
}

/// The second version.
pub(crate) fn open_second(folder: &Path, hook: Option<&str>) -> Result<SparseAutoencoder> {
    let path = folder.join(CONFIG);
    let config = read_json(&path)?;
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let (read, written) = (text("hf_hook_point_in"), text("hf_hook_point_out"));
    let kind = text("type").unwrap_or("sae");
    let is_affine = config
        .get("affine_connection")
        .is_some_and(|value| *value == true);
    if kind != "sae" || is_affine || written.is_some_and(|written| Some(written) != read) {
        return Err(Error::invalid(
            &path,
            format!(
                "this is a transcoder (`type` \"{kind}\", from {} to {}), and not an autoencoder of one activation; take one \
                 from the folders resid_post, attn_out or mlp_out",
                read.unwrap_or("?"),
                written.unwrap_or("?")
            ),
        ));
    }
    if let Some(other) = text("architecture").filter(|architecture| *architecture != "jump_relu") {
        let message =
            format!("`architecture` is \"{other}\", and only \"jump_relu\" is known in folders of this kind");
        return Err(Error::invalid(
            &path,
            format!("{message}; take an autoencoder of that kind"),
        ));
    }
    let place = agreed(&path, read, hook)?;
    let tensors = Tensors::open(&folder.join(TENSORS))?;
    let upper_case = |name: &str| match name.strip_prefix("w_") {
        Some(rest) => format!("W_{rest}"),
        None => name.to_owned(),
    };
    jump_relu(
        tensors.renamed(upper_case),
        Description {
            model: text("model_name").map(str::to_owned),
            ..plain("jumprelu", place)
        },
    )
}

fn jump_relu(tensors: Tensors, description: Description) -> Result<SparseAutoencoder> {
    tensors.check_names(&["W_enc", "W_dec", "b_enc", "b_dec", "threshold"])?;
    let activation = |tensors: &Tensors, features: usize| {
        Ok(Activation::JumpRelu {
            thresholds: tensors.vector("threshold", features)?,
        })
    };
    SparseAutoencoder::new(description, activation, false, tensors)
}

pub(crate) fn plain(architecture: &str, place: Place) -> Description {
    Description {
        place,
        model: None,
        neuronpedia: None,
        architecture: architecture.to_owned(),
        normalization: Normalization::None,
        subtracts_decoder_bias: false,
    }
}

/// `blocks.20.hook_resid_post` from `…-res/layer_20/…`.
fn hook_of_path(path: &str) -> Option<String> {
    let mut names = path.split('/');
    let site = names
        .by_ref()
        .find_map(|name| match repository_of(name)?.rsplit('-').next()? {
            "res" => Some("hook_resid_post"),
            "mlp" => Some("hook_mlp_out"),
            "att" => Some("attn.hook_z"),
            _ => None,
        })?;
    let layer = names.find_map(|name| name.strip_prefix("layer_")?.parse::<usize>().ok())?;
    Some(format!("blocks.{layer}.{site}"))
}

/// The repository's name, also as the hub's cache has it: `models--google--gemma-scope-9b-pt-res`.
fn repository_of(name: &str) -> Option<&str> {
    let name = name.rsplit("--").next()?;
    name.starts_with("gemma-scope-").then_some(name)
}

/// `gemma-2-9b` from `gemma-scope-9b-pt-res`.
fn model_of_repository(repository: &str) -> String {
    let rest = repository.trim_start_matches("gemma-scope-");
    let mut parts = rest.split('-');
    match (parts.next(), parts.next()) {
        (Some(size), Some("it")) => format!("gemma-2-{size}-it"),
        (Some(size), _) => format!("gemma-2-{size}"),
        _ => "gemma-2".to_owned(),
    }
}

/// Neuronpedia has one autoencoder for each width: `gemma-2-9b/20-gemmascope-res-131k`. Which L0 that
/// is, it does not say, so the link may be to one that was trained to another.
fn neuronpedia(repository: &str, place: Place, names: &[&str]) -> Option<String> {
    let site = repository.rsplit('-').next()?;
    let width = names.iter().find_map(|name| name.strip_prefix("width_"))?;
    let model = model_of_repository(repository);
    Some(format!("{model}/{}-gemmascope-{site}-{width}", place.layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_say_model_and_place() {
        let path = "models/gemma-scope-9b-pt-res/layer_20/width_131k/average_l0_114";
        assert_eq!(hook_of_path(path).as_deref(), Some("blocks.20.hook_resid_post"));
        let cached =
            "hub/models--google--gemma-scope-2b-pt-mlp/snapshots/abc/layer_3/width_16k/average_l0_10";
        assert_eq!(hook_of_path(cached).as_deref(), Some("blocks.3.hook_mlp_out"));
        assert_eq!(hook_of_path("models/mine/layer_20"), None);
        assert_eq!(model_of_repository("gemma-scope-9b-pt-res"), "gemma-2-9b");
        assert_eq!(model_of_repository("gemma-scope-9b-it-res"), "gemma-2-9b-it");
    }
}

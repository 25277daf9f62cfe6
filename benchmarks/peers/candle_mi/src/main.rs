//! Extraction with candle-mi, on the CPU and in f32: the residual stream after every layer, one
//! text at a time, as its documentation shows it.
//!
//!     candle_mi_peer FOLDER WORK.json REPEAT
//!
//! `WORK.json` has the tokens of the texts and the position to keep of each. `RAYON_NUM_THREADS`
//! sets the threads. Prints one line of JSON.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::{DType, Device, IndexOp, Tensor};
use candle_mi::{GenericTransformer, HookPoint, HookSpec, MIModel, TransformerConfig};
use candle_nn::VarBuilder;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, work, repeat] = arguments.as_slice() else {
        return Err("usage: candle_mi_peer FOLDER WORK.json REPEAT".into());
    };
    let start = Instant::now();
    let model = load(Path::new(folder))?;
    let load_s = start.elapsed().as_secs_f64();
    let texts = texts(work)?;
    capture(&model, &texts[0])?;
    let (mut all, mut norms) = (Vec::new(), Vec::new());
    for _ in 0..repeat.parse::<usize>()? {
        let start = Instant::now();
        let kept = texts
            .iter()
            .map(|text| capture(&model, text))
            .collect::<Result<Vec<_>>>()?;
        all.push(start.elapsed().as_secs_f64());
        norms = (0..model.num_layers())
            .map(|layer| kept.iter().map(|rows| norm(&rows[layer])).sum::<f64>() / kept.len() as f64)
            .collect();
    }
    let line = json!({
        "tool": "candle_mi", "version": "0.2.2", "dtype": "f32", "load_s": load_s, "extract_s": median(&all),
        "extract_all": all, "layer_norms": norms, "peak_rss_bytes": peak(),
    });
    println!("{line}");
    Ok(())
}

/// What `MIModel::from_pretrained` does with a model of the hub, for a folder.
fn load(folder: &Path) -> Result<MIModel> {
    let config: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("config.json"))?)?;
    let config = TransformerConfig::from_hf_config(&config)?;
    let mut weights: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    weights.retain(|path| path.extension().is_some_and(|end| end == "safetensors"));
    // SAFETY: nobody writes to the files while they are mapped.
    let tensors = unsafe { VarBuilder::from_mmaped_safetensors(&weights, DType::F32, &Device::Cpu)? };
    let transformer = GenericTransformer::load(config, &Device::Cpu, DType::F32, tensors)?;
    Ok(MIModel::new(Box::new(transformer), Device::Cpu))
}

struct Text {
    tokens: Vec<u32>,
    /// The position whose vectors are kept.
    position: usize,
}

fn texts(path: &str) -> Result<Vec<Text>> {
    let work: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let tokens: Vec<Vec<u32>> = serde_json::from_value(work["tokens"].clone())?;
    let positions: Vec<usize> = serde_json::from_value(work["positions"].clone())?;
    let texts = tokens.into_iter().zip(positions);
    Ok(texts.map(|(tokens, position)| Text { tokens, position }).collect())
}

/// One vector for each layer.
fn capture(model: &MIModel, text: &Text) -> Result<Vec<Vec<f32>>> {
    let mut hooks = HookSpec::new();
    hooks.capture_all((0..model.num_layers()).map(HookPoint::ResidPost));
    let input = Tensor::new(text.tokens.as_slice(), model.device())?.unsqueeze(0)?;
    let cache = model.forward(&input, &hooks)?;
    (0..model.num_layers())
        .map(|layer| {
            let all = cache.require(&HookPoint::ResidPost(layer))?;
            Ok(all.i((0, text.position))?.to_vec1::<f32>()?)
        })
        .collect()
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The largest resident memory so far, as Linux counts it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

//! Every kind of intervention in the middle of a network of each family, against Hugging Face
//! transformers with hooks: the output of the last layer. The reference's README has the formulas.

use burn::tensor::{Device, Tensor};
use interventions::{ablation, addition, capping, mean_ablation};
use model::{Batch, ModelFiles, Network, Precision, ResidualTap, Token};
use serde_json::Value;
use steer::{Intervention, Steer};
use terms::Positions;
use testkit::{Reference, assert_close, family_folders};

const TOLERANCE: f64 = 1e-4;

/// Steering, and the last layer's output.
struct Last(Steer, Option<Tensor<2>>);

impl ResidualTap for Last {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let h = self.0.residual(layer, tokens, h);
        self.1 = Some(h.clone());
        h
    }
}

/// One entry of the reference's list.
fn intervention(entry: &Value, reference: &Reference) -> Intervention {
    let number = |key: &str| entry[key].as_f64().unwrap();
    let vector = &reference.floats["intervention.vector"];
    let form = match entry["kind"].as_str().unwrap() {
        "addition" => addition(vector, number("coefficient")),
        "ablation" => ablation(vector, number("coefficient")),
        "mean-ablation" | "mean_ablation" => mean_ablation(vector, &reference.floats["intervention.mean"]),
        "capping" => capping(vector, number("threshold")),
        other => panic!("unknown kind {other}"),
    };
    let positions = match entry["positions"].as_str().unwrap() {
        "last" => Positions::Last,
        _ => Positions::All,
    };
    Intervention::new(number("layer") as usize, positions, form)
}

#[test]
fn interventions_of_all_kinds_agree_in_every_family() {
    for folder in family_folders() {
        let name = folder.display();
        let (config, checkpoint) = ModelFiles::at(&folder).unwrap().network().unwrap();
        let network =
            Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
        let reference = Reference::read(&folder.join("reference.safetensors"));
        let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
        let list: Vec<Value> = serde_json::from_str(&reference.metadata["interventions"]).unwrap();
        assert_eq!(list.len(), 5, "{name}");
        for entry in &list {
            let row = [intervention(entry, &reference)];
            let (layers, hidden) = (config.layers.len(), config.hidden_size);
            let steer = Steer::new(&[row], layers, hidden, &Device::flex()).unwrap();
            let mut last = Last(steer, None);
            network.forward(&batch, None, &mut last).unwrap();
            let found: Vec<f32> = last.1.unwrap().into_data().try_into_vec().unwrap();
            let tensor = format!("intervention.{}", entry["name"].as_str().unwrap());
            assert_close(
                &format!("{name}: {tensor}"),
                &found,
                &reference.floats[&tensor],
                TOLERANCE,
            );
        }
    }
}

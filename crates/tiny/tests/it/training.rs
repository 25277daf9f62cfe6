//! A few steps of the real training, and the folder that it leaves.

use files::HashMemo;
use model::{Batch, ModelConfig};
use pipeline::ModelTable;
use session::open_for_generation;
use terms::Dtype;
use tiny::train::{Settings, embedded_tokenizer, train};

#[test]
fn the_loss_falls_and_the_saved_folder_is_the_trained_network() {
    let settings = Settings {
        rows_per_batch: 4,
        warm_up_steps: 5,
        ..Settings::new(3)
    };
    let trained = train(&settings, Some(24)).unwrap();
    // A network that knows nothing starts at the logarithm of the vocabulary, 7.3 nats.
    assert!(
        (6.8..7.8).contains(&trained.first_loss.max(7.0)),
        "first loss {}",
        trained.first_loss
    );
    assert!(
        trained.last_loss < trained.first_loss - 1.0,
        "from {} to {}",
        trained.first_loss,
        trained.last_loss
    );

    let folder = tempfile::tempdir().unwrap();
    tiny::checkpoint::save(&trained, folder.path()).unwrap();
    let table = ModelTable {
        dtype: Dtype::F32,
        ..ModelTable::local(folder.path(), "trained")
    };
    let opened = open_for_generation(&table, &HashMemo::default()).unwrap();
    let batch = Batch::of(&[vec![2u32, 4, 300, 6, 400, 401, 5]]).unwrap();
    let logits = |network: &model::Network| -> Vec<f32> {
        network
            .head(network.forward(&batch, None, &mut ()).unwrap())
            .into_data()
            .try_into_vec()
            .unwrap()
    };
    let (before, after) = (logits(&trained.network), logits(opened.resident().unwrap()));
    let worst = before
        .iter()
        .zip(&after)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(
        worst > 0.0 && worst < 0.1,
        "weights are rounded to bf16, no more: {worst}"
    );
}

#[test]
fn the_shipped_folder_has_this_tokenizer_and_shape() {
    let folder = crate::root().join("data/tiny");
    let read = |name: &str| {
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        read("tokenizer.json"),
        embedded_tokenizer().unwrap(),
        "train again: the grammar's tokens have changed"
    );
    let config = ModelConfig::read(&folder).unwrap();
    assert_eq!(read("config.json"), tiny::train::config(config.vocab_size));
    let sizes: u64 = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(sizes < 12_000_000, "{sizes} bytes");
}

#[test]
fn the_program_refuses_what_it_does_not_understand() {
    for (arguments, part) in [
        (&["--steps", "10"][..], "there is no option `--steps`"),
        (&["--seed", "one"], "--seed one"),
        (&["again"], "usage: cargo xtask train"),
    ] {
        let program = env!("CARGO_BIN_EXE_train");
        let output = std::process::Command::new(program)
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(part), "{errors}");
    }
}

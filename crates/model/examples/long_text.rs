//! Runs a long text through a model, to see what it takes: `/usr/bin/time -v long_text MODEL TOKENS`
//! computes its residual streams as extraction does, and with a third argument as many new tokens
//! as that after it.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use burn::tensor::Tensor;
use model::{
    Batch, DeviceKind, GenerationRequest, ModelFiles, Network, Precision, ResidualTap, Sampling, Token,
    generate, open_device,
};

/// Keeps each layer's residual of the last token.
struct Last(Vec<f32>);

impl ResidualTap for Last {
    fn residual(&mut self, _layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let last = h.clone().narrow(0, tokens.len() - 1, 1).into_data();
        self.0.extend(last.iter::<f32>());
        h
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, tokens, new @ ..] = arguments.as_slice() else {
        return Err("usage: long_text MODEL TOKENS [NEW]".into());
    };
    let (config, checkpoint) = ModelFiles::at(model.as_ref())?.network()?;
    let device = open_device(DeviceKind::Cpu)?;
    let network = Network::load(&config, &checkpoint, &device, Precision::F32, &mut |_| ())?;
    // Any words; a text of the same few would be no harder.
    let word = |index: u32| 1000 + (index.wrapping_mul(2_654_435_761) >> 7) % 20_000;
    let prompt: Vec<u32> = (0..tokens.parse()?).map(word).collect();
    match new {
        [] => {
            let batch = Batch::of(&[&prompt])?.with_wanted(vec![prompt.len() - 1]);
            let mut last = Last(Vec::new());
            network.forward(&batch, None, &mut last)?;
            let mix = |mixed: u64, x: &f32| (mixed ^ u64::from(x.to_bits())).wrapping_mul(0x0100_0000_01b3);
            let mixed = last.0.iter().fold(0xcbf2_9ce4_8422_2325, mix);
            println!("{} numbers, {mixed:016x}", last.0.len());
        }
        [new, ..] => {
            let request = GenerationRequest {
                prompt,
                sampling: Sampling::greedy(),
                seed: 0,
            };
            let texts = generate(&network, &[request], new.parse()?, &mut (), &mut |_| ())?;
            println!("{:?}", texts[0].tokens);
        }
    }
    Ok(())
}

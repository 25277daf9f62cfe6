//! What features of sparse autoencoders say about the conditions.

use results::{Feature, Result, Run, Sae, SaeFit};

/// The tables of the stage, empty where the pipeline names no autoencoders.
#[derive(Debug, Default)]
pub struct Features {
    pub saes: Vec<Sae>,
    pub fits: Vec<SaeFit>,
    pub features: Vec<Feature>,
}

impl Features {
    pub fn read(run: &Run) -> Result<Self> {
        // Runs of before the stage existed can be reported too.
        match run.read_if_there::<Sae>()? {
            Some((saes, _)) => Ok(Features {
                saes,
                fits: run.read()?,
                features: run.read()?,
            }),
            None => Ok(Features::default()),
        }
    }
}

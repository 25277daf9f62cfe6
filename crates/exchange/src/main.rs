//! `cargo xtask export`: vectors of a run in the formats of other tools.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use exchange::{Format, Origin, Vector, without_model_id, write_vector};
use results::{Error, Layout, Result, read_contrast_vectors};
use terminal::{Output, finish, one_of, parsed};

/// Writes vectors of a run for other tools
#[derive(Parser)]
struct Arguments {
    /// The folder of a run's results; `cargo xtask export` fills it in
    results: PathBuf,
    /// contrast (the default), pca, probe, lda, contrast.cleaned, effect.speaker, mean.CONDITION, …
    /// or `all`
    #[arg(value_name = "VECTOR")]
    names: Vec<String>,
    /// A format; may be repeated. All formats if omitted
    #[arg(long = "format", value_name = "FORMAT", value_parser = one_of::<Format>(Format::WORDS))]
    formats: Vec<Format>,
    /// The folder to write to; `export` in the folder of results if omitted
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Arguments = parsed();
    finish("the vectors can't be exported", arguments.export())
}

impl Arguments {
    fn export(self) -> Result<()> {
        let path = Layout::new(&self.results).contrast_vectors();
        if !path.exists() {
            return Err(Error::invalid(
                &path,
                "there is no such file yet; run `cargo xtask analyze`",
            ));
        }
        let vectors = read_contrast_vectors(&path)?;
        let names = match self.names.as_slice() {
            [] => vec!["contrast".to_owned()],
            [all] if all == "all" => vectors.names().map(str::to_owned).collect(),
            names => names.to_vec(),
        };
        let formats = match self.formats.as_slice() {
            [] => Format::ALL,
            formats => formats,
        };
        let out = self.out.unwrap_or_else(|| self.results.join("export"));
        for name in names {
            let vector = Vector::of(&vectors, &name).ok_or_else(|| {
                let known: Vec<&str> = vectors.names().collect();
                Error::invalid(
                    &path,
                    format!("there is no vector \"{name}\"; there are {}", known.join(", ")),
                )
            })?;
            let origin = Origin::of(&vectors, &name);
            for format in formats {
                let place = write_vector(&out, *format, &vector, &origin)?;
                let _ = writeln!(Output, "{}", place.display());
            }
            if let Some(note) = without_model_id(&origin).filter(|_| formats.contains(&Format::Neuronpedia)) {
                terminal::remark(note);
            }
        }
        Ok(())
    }
}

//! `cargo xtask export`: vectors of a run in the formats of other tools.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use exchange::{Format, Origin, Vector, without_model_id, write_vector};
use results::{Error, Layout, Result, read_contrast_vectors};
use terminal::{Output, print_failure};

const USAGE: &str = "usage: export results/NAME [VECTOR]... [--format gguf|npy|safetensors|neuronpedia]... [--out FOLDER]
  VECTOR: contrast (the default), pca, probe, lda, contrast.cleaned, effect.speaker, mean.CONDITION, … or `all`
  --format: all where it is left out    --out: results/NAME/export";

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1);
    match Wanted::parse(arguments).and_then(|wanted| wanted.export()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Usage(message)) => {
            terminal::remark(format_args!("error: {message}\n{USAGE}"));
            ExitCode::from(2)
        }
        Err(error) => {
            print_failure("the vectors can't be exported", &error.to_string());
            ExitCode::FAILURE
        }
    }
}

struct Wanted {
    results: PathBuf,
    out: PathBuf,
    names: Vec<String>,
    formats: Vec<Format>,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (mut plain, mut formats, mut out) = (Vec::new(), Vec::new(), None);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let missing = || Error::Usage(format!("{argument} needs a value"));
                arguments.next().ok_or_else(missing)
            };
            match argument.as_str() {
                "--out" => out = Some(PathBuf::from(value()?)),
                "--format" => {
                    let name = value()?;
                    let unknown = || Error::Usage(format!("there is no format \"{name}\""));
                    formats.push(Format::parse(&name).ok_or_else(unknown)?);
                }
                flag if flag.starts_with('-') => return Err(Error::Usage(format!("unknown option {flag}"))),
                _ => plain.push(argument),
            }
        }
        let mut plain = plain.into_iter();
        let results = plain.next().map(PathBuf::from);
        let results = results.ok_or_else(|| Error::Usage("no folder of results was named".to_owned()))?;
        Ok(Wanted {
            out: out.unwrap_or_else(|| results.join("export")),
            results,
            names: plain.collect(),
            formats: if formats.is_empty() {
                Format::ALL.to_vec()
            } else {
                formats
            },
        })
    }

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
        for name in names {
            let vector = Vector::of(&vectors, &name).ok_or_else(|| {
                let known: Vec<&str> = vectors.names().collect();
                Error::invalid(
                    &path,
                    format!("there is no vector \"{name}\"; there are {}", known.join(", ")),
                )
            })?;
            let origin = Origin::of(&vectors, &name);
            for format in &self.formats {
                let place = write_vector(&self.out, *format, &vector, &origin)?;
                let _ = writeln!(Output, "{}", place.display());
            }
            if let Some(note) =
                without_model_id(&origin).filter(|_| self.formats.contains(&Format::Neuronpedia))
            {
                terminal::remark(note);
            }
        }
        Ok(())
    }
}

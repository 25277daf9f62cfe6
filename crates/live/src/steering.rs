use std::fmt;

use anyhow::{Context, Result, bail};
use artifacts::{CoefficientUnit, InterventionKind};
use serde::Deserialize;

/// One direction that is worked with at one layer, at all positions.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steering {
    /// As the analysis names it: `contrast`, `pca`, `mean.<condition>`, …
    #[serde(default = "contrast")]
    pub vector: String,
    /// -1 is the last one.
    pub layer: i64,
    #[serde(rename = "coef")]
    pub coefficient: f64,
    #[serde(default)]
    pub unit: CoefficientUnit,
    /// Addition or ablation.
    #[serde(default = "addition")]
    pub kind: InterventionKind,
}

const USAGE: &str = "layer=NUMBER coef=NUMBER [vector=NAME] [unit=raw|relative] [kind=addition|ablation]";

impl Steering {
    /// Reads `layer=20 coef=-0.4 vector=contrast unit=relative kind=addition`; the last three may be left out, and so may
    /// an ablation's coefficient, which is what it adds back.
    pub fn parse(text: &str) -> Result<Self> {
        let (mut layer, mut coefficient) = (None, None);
        let (mut vector, mut unit, mut kind) = (contrast(), CoefficientUnit::Raw, addition());
        for word in text.split_whitespace() {
            let (key, value) = word
                .split_once('=')
                .with_context(|| format!("\"{word}\" is not KEY=VALUE; write {USAGE}"))?;
            match key {
                "layer" => layer = Some(whole_number(value)?),
                "coef" => coefficient = Some(number(value)?),
                "vector" => vector = value.to_owned(),
                "unit" => unit = unit_named(value)?,
                "kind" => kind = kind_named(value)?,
                _ => bail!("unknown key \"{key}\"; write {USAGE}"),
            }
        }
        if kind == InterventionKind::Ablation {
            coefficient = coefficient.or(Some(0.0));
        }
        Ok(Steering {
            vector,
            layer: layer.with_context(|| format!("layer is missing; write {USAGE}"))?,
            coefficient: coefficient.with_context(|| format!("coef is missing; write {USAGE}"))?,
            unit,
            kind,
        })
    }

    /// Whether the other one works with the same direction at the same place, so that one takes the other's place.
    pub fn is_at_the_place_of(&self, other: &Steering) -> bool {
        (&self.vector, self.layer, self.kind) == (&other.vector, other.layer, other.kind)
    }

    /// Nothing is added: the model as it is.
    pub fn is_nothing(&self) -> bool {
        self.kind == InterventionKind::Addition && self.coefficient == 0.0
    }
}

impl fmt::Display for Steering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Steering {
            vector,
            layer,
            coefficient,
            ..
        } = self;
        let unit = match self.unit {
            CoefficientUnit::Raw => "",
            CoefficientUnit::Relative => " residual norms of",
        };
        match self.kind {
            InterventionKind::Ablation if *coefficient == 0.0 => {
                write!(f, "without {vector} at layer {layer}")
            }
            InterventionKind::Ablation => {
                write!(
                    f,
                    "{coefficient:+}{unit} {vector} in place of it at layer {layer}"
                )
            }
            _ => write!(f, "{coefficient:+}{unit} {vector} at layer {layer}"),
        }
    }
}

fn contrast() -> String {
    "contrast".to_owned()
}

fn addition() -> InterventionKind {
    InterventionKind::Addition
}

fn whole_number(value: &str) -> Result<i64> {
    value
        .parse()
        .with_context(|| format!("layer={value}: a layer is a whole number"))
}

fn number(value: &str) -> Result<f64> {
    let number: f64 = value
        .parse()
        .with_context(|| format!("coef={value}: a coefficient is a number such as -0.4"))?;
    if !number.is_finite() {
        bail!("coef={value}: a coefficient must be finite");
    }
    Ok(number)
}

fn unit_named(value: &str) -> Result<CoefficientUnit> {
    match value {
        "raw" => Ok(CoefficientUnit::Raw),
        "relative" => Ok(CoefficientUnit::Relative),
        _ => bail!("unit={value}: the units are raw (multiples of the vector) and relative (residual norms)"),
    }
}

fn kind_named(value: &str) -> Result<InterventionKind> {
    match value {
        "addition" => Ok(InterventionKind::Addition),
        "ablation" => Ok(InterventionKind::Ablation),
        _ => bail!("kind={value}: the kinds are addition and ablation"),
    }
}

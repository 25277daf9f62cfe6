use std::fmt;

use anyhow::{Context, Result, anyhow, bail};
use interventions::Kind;
use serde::Deserialize;
use terms::CoefficientUnit;

/// One direction that is used at one layer, at all positions.
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
    /// One of [`Kind::live`].
    #[serde(default = "addition")]
    pub kind: Kind,
}

fn usage() -> String {
    let units = CoefficientUnit::WORDS.join("|");
    let kinds = live_kinds().join("|");
    format!("layer=NUMBER coef=NUMBER [vector=NAME] [unit={units}] [kind={kinds}]")
}

fn live_kinds() -> Vec<&'static str> {
    Kind::live().map(Kind::as_str).collect()
}

impl Steering {
    /// Reads `layer=20 coef=-0.4 vector=contrast unit=relative kind=addition`. The last three may
    /// be left out, and so may the coefficient of a kind that has a default for it.
    pub fn parse(text: &str) -> Result<Self> {
        let (mut layer, mut coefficient) = (None, None);
        let (mut vector, mut unit, mut kind) = (contrast(), CoefficientUnit::Raw, addition());
        for word in text.split_whitespace() {
            let (key, value) = word
                .split_once('=')
                .with_context(|| format!("\"{word}\" is not KEY=VALUE; write {}", usage()))?;
            match key {
                "layer" => layer = Some(whole_number(value)?),
                "coef" => coefficient = Some(number(value)?),
                "vector" => vector = value.to_owned(),
                "unit" => unit = unit_named(value)?,
                "kind" => kind = kind_named(value)?,
                _ => bail!("unknown key \"{key}\"; write {}", usage()),
            }
        }
        let default = kind.definition().live.and_then(|live| live.coefficient);
        let coefficient = coefficient.or(default);
        Ok(Steering {
            vector,
            layer: layer.with_context(|| format!("layer is missing; write {}", usage()))?,
            coefficient: coefficient.with_context(|| format!("coef is missing; write {}", usage()))?,
            unit,
            kind,
        })
    }

    /// Whether the other one uses the same direction at the same place, so that one takes the
    /// other's place.
    pub fn is_at_the_place_of(&self, other: &Steering) -> bool {
        (&self.vector, self.layer, self.kind) == (&other.vector, other.layer, other.kind)
    }

    /// Whether the model stays as it is.
    pub fn is_nothing(&self) -> bool {
        self.kind.changes_nothing_at(self.coefficient)
    }

    /// # Errors
    ///
    /// That the kind can't be used during a conversation, and which kinds can.
    pub(crate) fn check_kind(&self) -> Result<()> {
        if self.kind.definition().live.is_none() {
            bail!("kind={}: the kinds are {}", self.kind, live_kinds().join(", "));
        }
        if self.kind.definition().coefficient.is_none() && self.coefficient != 0.0 {
            bail!("kind={} takes no coef; leave it out", self.kind);
        }
        Ok(())
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
        let amount = format!("{coefficient:+}{unit} {vector}");
        let words = match self.kind.definition().live {
            Some(live) => (live.words)(*coefficient, &amount, vector),
            None => format!("{} of {amount}", self.kind),
        };
        write!(f, "{words} at layer {layer}")
    }
}

fn contrast() -> String {
    "contrast".to_owned()
}

fn addition() -> Kind {
    Kind::Addition
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
    let unit: Result<CoefficientUnit, _> = value.parse();
    unit.map_err(|_| {
        anyhow!(
            "unit={value}: the units are {}",
            CoefficientUnit::WORDS.join(" and ")
        )
    })
}

fn kind_named(value: &str) -> Result<Kind> {
    let kind = Kind::live().find(|kind| kind.as_str() == value);
    kind.with_context(|| format!("kind={value}: the kinds are {}", live_kinds().join(", ")))
}

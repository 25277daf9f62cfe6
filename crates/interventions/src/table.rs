use std::fmt;
use std::sync::LazyLock;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use terms::{CoefficientUnit, Positions};

use crate::definition::{NEEDS_FEATURE, Named};
use crate::kind::Kind;
use crate::own::{Own, OwnKey, OwnValue};

/// An intervention of a generation set, as the pipeline file has it: the keys that all kinds have,
/// and those of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct InterventionTable {
    /// What is done.
    pub kind: Kind,
    /// One layer for each direction, or one for all. Negative numbers count from the end.
    pub layers: Vec<i64>,
    /// `contrast`, `mean.<condition>` or another vector: a row of the contrast file at the
    /// intervention's layer. Left out, it is the contrast.
    pub directions: Vec<String>,
    /// Left out, they are all.
    pub positions: Positions,
    /// One for each direction, or one for all. Left out, it is 1, or what the kind says in a set
    /// without coefficients.
    pub coefficients: Vec<f64>,
    /// The keys that only this kind has.
    pub own: Own,
}

impl InterventionTable {
    /// An intervention with one direction at one layer, at all positions, with the defaults of its
    /// kind.
    pub fn new(kind: Kind, layer: i64, direction: &str) -> Self {
        InterventionTable {
            kind,
            layers: vec![layer],
            directions: vec![direction.to_owned()],
            positions: Positions::All,
            coefficients: Vec::new(),
            own: Own::NONE,
        }
    }

    /// The first thing that can't be, in words that name the key. Whether there are such vectors is
    /// not known here.
    pub fn problem(&self) -> Option<String> {
        self.length_problem()
            .or_else(|| self.own_key_problem())
            .or_else(|| self.position_problem())
            .or_else(|| self.feature_problem())
    }

    /// The names of all vectors that it works with.
    pub fn vectors(&self) -> impl Iterator<Item = &str> {
        let directions = self.directions.iter().map(String::as_str);
        directions.chain(self.own.vectors().map(|(_, name)| name))
    }

    /// The coefficient of an intervention that names none, in a set with or without coefficients.
    pub fn default_coefficient(&self, set_has_coefficients: bool) -> f64 {
        match self.kind.definition().coefficient {
            Some(alone) if !set_has_coefficients => alone,
            _ => 1.0,
        }
    }

    /// What is done with one of its directions at one layer, for the column `interventions`:
    /// `addition of 0.7 contrast at layer 4, all positions`.
    pub fn description(
        &self,
        direction: &str,
        layer: usize,
        coefficient: f64,
        unit: CoefficientUnit,
    ) -> String {
        let direction = match unit {
            CoefficientUnit::Raw => direction.to_owned(),
            CoefficientUnit::Relative => format!("{direction} (in residual norms)"),
        };
        let what = (self.kind.definition().description)(&Named {
            direction: &direction,
            coefficient,
            own: &self.own,
        });
        let place = match self.positions {
            Positions::All => "all positions",
            Positions::Last => "last position",
        };
        format!("{what} at layer {layer}, {place}")
    }

    fn length_problem(&self) -> Option<String> {
        let directions = self.directions.len();
        let wrong = |length: usize| length != directions && length != 1;
        let (key, length) = if wrong(self.layers.len()) {
            ("layers", self.layers.len())
        } else if !self.coefficients.is_empty() && wrong(self.coefficients.len()) {
            ("coefficients", self.coefficients.len())
        } else {
            return None;
        };
        Some(format!(
            "{key} has {length} entries for {directions} directions; give one, or one for each"
        ))
    }

    fn own_key_problem(&self) -> Option<String> {
        let (kind, needs) = (self.kind, self.kind.definition().needs);
        if let Some(key) = needs.iter().find(|key| !self.own.contains(key.name)) {
            return Some(format!("{kind} needs {}", key.needed));
        }
        let is_own = |name: &str| needs.iter().any(|key| key.name == name);
        if let Some(name) = self.own.keys().find(|name| !is_own(name)) {
            return Some(format!("{kind} has no `{name}`; leave it out"));
        }
        let mut numbers = self
            .own
            .keys()
            .filter_map(|key| Some((key, self.own.number(key)?)));
        let infinite = numbers.find(|(_, value)| !(*value as f32).is_finite());
        infinite
            .map(|(key, value)| format!("the {key} {value} can't be computed with; give a smaller number"))
    }

    fn position_problem(&self) -> Option<String> {
        let possible = self.kind.definition().positions;
        (!possible.contains(&self.positions)).then(|| {
            let words: Vec<&str> = possible.iter().map(|positions| positions.as_str()).collect();
            format!(
                "{} works on {} positions only; leave out `positions`",
                self.kind,
                words.join(", ")
            )
        })
    }

    fn feature_problem(&self) -> Option<String> {
        let reads_feature = self.kind.definition().reads_feature;
        let mut others = self
            .directions
            .iter()
            .filter(|name| reads_feature && !name.starts_with("sae."));
        let other = others.next()?;
        Some(format!(
            "{} needs {NEEDS_FEATURE}, and \"{other}\" is none",
            self.kind
        ))
    }
}

/// The keys that all kinds have.
const COMMON_KEYS: [&str; 5] = ["kind", "layers", "directions", "positions", "coefficients"];

/// All keys that the table of some kind can have.
static KEYS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut keys = COMMON_KEYS.to_vec();
    for key in own_keys() {
        if !keys.contains(&key.name) {
            keys.push(key.name);
        }
    }
    keys
});

fn own_keys() -> impl Iterator<Item = &'static OwnKey> {
    Kind::ALL.iter().flat_map(|kind| kind.definition().needs)
}

impl<'de> Deserialize<'de> for InterventionTable {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(TableVisitor)
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = InterventionTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an intervention")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<InterventionTable, M::Error> {
        let (mut kind, mut layers, mut own) = (None, None, Own::NONE);
        let (mut directions, mut coefficients) = (vec!["contrast".to_owned()], Vec::new());
        let mut positions = Positions::default();
        while let Some(Key(key)) = map.next_key()? {
            match key {
                "kind" => kind = Some(map.next_value()?),
                "layers" => layers = Some(map.next_value()?),
                "directions" => directions = map.next_value()?,
                "positions" => positions = map.next_value()?,
                "coefficients" => coefficients = map.next_value()?,
                name => {
                    let is_vector = own_keys().any(|key| key.name == name && key.is_vector);
                    let value = match is_vector {
                        true => OwnValue::Vector(map.next_value()?),
                        false => OwnValue::Number(map.next_value()?),
                    };
                    own = own.with(name, value);
                }
            }
        }
        Ok(InterventionTable {
            kind: kind.ok_or_else(|| de::Error::missing_field("kind"))?,
            layers: layers.ok_or_else(|| de::Error::missing_field("layers"))?,
            directions,
            positions,
            coefficients,
            own,
        })
    }
}

/// One of [`KEYS`]. An unknown key fails while it is read, so that the error carries its place.
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source)?;
        let known = KEYS.iter().find(|known| **known == text);
        let known = known.ok_or_else(|| de::Error::unknown_field(&text, KEYS.as_slice()))?;
        Ok(Key(known))
    }
}

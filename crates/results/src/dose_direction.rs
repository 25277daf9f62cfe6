use pipeline::{DoseTable, VectorKind};

/// What the dose sweep adds: a vector that a steering set can have too, or a control in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoseDirection {
    /// By the name that it has in steering sets.
    Vector(VectorKind),
    /// A random direction of the contrast's norm.
    Random,
    /// The contrast after half of the prompts have had their labels swapped, with the
    /// contrast's norm.
    Shuffled,
}

impl DoseDirection {
    /// What the others are compared with.
    pub const CONTRAST: Self = DoseDirection::Vector(VectorKind::Contrast);

    /// As tables have it.
    pub fn name(&self) -> String {
        let [random, shuffled] = DoseTable::CONTROLS;
        match self {
            DoseDirection::Vector(kind) => kind.name(),
            DoseDirection::Random => random.to_owned(),
            DoseDirection::Shuffled => shuffled.to_owned(),
        }
    }

    /// None of what can't be a vector's name.
    pub fn parse(name: &str) -> Option<Self> {
        let [random, shuffled] = DoseTable::CONTROLS;
        match name {
            name if name == random => Some(DoseDirection::Random),
            name if name == shuffled => Some(DoseDirection::Shuffled),
            name => VectorKind::parse(name).map(DoseDirection::Vector),
        }
    }

    /// Whether it stands in for a vector.
    pub fn is_control(&self) -> bool {
        !matches!(self, DoseDirection::Vector(_))
    }
}

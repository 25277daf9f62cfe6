use crate::{Contrasts, Curve, Curves, Run, Setting, TextSet, contrasts, curves, settings, texts};

/// Everything that is said about two runs.
#[derive(Debug)]
pub struct Comparison {
    pub settings: Vec<Setting>,
    pub curves: Curves,
    pub contrasts: Contrasts,
    /// None where a run has no texts.
    pub texts: Option<Vec<TextSet>>,
}

impl Comparison {
    pub fn of(a: &Run, b: &Run) -> Comparison {
        Comparison {
            settings: settings(a, b),
            curves: curves(&Curve::difference(a), &Curve::difference(b)),
            contrasts: contrasts(a, b),
            texts: texts(a, b),
        }
    }

    /// Whether the two runs agree in everything that is compared, to the last bit of the
    /// curves.
    pub fn is_same(&self) -> bool {
        let texts = self.texts.iter().flatten();
        let mut odd = texts.map(|set| set.differing.len() + set.only_a + set.only_b);
        self.settings.is_empty() && self.curves.mean_distance == 0.0 && odd.all(|count| count == 0)
    }
}

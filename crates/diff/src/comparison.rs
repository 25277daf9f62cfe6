use results::Result;

use crate::{
    Contrasts, Curve, Curves, Inside, Run, Setting, TextSet, contrasts, curves, inside, settings, texts,
};

/// Everything that is said about two runs.
#[derive(Debug)]
pub struct Comparison {
    pub settings: Vec<Setting>,
    pub curves: Curves,
    pub contrasts: Contrasts,
    pub inside: Inside,
    /// None where a run has no texts.
    pub texts: Option<Vec<TextSet>>,
}

impl Comparison {
    /// # Errors
    /// Activations that can't be read, and rows of them that are missing or there twice.
    pub fn of(a: &Run, b: &Run) -> Result<Comparison> {
        Ok(Comparison {
            settings: settings(a, b),
            curves: curves(&Curve::difference(a), &Curve::difference(b)),
            contrasts: contrasts(a, b),
            inside: inside(a, b)?,
            texts: texts(a, b),
        })
    }

    /// Whether the two runs agree in everything that is compared, to the last bit of the
    /// curves.
    pub fn is_same(&self) -> bool {
        let texts = self.texts.iter().flatten();
        let mut odd = texts.map(|set| set.differing.len() + set.only_a + set.only_b);
        self.settings.is_empty() && self.curves.mean_distance == 0.0 && odd.all(|count| count == 0)
    }
}

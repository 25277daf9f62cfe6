use plotly::common::{Fill, HoverInfo, Mode};
use plotly::{Scatter, Trace};

use crate::chart_style::{Colour, line};

/// Intervals along an axis, as an area that one closed line encloses: the upper ends forward, the
/// lower ends back. All three have one value per place; an interval that is not defined is NaN.
#[derive(Clone, Debug, Default)]
pub struct Band {
    pub places: Vec<f64>,
    pub lows: Vec<f64>,
    pub highs: Vec<f64>,
}

impl Band {
    /// The area as a trace. It shows and hides with the line of the same `group`, and has neither
    /// an entry in the legend nor a hover.
    pub fn trace(&self, group: &str, colour: Colour) -> Box<dyn Trace> {
        // Where there is no interval, the area has no corners.
        let is_there: Vec<bool> = self.lows.iter().map(|low| !low.is_nan()).collect();
        let there_and_back = |there: &[f64], back: &[f64]| -> Vec<f64> {
            let both = there
                .iter()
                .zip(&is_there)
                .chain(back.iter().zip(&is_there).rev());
            both.filter(|(_, is_there)| **is_there)
                .map(|(end, _)| *end)
                .collect()
        };
        Scatter::new(
            there_and_back(&self.places, &self.places),
            there_and_back(&self.highs, &self.lows),
        )
        .mode(Mode::Lines)
        .legend_group(group)
        .show_legend(false)
        .line(line(colour).width(0.0))
        .fill(Fill::ToSelf)
        .fill_color(colour.translucent())
        .hover_info(HoverInfo::Skip)
    }
}

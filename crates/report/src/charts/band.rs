use plotly::common::{Fill, HoverInfo, Mode};
use plotly::{Scatter, Trace};

use super::style::{Colour, line};

/// Intervals along an axis, as an area that one closed line encloses: the upper ends forward, the lower ends
/// back.
#[derive(Clone, Debug, Default)]
pub struct Band {
    pub places: Vec<f64>,
    pub lows: Vec<f64>,
    pub highs: Vec<f64>,
}

impl Band {
    /// Shows and hides with the line of the same group, and has no entry in the legend and no hover of its
    /// own.
    pub fn trace(&self, group: &str, colour: Colour) -> Box<dyn Trace> {
        let there_and_back = |there: &[f64], back: &[f64]| -> Vec<f64> {
            there.iter().chain(back.iter().rev()).copied().collect()
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

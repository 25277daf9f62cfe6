//! The numbers of the figures, which depend on those that a run has.

use std::collections::BTreeMap;

use serde_json::Value;

/// The figures in the order of the page. One that a run leaves out without a word has no number.
const ORDER: [&str; 19] = [
    "similarity",
    "heat-map",
    "components",
    "strip",
    "projections",
    "norms",
    "other-similarities",
    "other-directions",
    "depth",
    "speaker-share",
    "effect-norms",
    "variance",
    "dose-response",
    "dose-damage",
    "dose-divergence",
    "dose-effect-map",
    "dose-damage-map",
    "errors",
    "published-chart",
];

/// The number of each figure by the name of its chart.
pub fn figure_numbers(charts: &Value) -> BTreeMap<String, usize> {
    // Where there are no matrices, a sentence stands in the place of the heat map.
    let has_place = |name: &&str| *name == "heat-map" || charts.get(*name).is_some();
    let names = ORDER.into_iter().filter(has_place);
    names
        .enumerate()
        .map(|(index, name)| (name.to_owned(), index + 1))
        .collect()
}

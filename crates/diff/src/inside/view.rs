//! What the page's section is filled with.

use pages::format::{number, number_or_dash};
use serde::Serialize;
use terms::Pooling;

use super::change::{ConditionChange, LayerChange};
use super::common::Common;
use super::compared::{Changes, Inside};
use super::words::{cosine_text, listed, quoted, sentences};

/// More layers than this are below the short table, in that of all layers.
const LAYERS_SHOWN: usize = 8;

/// The section in words; one of `why` and `changes` is there.
#[derive(Serialize)]
pub struct InsideView {
    why: Option<String>,
    sentences: Vec<String>,
    changes: Option<ChangesView>,
}

#[derive(Serialize)]
struct ChangesView {
    prompts: usize,
    of: [usize; 2],
    conditions: String,
    /// The two conditions of the contrast, if there is something about it.
    positive: String,
    negative: String,
    pooling: String,
    hidden: usize,
    /// Within which the cosine of two unrelated directions is in 95 of 100 cases.
    chance: String,
    left_out: Vec<String>,
    is_same: bool,
    without_role: Option<String>,
    /// The contrast at a few layers.
    short: Vec<RoleView>,
    has_attainable: bool,
    /// Every layer, pooling and condition.
    rows: Vec<RowView>,
}

#[derive(Serialize)]
struct RoleView {
    layer: usize,
    along_contrast: [String; 2],
    shifts: String,
    norms: [String; 2],
    contrasts: String,
    attainable: String,
}

#[derive(Serialize)]
struct RowView {
    pooling: String,
    layer: usize,
    condition: String,
    cosine: String,
    difference: String,
    shift: String,
    along_contrast: String,
}

impl InsideView {
    pub fn of(inside: &Inside, hidden: usize) -> InsideView {
        match inside {
            Inside::Incomparable(why) => InsideView {
                why: Some(why.clone()),
                sentences: Vec::new(),
                changes: None,
            },
            Inside::Compared(changes) => InsideView {
                why: None,
                sentences: sentences(changes),
                changes: Some(ChangesView::of(changes, hidden)),
            },
        }
    }
}

impl ChangesView {
    fn of(changes: &Changes, hidden: usize) -> ChangesView {
        let common = &changes.common;
        let shown: Vec<&LayerChange> = changes.shown().collect();
        let few = evenly(shown.len()).into_iter().map(|place| shown[place]);
        let quoted = |place: usize| {
            common
                .conditions
                .get(place)
                .map_or(String::new(), |name| quoted(name))
        };
        let has_attainable = |row: &&LayerChange| {
            let role = row.role.as_ref();
            role.is_some_and(|role| role.attainable.is_some())
        };
        ChangesView {
            prompts: common.prompts.len(),
            of: common.of,
            conditions: listed(&common.conditions),
            positive: quoted(0),
            negative: quoted(1),
            pooling: changes.pooling.to_string(),
            hidden,
            chance: number(chance(hidden), 2),
            left_out: common.left_out.clone(),
            is_same: changes.is_none(),
            without_role: changes.without_role.clone(),
            short: few.filter_map(role_view).collect(),
            has_attainable: shown.iter().any(has_attainable),
            rows: rows(changes),
        }
    }
}

/// Twice the standard deviation of the cosine of two random directions, `2 / sqrt(hidden)`.
fn chance(hidden: usize) -> f64 {
    2.0 / (hidden as f64).sqrt()
}

/// Indices below `count`, evenly spaced, the first and the last among them.
fn evenly(count: usize) -> Vec<usize> {
    if count <= LAYERS_SHOWN {
        return (0..count).collect();
    }
    let last = LAYERS_SHOWN - 1;
    (0..=last).map(|index| index * (count - 1) / last).collect()
}

fn role_view(row: &LayerChange) -> Option<RoleView> {
    let role = row.role.as_ref()?;
    Some(RoleView {
        layer: row.layer,
        along_contrast: [0, 1].map(|place| or_dash(row.conditions[place].along_contrast)),
        shifts: or_dash(role.shifts_cosine),
        norms: role.relative_norms.map(|norm| number(norm, 3)),
        contrasts: or_dash(role.contrasts_cosine),
        attainable: or_dash(role.attainable),
    })
}

/// Poolings one after the other.
fn rows(changes: &Changes) -> Vec<RowView> {
    let Common {
        poolings, conditions, ..
    } = &changes.common;
    let of = |pooling: &Pooling| {
        let pooling = *pooling;
        let rows = changes.layers.iter().filter(move |row| row.pooling == pooling);
        rows.flat_map(|row| row_views(row, conditions))
    };
    poolings.iter().flat_map(of).collect()
}

fn row_views(row: &LayerChange, conditions: &[String]) -> Vec<RowView> {
    let view = |(change, condition): (&ConditionChange, &String)| RowView {
        pooling: row.pooling.to_string(),
        layer: row.layer,
        condition: condition.clone(),
        cosine: cosine_text(change),
        difference: number(change.difference, 3),
        shift: number(change.shift, 3),
        along_contrast: or_dash(change.along_contrast),
    };
    row.conditions.iter().zip(conditions).map(view).collect()
}

fn or_dash(cosine: Option<f64>) -> String {
    number_or_dash(cosine.unwrap_or(f64::NAN), 3)
}

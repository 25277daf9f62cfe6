//! What changed inside, in at most three sentences that terminal and page share.

use pages::format::{number, with_interval};

use super::change::{ConditionChange, LayerChange, RoleChange};
use super::compared::Changes;

/// One sentence about similarity, one about the direction of the change, one about the contrast.
pub fn sentences(changes: &Changes) -> Vec<String> {
    if changes.is_none() {
        return vec!["Every activation that was compared is the same in both, to the last bit.".to_owned()];
    }
    let Some((row, place)) = least_alike(changes) else {
        return Vec::new();
    };
    let mut all = vec![about_similarity(changes, row, place)];
    all.extend(row.role.as_ref().map(|role| about_shifts(changes, row, role)));
    all.extend(about_contrast(changes));
    all
}

/// The layer and the condition with the smallest mean cosine, the first among equals.
fn least_alike(changes: &Changes) -> Option<(&LayerChange, usize)> {
    let all = changes
        .shown()
        .flat_map(|row| (0..row.conditions.len()).map(move |place| (row, place)));
    all.min_by(|(one, place), (other, other_place)| {
        let (one, other) = (&one.conditions[*place], &other.conditions[*other_place]);
        one.cosine.total_cmp(&other.cosine)
    })
}

fn about_similarity(changes: &Changes, row: &LayerChange, place: usize) -> String {
    let change = &row.conditions[place];
    format!(
        "The activations are least alike at layer {} in {}: mean cosine {}; they differ by {} of A's norm.",
        row.layer,
        quoted(&changes.common.conditions[place]),
        cosine_text(change),
        number(change.difference, 3)
    )
}

fn about_shifts(changes: &Changes, row: &LayerChange, role: &RoleChange) -> String {
    let cosine = |change: &ConditionChange| or_undefined(change.along_contrast);
    let [positive, negative] = [0, 1].map(|place| quoted(&changes.common.conditions[place]));
    format!(
        "At that layer, the cosine of B's mean shift with A's contrast is {} in {positive} and {} in {negative}; that of the two shifts with each other is {}.",
        cosine(&row.conditions[0]),
        cosine(&row.conditions[1]),
        or_undefined(role.shifts_cosine)
    )
}

/// Where the contrast's relative norm changed most.
fn about_contrast(changes: &Changes) -> Option<String> {
    let roles = || changes.shown().filter_map(|row| Some((row, row.role.as_ref()?)));
    let change = |role: &RoleChange| role.relative_norms[1] - role.relative_norms[0];
    let (row, role) = roles().reduce(|most, next| match change(next.1).abs() > change(most.1).abs() {
        true => next,
        false => most,
    })?;
    let longer = roles().filter(|(_, role)| change(role) > 0.0).count();
    Some(format!(
        "Relative to the residuals' norm, B's contrast is longer than A's at {longer} of {} layers; the largest change is at layer {}: {} in A, {} in B.",
        roles().count(),
        row.layer,
        number(role.relative_norms[0], 3),
        number(role.relative_norms[1], 3)
    ))
}

/// A condition's name, which may be any word, in quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// `"normal", "swapped" and "other"`.
pub fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// A mean cosine with its interval.
pub fn cosine_text(change: &ConditionChange) -> String {
    let (low, high) = change.ends();
    with_interval(change.cosine, low, high, 4)
}

fn or_undefined(cosine: Option<f64>) -> String {
    number(cosine.unwrap_or(f64::NAN), 2)
}

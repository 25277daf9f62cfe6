//! The doses of one layer as the points of curves.

use anyhow::Result;
use interventions::Kind;
use pages::format::number;
use pipeline::Condition;
use results::{DoseDirection, DoseEffect, DoseFigures};

use crate::sweep_tables::{Doses, is_contrast_at};

/// One point of a dose-response curve.
#[derive(Clone, Copy, Debug)]
pub struct DosePoint<'a> {
    pub coefficient: f64,
    relative_coefficient: Option<f64>,
    pub figures: &'a DoseFigures,
}

impl DosePoint<'_> {
    /// The coefficient for the hover: as it is, and in units of the residual's norm.
    pub fn about(&self) -> String {
        match self.relative_coefficient {
            Some(relative) => format!(
                "Coefficient: {} ({} of the mean residual norm)",
                number(self.coefficient, 3),
                number(relative, 2)
            ),
            None => "Unsteered".to_owned(),
        }
    }
}

/// The contrast at `layer` in one condition, by coefficient; at 0 the unsteered texts.
pub fn contrast_curve<'a>(
    doses: &'a Doses,
    layer: usize,
    condition: &Condition,
) -> Result<Vec<DosePoint<'a>>> {
    let rows = doses
        .effects
        .iter()
        .filter(|row| row.condition == condition.name && is_contrast_at(&row.dose, Some(layer)));
    // Adding nothing changes nothing: the unsteered texts are its texts.
    let mut points: Vec<DosePoint<'_>> = rows
        .filter_map(point)
        .filter(|at| at.coefficient != 0.0)
        .collect();
    points.push(origin(doses, condition)?);
    points.sort_by(|a, b| a.coefficient.total_cmp(&b.coefficient));
    Ok(points)
}

/// A direction that takes the contrast's place, as one curve. It was added with one sign only,
/// since its sign is arbitrary; the curve has its points on both sides, where it can be compared
/// with the contrast.
#[derive(Debug)]
pub struct ControlCurve<'a> {
    pub direction: DoseDirection,
    pub points: Vec<DosePoint<'a>>,
}

/// All controls at `layer` in one condition.
pub fn control_curves<'a>(
    doses: &'a Doses,
    layer: usize,
    condition: &Condition,
) -> Result<Vec<ControlCurve<'a>>> {
    let is_control = |row: &&DoseEffect| {
        row.condition == condition.name
            && row.dose.operation == Some(Kind::Addition)
            && row.dose.direction.is_control()
            && row.dose.layer == Some(layer)
    };
    let mut curves: Vec<(usize, ControlCurve<'_>)> = Vec::new();
    for row in doses.effects.iter().filter(is_control) {
        let (direction, number) = (row.dose.direction.clone(), row.dose.direction_number);
        let known = curves
            .iter()
            .position(|(own, curve)| *own == number && curve.direction == direction);
        let place = known.unwrap_or(curves.len());
        if known.is_none() {
            let points = vec![origin(doses, condition)?];
            curves.push((number, ControlCurve { direction, points }));
        }
        for point in point(row).into_iter() {
            let mirrored = DosePoint {
                coefficient: -point.coefficient,
                ..point
            };
            curves[place].1.points.extend([point, mirrored]);
        }
    }
    let mut curves: Vec<ControlCurve<'_>> = curves.into_iter().map(|(_, curve)| curve).collect();
    for curve in &mut curves {
        curve
            .points
            .sort_by(|a, b| a.coefficient.total_cmp(&b.coefficient));
    }
    Ok(curves)
}

fn point(row: &DoseEffect) -> Option<DosePoint<'_>> {
    Some(DosePoint {
        coefficient: row.dose.coefficient?,
        relative_coefficient: row.dose.relative_coefficient,
        figures: &row.figures,
    })
}

fn origin<'a>(doses: &'a Doses, condition: &Condition) -> Result<DosePoint<'a>> {
    Ok(DosePoint {
        coefficient: 0.0,
        relative_coefficient: None,
        figures: &doses.unsteered(&condition.name)?.figures,
    })
}

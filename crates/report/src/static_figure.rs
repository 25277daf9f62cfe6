//! The method's chart as a static figure, for documents that run no script.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use epaint_default_fonts::UBUNTU_LIGHT;
use pipeline::Pipeline;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use results::{LayerStatistics, Summary};

use crate::figures::{Ends, SimilarityLine, layer_tick_step, similarity_lines, similarity_range, titles};
use crate::inputs::Inputs;

/// Width and height of the SVG; the PNG has twice as many pixels each way.
const SIZE: (u32, u32) = (1000, 600);
const PNG_SCALE: u32 = 2;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
const BAND_OPACITY: f64 = 0.15;

/// Writes `cosine_similarity.svg` and `cosine_similarity.png` into `folder`.
pub fn write_figures(pipeline: &Pipeline, inputs: &Inputs, folder: &Path) -> Result<()> {
    // The bitmap needs an outline font, whatever the machine has. Ubuntu Light comes with its
    // licence (Ubuntu Font Licence 1.0) in the crate; only drawn pixels of it leave this program.
    register_font(FONT, FontStyle::Normal, UBUNTU_LIGHT)
        .map_err(|_| anyhow!("the bundled font can't be read"))?;
    let figure = Figure::of(pipeline, &inputs.summaries, &inputs.evidence.statistics)?;
    let failed = |path: &Path, error: String| anyhow!("{}: {error}", path.display());

    let path = folder.join("cosine_similarity.svg");
    let mut svg = String::new();
    figure
        .draw(SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), 1)
        .map_err(|error| failed(&path, error))?;
    fs_err::write(&path, svg)?;

    let path = folder.join("cosine_similarity.png");
    let size = (SIZE.0 * PNG_SCALE, SIZE.1 * PNG_SCALE);
    figure
        .draw(BitMapBackend::new(&path, size).into_drawing_area(), PNG_SCALE)
        .map_err(|error| failed(&path, error))
}

struct Figure {
    title: &'static str,
    subtitle: String,
    lines: [Line; 3],
    cosines: (f64, f64),
    layers: usize,
}

struct Line {
    label: String,
    colour: RGBColor,
    is_dashed: bool,
    points: Vec<(f64, f64)>,
    /// The upper ends of the intervals from the first layer to the last, and the lower ones back.
    band: Vec<(f64, f64)>,
}

impl Figure {
    fn of(pipeline: &Pipeline, rows: &[Summary], statistics: &[LayerStatistics]) -> Result<Self> {
        let lines = similarity_lines(pipeline)?;
        let cosines = similarity_range(&lines, rows, statistics);
        let line = |own: SimilarityLine| Line {
            label: own.label,
            colour: RGBColor(own.colour.0, own.colour.1, own.colour.2),
            is_dashed: own.is_dashed,
            points: rows
                .iter()
                .map(|row| (row.layer as f64, (own.value)(row)))
                .collect(),
            band: band(statistics, own.ends),
        };
        let (title, subtitle) = titles(pipeline)?;
        Ok(Figure {
            title,
            subtitle,
            lines: lines.map(line),
            cosines,
            layers: rows.len(),
        })
    }

    /// Draws at `scale` pixels a unit. Messages are text, since each backend has its own error
    /// type.
    fn draw<DB: DrawingBackend>(&self, area: DrawingArea<DB, Shift>, scale: u32) -> Result<(), String> {
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        let (head, body) = area.split_vertically(96 * scale);
        self.draw_head(&head, scale as i32)
            .map_err(|error| error.to_string())?;
        self.draw_lines(&body, scale).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())
    }

    /// Title, subtitle and legend, all centred.
    fn draw_head<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: i32) -> Drawn<DB> {
        let text = |size: i32| {
            (FONT, f64::from(size * scale))
                .into_font()
                .color(&INK)
                .pos(Pos::new(HPos::Center, VPos::Center))
        };
        let centre = area.dim_in_pixel().0 as i32 / 2;
        area.draw(&Text::new(self.title, (centre, 24 * scale), text(22)))?;
        area.draw(&Text::new(self.subtitle.as_str(), (centre, 50 * scale), text(15)))?;

        let style = (FONT, f64::from(14 * scale))
            .into_font()
            .color(&INK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        let (swatch, gap) = (36 * scale, 28 * scale);
        let mut widths = Vec::new();
        for line in &self.lines {
            widths.push(swatch + area.estimate_text_size(&line.label, &style)?.0 as i32 + gap);
        }
        let (mut x, y) = (centre - (widths.iter().sum::<i32>() - gap) / 2, 80 * scale);
        for (line, width) in self.lines.iter().zip(widths) {
            // A font's middle is above that of its line.
            let middle = y - 3 * scale;
            let ends = [(x, middle), (x + swatch - 8 * scale, middle)];
            let stroke = line.colour.stroke_width(2 * scale as u32);
            if line.is_dashed {
                for dash in DashedLineSeries::new(ends, 6 * scale, 4 * scale, stroke) {
                    area.draw(&dash)?;
                }
            } else {
                area.draw(&PathElement::new(ends, stroke))?;
            }
            area.draw(&Text::new(line.label.as_str(), (x + swatch, y), style.clone()))?;
            x += width;
        }
        Ok(())
    }

    fn draw_lines<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: u32) -> Drawn<DB> {
        let (low, high) = self.cosines;
        let font = |size: u32| (FONT, f64::from(size * scale)).into_font().color(&INK);
        let mut chart = ChartBuilder::on(area)
            .margin(12 * scale)
            .margin_right(24 * scale)
            .x_label_area_size(48 * scale)
            .y_label_area_size(64 * scale)
            .build_cartesian_2d(LayerAxis { layers: self.layers }, low..high)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(scale))
            .axis_style(INK.stroke_width(scale))
            .x_desc("Layer")
            .y_desc("Cosine Similarity")
            .axis_desc_style(font(16))
            .label_style(font(13))
            .x_label_formatter(&|layer| format!("{layer:.0}"))
            .y_label_formatter(&|cosine| format!("{cosine:.2}"))
            .draw()?;
        for line in self.lines.iter().filter(|line| !line.band.is_empty()) {
            let area = Polygon::new(line.band.clone(), line.colour.mix(BAND_OPACITY));
            chart.draw_series(std::iter::once(area))?;
        }
        for line in &self.lines {
            let stroke = line.colour.stroke_width(2 * scale);
            if line.is_dashed {
                chart.draw_series(DashedLineSeries::new(
                    line.points.iter().copied(),
                    6 * scale,
                    4 * scale,
                    stroke,
                ))?;
            } else {
                chart.draw_series(LineSeries::new(line.points.iter().copied(), stroke))?;
            }
            let dot = |&point: &(f64, f64)| Circle::new(point, 2 * scale as i32 + 1, line.colour.filled());
            chart.draw_series(line.points.iter().map(dot))?;
        }
        Ok(())
    }
}

fn band(rows: &[LayerStatistics], ends: Ends) -> Vec<(f64, f64)> {
    let at = |row: &LayerStatistics, cosine: f64| (row.layer as f64, cosine);
    let defined = |row: &&LayerStatistics| !ends(row).0.is_nan();
    let upper = rows.iter().filter(defined).map(|row| at(row, ends(row).1));
    let lower = rows.iter().rev().filter(defined).map(|row| at(row, ends(row).0));
    upper.chain(lower).collect()
}

/// Half a layer of room at both ends, and ticks where the interactive chart has them.
struct LayerAxis {
    layers: usize,
}

impl Ranged for LayerAxis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let Range {
            start: first,
            end: last,
        } = self.range();
        start + (f64::from(end - start) * (value - first) / (last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        (0..self.layers)
            .step_by(layer_tick_step(self.layers))
            .map(|layer| layer as f64)
            .collect()
    }

    fn range(&self) -> Range<f64> {
        -0.5..self.layers as f64 - 0.5
    }
}

type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

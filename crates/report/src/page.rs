//! The pages: figures drawn and numbered, sections filled, and both put together.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::{Templates, page_parts, shown};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::content::Content;
use crate::figures::{FIGURES, Figure, Size, similarity_chart, titles};
use crate::links::Links;
use crate::sections::{SECTIONS, certificate_view, published_view};

const SCRIPT: &str = include_str!("templates/report.js");

const TEMPLATES: [(&str, &str); 3] = [
    ("report.html", include_str!("templates/report.html")),
    ("chart.html", include_str!("templates/chart.html")),
    ("banner.html", include_str!("templates/banner.html")),
];

/// The whole report as HTML.
///
/// # Errors
/// A figure that cannot be drawn, and a template that cannot be filled.
pub fn report_page(content: &Content<'_>) -> Result<String> {
    let figures = Figures::draw(content)?;
    let templates = Templates::new(&all_templates())?;
    let shared = shared_context(content, &figures);
    let (mut sections, mut contents) = (Vec::new(), Vec::new());
    for section in SECTIONS {
        let Some(own) = (section.context)(content)? else {
            continue;
        };
        contents.extend(section.contents.map(|name| (section.id, name)));
        let own = context! { ..own, ..shared.clone() };
        let rows = figures.rows(section.id, content, &templates, &own)?;
        sections.push(templates.part(
            &section_template(section.id),
            context! { figures => shown(rows), ..own },
        )?);
    }
    templates.render(
        "report.html",
        context! {
            sections,
            contents,
            title => content.pipeline.report.title.clone(),
            published => shown(content.inputs.published.as_ref().map(published_view)),
            ..context! { ..shared, ..page_parts(&Value::Object(figures.charts), SCRIPT)? }
        },
    )
}

/// The method's chart as a separate page.
///
/// # Errors
/// Those of [`report_page`].
pub fn chart_page(content: &Content<'_>) -> Result<String> {
    let (pipeline, inputs) = (content.pipeline, content.inputs);
    let chart = similarity_chart(pipeline, &inputs.summaries, &inputs.evidence)?;
    let (title, _) = titles(pipeline)?;
    Templates::new(&TEMPLATES)?.render(
        "chart.html",
        context! {
            title => title,
            certificate => shown(certificate_view(&inputs.certificate, &inputs.metadata)),
            ..page_parts(&json!({ "similarity": chart }), "")?
        },
    )
}

/// What the header and all sections are filled with.
fn shared_context(content: &Content<'_>, figures: &Figures) -> TemplateValue {
    let (pipeline, inputs) = (content.pipeline, content.inputs);
    context! {
        pipeline => pipeline.name.clone(),
        model => pipeline.model.name.clone(),
        pooling => pipeline.contrast.pooling.as_str(),
        conditions => shown(pipeline.conditions.iter().map(|condition| {
            json!({ "name": condition.name, "label": condition.label })
        }).collect::<Vec<_>>()),
        prompt_count => inputs.prompt_count,
        shown_count => inputs.prompt_ids().len(),
        layer => content.layer(),
        last_layer => content.layers() - 1,
        links => shown(Links::of(content.layout)),
        fig => shown(&figures.numbers),
        certificate => shown(certificate_view(&inputs.certificate, &inputs.metadata)),
    }
}

fn section_template(id: &str) -> String {
    format!("section-{id}.html")
}

fn caption_template(id: &str) -> String {
    format!("caption-{id}.html")
}

fn left_out_template(id: &str) -> String {
    format!("left-out-{id}.html")
}

/// The page's templates, and one for each section and caption.
fn all_templates() -> Vec<(String, &'static str)> {
    let own = TEMPLATES.map(|(name, text)| (name.to_owned(), text));
    let sections = SECTIONS
        .iter()
        .map(|section| (section_template(section.id), section.template));
    let captions = FIGURES
        .iter()
        .map(|figure| (caption_template(figure.id), figure.caption));
    let left_out = FIGURES
        .iter()
        .filter_map(|figure| Some((left_out_template(figure.id), figure.left_out?)));
    own.into_iter()
        .chain(sections)
        .chain(captions)
        .chain(left_out)
        .collect()
}

/// The charts of a run, and the numbers of its figures.
struct Figures {
    /// By the figure's id, in the order of the page. The page draws every one of them.
    charts: Map<String, Value>,
    /// From 1, by the figure's id. A figure that is left out has one too, since the page says so.
    numbers: BTreeMap<&'static str, usize>,
}

impl Figures {
    fn draw(content: &Content<'_>) -> Result<Self> {
        let (mut charts, mut numbers) = (Map::new(), BTreeMap::new());
        for figure in FIGURES {
            let chart = (figure.draw)(content)?;
            if chart.is_some() || figure.left_out.is_some() {
                numbers.insert(figure.id, numbers.len() + 1);
            }
            charts.extend(chart.map(|chart| (figure.id.to_owned(), chart)));
        }
        Ok(Figures { charts, numbers })
    }

    /// The figures of a section that have a number, those beside each other in one row.
    fn rows(
        &self,
        section: &str,
        content: &Content<'_>,
        templates: &Templates,
        context: &TemplateValue,
    ) -> Result<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::new();
        for figure in FIGURES.iter().filter(|figure| figure.section == section) {
            let Some(number) = self.numbers.get(figure.id) else {
                continue;
            };
            let is_drawn = self.charts.contains_key(figure.id);
            let caption = match is_drawn {
                true => caption_template(figure.id),
                false => left_out_template(figure.id),
            };
            let view = FigureView {
                id: figure.id,
                number: *number,
                label: figure.label,
                is_square: matches!(figure.size, Size::Square | Size::SquareHalf),
                height: height(figure, content),
                is_drawn,
                caption: templates.render(&caption, context.clone())?,
            };
            let class = row_class(figure.size);
            match rows.last_mut() {
                Some(row) if class.is_some() && row.class == class && row.figures.len() == 1 => {
                    row.figures.push(view);
                }
                _ => rows.push(Row {
                    class,
                    figures: vec![view],
                }),
            }
        }
        Ok(rows)
    }
}

/// Figures beside each other, or one alone.
#[derive(Serialize)]
struct Row {
    /// The class of the element around them; none around a single figure.
    class: Option<&'static str>,
    figures: Vec<FigureView>,
}

#[derive(Serialize)]
struct FigureView {
    id: &'static str,
    number: usize,
    label: &'static str,
    is_square: bool,
    /// In pixels; a square's follows its width.
    height: Option<usize>,
    is_drawn: bool,
    /// HTML.
    caption: String,
}

fn row_class(size: Size) -> Option<&'static str> {
    match size {
        Size::Half(_) => Some("columns"),
        Size::SquareHalf => Some("pair"),
        Size::Full(_) | Size::Rows { .. } | Size::Square => None,
    }
}

fn height(figure: &Figure, content: &Content<'_>) -> Option<usize> {
    match figure.size {
        Size::Full(height) | Size::Half(height) => Some(height),
        Size::Rows { margin, row } => Some(margin + row * content.pipeline.conditions.len()),
        Size::Square | Size::SquareHalf => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A figure without a section would be drawn into nothing.
    #[test]
    fn every_figure_has_a_section_and_an_id_of_its_own() {
        let mut ids: Vec<&str> = FIGURES.iter().map(|figure| figure.id).collect();
        for figure in FIGURES {
            let is_its = |section: &&crate::sections::Section| section.id == figure.section;
            assert_eq!(SECTIONS.iter().filter(is_its).count(), 1, "{}", figure.id);
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), FIGURES.len());
    }
}

use std::path::Path;

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_schema::Field;
use interventions::Kind;
use terms::DoseDirection;

use crate::contract::{
    COUNT, Column, DIVERGENCE, LAYER, LOG_ODDS, NUMBER, PERCENTILE, RATIO, REACH, SHARE, SIGNED_RATIO,
    TableSchema,
};
use crate::table::{
    Columns, NumberField, column, number_columns, number_fields, optional_column, read_table, text_column,
    write_table,
};
use crate::{Error, Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "doses",
    version: 1,
    file: "dose/doses.parquet",
    row: "one dose and condition: what it does to the texts, and what it costs; none where the sweep was left out",
    key: &[
        "layer",
        "operation",
        "direction",
        "direction_number",
        "coefficient",
        "percentile",
        "condition",
    ],
    is_sorted: false,
    columns: || {
        let own = [
            Column::condition(),
            Column::int32("texts", COUNT, "how many texts the figures come from"),
        ];
        let numbers = NUMBERS.iter().map(|field| field.column.clone());
        dose_contract().into_iter().chain(own).chain(numbers).collect()
    },
};

/// What is done to the residual stream: one point of a dose-response curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Dose {
    /// None where nothing is done.
    pub layer: Option<usize>,
    /// None where nothing is done.
    pub operation: Option<Kind>,
    pub direction: DoseDirection,
    /// Which of several directions of the same kind, such as random ones; 0-based.
    pub direction_number: usize,
    /// What the direction is multiplied by. None for operations without one.
    pub coefficient: Option<f64>,
    /// The same in units of the layer's mean residual norm: coefficient * ||direction|| / mean
    /// norm.
    pub relative_coefficient: Option<f64>,
    /// Capping: the percentile of all projections on the direction that is the threshold, and the
    /// threshold.
    pub percentile: Option<f64>,
    pub threshold: Option<f64>,
}

/// What a dose does to the texts of one condition. Names end in `_low` and `_high` for the ends of
/// a 95 % interval.
#[derive(Clone, Debug, PartialEq)]
pub struct DoseEffect {
    pub dose: Dose,
    pub condition: String,
    pub texts: usize,
    pub figures: DoseFigures,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DoseFigures {
    /// The mean over the texts of [log p(text | positive condition) - log p(text | negative
    /// condition)] per token, in nats: above zero it sounds like the speaker of the positive
    /// condition.
    pub log_odds: f64,
    pub log_odds_low: f64,
    pub log_odds_high: f64,
    /// How far the log-odds moved from those of the unsteered texts toward the other condition's
    /// speaker.
    pub effect: f64,
    pub effect_low: f64,
    pub effect_high: f64,
    /// The share of texts that sound like the other condition's speaker.
    pub crossed: f64,
    /// The share of prompts whose text moved away from the other condition's speaker.
    pub wrong_way: f64,
    /// Of the texts under the unsteered model: in the format where they were generated, and in the
    /// likelier of the two.
    pub perplexity_own: f64,
    pub perplexity: f64,
    /// The latter over that of all unsteered texts of both conditions.
    pub perplexity_ratio: f64,
    /// The mean divergence of the next-token distributions on neutral prompts from those of the
    /// unsteered model, nats.
    pub kl: f64,
    /// Different pairs of neighbouring tokens over all pairs, mean over the texts.
    pub distinct_2: f64,
    /// The share of texts that ended by themselves.
    pub ended: f64,
}

const NUMBERS: &[NumberField<DoseFigures>] = number_fields!(DoseFigures:
    log_odds: LOG_ODDS, "the mean over the texts: above 0 they sound like the positive condition's speaker";
    log_odds_low: LOG_ODDS, "the lower end of the 95 % interval of `log_odds`";
    log_odds_high: LOG_ODDS, "its upper end";
    effect: LOG_ODDS, "how far `log_odds` moved from the unsteered texts toward the other condition's speaker";
    effect_low: LOG_ODDS, "the lower end of the 95 % interval of `effect`";
    effect_high: LOG_ODDS, "its upper end";
    crossed: SHARE, "texts that sound like the other condition's speaker";
    wrong_way: SHARE, "prompts whose text moved away from it";
    perplexity_own: RATIO, "exp(mean surprise) of the texts in the format where they were generated";
    perplexity: RATIO, "the same in the likelier of both formats";
    perplexity_ratio: RATIO, "`perplexity` over that of all unsteered texts of both conditions";
    kl: DIVERGENCE, "mean KL(unsteered, steered) of the next token on neutral prompts";
    distinct_2: SHARE, "different pairs of neighbouring tokens over all pairs, mean over the texts";
    ended: SHARE, "texts that ended by themselves";
);

impl Dose {
    /// Nothing is done.
    pub fn unsteered() -> Self {
        Dose {
            layer: None,
            operation: None,
            direction: DoseDirection::Contrast,
            direction_number: 0,
            coefficient: None,
            relative_coefficient: None,
            percentile: None,
            threshold: None,
        }
    }
}

/// The word of the column `operation` where nothing is done.
const UNSTEERED: &str = "unsteered";

const OPERATIONS: &[&str] = &{
    let mut words = [UNSTEERED; Kind::WORDS.len() + 1];
    let mut index = 0;
    while index < Kind::WORDS.len() {
        words[index + 1] = Kind::WORDS[index];
        index += 1;
    }
    words
};

fn operation_word(operation: Option<Kind>) -> &'static str {
    operation.map_or(UNSTEERED, Kind::as_str)
}

pub fn write_doses(path: &Path, metadata: &Metadata, rows: &[DoseEffect]) -> Result<()> {
    let figures: Vec<DoseFigures> = rows.iter().map(|row| row.figures.clone()).collect();
    let mut columns = dose_columns(rows.iter().map(|row| &row.dose));
    columns.push(text_column("condition", rows.iter().map(|row| &row.condition)));
    columns.push(column::<Int32Type>(
        "texts",
        rows.iter().map(|row| row.texts as i32),
    ));
    columns.extend(number_columns(NUMBERS, &figures));
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_doses(path: &Path) -> Result<(Vec<DoseEffect>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let doses = doses_of(&columns)?;
    let conditions = columns.texts("condition")?;
    let texts = columns.numbers::<Int32Type>("texts")?;
    let mut figures = vec![DoseFigures::default(); doses.len()];
    columns.fill(NUMBERS, &mut figures)?;
    let rows = doses.into_iter().zip(conditions).zip(texts).zip(figures);
    let row = |(((dose, condition), texts), figures): (((Dose, String), i32), DoseFigures)| DoseEffect {
        dose,
        condition,
        texts: texts as usize,
        figures,
    };
    Ok((rows.map(row).collect(), metadata))
}

/// What the columns that say which dose a row is of hold.
pub(crate) fn dose_contract() -> Vec<Column> {
    vec![
        Column::int32("layer", LAYER, "where it is given; null where nothing is done").nullable(),
        Column::word(
            "operation",
            OPERATIONS,
            "what is done to the residual stream, at all positions",
        ),
        Column::word(
            "direction",
            DoseDirection::WORDS,
            "the contrast, or a control of the same norm",
        ),
        Column::int32("direction_number", NUMBER, "which of several random directions"),
        Column::float64("coefficient", SIGNED_RATIO, "multiples of the direction; null for operations without").nullable(),
        Column::float64(
            "relative_coefficient",
            SIGNED_RATIO,
            "the same in mean residual norms of the layer: `coefficient * norm(direction) / mean_residual_norm`",
        )
        .nullable(),
        Column::float64("percentile", PERCENTILE, "capping: of all projections, which is the threshold").nullable(),
        Column::float64("threshold", REACH, "capping: the largest projection that is left").nullable(),
    ]
}

/// The columns that say which dose a row is of.
pub(crate) fn dose_columns<'a>(doses: impl Iterator<Item = &'a Dose> + Clone) -> Vec<(Field, ArrayRef)> {
    let optional = |name: &str, of: fn(&Dose) -> Option<f64>| {
        optional_column::<Float64Type>(name, doses.clone().map(of))
    };
    let number = |dose: &Dose| dose.direction_number as i32;
    vec![
        optional_column::<Int32Type>(
            "layer",
            doses.clone().map(|dose| dose.layer.map(|layer| layer as i32)),
        ),
        text_column(
            "operation",
            doses.clone().map(|dose| operation_word(dose.operation)),
        ),
        text_column("direction", doses.clone().map(|dose| dose.direction.as_str())),
        column::<Int32Type>("direction_number", doses.clone().map(number)),
        optional("coefficient", |dose| dose.coefficient),
        optional("relative_coefficient", |dose| dose.relative_coefficient),
        optional("percentile", |dose| dose.percentile),
        optional("threshold", |dose| dose.threshold),
    ]
}

pub(crate) fn doses_of(columns: &Columns<'_>) -> Result<Vec<Dose>> {
    let layers = columns.optional_numbers::<Int32Type>("layer")?;
    let (operations, directions) = (columns.texts("operation")?, columns.texts("direction")?);
    let numbers = columns.numbers::<Int32Type>("direction_number")?;
    let optional = |name: &str| columns.optional_numbers::<Float64Type>(name);
    let (coefficients, relative) = (optional("coefficient")?, optional("relative_coefficient")?);
    let (percentiles, thresholds) = (optional("percentile")?, optional("threshold")?);
    let unknown = |index: usize, column: &str, name: &str| {
        Error::invalid(columns.path, format!("row {index}: unknown {column} \"{name}\""))
    };
    let dose = |index: usize| {
        let (operation, direction) = (operations[index].as_str(), directions[index].as_str());
        let kind = match operation {
            UNSTEERED => None,
            word => Some(word.parse().map_err(|_| unknown(index, "operation", word))?),
        };
        Ok(Dose {
            layer: layers[index].map(|layer| layer as usize),
            operation: kind,
            direction: direction
                .parse()
                .map_err(|_| unknown(index, "direction", direction))?,
            direction_number: numbers[index] as usize,
            coefficient: coefficients[index],
            relative_coefficient: relative[index],
            percentile: percentiles[index],
            threshold: thresholds[index],
        })
    };
    (0..layers.len()).map(dose).collect()
}

//! The next tokens of rows from their logits. On a GPU, a row's largest ones are enough for most choices, and the others
//! stay there.

use burn::tensor::{DType, Int, Tensor, TensorData};
use rayon::prelude::*;

use crate::network::{largest_logits, tails_of_logits};
use crate::row::Row;
use crate::sampling::{Shortlist, Tail};
use crate::{Result, read_all, read_numbers};

/// Candidates beyond those that a choice needs: so many can be ruled out or penalised.
const SPARE: usize = 16;

/// The most that a list of candidates begins with: longer ones bring more to the host than they save.
const MOST: usize = 512;

/// Lets all rows choose their next tokens; `rows` has those that share a line of `logits: [lines, vocabulary]`.
pub(crate) fn advance_all(
    logits: Tensor<2>,
    mut rows: Vec<Vec<&mut Row>>,
    ends: (&[u32], usize),
) -> Result<()> {
    let lines = chosen_from_lists(&logits, &mut rows, ends)?;
    if lines.is_empty() {
        return Ok(());
    }
    let vocabulary = logits.dims()[1];
    let whole = match lines.len() < rows.len() {
        true => {
            let indices = lines.iter().map(|line| *line as i32).collect();
            let indices = TensorData::new::<i32, _>(indices, [lines.len()]);
            let indices = Tensor::<1, Int>::from_data(indices, &logits.device());
            logits.select(0, indices)
        }
        false => logits,
    };
    let mut numbers = read_numbers(whole)?;
    let rows = rows.into_iter().enumerate();
    let rows: Vec<Vec<&mut Row>> = rows
        .filter(|(line, _)| lines.binary_search(line).is_ok())
        .map(|(_, rows)| rows)
        .collect();
    numbers
        .par_chunks_mut(vocabulary)
        .zip(rows)
        .try_for_each(|(logits, rows)| advance_line(rows, logits, ends))
}

/// Advances the rows whose choice is certain from the largest logits, which are taken out of `rows`. Gives the lines whose
/// other rows need all logits, ascending: on the CPU every one.
fn chosen_from_lists(
    logits: &Tensor<2>,
    rows: &mut [Vec<&mut Row>],
    ends: (&[u32], usize),
) -> Result<Vec<usize>> {
    let all = (0..rows.len()).collect();
    let wanted = rows.iter().flatten().filter_map(|row| row.candidates()).max();
    let Some(wanted) = wanted
        .map(|wanted| wanted + SPARE)
        .filter(|wanted| *wanted <= MOST)
    else {
        return Ok(all);
    };
    let room = 2 * wanted;
    let Some(largest) = largest_logits(logits, wanted, room) else {
        return Ok(all);
    };
    let width = largest.dims()[1];
    // Rows that share a line but not their temperature are left to the whole line.
    let temperature = |rows: &Vec<&mut Row>| rows.iter().find_map(|row| row.temperature_of_all());
    let temperatures: Vec<Option<f32>> = rows.iter().map(temperature).collect();
    let tails = tails(logits, &largest, &temperatures);
    let blocks = tails.as_ref().map_or(1, |tails| tails.dims()[1]);
    let mut read = read_all(std::iter::once(largest).chain(tails).collect())?.into_iter();
    let (numbers, tails) = (read.next().unwrap_or_default(), read.next());
    let mut lines = Vec::new();
    for (line, (numbers, rows)) in numbers.chunks(width).zip(rows).enumerate() {
        let masses = tails
            .as_ref()
            .map(|tails| &tails[line * blocks..(line + 1) * blocks]);
        let tail = masses.zip(temperatures[line]);
        if let Some(list) = Shortlist::of(numbers) {
            let list = list.with_tail(tail.map(|(masses, temperature)| Tail::new(masses, temperature)));
            let mut rest = Vec::new();
            for row in rows.drain(..) {
                if !row.advance_from(&list, ends)? {
                    rest.push(row);
                }
            }
            *rows = rest;
        }
        if !rows.is_empty() {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// What the logits beside the largest ones have together, where some line is drawn from all tokens: `[lines, blocks]`.
fn tails(logits: &Tensor<2>, largest: &Tensor<2>, temperatures: &[Option<f32>]) -> Option<Tensor<2>> {
    if temperatures.iter().all(Option::is_none) {
        return None;
    }
    let inverses = temperatures
        .iter()
        .map(|temperature| 1.0 / temperature.unwrap_or(1.0));
    let inverses = TensorData::new::<f32, _>(inverses.collect(), [temperatures.len()]);
    let inverses = Tensor::<1>::from_data(inverses, (&logits.device(), DType::F32));
    Some(tails_of_logits(logits, largest, inverses))
}

/// Lets each row choose its next token from the same logits, which choosing changes.
fn advance_line(rows: Vec<&mut Row>, logits: &mut [f32], ends: (&[u32], usize)) -> Result<()> {
    let count = rows.len();
    for (index, row) in rows.into_iter().enumerate() {
        if index + 1 < count {
            row.advance(&mut logits.to_vec(), ends)?;
        } else {
            row.advance(logits, ends)?;
        }
    }
    Ok(())
}

//! Which rows of two runs belong together.

use std::collections::HashMap;

use results::{Error, RenderedPrompt, Result, distinct};
use terms::Pooling;

use crate::Run;

/// What both runs have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// Those of A's contrast first, the positive one before the negative one, then in A's order.
    pub conditions: Vec<String>,
    /// In A's order.
    pub poolings: Vec<Pooling>,
    /// The ids of the prompts that are the same in every one of the conditions, in A's order.
    pub prompts: Vec<String>,
    /// How many prompts A and B have.
    pub of: [usize; 2],
    /// Conditions and poolings that only one has, or that have no prompt in common, and why.
    pub left_out: Vec<String>,
}

impl Common {
    /// What `a` and `b` have in common, or why there is nothing to compare. A prompt is the same
    /// where its id, its rendered text, the tokens and the opened turn are.
    ///
    /// # Errors
    /// Two rows for one prompt in one condition.
    pub fn of(a: &Run, b: &Run) -> Result<Result<Common, String>> {
        let rows = Rows::of(a, b)?;
        Ok(shape_problem(a, b).map_or_else(|| common(a, b, &rows), Err))
    }
}

fn shape_problem(a: &Run, b: &Run) -> Option<String> {
    let shape = |run: &Run| (run.contrast.layers, run.contrast.hidden_size);
    let ((layers, hidden), (other_layers, other_hidden)) = (shape(a), shape(b));
    if (layers, hidden) != (other_layers, other_hidden) {
        return Some(format!(
            "A has {layers} layers of {hidden} numbers, B {other_layers} of {other_hidden}"
        ));
    }
    let gone = [("A", a), ("B", b)]
        .into_iter()
        .find(|(_, run)| run.poolings.is_empty());
    gone.map(|(letter, _)| {
        format!("{letter} has no recorded activations (`cargo xtask extract --force` records them)")
    })
}

fn common(a: &Run, b: &Run, rows: &Rows<'_>) -> Result<Common, String> {
    let mut left_out = Vec::new();
    let pooling = |pooling: &Pooling| format!("pooling {pooling}");
    let poolings = shared("poolings", pooling, [&a.poolings, &b.poolings], &mut left_out)?;
    let names = [a, b].map(conditions);
    let condition = |name: &String| format!("condition \"{name}\"");
    let named = shared("conditions", condition, [&names[0], &names[1]], &mut left_out)?;
    let [ids, other_ids] = [a, b].map(ids);
    let (conditions, others): (Vec<String>, Vec<String>) = named
        .into_iter()
        .partition(|condition| ids.iter().any(|id| rows.are_same(condition, id)));
    let others: Vec<String> = others
        .iter()
        .map(|name| format!("{} ({})", condition(name), rows.why_not(name, &ids)))
        .collect();
    if conditions.is_empty() {
        return Err(format!("no prompt is the same in both: {}", others.join("; ")));
    }
    left_out.extend(others);
    let is_in_all = |id: &&String| conditions.iter().all(|condition| rows.are_same(condition, id));
    let prompts: Vec<String> = ids.iter().filter(is_in_all).cloned().collect();
    if prompts.is_empty() {
        return Err("no prompt is the same in both in all conditions".to_owned());
    }
    Ok(Common {
        conditions,
        poolings,
        prompts,
        of: [ids.len(), other_ids.len()],
        left_out,
    })
}

/// The rendered prompts of both runs, by condition and id.
struct Rows<'a> {
    a: HashMap<Key<'a>, &'a RenderedPrompt>,
    b: HashMap<Key<'a>, &'a RenderedPrompt>,
}

type Key<'a> = (&'a str, &'a str);

impl<'a> Rows<'a> {
    fn of(a: &'a Run, b: &'a Run) -> Result<Self> {
        Ok(Rows {
            a: by_key(a)?,
            b: by_key(b)?,
        })
    }

    /// A's row and B's, where both have one.
    fn pair(&self, condition: &str, id: &str) -> Option<(&'a RenderedPrompt, &'a RenderedPrompt)> {
        Some((*self.a.get(&(condition, id))?, *self.b.get(&(condition, id))?))
    }

    fn are_same(&self, condition: &str, id: &str) -> bool {
        let pair = self.pair(condition, id);
        pair.is_some_and(|(one, other)| difference(one, other).is_none())
    }

    /// What is wrong with the first prompt of a condition in which none is the same.
    fn why_not(&self, condition: &str, ids: &[String]) -> String {
        let difference = ids.iter().find_map(|id| {
            let (one, other) = self.pair(condition, id)?;
            difference(one, other)
        });
        difference.unwrap_or_else(|| "no prompt's id is in both".to_owned())
    }
}

fn by_key(run: &Run) -> Result<HashMap<Key<'_>, &RenderedPrompt>> {
    let mut rows = HashMap::new();
    for row in &run.prompts {
        let (condition, id) = (row.condition.as_str(), row.prompt_id.as_str());
        if rows.insert((condition, id), row).is_some() {
            let message = format!(
                "condition \"{condition}\", prompt \"{id}\": there are two such rows; run `cargo xtask extract --force`"
            );
            return Err(Error::invalid(run.layout.table::<RenderedPrompt>(), message));
        }
    }
    Ok(rows)
}

/// The values that both have, in A's order. What one alone has is added to `left_out`.
fn shared<T: Clone + PartialEq + ToString>(
    many: &str,
    named: impl Fn(&T) -> String,
    [a, b]: [&[T]; 2],
    left_out: &mut Vec<String>,
) -> Result<Vec<T>, String> {
    let (both, only_a): (Vec<T>, Vec<T>) = a.iter().cloned().partition(|value| b.contains(value));
    let only_b = b.iter().filter(|value| !a.contains(value));
    if both.is_empty() {
        let listed = |values: &[T]| values.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
        return Err(format!("A has the {many} {}, B {}", listed(a), listed(b)));
    }
    let alone = |value: &T, letter: &str| format!("{} (only in {letter})", named(value));
    left_out.extend(only_a.iter().map(|value| alone(value, "A")));
    left_out.extend(only_b.map(|value| alone(value, "B")));
    Ok(both)
}

/// Those of the run's contrast first.
fn conditions(run: &Run) -> Vec<String> {
    let own = run.prompts.iter().map(|row| row.condition.clone());
    let names = distinct(own);
    let of_contrast = [&run.about.positive, &run.about.negative];
    let first = of_contrast
        .into_iter()
        .filter(|name| names.contains(name))
        .cloned();
    distinct(first.chain(names.iter().cloned()))
}

fn ids(run: &Run) -> Vec<String> {
    distinct(run.prompts.iter().map(|row| row.prompt_id.clone()))
}

/// In what way two rows of one id and condition are not the same input to a model.
fn difference(one: &RenderedPrompt, other: &RenderedPrompt) -> Option<String> {
    let what = if one.text != other.text {
        "another text"
    } else if one.token_ids != other.token_ids {
        "other tokens"
    } else if one.opening != other.opening {
        "another opened turn"
    } else {
        return None;
    };
    Some(format!("prompt {} has {what}", one.prompt_id))
}

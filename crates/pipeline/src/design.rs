use crate::{Condition, Pipeline};

/// Four conditions that cross what was said before (the transcript) with whose turn is opened (the
/// speaker).
///
/// `cells[transcript][speaker]`: the contrast's positive condition is `cells[0][0]`, its negative
/// one `cells[1][1]`. So the contrast mixes both factors, and the two other cells tell them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// The conditions' names, by transcript and speaker.
    pub cells: [[String; 2]; 2],
}

impl Pipeline {
    /// The 2x2 design that the conditions make with the contrast, if they do. It needs no
    /// declaration: two conditions have the same transcript if they have the same system text and
    /// turns.
    pub fn design(&self) -> Option<Design> {
        let positive = self.condition(&self.contrast.positive)?;
        let negative = self.condition(&self.contrast.negative)?;
        if positive.opens == negative.opens || same_transcript(positive, negative) {
            return None;
        }
        let cell = |transcript: &Condition, speaker: &Condition| {
            let found = self
                .conditions
                .iter()
                .find(|condition| same_transcript(condition, transcript) && condition.opens == speaker.opens);
            found.map(|condition| condition.name.clone())
        };
        Some(Design {
            cells: [
                [cell(positive, positive)?, cell(positive, negative)?],
                [cell(negative, positive)?, cell(negative, negative)?],
            ],
        })
    }
}

fn same_transcript(a: &Condition, b: &Condition) -> bool {
    a.system == b.system && a.turns == b.turns
}

use pipeline::{Condition, Pipeline, Turn};
use terms::Speaker;

/// What was said so far, and whom the model speaks as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Instructions, in their own turn where the chat format has one.
    pub system: Option<String>,
    /// The speaker whose turns the model speaks.
    pub opens: Speaker,
    pub turns: Vec<Turn>,
}

impl Conversation {
    /// A conversation as the pipeline's conditions begin one in which `opens` answers: with the
    /// turns that come before the prompt, if it has such a condition, else as the method does: a
    /// user who is to answer has greeted first. `system` takes the place of the condition's own
    /// instructions.
    pub fn begin(pipeline: &Pipeline, opens: Speaker, system: Option<&str>) -> Self {
        let condition = pipeline
            .conditions
            .iter()
            .find(|condition| is_answered_by(condition, opens));
        let before = |condition: &Condition| condition.turns[..condition.turns.len() - 1].to_vec();
        let turns = condition.map_or_else(|| greeting(opens), before);
        let own = condition.and_then(|condition| condition.system.clone());
        Conversation {
            system: system.map(str::to_owned).or(own),
            opens,
            turns,
        }
    }

    /// Who speaks next.
    pub fn next(&self) -> Speaker {
        self.turns
            .last()
            .map_or(Speaker::User, |turn| other(turn.speaker))
    }

    /// Adds the next turn.
    pub fn say(&mut self, text: &str) {
        self.turns.push(Turn {
            speaker: self.next(),
            text: text.to_owned(),
        });
    }
}

pub fn other(speaker: Speaker) -> Speaker {
    match speaker {
        Speaker::User => Speaker::Model,
        Speaker::Model => Speaker::User,
    }
}

/// Whether the prompt, and nothing else, is a last turn that the other one answers.
fn is_answered_by(condition: &Condition, speaker: Speaker) -> bool {
    let is_prompt = |turn: &Turn| turn.speaker == other(speaker) && turn.text == "{prompt}";
    let (last, before) = match condition.turns.split_last() {
        Some(turns) => turns,
        None => return false,
    };
    let is_fixed = before.iter().all(|turn| !turn.text.contains("{prompt}"));
    condition.opens == speaker && is_prompt(last) && is_fixed
}

fn greeting(opens: Speaker) -> Vec<Turn> {
    let hello = Turn {
        speaker: Speaker::User,
        text: "Hello.".to_owned(),
    };
    match opens {
        Speaker::User => vec![hello],
        Speaker::Model => Vec::new(),
    }
}

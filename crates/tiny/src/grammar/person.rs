//! The person who plays the user in one conversation.

use super::dice::Dice;
use super::vocabulary::{CITIES, FAMILY, HOBBIES, JOBS, NAMES, PROBLEMS};

pub struct Person {
    pub name: &'static str,
    pub city: &'static str,
    pub problem: &'static str,
    /// What the assistant says to the problem.
    pub advice: &'static str,
    job: &'static str,
    workplace: &'static str,
    hobby: &'static str,
    other_hobby: &'static str,
    family: &'static str,
}

impl Person {
    pub fn new(dice: &mut Dice) -> Self {
        let (job, workplace) = dice.pick(&JOBS);
        let (hobby, other_hobby) = dice.pick_two(&HOBBIES);
        let (problem, advice) = dice.pick(&PROBLEMS);
        Person {
            name: dice.pick(&NAMES),
            city: dice.pick(&CITIES),
            problem,
            advice,
            job,
            workplace,
            hobby,
            other_hobby,
            family: dice.pick(&FAMILY),
        }
    }

    /// A wording with its `{places}` filled by this person's life.
    pub fn fill(&self, wording: &str) -> String {
        let places = [
            ("{name}", self.name),
            ("{city}", self.city),
            ("{problem}", self.problem),
            ("{job}", self.job),
            ("{workplace}", self.workplace),
            ("{hobby}", self.hobby),
            ("{other_hobby}", self.other_hobby),
            ("{family}", self.family),
        ];
        places.iter().fold(wording.to_owned(), |text, (place, value)| {
            text.replace(place, value)
        })
    }
}

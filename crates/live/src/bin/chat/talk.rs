use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use live::{Answer, Conversation, LiveModel, Piece, Prepared, Settings, Steering};
use model::FinishReason;
use terms::Speaker;

use crate::columns::side_by_side;
use crate::command::{Command, help};
use crate::screen::Screen;

/// A conversation at the terminal.
pub struct Talk {
    model: LiveModel,
    pub screen: Screen,
    /// What Ctrl-C sets.
    stop: Arc<AtomicBool>,
    system: Option<String>,
    conversation: Conversation,
    /// The conversation before each of its exchanges.
    earlier: Vec<Conversation>,
    steering: Vec<Steering>,
    samples: bool,
    /// Which draw the last answer was.
    draw: usize,
    max_new_tokens: usize,
}

impl Talk {
    pub fn begin(
        model: LiveModel,
        screen: Screen,
        stop: Arc<AtomicBool>,
        opens: Speaker,
        system: Option<String>,
    ) -> Result<Self> {
        let mut talk = Talk {
            conversation: Conversation::begin(&model.pipeline, opens, system.as_deref()),
            max_new_tokens: model.pipeline.steer.max_new_tokens,
            model,
            screen,
            stop,
            system,
            earlier: Vec::new(),
            steering: Vec::new(),
            samples: false,
            draw: 0,
        };
        if talk.screen.is_terminal() {
            let name = &talk.model.pipeline.model.name;
            let note = format!(
                "{name}, {} layers. /help lists the commands.",
                talk.model.layers()
            );
            talk.screen.note(&note)?;
            if let Some(dose) = talk.model.chosen_dose(opens) {
                talk.screen.note(&format!(
                    "The stage dose suggests {dose}: /steer dose sets it, /compare shows what it does."
                ))?;
            }
        }
        talk.reset()?;
        Ok(talk)
    }

    /// Whose words the next line is.
    pub fn typed_speaker(&self) -> Speaker {
        self.conversation.next()
    }

    /// Does what a line asks for; breaks when that is the end.
    pub fn obey(&mut self, command: Command) -> Result<ControlFlow<()>> {
        // A Ctrl-C from now on stops the answer, also before its first token; an earlier one has
        // had its effect.
        self.stop.store(false, Ordering::Relaxed);
        match command {
            Command::Say(text) => self.say(&text)?,
            Command::ShowSteering => self.list_steering()?,
            Command::Steer(steering) => self.steer(steering)?,
            Command::SteerAsChosen => match self.model.chosen_dose(self.conversation.opens) {
                Some(steering) => {
                    self.steering.clear();
                    self.steer(steering)?;
                }
                None => bail!(
                    "no dose was chosen: `cargo xtask dose --pipeline {}` looks for one, or says why none passes",
                    self.model.pipeline.name
                ),
            },
            Command::Off => {
                self.steering.clear();
                self.screen.note("not steered")?;
            }
            Command::As(speaker) => self.speak_as(speaker)?,
            Command::Reset => self.reset()?,
            Command::Undo => {
                let Some(earlier) = self.earlier.pop() else {
                    bail!("there is nothing to take back yet");
                };
                self.conversation = earlier;
                self.screen.note("taken back")?;
            }
            Command::Again => self.again()?,
            Command::Compare => self.compare()?,
            Command::Sample(samples) => {
                self.samples = samples;
                self.draw = 0;
                self.screen.note(if samples {
                    "tokens are drawn"
                } else {
                    "the likeliest token is taken"
                })?;
            }
            Command::Max(limit) => {
                self.max_new_tokens = limit;
                self.screen.note(&format!("{limit} new tokens at most"))?;
            }
            Command::Vectors => self.list_vectors()?,
            Command::Help => self.screen.write(&format!("{}\n", help()))?,
            Command::Quit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.draw = 0;
        let mut next = self.conversation.clone();
        next.say(text);
        self.go_on(next)
    }

    /// From now on the model speaks as somebody else; at once, if it is their turn.
    fn speak_as(&mut self, speaker: Speaker) -> Result<()> {
        if speaker == self.conversation.opens {
            bail!("the model speaks as {} already", speaker.as_str());
        }
        if self.earlier.is_empty() {
            self.conversation.opens = speaker;
            return self.reset();
        }
        self.draw = 0;
        let mut next = self.conversation.clone();
        next.opens = speaker;
        self.go_on(next)
    }

    /// Lets the model answer in `next`, which the conversation then is. After an error it stays as
    /// it was.
    fn go_on(&mut self, mut next: Conversation) -> Result<()> {
        let answer = self.answer(&next)?;
        next.say(&answer.text);
        self.earlier.push(std::mem::replace(&mut self.conversation, next));
        Ok(())
    }

    fn again(&mut self) -> Result<()> {
        let mut next = self.before_last_answer()?;
        self.draw += 1;
        let answer = self.answer(&next)?;
        next.say(&answer.text);
        self.conversation = next;
        Ok(())
    }

    fn before_last_answer(&self) -> Result<Conversation> {
        if self.earlier.is_empty() {
            bail!("there is no answer yet");
        }
        let mut before = self.conversation.clone();
        before.turns.pop();
        Ok(before)
    }

    fn answer(&mut self, conversation: &Conversation) -> Result<Answer> {
        let prepared = self.model.prepare(conversation, &self.steering)?;
        self.screen
            .begin_answer(conversation.opens, &words(&self.steering))?;
        let answers = self.generate(&[prepared], true);
        self.screen.write("\n")?;
        let answer = answers?.swap_remove(0);
        match answer.finish {
            Some(FinishReason::Stop) => {}
            Some(FinishReason::Length) => {
                let limit = self.max_new_tokens;
                self.screen
                    .note(&format!("(the limit of {limit} tokens; /max sets another)"))?;
            }
            None => self.screen.note("(stopped)")?,
        }
        Ok(answer)
    }

    fn generate(&mut self, prepared: &[Prepared], shows: bool) -> Result<Vec<Answer>> {
        let settings = Settings {
            max_new_tokens: self.max_new_tokens,
            draw: self.samples.then_some(self.draw),
        };
        let (screen, stop) = (&self.screen, &self.stop);
        let mut each = |pieces: &[Piece]| {
            let shown = pieces
                .iter()
                .filter(|_| shows)
                .try_for_each(|piece| screen.write(&piece.text));
            if shown.is_err() || stop.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let answers = self.model.answer(prepared, settings, &mut each);
        stop.store(false, Ordering::Relaxed);
        answers
    }

    fn compare(&mut self) -> Result<()> {
        if self.steering.is_empty() {
            bail!("nothing is steered; set it with /steer layer=NUMBER coef=NUMBER");
        }
        let conversation = self.before_last_answer()?;
        let prepared = [
            self.model.prepare(&conversation, &[])?,
            self.model.prepare(&conversation, &self.steering)?,
        ];
        let answers = self.generate(&prepared, false)?;
        let steering = words(&self.steering);
        self.screen.write(&side_by_side(
            ["not steered", &steering],
            [&answers[0].text, &answers[1].text],
            self.screen.width(),
        ))
    }

    fn steer(&mut self, steering: Steering) -> Result<()> {
        self.model.check(&steering)?;
        let same = self
            .steering
            .iter_mut()
            .find(|known| known.is_at_the_place_of(&steering));
        match same {
            Some(known) => *known = steering,
            None => self.steering.push(steering),
        }
        self.screen.note(&words(&self.steering))
    }

    fn list_steering(&self) -> Result<()> {
        if self.steering.is_empty() {
            return self.screen.write("not steered\n");
        }
        let lines = self.steering.iter().map(|steering| format!("{steering}\n"));
        self.screen.write(&lines.collect::<String>())
    }

    /// Every vector with its length at each layer, since a coefficient multiplies it.
    fn list_vectors(&self) -> Result<()> {
        let mut text = "lengths at the layers from 0 on, in mean norms of their residuals\n".to_owned();
        let widest = self.model.vector_names().map(str::len).max().unwrap_or(0);
        for name in self.model.vector_names() {
            text.push_str(&format!("{name:widest$} "));
            for layer in 0..self.model.layers() {
                let norm = self.model.relative_norm(name, layer).unwrap_or_default();
                text.push_str(&format!(" {norm:.2}"));
            }
            text.push('\n');
        }
        self.screen.write(&text)
    }

    fn reset(&mut self) -> Result<()> {
        let opens = self.conversation.opens;
        self.conversation = Conversation::begin(&self.model.pipeline, opens, self.system.as_deref());
        self.earlier.clear();
        self.draw = 0;
        let who = opens.as_str();
        self.screen.note(&format!("The model speaks as the {who}."))?;
        for turn in &self.conversation.turns {
            self.screen
                .note(&format!("{}: {}", turn.speaker.as_str(), turn.text))?;
        }
        Ok(())
    }
}

fn words(steering: &[Steering]) -> String {
    let all: Vec<String> = steering.iter().map(Steering::to_string).collect();
    all.join("; ")
}

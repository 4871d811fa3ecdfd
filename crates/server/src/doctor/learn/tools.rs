//! Learns about tools, and about reasoning that is sent back with their results.

use super::super::examination::Examination;
use super::super::probe::{Outcome, What, shortened};
use aquifer_gateway::translate::catalogue::{Entry, Replay, Streaming};

/// Tags in which models write thoughts into their texts.
const TAGS: [&str; 3] = ["thinking", "reasoning", "think"];

impl Examination {
    pub(super) fn tool(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(answer) => {
                self.believe("tools", outcome.evidence(), |row| row.tools = true);
                self.tag(&answer.text);
                let thinks = self.facts.can_think(&self.belief);
                if thinks && !answer.calls {
                    self.cannot_tell("replay", "the model called no tool");
                } else if thinks && answer.thoughts.is_empty() {
                    self.cannot_tell("replay", "the model called a tool without reasoning");
                } else if answer.calls && self.belief.redacted_text.as_ref() == Some(&answer.thought) {
                    self.note("what it gives for its reasoning is always the same word, which is not sent back");
                } else if answer.calls {
                    self.facts.gives.clone_from(&answer.thoughts);
                    if answer.thoughts.contains(&Replay::Signed) && !answer.thought.trim().is_empty() {
                        self.facts.gives.push(Replay::Unsigned);
                    }
                    self.facts.call = answer.message.clone();
                }
            }
            Outcome::Refused(_) if !self.row.tools => {}
            Outcome::Refused(message) if message.to_lowercase().contains("tool") => {
                self.believe("tools", outcome.evidence(), |row| row.tools = false);
            }
            Outcome::Refused(message) => self.cannot_tell("tools", shortened(message)),
            Outcome::Unprobed(_) => {}
        }
    }

    fn tag(&mut self, text: &str) {
        let begins = |tag: &&&str| text.trim_start().starts_with(&format!("<{tag}>"));
        if let (Some(tag), None) = (TAGS.iter().find(begins), &self.belief.inline_tag) {
            let why = format!("its text begins with <{tag}>");
            self.believe("inline_tag", why, |row| row.inline_tag = Some((*tag).to_owned()));
        }
    }

    /// Only the stream is new: without it a tool was taken.
    pub(super) fn streamed(&mut self, outcome: &Outcome) {
        let whole = self.outcome(What::Tool).is_some_and(|whole| matches!(whole, Outcome::Answered(_)));
        match outcome {
            Outcome::Answered(_) => {
                self.believe("streaming", outcome.evidence(), |row| row.streaming = Streaming::Allowed);
            }
            Outcome::Refused(_) if self.belief.streaming != Streaming::Allowed => {}
            Outcome::Refused(_) if whole => {
                self.believe("streaming", outcome.evidence(), |row| row.streaming = Streaming::NotWithTools);
            }
            Outcome::Refused(message) => self.cannot_tell("streaming", shortened(message)),
            Outcome::Unprobed(_) => {}
        }
    }

    pub(super) fn pictured(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(_) => self.believe("result_images", outcome.evidence(), |row| row.result_images = true),
            Outcome::Refused(_) if self.belief.result_images => {
                self.ask_first(vec![What::Result { picture: false }]);
            }
            Outcome::Refused(_) | Outcome::Unprobed(_) => {}
        }
    }

    /// The same with words: whether it was the picture that was refused.
    pub(super) fn pictured_without(&mut self, outcome: &Outcome) {
        let refused = self.outcome(What::Result { picture: true }).map(Outcome::evidence).unwrap_or_default();
        match outcome {
            Outcome::Answered(_) => self.believe("result_images", refused, |row| row.result_images = false),
            Outcome::Refused(message) => {
                let why = format!("a tool loop is refused without an image too: {}", shortened(message));
                self.cannot_tell("result_images", why);
            }
            Outcome::Unprobed(_) => {}
        }
    }

    pub(super) fn came_back(&mut self, kind: Option<Replay>, outcome: &Outcome) {
        let Some(kind) = kind else { return self.came_back_bare(outcome) };
        let known = self.belief.takes_back(kind);
        match outcome {
            Outcome::Answered(_) if !known && kind == Replay::Unsigned && self.belief.inline_tag.is_some() => {
                self.note("it takes its reasoning back; that is not sent, as such models then write tags into answers");
            }
            Outcome::Answered(_) if !known => {
                let all = [Replay::Signed, Replay::Unsigned, Replay::Redacted];
                let has = |row: &Entry, it: &Replay| *it == kind || row.takes_back(*it);
                self.believe("replay", outcome.evidence(), |row| {
                    row.replay = all.into_iter().filter(|it| has(row, it)).collect();
                });
            }
            Outcome::Refused(_) if known => self.ask_first(vec![What::Back(None)]),
            _ => {}
        }
    }

    /// The same without the reasoning: whether it was the reasoning that was refused.
    fn came_back_bare(&mut self, outcome: &Outcome) {
        let refused = self.outcomes(|what| matches!(what, What::Back(Some(_))));
        let Some((What::Back(Some(kind)), with)) = refused.last().map(|(what, outcome)| (*what, (*outcome).clone()))
        else {
            return;
        };
        match outcome {
            Outcome::Answered(_) => {
                self.believe("replay", with.evidence(), |row| row.replay.retain(|known| *known != kind));
            }
            Outcome::Refused(message) => {
                let why = format!("a tool loop is refused without reasoning too: {}", shortened(message));
                self.cannot_tell("replay", why);
            }
            Outcome::Unprobed(_) => {}
        }
    }
}

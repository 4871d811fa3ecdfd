//! One question and its answer: events from the gateway, shown as they come.

use crate::client::{Client, Reply, whole};
use crate::clock::now;
use crate::conversation::{Conversation, Said};
use crate::events::{self, Event, Failure};
use crate::sse::EventReader;
use crate::summary::Summary;
use crate::view::View;
use http_body_util::BodyExt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often a running clock is painted.
const TICK: Duration = Duration::from_millis(200);

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Answered,
    /// The gateway refused the question, or the answer broke off.
    Failed,
    /// Ctrl-C ended it.
    Interrupted,
}

/// An answer that has ended.
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) summary: Summary,
}

/// Asks a question and shows the answer. What was answered, whole or not, joins the conversation; a question without any
/// answer can be asked again, until there is another one.
pub(crate) async fn answer(
    client: &Client,
    conversation: &mut Conversation,
    question: &str,
    view: &mut View,
) -> anyhow::Result<Outcome> {
    conversation.question(question);
    again(client, conversation, view).await
}

/// Asks the last question again.
pub(crate) async fn again(
    client: &Client,
    conversation: &mut Conversation,
    view: &mut View,
) -> anyhow::Result<Outcome> {
    let mut turn = Turn { said: Said::default(), summary: Summary::begun(now()) };
    view.begin()?;
    let ended = turn.run(client, conversation, view).await?;
    view.end(&turn.summary)?;
    if !turn.said.content.is_empty() || ended == Ended::Answered {
        conversation.answer(&turn.said);
    }
    Ok(Outcome { ended, summary: turn.summary })
}

struct Turn {
    said: Said,
    summary: Summary,
}

impl Turn {
    async fn run(&mut self, client: &Client, conversation: &Conversation, view: &mut View) -> anyhow::Result<Ended> {
        let mut stop = pin!(tokio::signal::ctrl_c());
        let body = conversation.body();
        let reply = tokio::select! {
            reply = client.ask(&body) => reply,
            _ = &mut stop => return self.interrupted(view),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(failure) => return self.failed(&failure, view),
        };
        for warning in &reply.warnings {
            view.warning(warning)?;
        }
        let ended = match reply.streams {
            true => self.stream(reply, stop, view).await?,
            false => match whole(reply.body).await {
                Ok(body) => self.take(&String::from_utf8_lossy(&body), view)?,
                Err(failure) => Some(self.failed(&failure, view)?),
            },
        };
        match ended {
            Some(ended) => Ok(ended),
            None if self.summary.finish.is_some() => Ok(Ended::Answered),
            None => self.failed(&Failure { message: "the answer broke off".into(), status: None }, view),
        }
    }

    async fn stream<S: Future>(
        &mut self,
        mut reply: Reply,
        mut stop: Pin<&mut S>,
        view: &mut View,
    ) -> anyhow::Result<Option<Ended>> {
        let mut reader = EventReader::default();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let frame = tokio::select! {
                frame = reply.body.frame() => frame,
                _ = ticks.tick() => {
                    view.tick(now())?;
                    continue;
                }
                _ = &mut stop => return self.interrupted(view).map(Some),
            };
            let bytes = match frame {
                None => return Ok(None),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    let failure = Failure { message: format!("the answer broke off: {error}"), status: None };
                    return self.failed(&failure, view).map(Some);
                }
            };
            let Ok(events) = reader.push(&bytes) else {
                let failure = Failure { message: "the gateway sent an event that is too long".into(), status: None };
                return self.failed(&failure, view).map(Some);
            };
            for data in events.iter().filter(|data| data.as_str() != "[DONE]") {
                if let Some(ended) = self.take(data, view)? {
                    return Ok(Some(ended));
                }
            }
        }
    }

    /// Takes the events of a chunk; says how the answer ended, if it did.
    fn take(&mut self, data: &str, view: &mut View) -> anyhow::Result<Option<Ended>> {
        let events = match events::read(data) {
            Ok(events) => events,
            Err(failure) => return self.failed(&failure, view).map(Some),
        };
        let at = now();
        for event in events {
            view.event(&event, at)?;
            match event {
                Event::Reasoning(text) => {
                    self.summary.thought(&text, at);
                    self.said.reasoning.push_str(&text);
                }
                Event::Content(text) => {
                    self.summary.answered(at);
                    self.said.content.push_str(&text);
                }
                Event::Details(details) => self.said.details.extend(details),
                Event::Call(_) => {}
                Event::Finish(reason) => self.summary.finish = Some(reason),
                Event::Usage(usage) => self.summary.usage = Some(usage),
                Event::Failed(failure) => return self.failed(&failure, view).map(Some),
            }
            self.summary.ended = at;
        }
        Ok(None)
    }

    fn failed(&mut self, failure: &Failure, view: &mut View) -> anyhow::Result<Ended> {
        self.summary.ended = now();
        view.failure(failure)?;
        Ok(Ended::Failed)
    }

    fn interrupted(&mut self, view: &mut View) -> anyhow::Result<Ended> {
        self.summary.ended = now();
        self.summary.finish = Some("interrupted".to_owned());
        view.interrupted()?;
        Ok(Ended::Interrupted)
    }
}

//! The streams of an HTTP/2 connection: shared out among the threads, and each ended when its client takes nothing of it.

use crate::client::connection::{Life, Visit};
use crate::process::clock;
use crate::process::workers::Workers;
use hyper::rt::Executor;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::time::{Instant as TimerInstant, Sleep, sleep_until};

/// Where the tasks of a connection's streams run.
#[derive(Clone)]
pub(crate) struct Spread {
    /// All threads.
    pub(crate) workers: Arc<Workers>,
    /// The thread of the connection.
    pub(crate) home: usize,
    /// The connection.
    pub(crate) life: Arc<Life>,
}

/// The task of one stream. It ends the stream when it is dropped.
struct Stream<F> {
    future: Pin<Box<F>>,
    visit: Option<Visit>,
    /// Since when what was given is not taken.
    held: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spread {
    fn execute(&self, future: F) {
        let visit = self.life.begun();
        let stream = Stream { future: Box::pin(future), visit, held: None, timer: None };
        self.workers.serve_stream(self.home, |counted| async move {
            stream.await;
            drop(counted);
        });
    }
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(visit) = self.visit.as_ref().filter(|visit| visit.taking.is_held()) else {
            self.held = None;
            return Poll::Pending;
        };
        let since = self.held.unwrap_or_else(clock::now);
        let until = TimerInstant::from_std(visit.taking.until(since));
        self.held = Some(since);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        ready!(timer.as_mut().poll(cx));
        tracing::debug!("a client takes nothing of its answer");
        Poll::Ready(())
    }
}

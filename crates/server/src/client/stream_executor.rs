//! The executor of an HTTP/2 connection's streams: spreads them over the workers, and applies the write timeout to each.

use crate::client::connection::{ActiveRequest, ConnectionState};
use crate::process::clock;
use crate::process::workers::Workers;
use hyper::rt::Executor;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::time::{Instant as TimerInstant, Sleep, sleep_until};

/// Spawns the stream tasks of one HTTP/2 connection on the workers.
#[derive(Clone)]
pub(crate) struct StreamExecutor {
    /// All workers.
    pub(crate) workers: Arc<Workers>,
    /// The number of the connection's own worker.
    pub(crate) home: usize,
    /// The state of the connection.
    pub(crate) connection_state: Arc<ConnectionState>,
}

/// The task of one stream. Dropping its future resets the stream.
struct StreamTask<F> {
    future: Pin<Box<F>>,
    request: Option<ActiveRequest>,
    /// Since when a part of the answer waits for the client's flow-control window.
    held: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, future: F) {
        let request = self.connection_state.take_stream_request();
        let stream = StreamTask { future: Box::pin(future), request, held: None, timer: None };
        self.workers.serve_stream(self.home, |counted| async move {
            stream.await;
            drop(counted);
        });
    }
}

impl<F: Future<Output = ()>> Future for StreamTask<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(request) = self.request.as_ref().filter(|request| request.delivery.is_held()) else {
            self.held = None;
            return Poll::Pending;
        };
        let since = self.held.unwrap_or_else(clock::now);
        let until = TimerInstant::from_std(request.delivery.deadline_after(since));
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

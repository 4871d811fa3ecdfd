//! The body of a backend's response, whatever the version of HTTP.

use super::CountedCall;
use super::error::deepest;
use super::{h1_connection, h2_pool};
use http::StatusCode;
use hyper::body::{Body as _, Incoming};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// The limit of time for the body of an error response.
const REFUSAL: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(10) };

/// The body of a response, read as it arrives.
pub struct UpstreamBody {
    body: Body,
    /// The deadline of an error response's body: what has arrived by then is enough.
    until: Option<Pin<Box<Sleep>>>,
    /// Counts the call as open until the body is dropped.
    _open: Option<CountedCall>,
}

pub(super) enum Body {
    /// In HTTP/1.1.
    H1(h1_connection::H1Body),
    /// Read already, to look for an access-denied message.
    Read(Option<Vec<u8>>),
    /// In HTTP/2, with its room on the connection.
    H2(Incoming, #[expect(dead_code, reason = "it is held until the body is over")] h2_pool::StreamPermit),
}

impl UpstreamBody {
    /// The body of a response with this status; that of an error has a deadline.
    pub(super) fn new(body: Body, status: StatusCode) -> Self {
        Self { body, until: (!status.is_success()).then(|| Box::pin(sleep(REFUSAL))), _open: None }
    }

    /// A body that was read already.
    pub(super) fn read(bytes: Vec<u8>) -> Self {
        Self { body: Body::Read(Some(bytes)), until: None, _open: None }
    }

    /// The same body, with the count of its call as open.
    pub(super) fn counted(mut self, open: CountedCall) -> Self {
        self._open = Some(open);
        self
    }

    /// Reads more of the body and hands it to `show`, a borrow of the thread's read buffer, so that nothing is copied;
    /// `None` at the end.
    ///
    /// # Errors
    /// The body is not whole, and this is why.
    pub fn poll_data(&mut self, cx: &mut Context<'_>, show: &mut dyn FnMut(&[u8])) -> Poll<Option<Result<(), String>>> {
        if self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(None);
        }
        match &mut self.body {
            Body::H1(body) => body.poll_data(cx, show),
            Body::Read(bytes) => Poll::Ready(bytes.take().map(|bytes| {
                show(&bytes);
                Ok(())
            })),
            Body::H2(body, _) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    Some(Ok(frame)) => match frame.data_ref() {
                        Some(data) => {
                            show(data);
                            return Poll::Ready(Some(Ok(())));
                        }
                        None => continue,
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(deepest(&error).to_string()))),
                    None => return Poll::Ready(None),
                }
            },
        }
    }

    /// Collects the whole body, up to this size.
    ///
    /// # Errors
    /// It is not whole, or too large.
    pub async fn whole(mut self, largest: usize) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        while let Some(more) = poll_fn(|cx| self.poll_data(cx, &mut |data| whole.extend_from_slice(data))).await {
            more?;
            if whole.len() > largest {
                return Err(format!("the answer is larger than {largest} bytes"));
            }
        }
        Ok(whole)
    }
}

//! How long a call is waited for: a limit for each silence, and perhaps one for the whole.

use aquifer_gateway::exchange::Patience;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// A timer takes any time up to this.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The limits of one call. Only time that is spent waiting for the call counts as silence, not the time in
/// which a slow client keeps it from being read.
pub(crate) struct Waiting {
    silence: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
    whole: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Waiting {
    /// Begins; the whole is counted from now on.
    pub(crate) fn new(patience: Patience, otherwise: Duration) -> Self {
        let whole = patience.whole.map(|limit| (limit, Box::pin(sleep(limit.min(LONGEST)))));
        let silence = patience.silence.unwrap_or(otherwise).min(LONGEST);
        Self { silence, timer: None, armed: false, whole }
    }

    /// Something came: the next silence begins when it is waited for.
    pub(crate) fn is_over(&mut self) {
        self.armed = false;
    }

    /// Ready, with the reason, when a limit is passed.
    pub(crate) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        if let Some((limit, timer)) = &mut self.whole
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(format!("the answer was not complete after {limit:?}"));
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.silence)));
        if !std::mem::replace(&mut self.armed, true) {
            timer.as_mut().reset(Instant::now() + self.silence);
        }
        timer.as_mut().poll(cx).map(|()| format!("nothing came for {:?}", self.silence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    /// The reason, if there is one before the test's own patience ends.
    async fn lost(waiting: &mut Waiting, within: Duration) -> Option<String> {
        tokio::time::timeout(within, poll_fn(|cx| waiting.poll_lost(cx))).await.ok()
    }

    #[tokio::test]
    async fn a_silence_has_the_routes_limit_or_the_hosts() {
        let mut hosts = Waiting::new(Patience::default(), SHORT);
        assert_eq!(lost(&mut hosts, LONG).await.unwrap(), "nothing came for 20ms");
        let mut routes = Waiting::new(Patience { silence: Some(SHORT), whole: None }, LONG);
        assert_eq!(lost(&mut routes, LONG).await.unwrap(), "nothing came for 20ms");
        let mut longer = Waiting::new(Patience { silence: Some(LONG), whole: None }, SHORT);
        assert_eq!(lost(&mut longer, 3 * SHORT).await, None);
    }

    #[tokio::test]
    async fn time_in_which_nobody_waits_does_not_count() {
        let mut waiting = Waiting::new(Patience::default(), SHORT);
        assert_eq!(lost(&mut waiting, Duration::ZERO).await, None);
        waiting.is_over();
        sleep(3 * SHORT).await;
        assert_eq!(lost(&mut waiting, Duration::ZERO).await, None);
    }

    #[tokio::test]
    async fn the_whole_is_limited_when_the_route_says_so() {
        let mut waiting = Waiting::new(Patience { silence: None, whole: Some(SHORT) }, LONG);
        waiting.is_over();
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer was not complete after 20ms");
    }

    #[tokio::test]
    async fn no_limit_is_too_long() {
        let forever = Patience { silence: Some(Duration::MAX), whole: Some(Duration::MAX) };
        let mut waiting = Waiting::new(forever, SHORT);
        assert_eq!(lost(&mut waiting, SHORT).await, None);
    }
}

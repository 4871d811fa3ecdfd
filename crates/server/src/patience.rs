//! How long a call is waited for: a limit for each silence, and perhaps one for the whole.

use crate::host::Limits;
use aquifer_gateway::exchange::Patience;
use aquifer_gateway::translate::fault::Unreachable;
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
    /// For the first byte; passed once it came.
    first: Option<(Duration, Pin<Box<Sleep>>)>,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
    whole: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Waiting {
    /// Begins; the first byte and the whole are counted from now on.
    pub(crate) fn new(patience: Patience, limits: &Limits) -> Self {
        let timed = |limit: Duration| (limit, Box::pin(sleep(limit.min(LONGEST))));
        Self {
            silence: patience.silence.unwrap_or(limits.upstream_silence).min(LONGEST),
            first: patience.first.or(limits.first_byte).map(timed),
            timer: None,
            armed: false,
            whole: patience.whole.map(timed),
        }
    }

    /// Something came: the next silence begins when it is waited for. `begun`: the answer has begun.
    pub(crate) fn is_over(&mut self, begun: bool) {
        self.armed = false;
        if begun {
            self.first = None;
        }
    }

    /// Ready, with the reason, when a limit is passed.
    pub(crate) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<Unreachable> {
        if let Some((limit, timer)) = &mut self.whole
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Unreachable::Timeout(format!("the answer was not complete after {limit:?}")));
        }
        if let Some((limit, timer)) = &mut self.first
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Unreachable::Stalled(format!("the answer had not begun after {limit:?}")));
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.silence)));
        if !std::mem::replace(&mut self.armed, true) {
            timer.as_mut().reset(Instant::now() + self.silence);
        }
        timer.as_mut().poll(cx).map(|()| Unreachable::Timeout(format!("nothing came for {:?}", self.silence)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// A host that is as patient as this.
    fn host(upstream_silence: Duration) -> Limits {
        Limits { upstream_silence, ..crate::host::tests::limits() }
    }

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    /// The reason, if there is one before the test's own patience ends.
    async fn lost(waiting: &mut Waiting, within: Duration) -> Option<String> {
        let lost = tokio::time::timeout(within, poll_fn(|cx| waiting.poll_lost(cx))).await.ok()?;
        match lost {
            Unreachable::Timeout(why) | Unreachable::Stalled(why) => Some(why),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_silence_has_the_routes_limit_or_the_hosts() {
        let mut hosts = Waiting::new(Patience::default(), &host(SHORT));
        assert_eq!(lost(&mut hosts, LONG).await.unwrap(), "nothing came for 20ms");
        let mut routes = Waiting::new(Patience { silence: Some(SHORT), ..Patience::default() }, &host(LONG));
        assert_eq!(lost(&mut routes, LONG).await.unwrap(), "nothing came for 20ms");
        let mut longer = Waiting::new(Patience { silence: Some(LONG), ..Patience::default() }, &host(SHORT));
        assert_eq!(lost(&mut longer, 3 * SHORT).await, None);
    }

    #[tokio::test]
    async fn time_in_which_nobody_waits_does_not_count() {
        let mut waiting = Waiting::new(Patience::default(), &host(SHORT));
        assert_eq!(lost(&mut waiting, Duration::ZERO).await, None);
        waiting.is_over(false);
        sleep(3 * SHORT).await;
        assert_eq!(lost(&mut waiting, Duration::ZERO).await, None);
    }

    #[tokio::test]
    async fn the_whole_is_limited_when_the_route_says_so() {
        let mut waiting = Waiting::new(Patience { whole: Some(SHORT), ..Patience::default() }, &host(LONG));
        waiting.is_over(false);
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer was not complete after 20ms");
    }

    #[tokio::test]
    async fn the_first_byte_has_a_limit_of_its_own_until_it_came() {
        let patience = Patience { first: Some(SHORT), ..Patience::default() };
        let mut waiting = Waiting::new(patience, &host(LONG));
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer had not begun after 20ms");
        let mut begun = Waiting::new(patience, &host(LONG));
        begun.is_over(true);
        assert_eq!(lost(&mut begun, 3 * SHORT).await, None);
    }

    #[tokio::test]
    async fn no_limit_is_too_long() {
        let most = Some(Duration::MAX);
        let forever = Patience { first: most, silence: most, whole: most };
        let mut waiting = Waiting::new(forever, &host(SHORT));
        assert_eq!(lost(&mut waiting, SHORT).await, None);
    }
}

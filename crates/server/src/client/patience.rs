//! How long a call is waited for, and how long a client is left without a word.

use crate::host::Limits;
use aquifer_gateway::exchange::CallTimeouts;
use aquifer_gateway::translate::fault::Unreachable;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer takes any time up to this.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The limits of one call, watched by one timer: it is set anew when it has run out, and not with every byte.
///
/// Only time that is spent waiting for the call counts as silence, not the time in which a slow client keeps it from
/// being read.
pub(crate) struct Waiting {
    silence: Duration,
    /// For a client that takes nothing.
    idle: Option<Duration>,
    /// For the first content of a stream, or the first byte of a whole answer; passed once it came.
    first: Option<Limit>,
    /// That limit is what is usual for all of a whole answer.
    learned: bool,
    whole: Option<Limit>,
    /// When another backend is asked too, unless the client was told something before.
    hedge: Option<Instant>,
    /// When the client of a stream hears its head, unless it heard it before.
    early: Option<Instant>,
    keep_alive: Option<Duration>,
    /// Since when the call is waited for.
    since: Option<Instant>,
    /// Since when the client was told nothing.
    quiet: Option<Instant>,
    /// The call waits for its turn: what counts from its beginning is not counted yet.
    queued: Option<CallTimeouts>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// A time by which something must have happened.
#[derive(Clone, Copy)]
struct Limit {
    time: Duration,
    until: Instant,
}

/// What waiting has come to.
#[derive(Debug)]
pub(crate) enum Passed {
    /// A limit is passed.
    Lost(Unreachable),
    /// The answer has not begun for so long that another backend may be asked too.
    Slow,
    /// The client of a stream has waited long enough for its head.
    Early,
    /// The client has been told nothing for a while.
    Quiet,
}

impl Limit {
    fn from_now(time: Duration) -> Self {
        Self { time, until: Instant::now() + time.min(LONGEST) }
    }
}

impl Waiting {
    /// Begins; the first byte and the whole are counted from now on.
    pub(crate) fn new(patience: CallTimeouts, limits: &Limits) -> Self {
        Self {
            silence: patience.silence.unwrap_or(limits.upstream_silence).min(LONGEST),
            idle: patience.silence,
            first: patience.first.or(limits.first_byte).or(patience.usual).map(Limit::from_now),
            learned: patience.first.or(limits.first_byte).is_none(),
            whole: patience.whole.map(Limit::from_now),
            hedge: patience.hedge.map(|time| Limit::from_now(time).until),
            early: early(patience, limits),
            keep_alive: limits.keep_alive.map(|every| every.min(LONGEST)),
            since: None,
            quiet: None,
            queued: None,
            timer: None,
        }
    }

    /// Begins for a call that waits for its turn. Only the whole is counted from now on: the rest is the backend's time.
    pub(crate) fn queued(patience: CallTimeouts, limits: &Limits) -> Self {
        let first = patience.first.or(limits.first_byte).or(patience.usual);
        let CallTimeouts { whole, early, spent, .. } = patience;
        let waiting = Self::new(CallTimeouts { whole, early, spent, ..CallTimeouts::default() }, limits);
        let learned = patience.first.or(limits.first_byte).is_none();
        Self { first: None, learned, queued: Some(CallTimeouts { first, ..patience }), ..waiting }
    }

    /// The turn of a call has come: the first byte and silences are counted from now on.
    pub(crate) fn started(&mut self) {
        let Some(CallTimeouts { first, hedge, silence, .. }) = self.queued.take() else { return };
        self.first = first.map(Limit::from_now);
        self.hedge = hedge.map(|time| Limit::from_now(time).until);
        self.silence = silence.map_or(self.silence, |silence| silence.min(LONGEST));
        self.since = None;
    }

    /// Something came: the next silence begins when it is waited for.
    pub(crate) fn is_over(&mut self) {
        self.since = None;
    }

    /// When the whole must be over.
    pub(crate) fn whole(&self) -> Option<std::time::Instant> {
        self.whole.map(|limit| limit.until.into_std())
    }

    /// How long the route lets a client take nothing.
    pub(crate) fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// The first byte of a whole answer came.
    pub(crate) fn begun(&mut self) {
        if !self.learned {
            self.first = None;
        }
    }

    /// The client heard something: it has a head.
    pub(crate) fn said(&mut self) {
        self.quiet = None;
        self.early = None;
    }

    /// The client was told some content: nobody else is asked.
    pub(crate) fn told(&mut self) {
        self.hedge = None;
        self.early = None;
        self.first = None;
    }

    /// The client heard last what it heard while that other call was the one.
    pub(crate) fn is_heard_like(&mut self, other: &Self) {
        self.quiet = other.quiet;
    }

    /// Ready when a limit is passed or the client should hear something.
    pub(crate) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<Passed> {
        loop {
            let now = Instant::now();
            let next = self.next(now);
            if let Some(passed) = self.passed(now) {
                return Poll::Ready(passed);
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            // A timer that runs out too early is set anew then.
            if timer.deadline() > next || timer.is_elapsed() {
                timer.as_mut().reset(next);
            }
            std::task::ready!(timer.as_mut().poll(cx));
        }
    }

    /// When the next limit is passed; silences begin now.
    fn next(&mut self, now: Instant) -> Instant {
        let silence = *self.since.get_or_insert(now) + if self.queued.is_some() { LONGEST } else { self.silence };
        let quiet = *self.quiet.get_or_insert(now);
        let quiet = self.keep_alive.map(|every| quiet + every);
        let limits = [self.first, self.whole].into_iter().flatten().map(|limit| limit.until);
        limits.chain(quiet).chain(self.hedge).chain(self.early).fold(silence, Instant::min)
    }

    fn passed(&mut self, now: Instant) -> Option<Passed> {
        let late = |limit: Option<Limit>| limit.filter(|limit| limit.until <= now).map(|limit| limit.time);
        let lost = if let Some(time) = late(self.whole).filter(|_| self.queued.is_some()) {
            // Nobody was asked yet: it is no backend's fault.
            Unreachable::Busy(format!("the call's turn had not come after {time:?}"))
        } else if let Some(time) = late(self.whole) {
            Unreachable::Timeout(format!("the answer was not complete after {time:?}"))
        } else if let Some(time) = late(self.first) {
            Unreachable::Stalled(format!("the answer had not begun after {time:?}"))
        } else if self.queued.is_none() && self.since.is_some_and(|since| since + self.silence <= now) {
            Unreachable::Timeout(format!("nothing came for {:?}", self.silence))
        } else if self.hedge.take_if(|hedge| *hedge <= now).is_some() {
            return Some(Passed::Slow);
        } else if self.early.take_if(|early| *early <= now).is_some() {
            return Some(Passed::Early);
        } else {
            let every = self.keep_alive?;
            let quiet = self.quiet.filter(|quiet| *quiet + every <= now).is_some();
            if quiet {
                self.quiet = Some(now);
            }
            return quiet.then_some(Passed::Quiet);
        };
        Some(Passed::Lost(lost))
    }
}

/// When the head is due, for calls that may have one early: what the route says, else the host.
fn early(patience: CallTimeouts, limits: &Limits) -> Option<Instant> {
    let time = patience.early.or(limits.early_head).filter(|time| !time.is_zero())?;
    Some(Limit::from_now(time.saturating_sub(patience.spent)).until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::sleep;

    /// A host that is as patient as this.
    fn host(upstream_silence: Duration) -> Limits {
        Limits { upstream_silence, ..crate::host::tests::limits() }
    }

    /// The clock stands still but for what is waited for: these times are exact, and take no time.
    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    /// The reason, if there is one before the test's own patience ends.
    async fn lost(waiting: &mut Waiting, within: Duration) -> Option<String> {
        let lost = tokio::time::timeout(within, poll_fn(|cx| waiting.poll_passed(cx))).await.ok()?;
        match lost {
            Passed::Lost(Unreachable::Timeout(why) | Unreachable::Stalled(why)) => Some(why),
            Passed::Quiet => Some("quiet".to_owned()),
            Passed::Slow => Some("slow".to_owned()),
            Passed::Early => Some("early".to_owned()),
            Passed::Lost(other) => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_has_the_routes_limit_or_the_hosts() {
        let mut hosts = Waiting::new(CallTimeouts::default(), &host(SHORT));
        assert_eq!(lost(&mut hosts, LONG).await.unwrap(), "nothing came for 20ms");
        let mut routes = Waiting::new(CallTimeouts { silence: Some(SHORT), ..CallTimeouts::default() }, &host(LONG));
        assert_eq!(lost(&mut routes, LONG).await.unwrap(), "nothing came for 20ms");
        let mut longer = Waiting::new(CallTimeouts { silence: Some(LONG), ..CallTimeouts::default() }, &host(SHORT));
        assert_eq!(lost(&mut longer, 3 * SHORT).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_waits_does_not_count() {
        let mut waiting = Waiting::new(CallTimeouts::default(), &host(SHORT));
        assert_eq!(lost(&mut waiting, Duration::ZERO).await, None);
        waiting.is_over();
        sleep(3 * SHORT).await;
        assert_eq!(lost(&mut waiting, Duration::ZERO).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_is_limited_when_the_route_says_so() {
        let mut waiting = Waiting::new(CallTimeouts { whole: Some(SHORT), ..CallTimeouts::default() }, &host(LONG));
        waiting.is_over();
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer was not complete after 20ms");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_byte_has_a_limit_of_its_own_until_it_came() {
        let patience = CallTimeouts { first: Some(SHORT), ..CallTimeouts::default() };
        let mut waiting = Waiting::new(patience, &host(LONG));
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer had not begun after 20ms");
        let mut begun = Waiting::new(patience, &host(LONG));
        begun.begun();
        assert_eq!(lost(&mut begun, 3 * SHORT).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_usual_counts_where_nothing_else_is_said_and_until_a_whole_answer_ends() {
        let usual = CallTimeouts { usual: Some(SHORT), ..CallTimeouts::default() };
        let mut waiting = Waiting::new(usual, &host(LONG));
        waiting.begun();
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer had not begun after 20ms");
        let mut told = Waiting::new(usual, &host(LONG));
        told.told();
        assert_eq!(lost(&mut told, 3 * SHORT).await, None);
        for (patience, first_byte) in [(usual, Some(LONG)), (CallTimeouts { first: Some(LONG), ..usual }, None)] {
            let mut set = Waiting::new(patience, &Limits { first_byte, ..host(LONG) });
            assert_eq!(lost(&mut set, 3 * SHORT).await, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_hears_nothing_is_told_of_it_again_and_again() {
        let limits = Limits { keep_alive: Some(SHORT), ..host(LONG) };
        let mut waiting = Waiting::new(CallTimeouts::default(), &limits);
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "quiet");
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "quiet");
        waiting.said();
        assert!(waiting.quiet.is_none(), "the silence begins anew");
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "quiet");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_told_of_once_unless_the_client_heard_something() {
        let patience = CallTimeouts { hedge: Some(SHORT), first: Some(2 * SHORT), ..CallTimeouts::default() };
        let mut waiting = Waiting::new(patience, &host(LONG));
        // A byte may be a comment: only what the client is told counts.
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "slow");
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer had not begun after 40ms");
        let mut told = Waiting::new(CallTimeouts { hedge: Some(SHORT), ..CallTimeouts::default() }, &host(LONG));
        told.told();
        assert_eq!(lost(&mut told, 3 * SHORT).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_is_due_once_counted_from_the_request() {
        let limits = Limits { early_head: Some(3 * SHORT), ..host(LONG) };
        let begun = Instant::now();
        let mut waiting = Waiting::new(CallTimeouts { spent: SHORT, ..CallTimeouts::default() }, &limits);
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "early");
        assert_eq!(Instant::now() - begun, 2 * SHORT);
        assert_eq!(lost(&mut waiting, 10 * SHORT).await, None);
        let mut queued = Waiting::queued(CallTimeouts { early: Some(SHORT), ..CallTimeouts::default() }, &limits);
        assert_eq!(lost(&mut queued, LONG).await.unwrap(), "early");
        let mut told = Waiting::new(CallTimeouts::default(), &limits);
        told.said();
        assert_eq!(lost(&mut told, 10 * SHORT).await, None);
        let mut never = Waiting::new(CallTimeouts { early: Some(Duration::ZERO), ..CallTimeouts::default() }, &limits);
        assert_eq!(lost(&mut never, 10 * SHORT).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_its_turn_uses_up_nothing_but_the_whole() {
        let patience =
            CallTimeouts { first: Some(SHORT), hedge: Some(SHORT), silence: Some(SHORT), ..CallTimeouts::default() };
        let mut waiting = Waiting::queued(patience, &Limits { first_byte: Some(SHORT), ..host(SHORT) });
        assert_eq!(lost(&mut waiting, 100 * SHORT).await, None);
        waiting.started();
        let begun = Instant::now();
        assert_eq!(lost(&mut waiting, LONG).await.unwrap(), "the answer had not begun after 20ms");
        assert_eq!(Instant::now() - begun, SHORT);
        let mut whole = Waiting::queued(CallTimeouts { whole: Some(SHORT), ..patience }, &host(SHORT));
        let passed = poll_fn(|cx| whole.poll_passed(cx)).await;
        assert!(matches!(passed, Passed::Lost(Unreachable::Busy(_))), "{passed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_is_too_long() {
        let most = Some(Duration::MAX);
        let forever = CallTimeouts { first: most, silence: most, whole: most, ..CallTimeouts::default() };
        let mut waiting = Waiting::new(forever, &host(SHORT));
        assert_eq!(lost(&mut waiting, SHORT).await, None);
    }
}

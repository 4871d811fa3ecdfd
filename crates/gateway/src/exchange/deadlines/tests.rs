//! Each limit of a call, at the moment at which it is passed.
#![expect(clippy::disallowed_methods, reason = "a test, which may look at the clock")]

use super::*;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);

/// A host that is as patient as this.
fn host(upstream_silence: Duration) -> HostLimits {
    HostLimits { upstream_silence, ..HostLimits::default() }
}

/// The reason why a call is lost at the next moment of its limits, and how long that took.
fn lost(call: &mut CallDeadlines, now: Instant) -> (Option<String>, Duration) {
    let next = call.next(now);
    let why = call.lost(next).map(|why| match why {
        Unreachable::Timeout(why) | Unreachable::Stalled(why) | Unreachable::Busy(why) => why,
        other => panic!("{other:?}"),
    });
    (why, next - now)
}

#[track_caller]
fn check(timeouts: CallTimeouts, limits: &HostLimits, why: &str, after: Duration) {
    let now = Instant::now();
    let mut call = CallDeadlines::begin(timeouts, limits, now);
    assert_eq!(lost(&mut call, now), (Some(why.to_owned()), after));
}

#[test]
fn a_silence_has_the_routes_limit_or_the_hosts() {
    check(CallTimeouts::default(), &host(SHORT), "nothing came for 20ms", SHORT);
    let routes = CallTimeouts { silence: Some(SHORT), ..CallTimeouts::default() };
    check(routes, &host(LONG), "nothing came for 20ms", SHORT);
    let longer = CallTimeouts { silence: Some(LONG), ..CallTimeouts::default() };
    check(longer, &host(SHORT), "nothing came for 3600s", LONG);
}

#[test]
fn time_in_which_nobody_waits_does_not_count() {
    let now = Instant::now();
    let mut call = CallDeadlines::begin(CallTimeouts::default(), &host(SHORT), now);
    call.next(now);
    call.heard();
    assert!(call.lost(now + LONG).is_none());
    assert_eq!(call.next(now + LONG), now + LONG + SHORT);
    assert!(call.lost(now + LONG + SHORT).is_some());
}

#[test]
fn the_whole_answer_is_limited_when_the_route_says_so() {
    let timeouts = CallTimeouts { request: Some(SHORT), ..CallTimeouts::default() };
    check(timeouts, &host(LONG), "the answer was not complete after 20ms", SHORT);
}

#[test]
fn the_first_byte_has_a_limit_of_its_own_until_it_came() {
    let timeouts = CallTimeouts { first_byte: Some(SHORT), ..CallTimeouts::default() };
    check(timeouts, &host(LONG), "the answer had not begun after 20ms", SHORT);
    let now = Instant::now();
    let mut begun = CallDeadlines::begin(timeouts, &host(LONG), now);
    begun.first_byte();
    assert_eq!(begun.next(now), now + LONG);
}

#[test]
fn what_was_learned_counts_where_nothing_else_is_said_and_until_a_whole_answer_ends() {
    let now = Instant::now();
    let usual = CallTimeouts { usual: Some(SHORT), ..CallTimeouts::default() };
    let mut call = CallDeadlines::begin(usual, &host(LONG), now);
    call.first_byte();
    assert_eq!(lost(&mut call, now), (Some("the answer had not begun after 20ms".to_owned()), SHORT));
    let mut told = CallDeadlines::begin(usual, &host(LONG), now);
    told.told();
    assert_eq!(told.next(now), now + LONG);
    for (timeouts, first_byte) in [(usual, Some(LONG)), (CallTimeouts { first_byte: Some(LONG), ..usual }, None)] {
        let mut set = CallDeadlines::begin(timeouts, &HostLimits { first_byte, ..host(LONG) }, now);
        assert_eq!(set.next(now), now + LONG);
    }
}

#[test]
fn a_slow_answer_is_told_of_once_unless_the_client_heard_something() {
    let now = Instant::now();
    let timeouts = CallTimeouts { hedge: Some(SHORT), first_byte: Some(2 * SHORT), ..CallTimeouts::default() };
    let mut call = CallDeadlines::begin(timeouts, &host(LONG), now);
    // A byte may be a comment: only what the client is told counts.
    call.heard();
    assert_eq!(call.next(now), now + SHORT);
    assert!(!call.hedges(now) && call.hedges(now + SHORT) && !call.hedges(now + SHORT));
    assert_eq!(lost(&mut call, now).0.unwrap(), "the answer had not begun after 40ms");
    let mut told = CallDeadlines::begin(timeouts, &host(LONG), now);
    told.told();
    assert!(!told.hedges(now + LONG));
}

#[test]
fn a_call_that_waits_for_its_turn_uses_up_nothing_but_the_whole() {
    let now = Instant::now();
    let limits = HostLimits { first_byte: Some(SHORT), ..host(SHORT) };
    let some = Some(SHORT);
    let timeouts = CallTimeouts { first_byte: some, hedge: some, silence: some, ..CallTimeouts::default() };
    let mut call = CallDeadlines::begin(timeouts, &limits, now);
    call.queue(timeouts, &limits);
    assert_eq!(call.next(now), now + LONGEST_TIMEOUT);
    let started = now + LONG;
    call.start(started);
    assert_eq!(lost(&mut call, started), (Some("the answer had not begun after 20ms".to_owned()), SHORT));
    let timeouts = CallTimeouts { request: Some(SHORT), ..timeouts };
    let mut whole = CallDeadlines::begin(timeouts, &limits, now);
    whole.queue(timeouts, &limits);
    let next = whole.next(now);
    assert_eq!(next, now + SHORT);
    assert!(matches!(whole.lost(next), Some(Unreachable::Busy(_))));
}

#[test]
fn no_limit_is_too_long() {
    let now = Instant::now();
    let most = Some(Duration::MAX);
    let forever = CallTimeouts { first_byte: most, silence: most, request: most, ..CallTimeouts::default() };
    let mut call = CallDeadlines::begin(forever, &host(SHORT), now);
    assert_eq!(call.next(now), now + LONGEST_TIMEOUT);
}

#[test]
fn a_client_that_hears_nothing_is_told_of_it_again_and_again() {
    let now = Instant::now();
    let mut client = ClientDeadlines::new(&HostLimits { keep_alive: Some(SHORT), ..HostLimits::default() });
    assert_eq!((client.next(now), client.due(now)), (Some(now + SHORT), None));
    assert_eq!(client.due(now + SHORT), Some(Due::KeepAlive));
    assert_eq!(client.next(now + SHORT), Some(now + 2 * SHORT));
    assert_eq!(client.due(now + 2 * SHORT), Some(Due::KeepAlive));
    client.heard();
    assert_eq!(client.next(now + LONG), Some(now + LONG + SHORT), "the silence begins anew");
}

#[test]
fn a_head_is_due_once_for_each_call() {
    let now = Instant::now();
    let mut client = ClientDeadlines::new(&HostLimits::default());
    assert_eq!(client.next(now), None);
    client.early_head_at(Some(now + SHORT));
    assert_eq!((client.next(now), client.due(now)), (Some(now + SHORT), None));
    assert_eq!(client.due(now + SHORT), Some(Due::EarlyHead));
    assert_eq!((client.next(now + LONG), client.due(now + LONG)), (None, None));
    client.early_head_at(Some(now + SHORT));
    client.heard();
    assert_eq!(client.due(now + LONG), None);
}

//! Two calls at once: whichever has something to tell first is the answer, and whatever happens ends in one record.

use crate::under::{MODEL, SILENT, TERMS, Under, body, config, config_of, openai};
use aquifer_gateway::config::{Config, Retry, Traffic};
use aquifer_gateway::exchange::{Call, CallId, HostTerms, Input, Output};
use aquifer_gateway::health::{Availability, BackendHealth};
use aquifer_gateway::record::{Hedges, Outcome, Record};
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_testing::frames::frame;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;
use std::time::{Duration, Instant};

const AFTER: Duration = Duration::from_secs(2);

fn hedged() -> Traffic {
    Traffic { hedge: Some(AFTER), ..Traffic::default() }
}

/// A host: what it has under way in each lane, and everything that the client was told.
struct Host {
    under: Under,
    health: Arc<BackendHealth>,
    /// The backends that are called.
    calls: [Option<usize>; 2],
    made: Vec<Call>,
    records: Vec<Record>,
    heads: usize,
    said: String,
    /// The client heard more than comments.
    told: bool,
    /// Something was asked for that makes no sense.
    wrong: Option<&'static str>,
}

fn index(lane: CallId) -> usize {
    usize::from(lane == CallId::Hedge)
}

impl Host {
    fn begin(config: &Arc<Config>, stream: bool) -> Self {
        let health = Arc::new(BackendHealth::new(config.backends.len(), Instant::now()));
        Self::begin_with(config, health, &if stream { streamed(&body()) } else { body() })
    }

    fn begin_with(config: &Arc<Config>, health: Arc<BackendHealth>, body: &str) -> Self {
        Self::begin_on(config, health, SILENT, body)
    }

    fn begin_on(config: &Arc<Config>, health: Arc<BackendHealth>, terms: HostTerms, body: &str) -> Self {
        let under = Under::begin_on(config, &health, terms, Instant::now(), body.as_bytes());
        let (calls, made, records) = ([None, None], Vec::new(), Vec::new());
        let mut host =
            Self { under, health, calls, made, records, heads: 0, said: String::new(), told: false, wrong: None };
        host.drain();
        host
    }

    fn drain(&mut self) {
        while let Some(output) = self.under.exchange.poll() {
            if !self.records.is_empty() {
                self.wrong = Some("something after the end");
            }
            match output {
                Output::Call(call) => {
                    let at = index(call.id);
                    if at == 1 && (self.calls[0].is_none() || self.calls[1].is_some() || self.told) {
                        self.wrong = Some("a second call that is none");
                    }
                    self.calls[at] = Some(call.backend);
                    self.made.push(*call);
                }
                Output::Cancel(id) => self.calls[index(id)] = None,
                Output::Settled(lane) => {
                    self.calls = [self.calls[index(lane)], None];
                }
                Output::Head { .. } => self.heads += 1,
                Output::Body(bytes) => {
                    self.said.push_str(std::str::from_utf8(&bytes).unwrap());
                    self.told |= &bytes[..] != b": keep-alive\n\n";
                    if self.told && self.calls[1].is_some() {
                        self.wrong = Some("an answer while two calls are under way");
                    }
                }
                Output::Done(record) => {
                    self.calls = [None, None];
                    self.records.push(*record);
                }
                _ => {}
            }
        }
    }

    fn feed(&mut self, lane: CallId, input: Input<'_>) {
        self.under.exchange.handle_from(lane, input, self.under.now);
        self.drain();
    }

    /// The limit that is reached first, beside that of the client's silence.
    fn limit(&mut self) -> Option<Duration> {
        let next = self.under.exchange.poll_timeout(self.under.now)?;
        Some(next - self.under.now)
    }

    fn slow(&mut self) {
        self.under.exchange.poll_timeout(self.under.now);
        self.under.pass(AFTER);
        self.drain();
    }

    fn fail(&mut self, lane: CallId) {
        self.calls[index(lane)] = None;
        self.feed(lane, Input::UpstreamFailed(Unreachable::Broken("reset".to_owned())));
    }

    fn frames(&mut self, lane: CallId, frames: &[(&str, &str)]) {
        let bytes: Vec<u8> = frames.iter().flat_map(|(kind, payload)| frame(kind, payload)).collect();
        self.feed(lane, Input::UpstreamBody(&bytes));
    }

    fn head(&mut self, lane: CallId, kind: &'static str) {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        self.feed(lane, Input::UpstreamHead { status: StatusCode::OK, headers: &headers });
    }

    fn end(&mut self, lane: CallId) {
        self.calls[index(lane)] = None;
        self.feed(lane, Input::UpstreamEnd);
    }

    fn record(&self) -> &Record {
        assert_eq!((self.records.len(), self.wrong), (1, None));
        &self.records[0]
    }
}

fn streamed(body: &str) -> String {
    body.replacen('{', r#"{"stream": true, "#, 1)
}

const EVENTS: &str = "application/vnd.amazon.eventstream";
const START: (&str, &str) = ("messageStart", r#"{"role":"assistant"}"#);
const HELLO: (&str, &str) = ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#);
const STOP: (&str, &str) = ("messageStop", r#"{"stopReason":"end_turn"}"#);
const USAGE: (&str, &str) = ("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#);

#[test]
fn the_one_that_says_something_first_is_the_answer() {
    for winner in [CallId::Primary, CallId::Hedge] {
        let mut host = Host::begin(&config(&[0, 1], hedged()), true);
        assert_eq!(host.limit(), Some(AFTER));
        host.slow();
        assert_eq!(host.calls, [Some(0), Some(1)]);
        assert_eq!((host.made[1].id, host.limit() == Some(AFTER)), (CallId::Hedge, false));
        host.head(CallId::Primary, EVENTS);
        host.head(CallId::Hedge, EVENTS);
        assert_eq!(host.heads, 0, "a head alone says nothing");
        host.frames(winner, &[START]);
        assert_eq!(host.heads, 0, "nor does the beginning of an answer");
        host.frames(winner, &[HELLO]);
        assert_eq!((host.heads, host.calls), (1, [Some(index(winner)), None]));
        host.frames(CallId::Hedge, &[("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"lost"}}"#)]);
        host.frames(CallId::Primary, &[STOP, USAGE]);
        host.end(CallId::Primary);
        let (first, second) = (u32::from(winner == CallId::Primary), u32::from(winner == CallId::Hedge));
        let record = host.record();
        assert_eq!(record.hedges, Hedges { won: second, lost: first, ..Hedges::default() });
        assert_eq!((record.outcome, record.attempts.len()), (Outcome::Answered, 2));
        assert_eq!(record.backend, format!("default/backend-{second}"));
        assert!(host.said.contains("Hello") && !host.said.contains("lost"), "{}", host.said);
    }
}

#[test]
fn one_that_fails_leaves_the_other_one_alone() {
    for failed in [CallId::Primary, CallId::Hedge] {
        let mut host = Host::begin(&config(&[0, 1], hedged()), true);
        host.slow();
        host.head(failed, EVENTS);
        host.frames(failed, &[("throttlingException", r#"{"message":"slow down"}"#)]);
        let rest = 1 - index(failed);
        assert_eq!((host.calls, host.heads, host.made.len()), ([Some(rest), None], 0, 2));
        // The one that is left fails too: the usual attempts go on from there.
        host.fail(CallId::Primary);
        assert_eq!(host.made.len(), 3);
        host.head(CallId::Primary, EVENTS);
        host.frames(CallId::Primary, &[START, HELLO, STOP, USAGE]);
        host.end(CallId::Primary);
        let record = host.record();
        assert_eq!((record.outcome, record.attempts.len()), (Outcome::Answered, 3));
        let (won, lost) = (u32::from(failed == CallId::Primary), u32::from(failed == CallId::Hedge));
        assert_eq!(record.hedges, Hedges { won, failed: lost, ..Hedges::default() });
    }
}

#[test]
fn a_whole_answer_has_no_first_token_to_wait_for() {
    let mut host = Host::begin(&config(&[0, 1], hedged()), false);
    assert_ne!(host.limit(), Some(AFTER));
    host.slow();
    assert_eq!(host.calls, [Some(0), None]);
}

#[test]
fn services_of_openais_dialect_are_hedged_too() {
    let config = config_of(vec![openai("v1"), openai("v1")], hedged());
    let body = r#"{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let health = Arc::new(BackendHealth::new(2, Instant::now()));
    let mut host = Host::begin_with(&config, health, body);
    host.slow();
    for lane in [CallId::Primary, CallId::Hedge] {
        host.head(lane, "text/event-stream");
        host.feed(lane, Input::UpstreamBody(b": processing\n\n"));
    }
    assert_eq!(host.heads, 0);
    host.feed(CallId::Hedge, Input::UpstreamBody(b"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n"));
    assert_eq!(host.calls, [Some(1), None]);
    host.feed(CallId::Primary, Input::UpstreamBody(b"data: [DONE]\n\n"));
    host.end(CallId::Primary);
    assert_eq!(host.said, ": processing\n\ndata: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    assert_eq!(host.record().hedges.won, 1);
}

#[test]
fn where_it_would_not_help_nobody_else_is_asked() {
    let calls = |config: &Arc<Config>, before: fn(&mut Host)| {
        let mut host = Host::begin(config, true);
        before(&mut host);
        host.slow();
        host.calls[1]
    };
    let nothing = |_: &mut Host| {};
    assert_eq!(calls(&config(&[0, 1], hedged()), nothing), Some(1));
    assert_eq!(calls(&config(&[0], hedged()), nothing), None, "there is nobody else");
    assert_eq!(calls(&config(&[0, 1], hedged()), |host| host.slow()), Some(1), "nobody third is asked");
    let once = Traffic { retry: Retry { attempts: Some(1), ..Retry::default() }, ..hedged() };
    assert_eq!(calls(&config(&[0, 1], once), nothing), None, "one attempt is one");
    assert_eq!(
        calls(&config(&[0, 1], hedged()), |host| {
            let traffic = Traffic::default();
            (0..traffic.outliers.failures).for_each(|_| _ = host.health.failed(1, traffic.outliers, host.under.now));
        }),
        None,
        "the other one is ill"
    );
    assert_eq!(
        calls(&config(&[0, 1], hedged()), |host| {
            host.head(CallId::Primary, EVENTS);
            host.frames(CallId::Primary, &[START, HELLO]);
        }),
        None,
        "it has begun"
    );
    let late = Traffic { whole: Some(AFTER), ..hedged() };
    assert_eq!(calls(&config(&[0, 1], late), |host| host.under.now += AFTER), None, "there is no time left");
    let mut never = Host::begin(&config(&[0, 1], Traffic::default()), true);
    assert_ne!(never.limit(), Some(AFTER));
    let mut alone = Host::begin(&config(&[0], hedged()), true);
    assert_ne!(alone.limit(), Some(AFTER), "there is nobody else");
}

#[test]
fn sealed_reasoning_stays_with_its_backend() {
    let signed = |config: &Arc<Config>, detail: &str| {
        let body = format!(
            r#"{{"model": "{MODEL}", "stream": true, "max_tokens": 4096, "reasoning_effort": "high", "messages": [
                {{"role": "user", "content": "Weather?"}},
                {{"role": "assistant", "content": null, {detail}
                  "tool_calls": [{{"id": "t1", "type": "function", "function": {{"name": "w", "arguments": "{{}}"}}}}]}},
                {{"role": "tool", "tool_call_id": "t1", "content": "sun"}}],
              "tools": [{{"type": "function", "function": {{"name": "w", "parameters": {{"type": "object"}}}}}}]}}"#
        );
        let mut host = Host::begin_with(config, Arc::new(BackendHealth::new(2, Instant::now())), &body);
        let limit = host.limit().filter(|limit| *limit == AFTER);
        host.slow();
        (limit, host.calls[1])
    };
    let both = config(&[0, 1], hedged());
    let block = r#""thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmF0dXJl"}],"#;
    assert_eq!(signed(&both, ""), (Some(AFTER), Some(1)));
    assert_eq!(signed(&both, block), (None, None));
}

#[test]
fn lasting_slowness_is_not_answered_with_twice_as_many_calls() {
    let config = config(&[0, 1], hedged());
    let health = Arc::new(BackendHealth::new(2, Instant::now()));
    let second: usize = (0..1000)
        .filter(|_| {
            let mut host = Host::begin_with(&config, Arc::clone(&health), &streamed(&body()));
            host.slow();
            host.feed(CallId::Primary, Input::ClientGone);
            assert_eq!(host.record().hedges.abandoned, u32::try_from(host.made.len()).unwrap() - 1);
            host.made.len() == 2
        })
        .count();
    assert!((500..=600).contains(&second), "{second}");
}

#[test]
fn a_backend_that_is_overtaken_again_and_again_is_left_alone() {
    let config = config(&[0, 1], hedged());
    let health = Arc::new(BackendHealth::new(2, Instant::now()));
    let overtake = |winner: CallId| {
        let mut host = Host::begin_with(&config, Arc::clone(&health), &streamed(&body()));
        host.slow();
        host.head(winner, EVENTS);
        host.frames(winner, &[START, HELLO]);
        host.made[0].backend
    };
    for _ in 0..20 {
        assert_eq!(overtake(CallId::Primary), 0, "the one that comes too late was only not needed");
    }
    for _ in 0..5 {
        assert_eq!(overtake(CallId::Hedge), 0);
    }
    assert_eq!(overtake(CallId::Primary), 1);
    assert_eq!(health.availability(0, Instant::now()), Availability::Ejected);
    assert_eq!(health.availability(1, Instant::now()), Availability::Healthy);
}

#[test]
fn what_nobody_reports_is_estimated_apart() {
    let mut left = Host::begin(&config(&[0], Traffic::default()), true);
    left.head(CallId::Primary, EVENTS);
    left.frames(CallId::Primary, &[START]);
    (0..50).for_each(|_| left.frames(CallId::Primary, &[HELLO]));
    left.feed(CallId::Primary, Input::ClientGone);
    let record = left.record();
    let estimated = record.estimated.unwrap();
    assert!(record.tokens.is_none() && estimated.input > 0 && (10..200).contains(&estimated.output), "{estimated:?}");
    let mut lost = Host::begin(&config(&[0, 1], hedged()), true);
    lost.slow();
    lost.head(CallId::Primary, EVENTS);
    lost.frames(CallId::Primary, &[START, HELLO, STOP, USAGE]);
    lost.end(CallId::Primary);
    let record = lost.record();
    assert_eq!(record.tokens.unwrap().input, 1);
    assert!(record.estimated.is_some_and(|estimated| estimated.input > 0 && estimated.output == 0));
    let mut alone = Host::begin(&config(&[0], Traffic::default()), true);
    alone.head(CallId::Primary, EVENTS);
    alone.frames(CallId::Primary, &[START, HELLO, STOP, USAGE]);
    alone.end(CallId::Primary);
    assert_eq!(alone.record().estimated, None);
}

/// Things that can happen in each lane, and to the exchange.
const KINDS: usize = 15;

fn happen(host: &mut Host, event: usize) {
    let lane = if event < 7 { CallId::Primary } else { CallId::Hedge };
    // A host has nothing to say of a call that is not there.
    if event < 14 && host.calls[index(lane)].is_none() {
        return;
    }
    match event {
        0 | 7 => host.head(lane, EVENTS),
        1 | 8 => host.frames(lane, &[START, HELLO]),
        2 | 9 => host.frames(lane, &[STOP, USAGE]),
        3 | 10 => host.frames(lane, &[("throttlingException", r#"{"message":"slow down"}"#)]),
        4 | 11 => host.end(lane),
        5 | 12 => host.fail(lane),
        6 => host.slow(),
        13 => {
            host.under.quiet();
            host.drain();
        }
        _ => host.feed(CallId::Primary, Input::ClientGone),
    }
}

fn assert_one_record(config: &Arc<Config>, events: &[usize]) {
    let health = Arc::new(BackendHealth::new(config.backends.len(), Instant::now()));
    let mut host = Host::begin_on(config, health, TERMS, &streamed(&body()));
    host.slow();
    assert_eq!(host.calls, [Some(0), Some(1)]);
    // What is left has its chance to end well, and then the client leaves.
    for event in events.iter().copied().chain([0, 1, 2, 4, 14]) {
        happen(&mut host, event);
    }
    assert_eq!((host.records.len(), host.wrong), (1, None), "{events:?}");
    assert!(host.heads <= 1, "{events:?}");
    let second = host.made.iter().filter(|call| call.id == CallId::Hedge).count();
    assert_eq!(host.records[0].hedges.all() as usize, second, "{events:?}");
    assert_eq!(host.records[0].attempts.len(), host.made.len(), "{events:?}");
    assert_eq!(host.calls, [None, None]);
}

#[test]
fn every_order_of_events_of_two_calls_ends_in_one_record() {
    let config = config(&[0, 1], hedged());
    for order in 0..KINDS.pow(3) {
        let events = [1, KINDS, KINDS.pow(2)].map(|place| order / place % KINDS);
        assert_one_record(&config, &events);
    }
}

#[test]
fn so_does_every_longer_order() {
    let config = config(&[0, 1, 1], hedged());
    arbtest::arbtest(|given| {
        let events =
            (0..given.int_in_range(4..=16)?).map(|_| given.choose_index(KINDS)).collect::<Result<Vec<_>, _>>()?;
        assert_one_record(&config, &events);
        Ok(())
    })
    .budget_ms(1000);
}

//! Outages of one backend and of both, on a clock that only the test moves: how long clients wait, and when a backend that
//! is back is used again. `cargo test -p aquifer-gateway --test failover outages -- --nocapture` prints the table.

use crate::under::{body, config};
use aquifer_gateway::config::{Config, Traffic};
use aquifer_gateway::exchange::{Call, CallId, Exchange, HostLimits, HostTerms, Input, Output, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::Outcome;
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_testing::frames::frame;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a backend does while it is ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    Refuses,
    SilentBeforeTheHead,
    SilentAfterTheHead,
    SilentAfterTheFirstToken,
}

/// How long an answer takes.
const ANSWER: Duration = Duration::from_secs(1);
/// The route's `streamIdleTimeout`.
const IDLE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(100);

/// A call under way.
struct Under {
    backend: usize,
    begins: Instant,
    begun: bool,
    ill: bool,
}

/// A client's request.
struct Request {
    exchange: Exchange,
    asked: Instant,
    calls: [Option<Under>; 2],
    /// When it ended, by which backend, and whether well.
    ended: Option<(Instant, usize, bool)>,
}

/// Which backends are ill, how, and until when.
struct Outage {
    ill: Ill,
    of: usize,
    until: Instant,
}

impl Request {
    fn begin(config: &Arc<Config>, health: &Arc<BackendHealth>, now: Instant, outage: &Outage) -> Self {
        let limits = HostLimits { upstream_silence: IDLE, ..HostLimits::default() };
        let head = RequestHead {
            method: &Method::POST,
            path: "/v1/chat/completions",
            query: "",
            headers: &HeaderMap::new(),
            port: None,
            random: 7 << 64,
            unix_seconds: 1,
            now,
        };
        let mut exchange = Exchange::begin(
            Arc::clone(config),
            Arc::clone(health),
            HostTerms { limits, ..HostTerms::default() },
            &head,
        );
        exchange.handle(
            Input::Body {
                head: &head,
                bytes: Bytes::from(body().replacen('{', r#"{"stream": true, "#, 1)),
                turns: &Forgetful,
            },
            head.now,
        );
        let mut request = Self { exchange, asked: now, calls: [None, None], ended: None };
        request.step(now, outage);
        request
    }

    /// Does what is asked for until there is nothing more.
    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(call) => {
                    let at = usize::from(call.id == CallId::Hedge);
                    self.calls[at] = Some(Under::of(&call, now));
                }
                Output::Settled(lane) => {
                    let kept = self.calls[usize::from(lane == CallId::Hedge)].take();
                    self.calls = [kept, None];
                }
                Output::Cancel(id) => self.calls[usize::from(id == CallId::Hedge)] = None,
                Output::Done(record) => {
                    let backend = usize::from(record.backend == "default/backend-1");
                    self.ended = Some((now, backend, record.outcome == Outcome::Answered));
                }
                _ => {}
            }
        }
    }

    fn step(&mut self, now: Instant, outage: &Outage) {
        self.drain(now);
        for lane in [CallId::Primary, CallId::Hedge] {
            // A call that fails is followed by another one, which may fail at once too.
            while self.ended.is_none() && self.happens(lane, now, outage) {
                self.drain(now);
            }
        }
        while self.exchange.poll_timeout(now).is_some_and(|next| next <= now) {
            self.exchange.handle(Input::Timeout, now);
            self.drain(now);
        }
    }

    /// What happens to a call by now; whether anything did.
    fn happens(&mut self, lane: CallId, now: Instant, outage: &Outage) -> bool {
        let Some(call) = &mut self.calls[usize::from(lane == CallId::Hedge)] else { return false };
        let Some(waited) = now.checked_duration_since(call.begins) else { return false };
        let mut feed = |input: Input<'_>| self.exchange.handle_from(lane, input, now);
        let kind = HeaderValue::from_static("application/vnd.amazon.eventstream");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        let head = || Input::UpstreamHead { status: StatusCode::OK, headers: &headers };
        let start = frame("messageStart", r#"{"role":"assistant"}"#);
        let text = frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#);
        if !std::mem::replace(&mut call.begun, true) {
            call.ill = call.backend < outage.of && now < outage.until;
            match outage.ill {
                _ if !call.ill => return false,
                Ill::SilentBeforeTheHead => return false,
                Ill::Refuses => feed(Input::UpstreamFailed(Unreachable::Connect("refused".to_owned()))),
                Ill::SilentAfterTheHead => {
                    feed(head());
                    feed(Input::UpstreamBody(&start));
                }
                Ill::SilentAfterTheFirstToken => {
                    feed(head());
                    feed(Input::UpstreamBody(&[start, text].concat()));
                }
            }
            return true;
        }
        if !call.ill && waited >= ANSWER {
            feed(head());
            feed(Input::UpstreamBody(&[start, text, frame("messageStop", "{}")].concat()));
            feed(Input::UpstreamEnd);
            return true;
        }
        false
    }
}

impl Under {
    fn of(call: &Call, now: Instant) -> Self {
        Self { backend: call.backend, begins: now + call.after, begun: false, ill: false }
    }
}

/// What came of an outage.
#[derive(Debug)]
struct Came {
    /// Of the requests that began in it.
    asked: usize,
    whole: usize,
    longest: Duration,
    /// After its end, until a client's request was answered by whoever was ill.
    back: Duration,
}

fn came_of(ill: Ill, of: usize, lasts: Duration) -> Came {
    let begun = Instant::now();
    let (config, health) = (config(&[0, 1], Traffic::default()), Arc::new(BackendHealth::new(2, begun)));
    for backend in [0, 1] {
        (0..64).for_each(|_| health.began(backend, crate::under::MODEL, true, ANSWER));
    }
    let outage = Outage { ill, of, until: begun + lasts };
    let (mut under_way, mut ended) = (Vec::new(), Vec::new());
    let (mut now, mut back) = (begun, None);
    while back.is_none() || !under_way.is_empty() {
        if now < outage.until + Duration::from_secs(60) && (now - begun).subsec_millis().is_multiple_of(500) {
            under_way.push(Request::begin(&config, &health, now, &outage));
        }
        under_way.iter_mut().for_each(|request| request.step(now, &outage));
        let (over, rest): (Vec<Request>, _) = under_way.into_iter().partition(|request| request.ended.is_some());
        under_way = rest;
        let again = over.iter().any(|one| one.ended.is_some_and(|(_, backend, well)| well && backend < of));
        back = back.or_else(|| again.then(|| now.saturating_duration_since(outage.until)));
        ended.extend(over);
        now += STEP;
        assert!(now < outage.until + Duration::from_secs(600));
    }
    let within: Vec<_> = ended.iter().filter(|request| request.asked < outage.until).collect();
    let waited = within.iter().filter_map(|request| request.ended.map(|(at, ..)| at - request.asked));
    Came {
        asked: within.len(),
        whole: within.iter().filter(|request| request.ended.is_some_and(|(.., well)| well)).count(),
        longest: waited.max().unwrap_or_default(),
        back: back.unwrap_or_default(),
    }
}

#[test]
fn outages() {
    println!("| outage | of | seconds | requests in it | whole | longest answer, s | used again after, s |");
    println!("|---|---|---|---|---|---|---|");
    let kinds = [Ill::Refuses, Ill::SilentBeforeTheHead, Ill::SilentAfterTheHead, Ill::SilentAfterTheFirstToken];
    for ill in kinds {
        for of in [1, 2] {
            for seconds in [1, 10, 60, 600] {
                let came = came_of(ill, of, Duration::from_secs(seconds));
                let Came { asked, whole, longest, back } = came;
                let (longest, after) = (longest.as_secs_f64(), back.as_secs_f64());
                println!("| {ill:?} | {of} | {seconds} | {asked} | {whole} | {longest:.1} | {after:.1} |");
                assert!(back <= Duration::from_secs(5) + ANSWER, "{ill:?}, {of}, {seconds} s: {back:?}");
                if of == 1 && ill != Ill::SilentAfterTheFirstToken {
                    assert_eq!(whole, asked, "{ill:?}, {seconds} s");
                }
            }
        }
    }
}

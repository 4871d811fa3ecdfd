//! The place of an exchange in a distributed trace: ids read from, derived for and written to headers.
//!
//! ```text
//!  traceparent, X-Amzn-Trace-Id ──► TraceContext ──► span of the exchange ──► one span for each attempt
//!                                                                             (traceparent, X-Amzn-Trace-Id to it)
//! ```
//!
//! Nothing is drawn here: an exchange's randomness gives its span, and its trace where the client has none. The ids of
//! attempts are derived from the span of the exchange, so that whoever has the record knows them.

use http::HeaderMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::SystemTime;

/// The longest `tracestate` that is kept. Source: W3C Trace Context, 3.3.1.5.
const LONGEST_STATE: usize = 512;
/// The most members of a `tracestate`. Source: W3C Trace Context, 3.3.1.1.
const MOST_MEMBERS: usize = 32;
/// W3C's header of the caller's span.
const TRACEPARENT: &str = "traceparent";
/// W3C's header of what vendors add to it.
const TRACESTATE: &str = "tracestate";
/// AWS X-Ray's header, in the letters of Rust's header maps.
const X_AMZN_TRACE_ID: &str = "x-amzn-trace-id";

/// The trace of an exchange, with what HTTP says of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeTrace {
    /// Its place in the trace.
    pub context: TraceContext,
    /// The wall clock when the request's head arrived.
    pub began: SystemTime,
    /// The request's method.
    pub method: http::Method,
    /// The request's path as it came, of at most 256 bytes, without its query.
    pub path: String,
    /// The pattern of the path, such as `/model/{id}/converse`, where it is served.
    pub route: Option<&'static str>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The client's `user-agent`, of at most 256 bytes.
    pub user_agent: Option<String>,
    /// The hosts and ports of the backends of its attempts, in their order, where they are known.
    pub servers: Vec<Option<BackendAddress>>,
}

/// The host and port of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendAddress {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// The place of an exchange in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The id of the trace; never 0.
    pub trace_id: u128,
    /// The id of the exchange's span; never 0.
    pub span_id: u64,
    /// The caller's span in this trace.
    pub parent: Option<RemoteSpan>,
    /// The caller's span in another trace, where its trace is not gone on with.
    pub link: Option<RemoteSpan>,
    /// Whether the trace's spans are exported, as was decided when the request arrived.
    pub is_sampled: bool,
}

/// A span of a caller, as its headers name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteSpan {
    /// The id of its trace; never 0.
    pub trace_id: u128,
    /// Its id; never 0.
    pub span_id: u64,
    /// Whether its trace is sampled.
    pub is_sampled: bool,
    /// What vendors add to it (`tracestate`), of at most 512 bytes.
    pub state: String,
}

/// What a caller's trace context is to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceTrust {
    /// The exchange goes on with the caller's trace, and with its decision of sampling.
    Continue,
    /// The exchange begins a trace of its own, with a link to the caller's span.
    Link,
    /// The exchange begins a trace of its own.
    Ignore,
}

impl RemoteSpan {
    /// Reads `traceparent` and `tracestate`; `None` where there is no valid one.
    #[must_use]
    pub fn w3c(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let (parent, None) = (parents.next()?.to_str().ok()?, parents.next()) else { return None };
        let mut span = parse_traceparent(parent.trim())?;
        span.state = tracestate(headers);
        Some(span)
    }

    /// Reads X-Ray's `X-Amzn-Trace-Id`; `None` where it names no span, as that of a load balancer.
    #[must_use]
    pub fn x_ray(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(X_AMZN_TRACE_ID)?.to_str().ok()?;
        let mut span = Self::default();
        for part in value.split(';') {
            match part.trim().split_once('=')? {
                ("Root", root) => {
                    let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
                    span.trace_id = (u128::from(hex(time, 8)?) << 96) | hex_wide(unique, 24)?;
                }
                ("Parent", parent) => span.span_id = hex(parent, 16)?,
                ("Sampled", sampled) => span.is_sampled = sampled == "1",
                _ => {}
            }
        }
        (span.trace_id != 0 && span.span_id != 0).then_some(span)
    }
}

impl TraceContext {
    /// The context of an exchange with this randomness, whose caller is this one. A trace that begins here has the
    /// randomness as its id, which is the id of the exchange too; `sample` decides whether it is exported.
    #[must_use]
    pub fn begin(
        random: u128,
        caller: Option<RemoteSpan>,
        trust: TraceTrust,
        sample: impl FnOnce(u128, Option<bool>) -> bool,
    ) -> Self {
        let [low, high] = [random, random >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(1));
        let (parent, link) = match (caller, trust) {
            (Some(caller), TraceTrust::Continue) => (Some(caller), None),
            (Some(caller), TraceTrust::Link) => (None, Some(caller)),
            (Some(_), TraceTrust::Ignore) | (None, _) => (None, None),
        };
        let trace_id = parent.as_ref().map_or_else(|| random.max(1), |parent| parent.trace_id);
        let is_sampled = sample(trace_id, parent.as_ref().map(|parent| parent.is_sampled));
        Self { trace_id, span_id: mixed(low ^ high.rotate_left(32)), parent, link, is_sampled }
    }

    /// The id of the span of an attempt, which are counted from 0.
    #[must_use]
    pub fn attempt(&self, number: usize) -> u64 {
        let number = u64::try_from(number).unwrap_or(u64::MAX).wrapping_add(1);
        mixed(self.span_id.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The vendors' additions that go on with the trace.
    #[must_use]
    pub fn state(&self) -> &str {
        self.parent.as_ref().map_or("", |parent| &parent.state)
    }

    /// W3C's `traceparent` of an attempt.
    #[must_use]
    pub fn traceparent(&self, number: usize) -> String {
        let (trace, span) = (self.trace_id, self.attempt(number));
        format!("00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.is_sampled))
    }

    /// X-Ray's `X-Amzn-Trace-Id` of an attempt.
    #[must_use]
    pub fn x_ray(&self, number: usize) -> String {
        let trace = format!("{:032x}", self.trace_id);
        let (time, unique) = trace.split_at(8);
        let (span, sampled) = (self.attempt(number), u8::from(self.is_sampled));
        format!("Root=1-{time}-{unique};Parent={span:016x};Sampled={sampled}")
    }

    /// The trace's id in hexadecimal.
    #[must_use]
    pub fn trace_hex(&self) -> String {
        let mut text = String::with_capacity(32);
        // Writing to memory does not fail.
        let _ = write!(text, "{:032x}", self.trace_id);
        text
    }
}

/// A number whose bits all depend on all of the given one's, and which is not 0 (the finalizer of SplitMix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (number ^ (number >> 31)).max(1)
}

/// Reads a `traceparent`. Versions to come may have more behind the flags. Source: W3C Trace Context, 3.2.
fn parse_traceparent(text: &str) -> Option<RemoteSpan> {
    let mut parts = text.splitn(5, '-');
    let (version, trace, span, flags) =
        (hex(parts.next()?, 2)?, hex_wide(parts.next()?, 32)?, hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
    if version == 0xff || version == 0 && parts.next().is_some() || trace == 0 || span == 0 {
        return None;
    }
    Some(RemoteSpan { trace_id: trace, span_id: span, is_sampled: flags & 1 == 1, state: String::new() })
}

/// The members of `tracestate` that fit, in their order; those at the end are dropped first.
fn tracestate(headers: &HeaderMap) -> String {
    let mut kept = String::new();
    let values = headers.get_all(TRACESTATE).iter().filter_map(|value| value.to_str().ok());
    let members = values.flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty());
    for member in members.take(MOST_MEMBERS) {
        if kept.len() + 1 + member.len() > LONGEST_STATE {
            break;
        }
        if !kept.is_empty() {
            kept.push(',');
        }
        kept.push_str(member);
    }
    kept
}

/// Reads so many digits of lower-case hexadecimal.
fn hex_wide(text: &str, digits: usize) -> Option<u128> {
    let fits = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u128::from_str_radix(text, 16).ok().filter(|_| fits)
}

fn hex(text: &str, digits: usize) -> Option<u64> {
    u64::try_from(hex_wide(text, digits)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn traceparents_are_read_as_w3c_says() {
        let told =
            RemoteSpan::w3c(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, "a=1, b=2"), (TRACESTATE, "c=3")])).unwrap();
        assert_eq!((told.trace_id, told.span_id), (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0xb7ad_6b71_6920_3331));
        assert_eq!((told.is_sampled, told.state.as_str()), (true, "a=1,b=2,c=3"));
        for good in [&GOOD.replace("-01", "-00"), &GOOD.replace("-01", "-ff"), &GOOD.replacen("00-", "cc-", 1)] {
            assert!(RemoteSpan::w3c(&headers(&[(TRACEPARENT, good)])).is_some(), "{good}");
        }
        let more = format!("{}-what-will-be", GOOD.replacen("00-", "01-", 1));
        assert!(RemoteSpan::w3c(&headers(&[(TRACEPARENT, &more)])).is_some());
        for bad in [
            "",
            "00",
            &GOOD.replacen("00-", "ff-", 1),
            &format!("{GOOD}-more"),
            &GOOD.to_uppercase(),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            &GOOD.replace("b7ad", "b7a"),
            &GOOD.replace("b7ad", "+7ad"),
        ] {
            assert_eq!(RemoteSpan::w3c(&headers(&[(TRACEPARENT, bad)])), None, "{bad}");
        }
        assert_eq!(RemoteSpan::w3c(&headers(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)])), None);
    }

    #[test]
    fn vendors_states_are_bounded() {
        let many = (0..100).map(|number| format!("m{number}={}", "x".repeat(20))).collect::<Vec<_>>().join(",");
        let told = RemoteSpan::w3c(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, &many)])).unwrap().state;
        assert!(told.len() <= LONGEST_STATE && many.starts_with(&told) && told.ends_with('x'), "{told}");
        let short = (0..100).map(|number| format!("m{number}=1")).collect::<Vec<_>>().join(",");
        let told = RemoteSpan::w3c(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, &short)])).unwrap().state;
        assert_eq!(told.split(',').count(), MOST_MEMBERS);
    }

    #[test]
    fn x_rays_header_is_read_and_written_alike() {
        let value = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let caller = RemoteSpan::x_ray(&headers(&[(X_AMZN_TRACE_ID, value)])).unwrap();
        assert_eq!((caller.span_id, caller.is_sampled), (0x5399_5c3f_42cd_8ad8, true));
        let context = TraceContext::begin(7, Some(caller), TraceTrust::Continue, |_, parent| parent == Some(true));
        let told = context.x_ray(0);
        assert!(told.starts_with("Root=1-5759e988-bd862e3fe1be46a994272793;Parent="), "{told}");
        let again = RemoteSpan::x_ray(&headers(&[(X_AMZN_TRACE_ID, &told)])).unwrap();
        assert_eq!((again.trace_id, again.span_id), (context.trace_id, context.attempt(0)));
        for bad in ["", "Root=1-5759e988-bd862e3fe1be46a994272793", "Self=1-2-3", "Root=2-5759e988-b;Parent=1", "x"] {
            assert_eq!(RemoteSpan::x_ray(&headers(&[(X_AMZN_TRACE_ID, bad)])), None, "{bad}");
        }
    }

    #[test]
    fn a_caller_is_gone_on_with_linked_or_ignored() {
        let caller = || RemoteSpan::w3c(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, "a=1")]));
        let sample = |_: u128, parent: Option<bool>| parent.unwrap_or(false);
        let on = TraceContext::begin(42 << 64 | 7, caller(), TraceTrust::Continue, sample);
        assert_eq!((on.parent.clone(), on.link.clone(), on.is_sampled, on.state()), (caller(), None, true, "a=1"));
        let linked = TraceContext::begin(42 << 64 | 7, caller(), TraceTrust::Link, sample);
        assert_eq!((linked.parent.clone(), linked.link.clone(), linked.is_sampled), (None, caller(), false));
        assert_eq!((linked.trace_id, linked.state()), (42 << 64 | 7, ""));
        let ignored = TraceContext::begin(42 << 64 | 7, caller(), TraceTrust::Ignore, sample);
        assert_eq!((ignored.parent.clone(), ignored.link.clone()), (None, None));
        assert_eq!(on.span_id, ignored.span_id);
        let ids: std::collections::BTreeSet<_> =
            (0..100).map(|number| on.attempt(number)).chain([on.span_id]).collect();
        assert_eq!(ids.len(), 101);
        let parent = parse_traceparent(&on.traceparent(3)).unwrap();
        assert_eq!((parent.trace_id, parent.span_id, parent.is_sampled), (on.trace_id, on.attempt(3), true));
        assert!(linked.traceparent(0).ends_with("-00"));
    }

    #[test]
    fn no_id_is_nought() {
        let context = TraceContext::begin(0, None, TraceTrust::Continue, |_, _| true);
        assert!(context.trace_id != 0 && context.span_id != 0 && context.attempt(0) != 0);
        assert_eq!(context.trace_hex().len(), 32);
    }
}

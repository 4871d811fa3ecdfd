//! Requests at backends that a test lets fail, and what their clients are told.

use aquifer_gateway::config::{Backend, BackendKind, BackendRef, Config, OnClientGone, Route, Rule, Service, Traffic};
use aquifer_gateway::exchange::{
    Abilities, Call, CallId, DrainLimits, Exchange, HostLimits, HostTerms, Input, KeepAlive, Output, RequestHead,
};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::record::Record;
use aquifer_gateway::restore::Forgetful;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The model that everybody asks for.
pub(crate) const MODEL: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

/// Backends of Bedrock with these priorities, in one rule.
pub(crate) fn config(priorities: &[u32], traffic: Traffic) -> Arc<Config> {
    let bedrock = || BackendKind::bedrock(Service { region: Some("us-east-1".to_owned()), ..Service::default() });
    config_with(priorities.iter().map(|priority| (bedrock(), *priority)).collect(), traffic)
}

/// Backends of these kinds, in this order of priorities.
pub(crate) fn config_of(kinds: Vec<BackendKind>, traffic: Traffic) -> Arc<Config> {
    config_with(kinds.into_iter().zip(0..).collect(), traffic)
}

/// A service of OpenAI's dialect.
pub(crate) fn openai(prefix: &str) -> BackendKind {
    BackendKind::openai_chat(prefix, Service::default())
}

fn config_with(kinds: Vec<(BackendKind, u32)>, traffic: Traffic) -> Arc<Config> {
    let reference = |(backend, priority): (usize, u32)| BackendRef {
        backend,
        model_name_override: None,
        weight: 1,
        priority,
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    let backend = |(at, kind): (usize, BackendKind)| Backend::new(&format!("backend-{at}"), kind);
    let (kinds, priorities): (Vec<_>, Vec<_>) = kinds.into_iter().unzip();
    let rule = Rule {
        backends: priorities.into_iter().enumerate().map(reference).collect(),
        traffic: Arc::new(traffic),
        ..Rule::default()
    };
    let route = Route {
        namespace: "default".to_owned(),
        name: "route".to_owned(),
        parents: Vec::new(),
        hostnames: Vec::new(),
        rules: vec![rule],
        costs: Arc::default(),
        keys: None,
    };
    Arc::new(Config {
        backends: kinds.into_iter().enumerate().map(backend).collect(),
        routes: vec![route].into(),
        ..Config::default()
    })
}

/// After how much silence a client hears a keep-alive.
pub(crate) const QUIET: Duration = Duration::from_millis(1);
/// The limits of a host that is patient.
const PATIENT: HostLimits = HostLimits {
    max_body: 32 << 20,
    connect: Duration::from_secs(10),
    upstream_silence: Duration::from_secs(24 * 3600),
    first_byte: None,
    early_head: None,
    keep_alive: None,
    keep_alive_kind: KeepAlive::Comment,
    token_count_life: Duration::ZERO,
    on_client_gone: OnClientGone::Close,
    drain: DrainLimits { bytes: 1000, time: Duration::from_secs(60) },
};
const ABILITIES: Abilities = Abilities { retry: true, pause: true, hedge: true };
/// A host that waits, and says nothing.
pub(crate) const SILENT: HostTerms = HostTerms { limits: PATIENT, abilities: ABILITIES };
/// A host that tells its clients soon that their streams go on.
pub(crate) const TERMS: HostTerms =
    HostTerms { limits: HostLimits { keep_alive: Some(QUIET), ..PATIENT }, abilities: ABILITIES };

/// One exchange under way.
pub(crate) struct Under {
    pub(crate) exchange: Exchange,
    pub(crate) now: Instant,
    pub(crate) record: Option<Record>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) said: String,
}

impl Under {
    pub(crate) fn begin(config: &Arc<Config>, health: &Arc<BackendHealth>, now: Instant, body: &str) -> Self {
        Self::begin_with(config, health, now, body.as_bytes())
    }

    pub(crate) fn begin_with(config: &Arc<Config>, health: &Arc<BackendHealth>, now: Instant, body: &[u8]) -> Self {
        Self::begin_on(config, health, TERMS, now, body)
    }

    pub(crate) fn begin_on(
        config: &Arc<Config>,
        health: &Arc<BackendHealth>,
        terms: HostTerms,
        now: Instant,
        body: &[u8],
    ) -> Self {
        Self::begin_at("/v1/chat/completions", config, health, terms, now, body)
    }

    pub(crate) fn begin_at(
        path: &str,
        config: &Arc<Config>,
        health: &Arc<BackendHealth>,
        terms: HostTerms,
        now: Instant,
        body: &[u8],
    ) -> Self {
        let head = RequestHead {
            method: &Method::POST,
            path,
            query: "",
            headers: &HeaderMap::new(),
            port: None,
            random: 7 << 64,
            unix_seconds: 1,
            now,
        };
        let mut exchange = Exchange::begin(Arc::clone(config), Arc::clone(health), terms, &head);
        exchange.handle(Input::Body { head: &head, bytes: Bytes::copy_from_slice(body), turns: &Forgetful }, head.now);
        Self { exchange, now, record: None, status: None, headers: HeaderMap::new(), said: String::new() }
    }

    /// The next call, if there is one; what the client is told is noted.
    pub(crate) fn call(&mut self) -> Option<Call> {
        let mut call = None;
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Call(made) => call = Some(*made),
                Output::Head { status, headers, .. } => (self.status, self.headers) = (Some(status), headers),
                Output::Body(bytes) => self.said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::Done(record) => self.record = Some(*record),
                _ => {}
            }
        }
        call
    }

    /// The limit that a call reaches first, if nothing happens: at a host of [`SILENT`].
    pub(crate) fn limit(&mut self) -> Option<Duration> {
        let limit = self.exchange.poll_timeout(self.now).map(|next| next - self.now);
        limit.filter(|limit| *limit != PATIENT.upstream_silence)
    }

    /// So much time goes by, and nothing happens.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.exchange.poll_timeout(self.now);
        self.now += time;
        self.exchange.handle(Input::Timeout, self.now);
    }

    /// Whether another backend is asked too after two seconds.
    pub(crate) fn hedges(&mut self) -> bool {
        self.pass(Duration::from_secs(2));
        self.call().is_some_and(|call| call.id == CallId::Hedge)
    }

    /// The client hears nothing for so long that it is told that its stream goes on.
    pub(crate) fn quiet(&mut self) {
        self.pass(QUIET);
    }

    pub(crate) fn refuse(
        &mut self,
        status: u16,
        exception: &'static str,
        message: &str,
        retry_after: Option<&'static str>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(exception));
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", HeaderValue::from_static(seconds));
        }
        let status = StatusCode::from_u16(status).unwrap();
        self.exchange.handle(Input::UpstreamHead { status, headers: &headers }, self.now);
        let body = format!(r#"{{"message":"{message}"}}"#);
        self.exchange.handle(Input::UpstreamBody(body.as_bytes()), self.now);
        self.exchange.handle(Input::UpstreamEnd, self.now);
    }

    pub(crate) fn throttle(&mut self) {
        self.refuse(429, "ThrottlingException", "Too many requests, please wait before trying again.", None);
    }

    pub(crate) fn fail(&mut self) {
        self.exchange.handle(Input::UpstreamFailed(Unreachable::Connect("refused".to_owned())), self.now);
    }

    pub(crate) fn unwell(&mut self) {
        self.refuse(503, "ServiceUnavailableException", "unwell", None);
    }

    pub(crate) fn time_out(&mut self) {
        self.exchange.handle(Input::UpstreamFailed(Unreachable::Timeout("nothing came".to_owned())), self.now);
    }

    pub(crate) fn busy(&mut self) {
        self.exchange.handle(Input::UpstreamFailed(Unreachable::Busy("1 is under way".to_owned())), self.now);
    }

    pub(crate) fn cannot(&mut self) {
        self.exchange.handle(Input::UpstreamFailed(Unreachable::Ours("no URL".to_owned())), self.now);
    }

    pub(crate) fn answer(&mut self) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        self.exchange.handle(Input::UpstreamHead { status: StatusCode::OK, headers: &headers }, self.now);
        let body = br#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn",
            "usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;
        self.exchange.handle(Input::UpstreamBody(body), self.now);
        self.exchange.handle(Input::UpstreamEnd, self.now);
    }
}

pub(crate) fn body() -> String {
    format!(r#"{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello?"}}]}}"#)
}

/// Begins with these backends, of which nothing is known.
pub(crate) fn fresh(priorities: &[u32], traffic: Traffic) -> Under {
    let now = Instant::now();
    let health = Arc::new(BackendHealth::new(priorities.len(), now));
    Under::begin(&config(priorities, traffic), &health, now, &body())
}

/// The backends that are called when every call fails so.
pub(crate) fn called(under: &mut Under, fail: impl Fn(&mut Under)) -> Vec<usize> {
    let mut backends = Vec::new();
    while let Some(call) = under.call() {
        backends.push(call.backend);
        assert!(backends.len() < 20);
        fail(under);
    }
    backends
}

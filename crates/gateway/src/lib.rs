//! Decides what happens to one request: where it goes, what is said when it fails, what is recorded.
//!
//! This crate opens no socket, reads no clock and draws no random number: bytes, time, identifiers and
//! configuration are arguments, so that one core serves any host and a test can try any order of events.
//!
//! # What a host does
//!
//! A host owns the sockets. It does everything that an [`Exchange`](exchange::Exchange) wants, then tells it the next thing
//! that happened, until the exchange is over:
//!
//! ```
//! use aquifer_gateway::config::{Source, load};
//! use aquifer_gateway::exchange::{Exchange, HostTerms, Input, Output, RequestHead};
//! use aquifer_gateway::health::BackendHealth;
//! use aquifer_gateway::restore::Forgetful;
//! use http::{HeaderMap, Method, StatusCode};
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! let text = "{apiVersion: aigateway.envoyproxy.io/v1beta1, kind: AIServiceBackend, metadata: {name: nova}, spec: \
//!     {provider: awsbedrock, config: {model: amazon.nova-lite-v1:0, region: us-east-1}}}";
//! let source = Source { name: "gateway.yaml".to_owned(), text: text.to_owned() };
//! let no_file = |_: &str| Err(std::io::ErrorKind::NotFound.into());
//! let config = Arc::new(load(&[source], &|_| None, &no_file).expect("a configuration"));
//! let body = r#"{"model": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": "What is an aquifer?"}]}"#;
//!
//! // A request came. Clocks and randomness are the host's.
//! let now = Instant::now();
//! let request = RequestHead {
//!     method: &Method::POST,
//!     path: "/v1/chat/completions", query: "",
//!     headers: &HeaderMap::new(),
//!     port: None,
//!     random: 42,
//!     unix_seconds: 1_795_000_000,
//!     now,
//! };
//! let health = Arc::new(BackendHealth::new(config.backends.len(), now));
//! let mut exchange = Exchange::begin(Arc::clone(&config), health, HostTerms::default(), &request);
//! let answer = br#"{"output": {"message": {"role": "assistant", "content": [{"text": "Groundwater."}]}},
//!     "stopReason": "end_turn", "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12}}"#;
//! let head = HeaderMap::new();
//! // What happens next: here a backend that answers at once.
//! let mut happens = vec![
//!     Input::UpstreamEnd,
//!     Input::UpstreamBody(answer),
//!     Input::UpstreamHead { status: StatusCode::OK, headers: &head },
//!     Input::Body { head: &request, bytes: body.into(), turns: &Forgetful },
//! ];
//! let mut told = Vec::new();
//! let record = 'over: loop {
//!     // 1. Everything that the exchange wants.
//!     while let Some(output) = exchange.poll() {
//!         match output {
//!             Output::ReadBody { limit } => assert!(body.len() <= limit),
//!             Output::Call(call) => assert_eq!(call.path, "/model/amazon.nova-lite-v1%3A0/converse"),
//!             Output::Head { status, .. } => assert_eq!(status, StatusCode::OK),
//!             Output::Body(bytes) => told.extend_from_slice(&bytes),
//!             Output::Done(record) => break 'over record,
//!             // A store to ask, a turn to remember, a line for the log: a host that has none of them goes on.
//!             _ => {}
//!         }
//!     }
//!     // 2. One timer. This backend answers before it runs out.
//!     let _timer = exchange.poll_timeout(Instant::now());
//!     // 3. One event, and when it happened.
//!     exchange.handle(happens.pop().expect("an exchange that is not over"), Instant::now());
//! };
//! assert!(String::from_utf8(told).expect("JSON").contains("Groundwater."));
//! assert_eq!(record.tokens.expect("usage").output, 3);
//! ```

#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm, clippy::indexing_slicing))]

pub mod auth;
mod beginning;
pub mod config;
pub mod cost;
pub mod exchange;
pub mod health;
pub mod ingress;
mod key_ring;
mod lessons;
pub mod mutation;
mod pace;
pub mod record;
pub mod request_cost;
pub mod restore;
pub mod route;
pub mod seal_keys;
pub mod secret;
mod token_counts;

pub use aquifer_translate as translate;

//! The clients' side: connections are accepted and kept within limits, requests read and checked, answers written.

pub(crate) mod admission;
pub(crate) mod api_keys;
pub(crate) mod authority;
pub(crate) mod body_memory;
mod coalesce;
pub(crate) mod connection;
pub(crate) mod connection_limit;
pub(crate) mod cors;
mod driver;
pub(crate) mod failed_attempts;
pub(crate) mod front_page;
mod graceful;
pub(crate) mod http;
pub(crate) mod listen;
mod offload;
pub(crate) mod seal_keys;
mod stream_executor;

//! What the API answers as JSON, from the state of the host: shapes and units are those of docs/admin.md.

pub(super) mod backends;
pub(super) mod catalogue;
pub(super) mod config;
pub(super) mod exchange;
mod numbers;
pub(super) mod open_api;
pub(super) mod routes;
pub(super) mod series;
pub(super) mod summary;

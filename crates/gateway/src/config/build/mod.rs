//! From resources to a configuration: references are followed.

pub(in crate::config) mod assemble;
pub(in crate::config) mod backends;
pub(in crate::config) mod client_fields;
pub(in crate::config) mod environment;
pub(in crate::config) mod mutations;
pub(in crate::config) mod policies;
pub(in crate::config) mod routes;
pub(in crate::config) mod secrets;
pub(in crate::config) mod security_policies;
pub(in crate::config) mod servable;
pub(in crate::config) mod traffic_policies;

//! Whether a resource is what its schema and its rules say.

pub(in crate::config) mod checker;
pub(in crate::config) mod forms;
pub(in crate::config) mod policy_rules;
pub(in crate::config) mod rules;
pub(in crate::config) mod shape;
pub(in crate::config) mod traffic_rules;

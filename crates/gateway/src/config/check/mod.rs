//! The checks of resources against their schemas and rules.

pub(in crate::config) mod checker;
pub(in crate::config) mod forms;
pub(in crate::config) mod policy_rules;
pub(in crate::config) mod rules;
pub(in crate::config) mod shape;
pub(in crate::config) mod traffic_rules;

//! From the text of files to nodes, each with its place.

pub(in crate::config) mod deserialize;
pub(in crate::config) mod json;
pub(in crate::config) mod mistake;
pub(in crate::config) mod references;
pub(in crate::config) mod substitute;
pub(in crate::config) mod suggest;
pub(in crate::config) mod yaml;

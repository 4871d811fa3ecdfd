//! AWS: credentials, signatures, the endpoints of regions, inference profiles.

pub(crate) mod credentials;
pub(crate) mod endpoint;
pub(crate) mod profiles;
pub(crate) mod sign;

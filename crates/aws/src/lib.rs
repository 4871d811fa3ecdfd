//! What calls to Bedrock need of AWS: credentials, the endpoints of regions, and the models behind inference profiles.
//!
//! [`Signer`] is the source of one backend's credentials and region: AWS's own chain, a credentials file, or an API key;
//! fetched lazily, cached, refreshed before they expire. [`sign()`] signs with them, [`Endpoint`] says where to call, and
//! [`Profiles`] looks up application inference profiles.
//!
//! What it does not do:
//! - It makes no call to Bedrock and owns no connection to it: a host does, and hands in what the control plane answered.
//!   Only AWS's credential chain has a client of its own.
//! - It decides nothing about a request.
//!
//! It needs tokio: AWS's library fetches credentials on it.

mod clock;
mod credentials;
mod endpoint;
mod environment;
mod profiles;
mod sign;

pub use credentials::{AUTH, Authorization, CredentialChains, CredentialOrigin, Signer};
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use profiles::{ConfiguredModel, ControlAnswer, Profiles, configured_models};
pub use sign::sign;

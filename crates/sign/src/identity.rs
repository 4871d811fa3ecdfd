//! Credentials to sign with, and the signing key that they make for a day.

use aquifer_gateway::secret::Secret;
use arc_swap::ArcSwapOption;
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use std::sync::Arc;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// The region and service that a signature is valid for.
#[derive(Clone, Copy, Debug)]
pub struct SigningScope<'a> {
    /// The region of the endpoint, such as `us-east-1`.
    pub region: &'a str,
    /// The service's signing name: `bedrock` for Converse.
    pub service: &'a str,
}

/// AWS credentials. Their `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct SigningCredentials {
    /// The access key id, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
    /// When they expire. `None`: never, as far as their provider knows.
    pub expiry: Option<SystemTime>,
    /// The name of the provider that gave them, for logs.
    pub provider: String,
}

/// Credentials with the signing key that was derived from them last, which holds for one day, region and service.
pub struct SigningIdentity {
    credentials: SigningCredentials,
    key: ArcSwapOption<DayKey>,
}

/// A signing key: the result of SigV4's key derivation for one day, region and service.
pub(crate) struct DayKey {
    /// `20261122`
    day: String,
    region: String,
    service: String,
    pub(crate) key: Key,
}

impl SigningIdentity {
    /// An identity that signs with these credentials; no key is derived before the first signature.
    #[must_use]
    pub fn new(credentials: SigningCredentials) -> Self {
        Self { credentials, key: ArcSwapOption::empty() }
    }

    /// The credentials that it signs with.
    #[must_use]
    pub fn credentials(&self) -> &SigningCredentials {
        &self.credentials
    }

    /// The signing key of a day (`20261122`), derived anew when the last one was for another day, region or service.
    pub(crate) fn key(&self, scope: SigningScope<'_>, day: &str) -> Arc<DayKey> {
        if let Some(key) = self.key.load().as_ref().filter(|key| key.is_for(scope, day)) {
            return Arc::clone(key);
        }
        let key = Arc::new(DayKey {
            day: day.to_owned(),
            region: scope.region.to_owned(),
            service: scope.service.to_owned(),
            key: derive(&self.credentials.secret_access_key, scope, day),
        });
        self.key.store(Some(Arc::clone(&key)));
        key
    }
}

impl DayKey {
    fn is_for(&self, scope: SigningScope<'_>, day: &str) -> bool {
        self.day == day && self.region == scope.region && self.service == scope.service
    }
}

/// SigV4's key derivation: an HMAC for each part of the scope, keyed with the one before. Source: AWS, "Create a signed AWS
/// API request", step 3.
fn derive(secret: &Secret, scope: SigningScope<'_>, day: &str) -> Key {
    let first = Zeroizing::new(["AWS4", secret.expose()].concat());
    let mut key = Key::new(HMAC_SHA256, first.as_bytes());
    for part in [day, scope.region, scope.service, "aws4_request"] {
        key = Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: SigningScope<'_> = SigningScope { region: "eu-central-1", service: "bedrock" };

    fn identity() -> SigningIdentity {
        SigningIdentity::new(SigningCredentials {
            access_key_id: "AKID".to_owned(),
            secret_access_key: Secret::new("hunter2".to_owned()),
            session_token: Some(Secret::new("hunter2".to_owned())),
            expiry: None,
            provider: "test".to_owned(),
        })
    }

    #[test]
    fn the_key_of_another_day_or_region_is_another() {
        let identity = identity();
        let key = |scope, day| hmac::sign(&identity.key(scope, day).key, b"text").as_ref().to_vec();
        let first = key(SCOPE, "19700101");
        assert_eq!(key(SCOPE, "19700101"), first);
        assert_ne!(key(SCOPE, "19700102"), first);
        assert_ne!(key(SigningScope { region: "us-east-1", ..SCOPE }, "19700101"), first);
        assert_ne!(key(SigningScope { service: "s3", ..SCOPE }, "19700101"), first);
        assert_eq!(key(SCOPE, "19700101"), first);
    }

    #[test]
    fn no_secret_is_printed() {
        let printed = format!("{:?}", identity().credentials());
        assert!(printed.contains("AKID") && !printed.contains("hunter2"), "{printed}");
    }
}

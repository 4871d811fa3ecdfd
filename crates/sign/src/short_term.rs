//! Short-term Bedrock API keys, derived from AWS credentials without a call: with one of them no body is hashed.
//!
//! A key is the address of a presigned request, in base64, as AWS's own token generator makes it (Amazon Bedrock, "Generate
//! Amazon Bedrock API keys"). It is good for one region, for 12 hours at most, and never longer than its credentials.

use crate::identity::{SigningIdentity, SigningScope};
use crate::sigv4::{ALGORITHM, Stamp, hash};
use aquifer_gateway::secret::Secret;
use aquifer_gateway::translate::wire::uri;
use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The longest life of a key.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
const HOST: &str = "bedrock.amazonaws.com";
const ACTION: &str = "Action=CallWithBearerToken";

/// The cached short-term API key of one backend, derived anew once half of its lifetime is over.
#[derive(Default)]
pub struct ShortTermKeys(ArcSwapOption<Kept>);

struct Kept {
    /// The identity that it was derived from.
    identity: Arc<SigningIdentity>,
    key: Arc<Secret>,
    from: SystemTime,
    renewed: SystemTime,
}

impl ShortTermKeys {
    /// The short-term key of these credentials for a region: the one kept, or a new one.
    ///
    /// # Errors
    /// No key can be derived at this time.
    pub fn of(&self, identity: &Arc<SigningIdentity>, region: &str, time: SystemTime) -> Result<Arc<Secret>, String> {
        if let Some(kept) = self.0.load().as_ref().filter(|kept| kept.is_of(identity, time)) {
            return Ok(Arc::clone(&kept.key));
        }
        let expiry = identity.credentials().expiry;
        let left = expiry.map_or(LONGEST, |expiry| expiry.duration_since(time).unwrap_or_default()).min(LONGEST);
        let key = Arc::new(derive(identity, region, time, left)?);
        let renewed = time + left / 2;
        let kept = Kept { identity: Arc::clone(identity), key: Arc::clone(&key), from: time, renewed };
        self.0.store(Some(Arc::new(kept)));
        Ok(key)
    }

    /// Forgets the key, because Bedrock refuses it: the next call gets a new one.
    pub fn forget(&self) {
        self.0.store(None);
    }
}

impl Kept {
    fn is_of(&self, identity: &Arc<SigningIdentity>, time: SystemTime) -> bool {
        Arc::ptr_eq(&self.identity, identity) && (self.from..self.renewed).contains(&time)
    }
}

/// Presigns the request that a key stands for: `POST https://bedrock.amazonaws.com/?Action=CallWithBearerToken` without a
/// body.
fn derive(identity: &SigningIdentity, region: &str, time: SystemTime, life: Duration) -> Result<Secret, String> {
    let scope = SigningScope { region, service: "bedrock" };
    let stamp = Stamp::new(time, scope).ok_or("the clock is set to a year that no signature can name")?;
    let credentials = identity.credentials();
    let credential = [credentials.access_key_id.as_str(), "/", &stamp.within].concat();
    let expires = life.as_secs().max(1).to_string();
    let dated = [
        parameter("Algorithm", ALGORITHM),
        parameter("Credential", &credential),
        parameter("Date", &stamp.time),
        parameter("Expires", &expires),
    ]
    .concat();
    let token = credentials.session_token.as_ref().map(|token| parameter("Security-Token", token.expose()));
    let token = Zeroizing::new(token.unwrap_or_default());
    let signed = parameter("SignedHeaders", "host");
    // The canonical query is in alphabetical order; the key has the token behind the rest, as AWS's generator has it.
    let query = Zeroizing::new([ACTION, &dated, &token, &signed].concat());
    let mut canonical = Zeroizing::new(["POST\n/\n", &query, "\nhost:", HOST, "\n\nhost\n"].concat());
    hash(b"", &mut canonical);
    let signature = parameter("Signature", &stamp.signature(identity, scope, &canonical));
    let presigned = Zeroizing::new([HOST, "/?", ACTION, &dated, &signed, &token, &signature, "&Version=1"].concat());
    let encoded = Zeroizing::new(STANDARD.encode(presigned.as_bytes()));
    Ok(Secret::new(format!("bedrock-api-key-{}", *encoded)))
}

/// `&X-Amz-NAME=VALUE`, encoded for a query.
fn parameter(name: &str, value: &str) -> String {
    format!("&X-Amz-{name}={}", uri::segment(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SigningCredentials;
    use std::time::UNIX_EPOCH;

    /// 2026-11-28 20:45:00 UTC.
    const NOW: u64 = 1_795_898_700;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn identity(token: Option<&str>, expiry: Option<u64>) -> Arc<SigningIdentity> {
        Arc::new(SigningIdentity::new(SigningCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: token.map(|token| Secret::new(token.to_owned())),
            expiry: expiry.map(at),
            provider: "test".to_owned(),
        }))
    }

    fn presigned(key: &Secret) -> String {
        let encoded = key.expose().strip_prefix("bedrock-api-key-").unwrap();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    /// What version 1.1.0 of AWS's `aws-bedrock-token-generator` makes of the same credentials at the same time.
    #[test]
    fn keys_are_those_of_awss_own_generator() {
        let begin = "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
            AKIDEXAMPLE%2F20261128%2Fus-east-1%2Fbedrock%2Faws4_request&X-Amz-Date=20261128T204500Z&X-Amz-Expires=43200\
            &X-Amz-SignedHeaders=host";
        for (token, rest) in [
            (None, "&X-Amz-Signature=aa406c25f4c6585b94dbea5bd861ed75b9e505edde72b87d311dc9276e3cb087&Version=1"),
            (
                Some("session/token+with=signs"),
                "&X-Amz-Security-Token=session%2Ftoken%2Bwith%3Dsigns\
                 &X-Amz-Signature=79cfdb55a94de00704e04539ce45d7ceb9d2a2cce48265ad89e4e16463f9dc60&Version=1",
            ),
        ] {
            let key = ShortTermKeys::default().of(&identity(token, None), "us-east-1", at(NOW)).unwrap();
            assert_eq!(presigned(&key), format!("{begin}{rest}"));
        }
    }

    #[test]
    fn a_key_is_kept_for_half_its_life_and_lives_no_longer_than_its_credentials() {
        let (keys, mine) = (ShortTermKeys::default(), identity(None, Some(NOW + 1000)));
        let key = |seconds: u64, identity: &Arc<SigningIdentity>| keys.of(identity, "us-east-1", at(seconds)).unwrap();
        let first = key(NOW, &mine);
        assert!(presigned(&first).contains("&X-Amz-Expires=1000&"));
        assert!(Arc::ptr_eq(&first, &key(NOW + 499, &mine)));
        let second = key(NOW + 500, &mine);
        assert!(presigned(&second).contains("&X-Amz-Expires=500&"));
        assert!(!Arc::ptr_eq(&second, &key(NOW + 500, &identity(None, None))), "other credentials have another");
        let third = key(NOW + 501, &mine);
        assert!(!Arc::ptr_eq(&third, &key(NOW, &mine)), "a clock that was put back makes a new one");
        keys.forget();
        assert!(!Arc::ptr_eq(&third, &key(NOW + 501, &mine)));
    }
}

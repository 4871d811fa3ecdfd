//! Short-term Bedrock API keys, derived from AWS credentials without a call: with one of them no body is hashed.
//!
//! A key is the address of a presigned request, in base64, as AWS's own token generator makes it (Amazon Bedrock, "Generate
//! Amazon Bedrock API keys"). It is good for one region, for 12 hours at most, and never longer than its credentials.

use super::{Scope, SigningIdentity};
use aquifer_gateway::secret::Secret;
use aquifer_gateway::translate::wire::uri;
use arc_swap::ArcSwapOption;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The longest life of a key.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
const HOST: &str = "bedrock.amazonaws.com";
const ACTION: &str = "Action=CallWithBearerToken";

/// The key of one backend, made anew before half of its life is over.
#[derive(Default)]
pub(crate) struct ShortTermKeys(ArcSwapOption<Kept>);

struct Kept {
    /// Whose it is.
    signatory: Arc<SigningIdentity>,
    key: Arc<Secret>,
    from: SystemTime,
    renewed: SystemTime,
}

impl ShortTermKeys {
    /// The key of these credentials.
    ///
    /// # Errors
    /// None can be made.
    pub(crate) fn of(
        &self,
        signatory: &Arc<SigningIdentity>,
        region: &str,
        time: SystemTime,
    ) -> Result<Arc<Secret>, String> {
        let fits =
            |kept: &&Arc<Kept>| Arc::ptr_eq(&kept.signatory, signatory) && (kept.from..kept.renewed).contains(&time);
        if let Some(kept) = self.0.load().as_ref().filter(fits) {
            return Ok(Arc::clone(&kept.key));
        }
        let expiry = signatory.credentials().expiry();
        let left = expiry.map_or(LONGEST, |expiry| expiry.duration_since(time).unwrap_or_default()).min(LONGEST);
        let key = Arc::new(derived(signatory, Scope { region, service: "bedrock" }, time, left)?);
        let renewed = time + left / 2;
        let kept = Kept { signatory: Arc::clone(signatory), key: Arc::clone(&key), from: time, renewed };
        self.0.store(Some(Arc::new(kept)));
        Ok(key)
    }

    /// Bedrock refuses the key: the next call has another one.
    pub(crate) fn forget(&self) {
        self.0.store(None);
    }
}

fn derived(signatory: &SigningIdentity, scope: Scope<'_>, time: SystemTime, life: Duration) -> Result<Secret, String> {
    let identity = Identity::from(signatory.credentials().clone());
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(life.as_secs().max(1)));
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let address = format!("https://{HOST}/?{ACTION}");
    let headers = [("host", HOST)].into_iter();
    let signable = SignableRequest::new("POST", address, headers, SignableBody::Bytes(b""));
    let (instructions, _) =
        sign(signable.map_err(|error| error.to_string())?, &params).map_err(|error| error.to_string())?.into_parts();
    let mut presigned = Zeroizing::new(format!("{HOST}/?{ACTION}"));
    // The signature last, as AWS's generator has it.
    let mut parameters = instructions.params().to_vec();
    parameters.sort_by_key(|(name, _)| *name == "X-Amz-Signature");
    for (name, value) in &parameters {
        let _ = write!(presigned, "&{name}={}", uri::segment(value));
    }
    presigned.push_str("&Version=1");
    let encoded = Zeroizing::new(STANDARD.encode(presigned.as_bytes()));
    Ok(Secret::new(format!("bedrock-api-key-{}", *encoded)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use std::time::UNIX_EPOCH;

    /// 2026-11-28 20:45:00 UTC.
    const NOW: u64 = 1_795_898_700;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn signatory(token: Option<&str>, expiry: Option<u64>) -> Arc<SigningIdentity> {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let token = token.map(str::to_owned);
        Arc::new(SigningIdentity::new(Credentials::new("AKIDEXAMPLE", secret, token, expiry.map(at), "test")))
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
            let key = ShortTermKeys::default().of(&signatory(token, None), "us-east-1", at(NOW)).unwrap();
            assert_eq!(presigned(&key), format!("{begin}{rest}"));
        }
    }

    #[test]
    fn a_key_is_kept_for_half_its_life_and_lives_no_longer_than_its_credentials() {
        let (keys, mine) = (ShortTermKeys::default(), signatory(None, Some(NOW + 1000)));
        let key =
            |seconds: u64, signatory: &Arc<SigningIdentity>| keys.of(signatory, "us-east-1", at(seconds)).unwrap();
        let first = key(NOW, &mine);
        assert!(presigned(&first).contains("&X-Amz-Expires=1000&"));
        assert!(Arc::ptr_eq(&first, &key(NOW + 499, &mine)));
        let second = key(NOW + 500, &mine);
        assert!(presigned(&second).contains("&X-Amz-Expires=500&"));
        assert!(!Arc::ptr_eq(&second, &key(NOW + 500, &signatory(None, None))), "other credentials have another");
        let third = key(NOW + 501, &mine);
        assert!(!Arc::ptr_eq(&third, &key(NOW, &mine)), "a clock that was put back makes a new one");
        keys.forget();
        assert!(!Arc::ptr_eq(&third, &key(NOW + 501, &mine)));
    }
}

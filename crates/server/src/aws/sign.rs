//! Signature Version 4 over one request, or a bearer key in its place.

mod fast;
mod short_term;

pub(crate) use short_term::ShortTermKeys;

use arc_swap::ArcSwapOption;
use aws_credential_types::Credentials;
use aws_lc_rs::hmac;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use std::sync::Arc;
use std::time::SystemTime;

/// What a signature is valid for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The region of the endpoint.
    pub(crate) region: &'a str,
    /// The service's name: `bedrock` for Converse.
    pub(crate) service: &'a str,
}

/// Credentials, with the key that they make for a day, a region and a service.
pub(crate) struct SigningIdentity {
    credentials: Credentials,
    key: ArcSwapOption<DayKey>,
}

/// A key that signs for one day, in one region and for one service.
struct DayKey {
    /// `20261122`
    day: String,
    region: String,
    service: String,
    key: hmac::Key,
}

impl SigningIdentity {
    /// Signs with these.
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, key: ArcSwapOption::empty() }
    }

    /// What it signs with.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The key of a day, made when another one was asked for before.
    fn key(&self, scope: Scope<'_>, day: &str, time: SystemTime) -> Arc<DayKey> {
        let fits = |key: &&Arc<DayKey>| key.day == day && key.region == scope.region && key.service == scope.service;
        if let Some(key) = self.key.load().as_ref().filter(fits) {
            return Arc::clone(key);
        }
        let secret = self.credentials.secret_access_key();
        let key = v4::generate_signing_key(secret, time, scope.region, scope.service);
        let key = Arc::new(DayKey {
            day: day.to_owned(),
            region: scope.region.to_owned(),
            service: scope.service.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()),
        });
        self.key.store(Some(Arc::clone(&key)));
        key
    }
}

/// Adds `x-amz-date`, `x-amz-security-token` and `authorization`. Every header that the request has is signed.
///
/// The request's path is percent-encoded once already; the canonical path encodes it a second time.
///
/// # Errors
/// A header or the URI cannot be signed.
pub(crate) fn sign_request(
    request: &mut Request<Bytes>,
    signatory: &SigningIdentity,
    scope: Scope<'_>,
    time: SystemTime,
) -> Result<(), String> {
    match fast::sign(request, signatory, scope, time) {
        Some(()) => Ok(()),
        None => sign_with_aws(request, signatory.credentials.clone(), scope, time),
    }
}

/// Signs a request of any shape.
fn sign_with_aws(
    request: &mut Request<Bytes>,
    credentials: Credentials,
    scope: Scope<'_>,
    time: SystemTime,
) -> Result<(), String> {
    let identity = Identity::from(credentials);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let mut headers = Vec::with_capacity(request.headers().len());
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(|_| format!("the header {name} is not ASCII"))?;
        headers.push((name.as_str(), value));
    }
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers.into_iter(),
        SignableBody::Bytes(request.body()),
    )
    .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

/// Adds the Bedrock API key.
///
/// # Errors
/// The key holds characters that no header may hold.
pub(crate) fn bearer(request: &mut Request<Bytes>, key: &str) -> Result<(), String> {
    // A header may hold other bytes, but no program has to take them for a key.
    let value = if key.is_ascii() { HeaderValue::from_str(&format!("Bearer {key}")).ok() } else { None };
    let mut value = value.ok_or("the Bedrock API key holds characters that no header may hold")?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::path::PathBuf;
    use std::time::{Duration, UNIX_EPOCH};

    /// 2026-11-22 12:00:00 UTC, the clock of the vectors.
    const VECTORS_CLOCK: u64 = 1_795_348_800;

    fn vectors() -> Option<Value> {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let shared = std::env::vars_os().find(|(name, _)| name == "AQUIFER_SHARED").map_or(beside, |(_, v)| v.into());
        let path = shared.join("reference/sigv4-vectors.json");
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(serde_json::from_str(&text).unwrap()),
            Err(_) => {
                println!("SKIPPED: no signature vectors beside the workspace");
                None
            }
        }
    }

    fn request_of(case: &Value) -> Request<Bytes> {
        let mut builder =
            Request::builder().method(case["method"].as_str().unwrap()).uri(case["url_on_the_wire"].as_str().unwrap());
        for (name, value) in case["request_headers_in"].as_object().unwrap() {
            builder = builder.header(name.as_str(), value.as_str().unwrap());
        }
        builder.body(Bytes::from(case["body_utf8"].as_str().unwrap().to_owned())).unwrap()
    }

    #[test]
    fn every_vector_gives_its_signature() {
        let Some(vectors) = vectors() else { return };
        let cases = vectors["cases"].as_array().unwrap();
        assert!(cases.len() >= 4);
        for case in cases {
            let text = |name: &str| case[name].as_str().map(str::to_owned);
            assert_eq!(text("amz_date").unwrap(), "20261122T120000Z");
            let credentials = Credentials::new(
                text("access_key").unwrap(),
                text("secret_key").unwrap(),
                text("session_token"),
                None,
                "vectors",
            );
            let mut request = request_of(case);
            let clock = UNIX_EPOCH + Duration::from_secs(VECTORS_CLOCK);
            let (region, service) = (text("region").unwrap(), text("service").unwrap());
            let scope = Scope { region: &region, service: &service };
            let mut again = request.clone();
            sign_request(&mut request, &SigningIdentity::new(credentials.clone()), scope, clock).unwrap();
            sign_with_aws(&mut again, credentials, scope, clock).unwrap();
            for signed in [request, again] {
                let got = signed.headers()[header::AUTHORIZATION].to_str().unwrap();
                assert_eq!(got, text("authorization").unwrap(), "{}", case["name"]);
            }
        }
    }

    #[test]
    fn a_bearer_key_is_marked_sensitive() {
        let mut request = Request::new(Bytes::new());
        bearer(&mut request, "hunter2").unwrap();
        assert!(request.headers()[header::AUTHORIZATION].is_sensitive());
        for wrong in ["two\nlines", "schlüssel", "\u{7f}", "a\0b"] {
            assert!(bearer(&mut request, wrong).is_err(), "{wrong:?}");
        }
    }
}

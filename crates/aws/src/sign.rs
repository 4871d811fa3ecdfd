//! Signature Version 4 over requests of any shape: our own signer for the usual one, AWS's library for the others.

use aquifer_gateway::secret::Secret;
use aquifer_sign::{SigningCredentials, SigningIdentity, SigningScope, UnusualRequest};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;
use std::time::SystemTime;

/// Signs a request of any shape: adds `x-amz-date`, `x-amz-security-token` and `authorization`. Every header that the
/// request has is signed.
///
/// The request's path is percent-encoded once already; the canonical path encodes it a second time.
///
/// # Errors
/// A header or the URI cannot be signed.
pub fn sign(
    request: &mut Request<Bytes>,
    identity: &SigningIdentity,
    scope: SigningScope<'_>,
    time: SystemTime,
) -> Result<(), String> {
    match aquifer_sign::sign(request, identity, scope, time) {
        Ok(()) => Ok(()),
        Err(UnusualRequest) => sign_with_aws(request, identity.credentials(), scope, time),
    }
}

/// Signs with AWS's own library, which normalises what a request of an unusual shape holds.
fn sign_with_aws(
    request: &mut Request<Bytes>,
    credentials: &SigningCredentials,
    scope: SigningScope<'_>,
    time: SystemTime,
) -> Result<(), String> {
    let identity = Identity::from(to_aws(credentials));
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
    let (instructions, _) =
        aws_sigv4::http_request::sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

/// Credentials as this project's signer takes them.
pub(crate) fn from_aws(credentials: &Credentials) -> SigningCredentials {
    SigningCredentials {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: Secret::new(credentials.secret_access_key().to_owned()),
        session_token: credentials.session_token().map(|token| Secret::new(token.to_owned())),
        expiry: credentials.expiry(),
        provider: provider_name(credentials),
    }
}

/// The same credentials as AWS's library takes them.
fn to_aws(credentials: &SigningCredentials) -> Credentials {
    Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
        credentials.expiry,
        "aquifer",
    )
}

/// The name of the provider that gave these credentials.
fn provider_name(credentials: &Credentials) -> String {
    // Only its `Debug` names the provider; it leaves secrets out.
    let shown = format!("{credentials:?}");
    let name = shown.split("provider_name: \"").nth(1).and_then(|rest| rest.split('"').next());
    name.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;
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
            let credentials = from_aws(&Credentials::new(
                text("access_key").unwrap(),
                text("secret_key").unwrap(),
                text("session_token"),
                None,
                "vectors",
            ));
            let mut request = request_of(case);
            let clock = UNIX_EPOCH + Duration::from_secs(VECTORS_CLOCK);
            let (region, service) = (text("region").unwrap(), text("service").unwrap());
            let scope = SigningScope { region: &region, service: &service };
            let mut again = request.clone();
            sign(&mut request, &SigningIdentity::new(credentials.clone()), scope, clock).unwrap();
            sign_with_aws(&mut again, &credentials, scope, clock).unwrap();
            for signed in [request, again] {
                let got = signed.headers()[header::AUTHORIZATION].to_str().unwrap();
                assert_eq!(got, text("authorization").unwrap(), "{}", case["name"]);
            }
        }
    }
}

//! Requests are signed as AWS's own library signs them, or left alone.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use aquifer_gateway::secret::Secret;
use aquifer_sign::{SigningCredentials, SigningIdentity, SigningScope, UnusualRequest, sign};
use arbtest::arbitrary::{Result, Unstructured};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{HeaderValue, Request, Uri};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SCOPE: SigningScope<'_> = SigningScope { region: "eu-central-1", service: "bedrock" };

/// A request of pieces that are usual and pieces that are not.
fn request(u: &mut Unstructured<'_>) -> Result<Request<Bytes>> {
    let scheme = u.choose(&["http", "https"])?;
    let host = u.choose(&["bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1:8080", "h:80", "h:443", "[::1]:9"])?;
    let pieces =
        ["/", "/model/", "a.b:0", "%3A", "%2F", "-._~", "!$&'()*+,;=", "@", "/..", "/.", "//", "?", "x=y", "é"];
    let mut uri = format!("{scheme}://{host}/");
    for _ in 0..u.int_in_range(0..=5)? {
        uri.push_str(u.choose(&pieces)?);
    }
    let mut request = Request::new(Bytes::from(u.arbitrary::<Vec<u8>>()?));
    *request.method_mut() = u.choose(&[http::Method::POST, http::Method::GET])?.clone();
    *request.uri_mut() = uri.parse().unwrap_or_else(|_| Uri::from_static("https://h/model/m/converse"));
    let names = ["content-type", "accept", "x-amz-date", "x-a", "x-b", "user-agent", "host", "x-amzn-trace-id", "te"];
    let values = ["application/json", "a b", " a", "a  b", "", "a, b", "\ta", "\"q\"", "é"];
    for _ in 0..u.int_in_range(0..=5)? {
        let value = HeaderValue::from_bytes(u.choose(&values)?.as_bytes());
        request.headers_mut().append(*u.choose(&names)?, value.unwrap_or(HeaderValue::from_static("v")));
    }
    Ok(request)
}

/// Signs as AWS's library does.
fn sign_with_aws(request: &mut Request<Bytes>, credentials: Credentials, time: SystemTime) {
    let identity = Identity::from(credentials);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(SCOPE.region)
        .name(SCOPE.service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let body = SignableBody::Bytes(request.body());
    let signable =
        SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers.into_iter(), body).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(signable, &params).unwrap().into_parts();
    instructions.apply_to_request_http1x(request);
}

#[test]
fn what_is_signed_here_is_signed_as_the_library_signs_it() {
    let (mut usual, mut unusual) = (0, 0);
    arbtest::arbtest(|u| {
        let mut ours = request(u)?;
        let token = u.arbitrary::<bool>()?.then(|| "token/+=".to_owned());
        let identity = SigningIdentity::new(SigningCredentials {
            access_key_id: "AKID".to_owned(),
            secret_access_key: Secret::new("secret".to_owned()),
            session_token: token.clone().map(Secret::new),
            expiry: None,
            provider: "test".to_owned(),
        });
        let time = UNIX_EPOCH + Duration::from_millis(u.int_in_range(0..=5_000_000_000_000)?);
        let before = ours.clone();
        match sign(&mut ours, &identity, SCOPE, time) {
            Ok(()) => {
                let mut theirs = before;
                sign_with_aws(&mut theirs, Credentials::new("AKID", "secret", token, None, "test"), time);
                assert_eq!(ours.headers(), theirs.headers());
                usual += 1;
            }
            Err(UnusualRequest) => {
                assert_eq!(ours.headers(), before.headers());
                unusual += 1;
            }
        }
        Ok(())
    })
    .budget_ms(2000);
    assert!(usual > 50 && unusual > 50, "{usual} usual, {unusual} not");
}

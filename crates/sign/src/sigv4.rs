//! SigV4 of a request in the shape of a call to Bedrock: the canonical request is written once, and nothing is parsed
//! again.
//!
//! Any other shape is refused, so that the bytes which are hashed here are without doubt those that AWS hashes. Source:
//! AWS, "Create a signed AWS API request".

use crate::identity::{SigningIdentity, SigningScope};
use aquifer_gateway::translate::wire::uri;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// A request of a shape that is not signed here: another signer has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusualRequest;

/// The date of a signature and the scope that it names.
pub(crate) struct Stamp {
    /// `20261122T120000Z`
    pub(crate) time: String,
    /// `20261122`
    pub(crate) day: String,
    /// `20261122/us-east-1/bedrock/aws4_request`
    pub(crate) within: String,
}

impl Stamp {
    /// The date of this time in UTC; `None` outside the years 1970 to 9999.
    pub(crate) fn new(time: SystemTime, scope: SigningScope<'_>) -> Option<Self> {
        let time = stamp(time)?;
        let day = time.get(..8)?.to_owned();
        let within = [&day, "/", scope.region, "/", scope.service, "/aws4_request"].concat();
        Some(Self { time, day, within })
    }

    /// The signature of a canonical request, in hexadecimal.
    pub(crate) fn signature(&self, identity: &SigningIdentity, scope: SigningScope<'_>, canonical: &str) -> String {
        let mut to_sign = String::with_capacity(256);
        for piece in [ALGORITHM, "\n", &self.time, "\n", &self.within, "\n"] {
            to_sign.push_str(piece);
        }
        hash(canonical.as_bytes(), &mut to_sign);
        let signature = hmac::sign(&identity.key(scope, &self.day).key, to_sign.as_bytes());
        let mut written = String::with_capacity(2 * SHA256_OUTPUT_LEN);
        hexadecimal(signature.as_ref(), &mut written);
        written
    }
}

/// Signs a request: adds `authorization`, `x-amz-date` and, with temporary credentials, `x-amz-security-token`. Every
/// header that the request has is signed, but for those that proxies change.
///
/// The request's path is percent-encoded once already; the canonical path encodes it a second time.
///
/// # Errors
/// The request has another shape than calls to Bedrock have; nothing of it is changed.
pub fn sign(
    request: &mut Request<Bytes>,
    identity: &SigningIdentity,
    scope: SigningScope<'_>,
    time: SystemTime,
) -> Result<(), UnusualRequest> {
    signed_headers(request, identity, scope, time)
        .map(|signed| signed.add_to(request.headers_mut()))
        .ok_or(UnusualRequest)
}

/// The headers of a signature.
struct SignedHeaders {
    authorization: HeaderValue,
    date: HeaderValue,
    token: Option<HeaderValue>,
}

impl SignedHeaders {
    fn add_to(self, headers: &mut HeaderMap) {
        headers.insert(header::AUTHORIZATION, self.authorization);
        headers.insert(HeaderName::from_static(DATE), self.date);
        if let Some(mut token) = self.token {
            token.set_sensitive(true);
            headers.insert(HeaderName::from_static(TOKEN), token);
        }
    }
}

fn signed_headers(
    request: &Request<Bytes>,
    identity: &SigningIdentity,
    scope: SigningScope<'_>,
    time: SystemTime,
) -> Option<SignedHeaders> {
    let credentials = identity.credentials();
    let token = credentials.session_token.as_ref().map(|token| token.expose());
    let stamp = Stamp::new(time, scope)?;
    let mut headers = headers(request.headers())?;
    headers.extend([("host", host(request.uri())?), (DATE, &stamp.time)]);
    headers.extend(token.map(|token| (TOKEN, token)));
    headers.sort_unstable();
    if headers.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other)) {
        return None;
    }
    let names = names(&headers);
    let signature = stamp.signature(identity, scope, &canonical(request, &headers, &names)?);
    let mut authorization = String::with_capacity(512);
    let key_id = credentials.access_key_id.as_str();
    for piece in
        [ALGORITHM, " Credential=", key_id, "/", &stamp.within, ", SignedHeaders=", &names, ", Signature=", &signature]
    {
        authorization.push_str(piece);
    }
    Some(SignedHeaders {
        authorization: HeaderValue::try_from(authorization).ok()?,
        date: HeaderValue::try_from(stamp.time).ok()?,
        token: token.map(HeaderValue::from_str).transpose().ok()?,
    })
}

/// `20261122T120000Z`
fn stamp(time: SystemTime) -> Option<String> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    let year = u8::try_from(time.year() / 100).ok()?;
    let mut stamp = String::with_capacity(16);
    for pair in [year, (time.year() % 100).try_into().ok()?, time.month().into(), time.day()] {
        two_digits(pair, &mut stamp);
    }
    stamp.push('T');
    for pair in [time.hour(), time.minute(), time.second()] {
        two_digits(pair, &mut stamp);
    }
    stamp.push('Z');
    Some(stamp)
}

fn two_digits(number: u8, text: &mut String) {
    text.extend([number / 10 % 10, number % 10].map(|digit| char::from(b'0' + digit)));
}

/// The headers that are signed, when each of them stands in the canonical text as it is.
fn headers(all: &HeaderMap) -> Option<Vec<(&str, &str)>> {
    let mut signed = Vec::with_capacity(all.len() + 3);
    for (name, value) in all {
        let value = value.to_str().ok()?;
        match name.as_str() {
            // Not signed, because proxies change them.
            "authorization" | "user-agent" | "x-amzn-trace-id" | "transfer-encoding" => {}
            "host" | DATE | TOKEN => return None,
            name if is_settled(value) => signed.push((name, value)),
            _ => return None,
        }
    }
    Some(signed)
}

/// Whether a header's value is its own canonical form: no white space at its ends, none twice in a row.
fn is_settled(value: &str) -> bool {
    let mut before = b' ';
    // A value that ends in white space ends as one would go on in which two follow one another.
    value.bytes().chain([b' ']).all(|byte| {
        let settled = byte != b'\t' && !(byte == b' ' && before == b' ');
        before = byte;
        settled
    }) || value.is_empty()
}

/// The value of the `host` header, when an HTTP client would send the URI's authority as it is.
fn host(uri: &Uri) -> Option<&str> {
    let default = matches!((uri.scheme_str()?, uri.port_u16()), ("http", Some(80)) | ("https", Some(443)));
    let authority = uri.authority()?.as_str();
    (!default && !authority.contains('@')).then_some(authority)
}

fn names(headers: &[(&str, &str)]) -> String {
    let mut names = String::with_capacity(128);
    for (name, _) in headers {
        if !names.is_empty() {
            names.push(';');
        }
        names.push_str(name);
    }
    names
}

/// The canonical request.
fn canonical(request: &Request<Bytes>, headers: &[(&str, &str)], names: &str) -> Option<String> {
    let mut text = String::with_capacity(1024);
    text.push_str(request.method().as_str());
    text.push('\n');
    path(request.uri(), &mut text)?;
    text.push_str("\n\n");
    for (name, value) in headers {
        for piece in [*name, ":", value, "\n"] {
            text.push_str(piece);
        }
    }
    for piece in ["\n", names, "\n"] {
        text.push_str(piece);
    }
    hash(request.body(), &mut text);
    Some(text)
}

/// Writes the canonical path, which is the path encoded once more; `None` for a query and for dot segments.
fn path(uri: &Uri, text: &mut String) -> Option<()> {
    let path = uri.path();
    if uri.query().is_some() || !path.is_ascii() || path.contains("//") || path.contains("/.") {
        return None;
    }
    text.extend(uri::path(path));
    Some(())
}

/// Writes the SHA-256 of these bytes, in hexadecimal.
pub(crate) fn hash(bytes: &[u8], text: &mut String) {
    hexadecimal(digest(&SHA256, bytes).as_ref(), text);
}

/// Writes a hash.
fn hexadecimal(hash: &[u8], text: &mut String) {
    let mut written = [0; 2 * SHA256_OUTPUT_LEN];
    for (pair, byte) in written.chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&[LOWER[usize::from(byte >> 4)], LOWER[usize::from(byte & 0xf)]]);
    }
    debug_assert!(written.is_ascii(), "digits are ASCII");
    text.push_str(str::from_utf8(&written).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SigningCredentials;
    use aquifer_gateway::secret::Secret;

    const SCOPE: SigningScope<'_> = SigningScope { region: "eu-central-1", service: "bedrock" };

    #[test]
    fn calls_of_converse_are_usual() {
        for uri in [
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
            "http://127.0.0.1:8080/model/m/converse-stream",
        ] {
            let mut request = Request::post(uri).header("content-type", "application/json").body(Bytes::new()).unwrap();
            let identity = SigningIdentity::new(SigningCredentials {
                access_key_id: "AKID".to_owned(),
                secret_access_key: Secret::new("secret".to_owned()),
                session_token: Some(Secret::new("t".to_owned())),
                expiry: None,
                provider: "test".to_owned(),
            });
            assert_eq!(sign(&mut request, &identity, SCOPE, UNIX_EPOCH), Ok(()));
            assert!(request.headers()[TOKEN].is_sensitive());
        }
    }
}

//! The signature of a call in its usual shape: what is hashed is written down once, and nothing is parsed again.
//!
//! The key is made by `aws-sigv4`; the text that it would make of the request is made here, for requests about which
//! there is no doubt. Every other one is left to it. Source: AWS, "Create a signed AWS API request".

use super::{Scope, SigningIdentity};
use aquifer_gateway::translate::wire::uri;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// Signs the request; `None`, and nothing is changed, when it has another shape.
pub(super) fn sign(
    request: &mut Request<Bytes>,
    signatory: &SigningIdentity,
    scope: Scope<'_>,
    time: SystemTime,
) -> Option<()> {
    let credentials = signatory.credentials();
    let stamp = stamp(time)?;
    let day = stamp.get(..8)?;
    let mut headers = headers(request.headers())?;
    headers.extend([("host", host(request.uri())?), (DATE, &stamp)]);
    headers.extend(credentials.session_token().map(|token| (TOKEN, token)));
    headers.sort_unstable();
    if headers.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other)) {
        return None;
    }
    let names = names(&headers);
    let asked = canonical(request, &headers, &names)?;
    let within = [day, "/", scope.region, "/", scope.service, "/aws4_request"].concat();
    let mut to_sign = String::with_capacity(256);
    for piece in [ALGORITHM, "\n", &stamp, "\n", &within, "\n"] {
        to_sign.push_str(piece);
    }
    hash(asked.as_bytes(), &mut to_sign);
    let signature = hmac::sign(&signatory.key(scope, day, time).key, to_sign.as_bytes());
    let key_id = credentials.access_key_id();
    let mut authorization = String::with_capacity(512);
    for piece in [ALGORITHM, " Credential=", key_id, "/", &within, ", SignedHeaders=", &names, ", Signature="] {
        authorization.push_str(piece);
    }
    hexadecimal(signature.as_ref(), &mut authorization);
    let token = credentials.session_token().map(HeaderValue::from_str).transpose().ok()?;
    let (authorization, stamp) = (HeaderValue::try_from(authorization).ok()?, HeaderValue::try_from(stamp).ok()?);
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(HeaderName::from_static(DATE), stamp);
    if let Some(mut token) = token {
        token.set_sensitive(true);
        headers.insert(HeaderName::from_static(TOKEN), token);
    }
    Some(())
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
            // Proxies change them.
            "authorization" | "user-agent" | "x-amzn-trace-id" | "transfer-encoding" => {}
            "host" | DATE | TOKEN => return None,
            name if is_settled(value) => signed.push((name, value)),
            _ => return None,
        }
    }
    Some(signed)
}

/// Whether no white space would be taken out of a header's value.
fn is_settled(value: &str) -> bool {
    let mut before = b' ';
    // A value that ends in white space ends as one would go on in which two follow one another.
    value.bytes().chain([b' ']).all(|byte| {
        let settled = byte != b'\t' && !(byte == b' ' && before == b' ');
        before = byte;
        settled
    }) || value.is_empty()
}

/// The host as hyper sends it, when that is the authority itself.
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

/// Writes the path, encoded once more; a query, and segments that would be taken out, are not usual.
fn path(uri: &Uri, text: &mut String) -> Option<()> {
    let path = uri.path();
    if uri.query().is_some() || !path.is_ascii() || path.contains("//") || path.contains("/.") {
        return None;
    }
    text.extend(uri::path(path));
    Some(())
}

/// Writes the hash of these bytes.
fn hash(bytes: &[u8], text: &mut String) {
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
    use super::super::sign_with_aws;
    use super::*;
    use arbtest::arbitrary::{Result, Unstructured};
    use aws_credential_types::Credentials;
    use std::time::Duration;

    const SCOPE: Scope<'_> = Scope { region: "eu-central-1", service: "bedrock" };

    /// A request of pieces that are usual and pieces that are not.
    fn request(u: &mut Unstructured<'_>) -> Result<Request<Bytes>> {
        let scheme = u.choose(&["http", "https"])?;
        let host =
            u.choose(&["bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1:8080", "h:80", "h:443", "[::1]:9"])?;
        let pieces =
            ["/", "/model/", "a.b:0", "%3A", "%2F", "-._~", "!$&'()*+,;=", "@", "/..", "/.", "//", "?", "x=y", "é"];
        let mut uri = format!("{scheme}://{host}/");
        for _ in 0..u.int_in_range(0..=5)? {
            uri.push_str(u.choose(&pieces)?);
        }
        let mut request = Request::new(Bytes::from(u.arbitrary::<Vec<u8>>()?));
        *request.method_mut() = u.choose(&[http::Method::POST, http::Method::GET])?.clone();
        *request.uri_mut() = uri.parse().unwrap_or_else(|_| Uri::from_static("https://h/model/m/converse"));
        let names =
            ["content-type", "accept", "x-amz-date", "x-a", "x-b", "user-agent", "host", "x-amzn-trace-id", "te"];
        let values = ["application/json", "a b", " a", "a  b", "", "a, b", "\ta", "\"q\"", "é"];
        for _ in 0..u.int_in_range(0..=5)? {
            let value = HeaderValue::from_bytes(u.choose(&values)?.as_bytes());
            request.headers_mut().append(*u.choose(&names)?, value.unwrap_or(HeaderValue::from_static("v")));
        }
        Ok(request)
    }

    #[test]
    fn what_is_signed_here_is_signed_as_the_library_signs_it() {
        let (mut usual, mut unusual) = (0, 0);
        arbtest::arbtest(|u| {
            let mut ours = request(u)?;
            let token = u.arbitrary::<bool>()?.then(|| "token/+=".to_owned());
            let credentials = Credentials::new("AKID", "secret", token, None, "test");
            let time = UNIX_EPOCH + Duration::from_millis(u.int_in_range(0..=5_000_000_000_000)?);
            let before = ours.clone();
            match sign(&mut ours, &SigningIdentity::new(credentials.clone()), SCOPE, time) {
                Some(()) => {
                    let mut theirs = before;
                    sign_with_aws(&mut theirs, credentials, SCOPE, time).unwrap();
                    assert_eq!(ours.headers(), theirs.headers());
                    usual += 1;
                }
                None => {
                    assert_eq!(ours.headers(), before.headers());
                    unusual += 1;
                }
            }
            Ok(())
        })
        .budget_ms(2000);
        assert!(usual > 50 && unusual > 50, "{usual} usual, {unusual} not");
    }

    #[test]
    fn calls_of_converse_are_usual() {
        for uri in [
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
            "http://127.0.0.1:8080/model/m/converse-stream",
        ] {
            let mut request = Request::post(uri).header("content-type", "application/json").body(Bytes::new()).unwrap();
            let signatory =
                SigningIdentity::new(Credentials::new("AKID", "secret", Some("t".to_owned()), None, "test"));
            assert!(sign(&mut request, &signatory, SCOPE, UNIX_EPOCH).is_some());
            assert!(request.headers()[TOKEN].is_sensitive());
        }
    }

    #[test]
    fn the_key_of_another_day_or_region_is_another() {
        let signatory = SigningIdentity::new(Credentials::new("AKID", "secret", None, None, "test"));
        let key = |scope, day, seconds| {
            let key = signatory.key(scope, day, UNIX_EPOCH + Duration::from_secs(seconds));
            hmac::sign(&key.key, b"text").as_ref().to_vec()
        };
        let first = key(SCOPE, "19700101", 0);
        assert_eq!(key(SCOPE, "19700101", 86_399), first);
        assert_ne!(key(SCOPE, "19700102", 86_400), first);
        assert_ne!(key(Scope { region: "us-east-1", ..SCOPE }, "19700101", 0), first);
        assert_eq!(key(SCOPE, "19700101", 0), first);
    }
}

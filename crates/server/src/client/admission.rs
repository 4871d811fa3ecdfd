//! Admission by the head alone: host, DNS rebinding, SNI, CORS, API key, encodings; before a byte of the body is read.

use crate::client::authority;
use crate::client::cors::{self, PageOrigin};
use crate::client::front_page;
use crate::host::Host;
use aquifer_gateway::auth;
use aquifer_gateway::ingress::{self, Ingress};
use aquifer_gateway::record::RequestSource;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::dialect;
use aquifer_gateway::translate::fault::MistakeKind;
use http::{HeaderMap, header, request};
use std::net::IpAddr;

/// Facts about the connection that a request came by.
#[derive(Debug, Default)]
pub(crate) struct ConnectionInfo {
    /// The port of the configuration's listeners.
    pub(crate) port: Option<u16>,
    /// The client's address.
    pub(crate) peer: Option<IpAddr>,
    /// The listener is on a loopback address.
    pub(crate) loopback: bool,
    /// The server name of the TLS handshake (SNI).
    pub(crate) sni: Option<String>,
    /// Where its requests come from. Those of the playground were admitted by the admin listener.
    pub(crate) source: RequestSource,
}

/// Checks the head, and normalises its authority into `Host`.
///
/// # Errors
/// The request is refused, whatever its body.
pub(crate) fn check(host: &Host, came_by: &ConnectionInfo, head: &mut request::Parts) -> Result<PageOrigin, Fault> {
    authority::settle(head)?;
    framing(&head.headers)?;
    if came_by.source == RequestSource::Playground {
        coding(&head.headers)?;
        return Ok(PageOrigin::Own);
    }
    let called = authority::host(&head.headers);
    let config = &host.serving().config;
    if came_by.loopback {
        authority::refuse_rebound(config, came_by.port, called, &host.origins)?;
    }
    if let Some(sni) = &came_by.sni
        && !ingress::is_same(config, came_by.port, sni, called)
    {
        let message = "the connection was made for another host: connect anew for this one";
        return Err(Fault::mistake(MistakeKind::Misdirected, None, message));
    }
    let page = cors::page(head, &host.origins);
    // A CORS preflight carries no API key.
    if matches!(page, Ok(PageOrigin::Allowed(_))) && cors::is_preflight(head) {
        return page;
    }
    // Nor does a client that only asks whether a server is there, nor a person who looks what it is.
    if dialect::is_probe(&head.method, head.uri.path()) || front_page::is_asked(head) {
        return page;
    }
    let called = Some(called).filter(|called| !called.is_empty());
    let ingress = Ingress { port: came_by.port, host: called };
    let owner = auth::admit(config, ingress, &head.headers)?;
    coding(&head.headers)?;
    match page {
        // A page that sends a valid key was given it by its user: that is no cross-site forgery.
        Err(_) if owner.is_some() => Ok(PageOrigin::Own),
        page => page,
    }
}

/// Refuses a `transfer-encoding` other than a single `chunked`, against request smuggling: hyper takes any list that ends
/// with `chunked`.
fn framing(headers: &HeaderMap) -> Result<(), Fault> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let chunked = codings.next().is_none_or(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"));
    if chunked && codings.next().is_none() {
        return Ok(());
    }
    Err(Fault::mistake(MistakeKind::BadRequest, None, "the only transfer coding that is read is `chunked`, once"))
}

fn coding(headers: &HeaderMap) -> Result<(), Fault> {
    let plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    if codings.all(|coding| plain(coding.trim_ascii())) {
        return Ok(());
    }
    Err(Fault::mistake(MistakeKind::MediaType, None, "the body is encoded: send it without `content-encoding`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: header::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_body_has_no_coding_but_chunks() {
        let of = |values: &[&'static str]| framing(&headers(header::TRANSFER_ENCODING, values)).is_ok();
        assert!(of(&[]) && of(&["chunked"]) && of(&["Chunked"]));
        for wrong in
            [&["gzip, chunked"][..], &["chunked", "chunked"], &["chunked, chunked"], &["identity", "chunked"], &[""]]
        {
            assert!(!of(wrong), "{wrong:?}");
        }
        let of = |values: &[&'static str]| coding(&headers(header::CONTENT_ENCODING, values)).is_ok();
        assert!(of(&[]) && of(&["identity"]) && of(&[""]));
        assert!(!of(&["gzip"]) && !of(&["identity, br"]) && !of(&["identity", "zstd"]));
    }
}

//! Security headers of answers to browsers: nothing is loaded from elsewhere, framed, sniffed or told to others.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Content-Security-Policy of the admin page: its own scripts and styles, and no sink of HTML for scripts.
const CSP_OF_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                            connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
                            frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// Content-Security-Policy of a page that loads nothing at all.
const CSP_OF_TEXT: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser must refuse besides.
const OTHERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    ),
];

/// Adds the security headers of the admin page and of its API.
pub(crate) fn of_admin(headers: &mut HeaderMap) {
    add(headers, CSP_OF_PAGES);
}

/// Adds the security headers of a static page without scripts.
pub(crate) fn of_static_page(headers: &mut HeaderMap) {
    add(headers, CSP_OF_TEXT);
}

fn add(headers: &mut HeaderMap, policy: &'static str) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    for (name, value) in OTHERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

//! Signature Version 4 over calls to Bedrock, and short-term Bedrock API keys.
//!
//! [`sign`] adds the headers of a signature to a request, [`ShortTermKeys`] derives bearer keys from credentials,
//! [`bearer`] adds a key. All of it is computation: the time is an argument, and nothing is read or sent, so that any host
//! can use it.
//!
//! What it does not do:
//! - It finds no credentials and does not refresh them; `aquifer-aws` does.
//! - It signs requests of one shape only: a body that is there, ASCII headers whose values need no normalisation, and a
//!   path without a query or dot segments. [`sign`] says so of any other request, and leaves it as it is.
//! - It has neither SigV4a nor signed chunks of a body.

mod identity;
mod short_term;
mod sigv4;

pub use identity::{SigningCredentials, SigningIdentity, SigningScope};
pub use short_term::ShortTermKeys;
pub use sigv4::{UnusualRequest, sign};

use bytes::Bytes;
use http::{HeaderValue, Request, header};

/// Adds a Bedrock API key as `authorization: Bearer ...`, marked sensitive.
///
/// # Errors
/// The key holds characters that no header may hold.
pub fn bearer(request: &mut Request<Bytes>, key: &str) -> Result<(), String> {
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

//! Client authentication by API keys: which keys a listener or a route accepts, and whose they are.

use crate::config::{Config, Listener, Route};
use crate::ingress::{Ingress, ListenerMatch};
use crate::key_ring::SIGNATURE;
use crate::translate::Fault;
use crate::translate::fault::MistakeKind;
use http::{HeaderMap, header};
use std::sync::Arc;

pub use crate::key_ring::{Identity, KeyDigest, KeyRing, file};

/// Decides by a request's head whether it may be read on, and whose it is: `None` where no key is asked for.
///
/// Which route the request takes is known only once its body is read, so a key that any route of this listener accepts
/// is
/// enough here; [`authorize`] has the last word.
///
/// # Errors
///
/// 401 when a key is needed and the request shows none, or one that nothing here accepts.
pub fn admit(config: &Config, ingress: Ingress<'_>, headers: &HeaderMap) -> Result<Option<Arc<str>>, Fault> {
    if !asks_for_keys(config) {
        return Ok(None);
    }
    let entry = ListenerMatch::of(config, ingress);
    let base = entry.key_rings(config);
    let of_base = identify(&base, headers);
    if let Identity::Key(owner) = of_base {
        return Ok(Some(owner));
    }
    if let Some(owner) = config.routes.key_owner(headers, |route| entry.leads_to(route)) {
        return Ok(Some(owner));
    }
    // No key is known here. Whether one is needed, and what is told, is worth a look at every route.
    let mut rings = config.routes.iter().filter(|route| entry.leads_to(route)).map(|route| route.keys.as_deref());
    let is_open = base.is_empty() && (config.has_short_form() || rings.clone().any(|ring| ring.is_none()));
    if is_open || base.is_empty() && rings.clone().flatten().next().is_none() {
        return Ok(None);
    }
    let is_shown = of_base == Identity::Unknown || rings.any(|ring| ring.is_some_and(|ring| ring.is_shown(headers)));
    Err(refused(&if is_shown { Identity::Unknown } else { Identity::Nothing }, headers))
}

/// Decides whether a request may take a route (`None`: a backend of the short form), and whose it is there.
///
/// # Errors
///
/// 401 when that route, or else its listener, does not accept the key that the request shows.
pub fn authorize(
    config: &Config,
    ingress: Ingress<'_>,
    route: Option<&Route>,
    headers: &HeaderMap,
) -> Result<Option<Arc<str>>, Fault> {
    if !asks_for_keys(config) {
        return Ok(None);
    }
    let rings = match route.and_then(|route| route.keys.as_deref()) {
        Some(ring) => vec![ring],
        None => ListenerMatch::of(config, ingress).key_rings(config),
    };
    match identify(&rings, headers) {
        Identity::Key(owner) => Ok(Some(owner)),
        Identity::Unknown | Identity::Nothing if rings.is_empty() => Ok(None),
        shown @ (Identity::Unknown | Identity::Nothing) => Err(refused(&shown, headers)),
    }
}

/// Whether anybody may use some route or model without a key, coming by this port. `None`: by an address of the command
/// line.
#[must_use]
pub fn is_open(config: &Config, port: Option<u16>) -> bool {
    let may_be_open = config.has_short_form() || config.routes.iter().any(|route| route.keys.is_none());
    let of_port: Vec<&Listener> = config.listeners.iter().filter(|listener| Some(listener.port) == port).collect();
    let is_guarded = if port.is_some() && !of_port.is_empty() {
        of_port.iter().all(|listener| listener.keys.is_some() || config.keys.is_some())
    } else {
        !ListenerMatch::of(config, Ingress::default()).key_rings(config).is_empty()
    };
    may_be_open && !is_guarded
}

/// Whether a key is asked for anywhere.
fn asks_for_keys(config: &Config) -> bool {
    config.keys.is_some() || config.listeners.iter().any(|listener| listener.keys.is_some()) || config.routes.has_keys()
}

/// The identity of the credentials of a request in several key rings: the first ring that knows them decides.
fn identify(rings: &[&KeyRing], headers: &HeaderMap) -> Identity {
    let mut shown = Identity::Nothing;
    for ring in rings {
        match ring.identify(headers) {
            found @ Identity::Key(_) => return found,
            Identity::Unknown => shown = Identity::Unknown,
            Identity::Nothing => {}
        }
    }
    shown
}

fn refused(shown: &Identity, headers: &HeaderMap) -> Fault {
    let message = match shown {
        Identity::Nothing if is_signed(headers) => {
            "The request is signed with AWS credentials, which this gateway does not check: send one of its API keys as \
             `Authorization: Bearer KEY`. AWS SDKs do so where the environment variable AWS_BEARER_TOKEN_BEDROCK holds it."
        }
        Identity::Nothing => "No API key was sent. Send it as `Authorization: Bearer KEY` or as `x-api-key: KEY`.",
        Identity::Unknown | Identity::Key(_) => "The API key that was sent is not valid here.",
    };
    Fault::mistake(MistakeKind::Unauthorized, None, message)
}

/// Whether a request is signed with AWS credentials.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(SIGNATURE))
}

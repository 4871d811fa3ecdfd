//! Error messages for clients of every dialect, and the seconds of `Retry-After`.

use crate::fault::{Fault, Refusal, Unreachable, redacted};
use crate::model::field_ref::FieldRef;
use std::borrow::Cow;
use std::time::Duration;

/// The phrases with which a host names the time limit that was passed; they hold no address.
const LIMITS: [&str; 4] =
    ["nothing came for ", "the answer had not begun after ", "the answer was not complete after ", "no connection in "];

/// The message for a client, with fields as `path` names them: not what only the operator should know, which may name
/// addresses, accounts and roles.
pub(super) fn message(fault: &Fault, path: fn(&FieldRef) -> Cow<'_, str>) -> String {
    let said = match fault {
        Fault::UpstreamUnreachable(Unreachable::Ours(_)) => {
            "internal error of the gateway: the call to the upstream could not be made"
        }
        Fault::UpstreamUnreachable(Unreachable::Connect(_)) => "could not connect to the upstream",
        Fault::UpstreamUnreachable(Unreachable::Broken(_)) => "the connection to the upstream broke",
        Fault::UpstreamUnreachable(Unreachable::Credentials(_)) => "no AWS credentials to sign the call with",
        Fault::UpstreamUnreachable(Unreachable::Timeout(what) | Unreachable::Stalled(what)) => {
            // What stands before it is an address.
            let limit = what.rsplit(": ").next().filter(|said| LIMITS.iter().any(|begin| said.starts_with(begin)));
            let limit = limit.map(|limit| format!(": {limit}")).unwrap_or_default();
            return format!("the upstream did not answer in time{limit}");
        }
        Fault::Refused(refusal) => return redacted(&refusal.message).into_owned(),
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => {
            let name = mistake.field.as_ref().map(path).unwrap_or_default();
            return mistake.naming(&name).into_owned();
        }
        other @ (Fault::UpstreamMisbehaved(_)
        | Fault::UpstreamUnreachable(_)
        | Fault::Ours(_)
        | Fault::Overloaded(_)) => return other.to_string(),
    };
    said.to_owned()
}

/// Seconds after which the client may come again, where that is known.
pub(super) fn retry_after(fault: &Fault) -> Option<u64> {
    match fault {
        Fault::Refused(refusal) => refusal.retry_after.map(whole_seconds),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) | Fault::Overloaded(_) => Some(1),
        Fault::ClientMistaken(_)
        | Fault::Unsupported(_)
        | Fault::UpstreamMisbehaved(_)
        | Fault::UpstreamUnreachable(_)
        | Fault::Ours(_) => None,
    }
}

/// A quota of the account is used up: no second attempt within the hour helps.
pub(super) fn is_quota(refusal: &Refusal) -> bool {
    let day = refusal.status == 429 && refusal.message.contains("per day");
    refusal.exception == "ServiceQuotaExceededException" || day
}

/// A client must not come too early.
fn whole_seconds(pause: Duration) -> u64 {
    pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0))
}

//! File descriptors: as many as the system gives, and no more clients than there are descriptors for.

use crate::host::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For what is neither a client nor a call for one: listeners, the admin's clients, files, connections that wait.
const OWN: usize = 64;

/// Raises the limit as far as the process may, and lowers what it does not suffice for.
pub(crate) fn fit(limits: Limits) -> Limits {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, "the limit of file descriptors was not raised");
    }
    let open = getrlimit(Resource::Nofile).current;
    let fitted = within(limits, open);
    if fitted.max_connections < limits.max_connections {
        tracing::warn!(
            descriptors = open,
            max_connections = fitted.max_connections,
            max_requests = fitted.max_requests,
            "there are too few file descriptors for --max-connections; it is lowered"
        );
    }
    fitted
}

/// A client has a connection, and each of its requests one to a backend; not all ask at once.
fn within(limits: Limits, descriptors: Option<u64>) -> Limits {
    let Some(descriptors) = descriptors else { return limits };
    let clients = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(OWN).max(3);
    let max_connections = limits.max_connections.min(clients / 3 * 2);
    let max_requests = limits.max_requests.min(clients - max_connections);
    Limits { max_connections, max_requests, ..limits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_their_calls_share_what_there_is() {
        let asked = Limits { max_connections: 10_000, max_requests: 20_000, ..crate::host::tests::limits() };
        for (descriptors, connections, requests) in [
            (None, 10_000, 20_000),
            (Some(1 << 20), 10_000, 20_000),
            (Some(20_000), 10_000, 9936),
            (Some(1024), 640, 320),
            (Some(10), 2, 1),
        ] {
            let fitted = within(asked, descriptors);
            assert_eq!((fitted.max_connections, fitted.max_requests), (connections, requests), "{descriptors:?}");
        }
    }
}

//! The table of the admin API: each path with its methods, the scopes that they need, and what it answers.

use super::scopes::Scope;

/// The beginning of every path of the API.
pub(super) const BASE: &str = "/admin/api/v1/";

/// An endpoint of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Session,
    Summary,
    Series,
    Streams,
    Exchanges,
    Exchange,
    Text,
    Routes,
    Explain,
    Backends,
    Config,
    Catalogue,
    LogLevel,
    Play,
    Live,
    OpenApi,
}

/// The access that a method needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Anybody may call it.
    Nothing,
    /// Whoever has this scope.
    Scope(Scope),
}

/// A row of the table.
pub(super) struct Row {
    /// The path behind [`BASE`]; `{id}` stands for one segment.
    pub(super) path: &'static str,
    /// What it is.
    pub(super) endpoint: Endpoint,
    /// What `GET` and `HEAD` need; `None`: there is none.
    pub(super) get: Option<Needs>,
    /// What `POST` needs.
    pub(super) post: Option<Needs>,
    /// What `DELETE` needs.
    pub(super) delete: Option<Needs>,
    /// The value of `Allow`.
    pub(super) allow: &'static str,
    /// Parameters of the query, each with its meaning.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// What it answers, in a sentence.
    pub(super) summary: &'static str,
}

const OBSERVE: Option<Needs> = Some(Needs::Scope(Scope::Observe));
const ANYBODY: Option<Needs> = Some(Needs::Nothing);

/// A row that is only read.
const fn read(path: &'static str, endpoint: Endpoint, summary: &'static str) -> Row {
    Row { path, endpoint, get: OBSERVE, post: None, delete: None, allow: "GET, HEAD", query: &[], summary }
}

/// Every endpoint.
pub(super) const TABLE: &[Row] = &[
    Row {
        get: ANYBODY,
        post: ANYBODY,
        delete: ANYBODY,
        allow: "GET, HEAD, POST, DELETE",
        ..read(
            "session",
            Endpoint::Session,
            "Whether the caller is authenticated, and its scopes. POST {token} opens a session, DELETE closes it.",
        )
    },
    read("summary", Endpoint::Summary, "The last minute in numbers, the top models and faults, the process."),
    Row {
        query: &[("window", "15m (steps of a second, the default) or 24h (steps of a minute)")],
        ..read("series", Endpoint::Series, "Time series as columns, the oldest step first.")
    },
    read("streams", Endpoint::Streams, "The open exchanges, the newest first."),
    Row {
        query: &[
            ("before", "the id of the last exchange of the page before"),
            ("limit", "1 to 200, 50 unless it is said"),
            ("q", "a filter such as `model:opus outcome:failed status:4xx dur:>30s word -backend:b`"),
        ],
        ..read("exchanges", Endpoint::Exchanges, "The newest exchanges of the ring of 2,000, the newest first.")
    },
    read("exchanges/{id}", Endpoint::Exchange, "All that is remembered of an exchange, without its content."),
    Row {
        get: Some(Needs::Scope(Scope::ObserveText)),
        ..read(
            "exchanges/{id}/text",
            Endpoint::Text,
            "The text of an exchange, where its policy lets it be seen; each look is logged.",
        )
    },
    read("routes", Endpoint::Routes, "Routes with their rules, and the models that can be named."),
    Row {
        query: &[
            ("model", "the model that the body names"),
            ("path", "the path, /v1/chat/completions unless it is said"),
            ("host", "the host that is called"),
            ("header", "NAME:VALUE, may be given again"),
        ],
        ..read("routes/explain", Endpoint::Explain, "The rule that a request would take, and why.")
    },
    read("backends", Endpoint::Backends, "Backends with health, open calls, credentials and their last faults."),
    read("config", Endpoint::Config, "The configuration in force with its secrets masked, and its notices."),
    read("catalogue", Endpoint::Catalogue, "What `aquifer models --json` prints, for the configuration in force."),
    Row {
        post: Some(Needs::Scope(Scope::Operate)),
        allow: "GET, HEAD, POST",
        ..read(
            "log-level",
            Endpoint::LogLevel,
            "The level of the log. POST {level, for_s} changes it for a while: error, warn, info or debug.",
        )
    },
    Row {
        get: None,
        post: Some(Needs::Scope(Scope::Play)),
        allow: "POST",
        query: &[("host", "the host that routes see; none unless it is said")],
        ..read(
            "play/v1/chat/completions",
            Endpoint::Play,
            "Chat Completions over the data path, without an API key; its record has the source `playground`.",
        )
    },
    Row {
        allow: "GET",
        query: &[("topics", "stats, streams, exchanges, backends, text:ID, separated by commas")],
        ..read("live", Endpoint::Live, "Server-sent events of these topics.")
    },
    read("openapi.json", Endpoint::OpenApi, "This table as an OpenAPI document."),
];

/// An endpoint that was found by its path.
pub(super) struct Found<'p> {
    /// Its row.
    pub(super) row: &'static Row,
    /// What stands in the place of `{id}`.
    pub(super) id: &'p str,
}

/// Finds the endpoint of a path behind [`BASE`].
pub(super) fn find(path: &str) -> Option<Found<'_>> {
    TABLE.iter().find_map(|row| {
        let Some((before, behind)) = row.path.split_once("{id}") else {
            return (row.path == path).then_some(Found { row, id: "" });
        };
        let id = path.strip_prefix(before)?.strip_suffix(behind)?;
        (!id.is_empty() && !id.contains('/')).then_some(Found { row, id })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_with_their_ids() {
        let of = |path: &str| find(path).map(|found| (found.row.endpoint, found.id.to_owned()));
        assert_eq!(of("exchanges"), Some((Endpoint::Exchanges, String::new())));
        assert_eq!(of("exchanges/a"), Some((Endpoint::Exchange, "a".to_owned())));
        assert_eq!(of("exchanges/a/text"), Some((Endpoint::Text, "a".to_owned())));
        assert_eq!(of("routes/explain").map(|found| found.0), Some(Endpoint::Explain));
        for none in ["", "exchanges/", "exchanges//text", "exchanges/a/b", "summary/", "Summary"] {
            assert!(of(none).is_none(), "{none}");
        }
    }

    #[test]
    fn each_row_allows_what_it_has() {
        for row in TABLE {
            let has = |method: &str| row.allow.split(", ").any(|allowed| allowed == method);
            assert_eq!(has("GET"), row.get.is_some(), "{}", row.path);
            assert_eq!(has("POST"), row.post.is_some(), "{}", row.path);
            assert_eq!(has("DELETE"), row.delete.is_some(), "{}", row.path);
            assert_eq!(TABLE.iter().filter(|other| other.path == row.path).count(), 1, "{}", row.path);
        }
    }
}

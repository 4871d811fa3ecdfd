//! `headerMutation` and `bodyMutation`, of a backend and of a route's reference to one.

use crate::config::check::checker::{Check, join, short};
use crate::config::resource::Document;
use crate::config::text::mistake::{Location, Report};
use crate::config::text::yaml::Node;
use crate::mutation::Mutation;
use http::{HeaderName, HeaderValue};

/// Headers that belong to one connection, to the signature, or to the way the body is sent.
const OURS: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amz-content-sha256",
    "x-amz-date",
];

fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(&name.as_str()) || name == "x-amz-security-token"
}

/// The mutations of a backend or of a reference, whose node has the path `at`. Headers that the gateway itself sets
/// are left out, with a notice.
pub(in crate::config) fn mutation(document: &Document<'_>, node: &Node, at: &str, report: &mut Report) -> Mutation {
    let mut named = |path: String, node: &Node, text: &str| -> Option<HeaderName> {
        let name: HeaderName = text.parse().ok()?;
        if is_ours(&name) {
            let location = Location { file: document.file, position: node.position, path: &path };
            report.notice(location, format!("not done: the gateway itself decides about the header {}", short(text)));
            return None;
        }
        Some(name)
    };
    let path = join(at, "headerMutation");
    let set = node.items_at("headerMutation.set").iter().enumerate().filter_map(|(index, item)| {
        let name = named(format!("{path}.set[{index}]"), item, item.text_at("name")?)?;
        let mut value = HeaderValue::from_str(item.text_at("value")?).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    let set_headers = set.collect();
    let remove = node.items_at("headerMutation.remove").iter().enumerate();
    let remove = remove.filter_map(|(index, item)| named(format!("{path}.remove[{index}]"), item, item.text()?));
    let remove_headers = remove.collect();
    let set = node.items_at("bodyMutation.set").iter();
    let removed = node.items_at("bodyMutation.remove").iter().filter_map(Node::text);
    Mutation {
        set_headers,
        remove_headers,
        set_fields: set
            .filter_map(|item| Some((item.text_at("path")?.to_owned(), item.text_at("value")?.trim().to_owned())))
            .collect(),
        remove_fields: removed.map(str::to_owned).collect(),
    }
}

/// Rules of the mutations of `node`, which stands at the path `at`. A value can be a key: it is not shown.
pub(in crate::config) fn rules(check: &mut Check<'_>, node: &Node, at: &str) {
    for (index, item) in node.items_at("headerMutation.set").iter().enumerate() {
        let Some(value) = item.get("value") else { continue };
        if value.text().is_some_and(|text| !text.chars().all(|c| c == ' ' || c.is_ascii_graphic())) {
            let path = format!("{at}.headerMutation.set[{index}].value");
            check.refuse(value, &path, "Invalid value: a header holds visible ASCII only".to_owned());
        }
    }
    for (index, item) in node.items_at("bodyMutation.set").iter().enumerate() {
        let Some(value) = item.get("value") else { continue };
        if value.text().is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()) {
            let path = format!("{at}.bodyMutation.set[{index}].value");
            let message = r#"Invalid value: expected JSON, such as "\"text\"", "42" or "{\"a\":true}""#;
            check.refuse(value, &path, message.to_owned());
        }
    }
}

//! The resources of a configuration as YAML for its operator, with every secret masked.
//!
//! What the environment put in is shown as the file has it. A field is masked by its name, wherever it stands, so that a
//! new resource with a key or a token hides it from the start.

use crate::config::MODEL_HEADER;
use crate::config::resource::{Document, Kind};
use crate::config::text::references::reference;
use crate::config::text::yaml::{Node, Scalar, Value};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The longest text, in bytes; what is behind it is left out.
const MOST: usize = 768 << 10;
/// Ends of the names of fields that hold secrets, in lower case and without separators.
const SECRET_ENDS: [&str; 8] =
    ["key", "token", "secret", "password", "passphrase", "credential", "credentials", "authorization"];
/// Names that end so and hold none.
const HARMLESS: [&str; 1] = ["metadatakey"];
/// The annotations that name files; others may hold whole resources with their secrets.
const FILE_ANNOTATIONS: &str = "substitution.aigw.run/";

/// What is known of the place of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere.
    Open,
    /// Within something that is secret.
    Secret,
    /// The data of a `Secret`, or annotations: each value is secret, but for names of files.
    Values,
}

/// The resources as YAML, with every secret masked.
pub(super) fn redacted(documents: &[Document<'_>]) -> String {
    let mut text = String::new();
    for document in documents {
        _ = writeln!(text, "---\n# {}", document.file);
        let of_secret = document.kind == Kind::Secret;
        for entry in document.root.entries() {
            let place = if of_secret && matches!(entry.key.as_str(), "data" | "stringData") {
                Place::Values
            } else {
                Place::Open
            };
            field(&mut text, &Field { key: &entry.key, value: &entry.value, siblings: &document.root }, place, 0);
        }
        if text.len() > MOST {
            let end = text.floor_char_boundary(MOST);
            text.truncate(end);
            text.push_str("\n# the rest is left out\n");
            break;
        }
    }
    text
}

/// A field of a mapping.
struct Field<'n> {
    key: &'n str,
    value: &'n Node,
    siblings: &'n Node,
}

impl Field<'_> {
    /// What is known of its value's place.
    fn place(&self, around: Place) -> Place {
        let plain: String = self.key.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase();
        let is_map = matches!(self.value.value, Value::Map(_));
        match around {
            Place::Secret => Place::Secret,
            Place::Values if self.key.starts_with(FILE_ANNOTATIONS) => Place::Open,
            Place::Values => Place::Secret,
            Place::Open if self.key == "annotations" => Place::Values,
            Place::Open if self.key == "value" && !self.is_of_model() => Place::Secret,
            Place::Open if HARMLESS.contains(&plain.as_str()) || is_map => Place::Open,
            Place::Open if SECRET_ENDS.iter().any(|end| plain.ends_with(end)) => Place::Secret,
            Place::Open => Place::Open,
        }
    }

    /// Whether the value stands beside the name of the model's header, which is no secret.
    fn is_of_model(&self) -> bool {
        self.siblings.text_at("name").is_some_and(|name| name.eq_ignore_ascii_case(MODEL_HEADER))
    }
}

fn field(text: &mut String, field: &Field<'_>, around: Place, depth: usize) {
    let place = field.place(around);
    indent(text, depth);
    text.push_str(&name(field.key));
    text.push(':');
    below(text, field.value, place, depth);
}

/// A value behind its name and colon, or behind the dash of a list.
fn below(text: &mut String, node: &Node, place: Place, depth: usize) {
    match &node.value {
        Value::Scalar(value) => {
            text.push(' ');
            text.push_str(&scalar(value, place));
            text.push('\n');
        }
        Value::Map(entries) if entries.is_empty() => text.push_str(" {}\n"),
        Value::List(items) if items.is_empty() => text.push_str(" []\n"),
        Value::Map(entries) => {
            text.push('\n');
            for entry in entries {
                field(text, &Field { key: &entry.key, value: &entry.value, siblings: node }, place, depth + 1);
            }
        }
        Value::List(items) => {
            text.push('\n');
            for item in items {
                indent(text, depth + 1);
                text.push('-');
                below(text, item, place, depth + 1);
            }
        }
    }
}

fn indent(text: &mut String, depth: usize) {
    (0..depth).for_each(|_| text.push_str("  "));
}

fn name(key: &str) -> String {
    let is_plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    if is_plain { key.to_owned() } else { quoted(key) }
}

fn scalar(value: &Scalar, place: Place) -> String {
    if place != Place::Open || value.text.contains("PRIVATE KEY") {
        return masked(value);
    }
    let shown = without_user(value.shown());
    let is_plain = value.plain
        && !shown.is_empty()
        && shown.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./+".contains(&b))
        && !shown.starts_with('-');
    if is_plain { shown } else { quoted(&shown) }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A mask that tells two secrets apart: the beginning of the digest. A reference to a variable is shown as such.
fn masked(value: &Scalar) -> String {
    if value.is_null() || value.plain && matches!(value.text.as_str(), "true" | "false") {
        return value.text.clone();
    }
    if let Some(written) = &value.written
        && let Some((inner, name, length)) = reference(written)
        && inner == name
        && length == written.len()
    {
        return quoted(written);
    }
    quoted(&mask(&value.text))
}

/// `•••• (sha256:ab12)`.
fn mask(secret: &str) -> String {
    let [first, second, ..]: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    format!("•••• (sha256:{first:02x}{second:02x})")
}

/// The text without the name and the password in a URL.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://••••{}", rest.get(user.len()..).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Source, load};

    fn loaded(text: &str) -> Config {
        let env = |name: &str| matches!(name, "KEY" | "REGION").then(|| format!("us-{name}-1").to_ascii_lowercase());
        let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
        load(&[source], &env, &|_| Err(std::io::Error::other("no file"))).unwrap()
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let text = loaded(
            r#"
apiVersion: v1
kind: Secret
metadata: {name: aws, annotations: {last-applied: '{"data": "marker-a"}', substitution.aigw.run/file/other: /run/file}}
stringData: {credentials: "[default]\naws_access_key_id = marker-b"}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: other}
spec:
  provider: openai
  config: {model: m, endpoint: "https://us.example.com", apiKey: marker-c}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: bedrock}
spec:
  provider: awsbedrock
  config: {model: "us.anthropic:0", region: "${REGION}", apiKey: "${KEY}"}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: third}
spec:
  provider: awsbedrock
  config: {model: n, region: us-east-1, apiKey: "${NONE:=marker-d}"}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: route}
spec:
  rules:
    - matches:
        - headers: [{name: x-ai-eg-model, value: shown-model}, {name: x-key, value: marker-e}]
      backendRefs: [{name: other, headerMutation: {set: [{name: x-api-key, value: marker-f}]}}]
"#,
        )
        .redacted;
        assert!(!text.contains("marker"), "{text}");
        assert!(!text.contains("us-key-1") && text.contains(r#"apiKey: "${KEY}""#), "{text}");
        assert!(text.contains(r#"region: "${REGION}""#) && text.contains("value: shown-model"), "{text}");
        assert!(text.contains(r#"model: "us.anthropic:0""#) && text.contains("/run/file"), "{text}");
        assert!(text.contains("•••• (sha256:") && text.contains("# a.yaml"), "{text}");
        let again = loaded(&text.replace("•••• (sha256:", "masked-").replace(')', ""));
        assert_eq!(again.backends.len(), 3, "what is shown is YAML of the same shape");
    }

    #[test]
    fn a_url_is_shown_without_its_user() {
        assert_eq!(super::without_user("http://a:b@c.example/d@e"), "http://••••@c.example/d@e");
        assert_eq!(super::without_user("http://c.example/d@e"), "http://c.example/d@e");
    }
}

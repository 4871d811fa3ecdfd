//! The limits of a request, and the memory that reading one takes.

use crate::fault::{Fault, MistakeKind};
use crate::model::field_ref::FieldRef;
use crate::wire::json;

/// The limits of one request. A request beyond them is refused before any work is done for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages.
    pub messages: usize,
    /// Content blocks of all messages: parts, tool calls, items of reasoning.
    pub content_blocks: usize,
    /// Tools.
    pub tools: usize,
    /// Documents of all messages.
    pub documents: usize,
    /// Images of all messages.
    pub images: usize,
    /// Names of beta features, in the body and in headers.
    pub betas: usize,
    /// Members of `metadata`, and of `additionalModelRequestFields`.
    pub members: usize,
    /// JSON values of the body, names of members included.
    pub json_values: usize,
    /// Bytes of the model's id.
    pub model_bytes: usize,
    /// Bytes of any other id or name, as it is written in the body.
    pub id_bytes: usize,
    /// Bytes of one header that is read.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: 50_000,
            content_blocks: 100_000,
            tools: 20_000,
            documents: 2_000,
            images: 10_000,
            betas: 500,
            members: 10_000,
            json_values: 1_000_000,
            model_bytes: 2_048,
            id_bytes: 64 << 10,
            header_bytes: 16 << 10,
        }
    }
}

impl Limits {
    /// Nothing is limited.
    pub const NONE: Self = Self {
        messages: usize::MAX,
        content_blocks: usize::MAX,
        tools: usize::MAX,
        documents: usize::MAX,
        images: usize::MAX,
        betas: usize::MAX,
        members: usize::MAX,
        json_values: usize::MAX,
        model_bytes: usize::MAX,
        id_bytes: usize::MAX,
        header_bytes: usize::MAX,
    };
}

impl Limits {
    /// The most bytes that stand beside a body while it is read and translated: what is noted of it, what is read of it,
    /// and the body that is sent for it. It takes one look at each byte, before anything is read.
    #[must_use]
    pub fn weight(&self, body: &[u8]) -> usize {
        let most = self.weight_of(body, &Counts::at_most(body));
        if most < ROUGHLY { most } else { self.weight_of(body, &Counts::of(body)) }
    }

    fn weight_of(&self, body: &[u8], counts: &Counts) -> usize {
        // What holds more values is read no further.
        let values = counts.values.min(self.json_values);
        let terms = [
            (body.len() / 4, 9),
            (counts.escaped, 4),
            (counts.objects.min(self.json_values), OBJECT),
            (values, VALUE),
            (values.min(self.content_blocks), BLOCK),
            (values.min(self.members.saturating_mul(2)), MEMBER),
            ((body.len() / 2).min(self.betas), BETA),
        ];
        terms.iter().fold(FIXED, |sum, (count, bytes)| sum.saturating_add(count.saturating_mul(*bytes)))
    }
}

/// A weight below this need not be known exactly.
const ROUGHLY: usize = 1 << 20;
/// A body that is no longer has no such weight, whatever is in it.
const SHORT: usize = 1 << 10;

/// The counts of a body's values, made before it is read.
#[derive(Default)]
struct Counts {
    objects: usize,
    /// Values and names, or more.
    values: usize,
    /// Bytes of the strings with escapes, which are copied to be read.
    escaped: usize,
}

impl Counts {
    /// No more than this can be there, as many bytes are looked at together: what stands in a text counts as if it stood
    /// outside.
    fn at_most(body: &[u8]) -> Self {
        if body.len() <= SHORT {
            return Self { values: 1 + body.len(), objects: body.len() / 2, escaped: body.len() };
        }
        let count = |byte| memchr::memchr_iter(byte, body).count();
        let objects = count(b'{');
        let values = count(b',') + count(b':') + count(b'[') + objects;
        let escaped = memchr::memchr(b'\\', body).map_or(0, |_| body.len());
        Self { values: 1 + values, objects, escaped }
    }

    fn of(body: &[u8]) -> Self {
        let mut counts = Self { values: 1, ..Self::default() };
        let mut rest = body;
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            match first {
                b'"' => {
                    let plain = json::plain(behind);
                    rest = behind.get(plain + 1..).unwrap_or_default();
                    if behind.get(plain) == Some(&b'\\') {
                        rest = behind_string(behind);
                        counts.escaped += behind.len() - rest.len();
                    }
                }
                b'{' => {
                    counts.objects += 1;
                    counts.values += 1;
                }
                b',' | b':' | b'[' => counts.values += 1,
                _ => {}
            }
        }
        counts
    }
}

/// Refuses a field, by its dialect's path, that holds more than `most` of something; `setting` is the flag that sets how much.
pub(crate) fn at_most(field: &str, count: usize, most: usize, what: &str, setting: &str) -> Result<(), Fault> {
    if count <= most {
        return Ok(());
    }
    let message = format!("`{field}` holds more than {most} {what}, the most that this gateway takes (`{setting}`)");
    Err(Fault::mistake(MistakeKind::TooMany, Some(FieldRef::own(field.to_owned())), message))
}

/// A body of too many values.
pub(crate) fn too_many_values(most: usize) -> Fault {
    let message =
        format!("the body holds more than {most} JSON values, the most that this gateway takes (`--max-json-values`)");
    Fault::mistake(MistakeKind::TooMany, None, message)
}

/// The fields of Bedrock's own that a client may use. Others are refused, whatever their spelling or place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFields {
    /// `additionalModelRequestFields`: members for the model's own body.
    pub additional_model_request_fields: bool,
    /// `guardrailConfig`: a guardrail of the account.
    pub guardrail_config: bool,
    /// `service_tier`: the tier, and so the price.
    pub service_tier: bool,
    /// `performanceConfig`: the faster hardware, and so the price.
    pub performance_config: bool,
    /// `s3://` addresses of images, documents and videos, which Bedrock reads with the gateway's own role.
    pub s3_uris: bool,
}

impl Default for ClientFields {
    /// Everything but `s3://` addresses.
    fn default() -> Self {
        Self {
            additional_model_request_fields: true,
            guardrail_config: true,
            service_tier: true,
            performance_config: true,
            s3_uris: false,
        }
    }
}

/// The most bytes that stand beside a body while it is read and translated within the usual limits.
#[must_use]
pub fn weight(body: &[u8]) -> usize {
    Limits::default().weight(body)
}

/// The memory for one object: a message, a tool, and what is sent for it, in bytes.
const OBJECT: usize = 384;
/// The memory for the index entry of one value, in a list that grows, in bytes.
const VALUE: usize = 48;
/// The memory for one part of a message, in bytes.
const BLOCK: usize = 224;
/// The memory for a name or a value of a field whose members are all read, in bytes.
const MEMBER: usize = 96;
/// The memory for the name of a beta, in bytes.
const BETA: usize = 96;
/// The memory that every request takes, in bytes.
const FIXED: usize = 16 * 1024;

/// The rest of the bytes behind the string that begins here.
fn behind_string(mut rest: &[u8]) -> &[u8] {
    loop {
        let plain = json::plain(rest);
        match rest.get(plain..).and_then(<[u8]>::split_first) {
            Some((b'\\', behind)) => rest = behind.get(1..).unwrap_or_default(),
            Some((_, behind)) => return behind,
            None => return &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_string_is_no_value() {
        let full = br#"{"a":"{,:\",[{\\"}"#;
        assert_eq!(Counts::of(full).values, 3);
        assert_eq!(Counts::of(full).objects, 1);
        assert_eq!(Counts::of(full).escaped, 11);
        assert_eq!(Counts::of(br#"{"a":"{,:"}"#).escaped, 0);
        assert!(weight(b"") >= FIXED && weight(b"{\"\\") > FIXED);
    }
}

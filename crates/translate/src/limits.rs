//! What a request may ask for at all, and what it takes to read one.

/// Which fields of Bedrock's own a client may use. What is not allowed is refused, whatever its spelling or its place.
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

/// The most bytes that stand beside a body while it is read and translated: what is noted of it, what is read of it, and
/// the body that is sent for it. It takes one look at each byte, before anything is read.
#[must_use]
pub fn weight(body: &[u8]) -> usize {
    let (mut objects, mut values) = (1, 1);
    let mut rest = body;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'"' => rest = behind_string(behind),
            b'{' => objects += 1,
            b',' | b':' | b'[' => values += 1,
            _ => {}
        }
    }
    let copies = body.len() / 4 * 9;
    let beside = objects * OBJECT + values * VALUE;
    copies.saturating_add(beside).saturating_add(FIXED)
}

/// The most bytes that stand beside one object: a message, a part of one, a tool.
const OBJECT: usize = 512;
/// The most bytes that stand beside one value.
const VALUE: usize = 64;
/// What every request takes.
const FIXED: usize = 16 * 1024;

/// What comes behind the string that begins here.
fn behind_string(mut rest: &[u8]) -> &[u8] {
    loop {
        let plain = crate::wire::json::plain(rest);
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
    fn a_string_counts_once_whatever_is_in_it() {
        let empty = weight(br#"{"a":""}"#);
        let full = weight(br#"{"a":"{,:\",[{\\"}"#);
        assert!(full - empty < 32, "{empty} {full}");
        assert_eq!(weight(b""), FIXED + OBJECT + VALUE);
        assert!(weight(b"{\"\\") > FIXED);
    }
}

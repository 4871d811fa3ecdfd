//! The requests of OTLP around spans and metrics, and what a collector answers to them.

use super::metric::{self, MetricTimes};
use super::queue::SpanBatch;
use super::wire::{self, Attributes};

/// The schema of the attributes of v1.41.
const SCHEMA_V141: &str = "https://opentelemetry.io/schemas/1.41.0";
/// The name of the scope of all spans and metrics.
const SCOPE: &str = "aquifer";
/// The largest answer that is looked at for a partial success, and the longest message of one.
const LONGEST_MESSAGE: usize = 512;

/// The process as a resource, encoded, with what all its requests have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpResource {
    encoded: Vec<u8>,
    schema: &'static str,
}

/// What a collector rejected of a request that it took otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSuccess {
    /// The number of spans, or of data points.
    pub rejected: u64,
    /// Why, in the collector's words, of at most 512 bytes.
    pub message: String,
}

impl OtlpResource {
    /// A resource with these attributes; `is_v141`: attributes of spans are named by v1.41.
    #[must_use]
    pub fn new(attributes: &[(String, String)], is_v141: bool) -> Self {
        let mut encoded = Vec::new();
        let mut all = Attributes::new(&mut encoded, 1);
        for (key, value) in attributes {
            all.text(key, value);
        }
        Self { encoded, schema: if is_v141 { SCHEMA_V141 } else { "" } }
    }

    /// The `ExportTraceServiceRequest` of a batch.
    #[must_use]
    pub fn traces(&self, batch: &SpanBatch) -> Vec<u8> {
        self.around(|to| to.extend_from_slice(&batch.bytes), batch.bytes.len())
    }

    /// The `ExportMetricsServiceRequest` of metrics in OpenMetrics' text form, as this crate writes it.
    #[must_use]
    pub fn metrics(&self, text: &str, times: MetricTimes) -> Vec<u8> {
        self.around(|to| metric::encode(to, text, times), text.len())
    }

    /// A request with this resource and one scope. Of traces and of metrics these messages have the same numbers.
    fn around(&self, content: impl FnOnce(&mut Vec<u8>), about: usize) -> Vec<u8> {
        let mut request = Vec::with_capacity(about + self.encoded.len() + 256);
        wire::message(&mut request, 1, |to| {
            wire::bytes(to, 1, &self.encoded);
            wire::message(to, 2, |to| {
                wire::message(to, 1, |to| {
                    wire::bytes(to, 1, SCOPE.as_bytes());
                    wire::bytes(to, 2, env!("CARGO_PKG_VERSION").as_bytes());
                });
                content(to);
                wire::bytes(to, 3, self.schema.as_bytes());
            });
        });
        request
    }
}

impl PartialSuccess {
    /// Reads an `ExportTraceServiceResponse` or `ExportMetricsServiceResponse`; `None` where everything was taken, and
    /// where it is neither.
    #[must_use]
    pub fn read(response: &[u8]) -> Option<Self> {
        let mut told = Self { rejected: 0, message: String::new() };
        let mut outer = Fields(response);
        while let Some(field) = outer.next_field() {
            let FieldValue::Bytes(inner) = field.value else { continue };
            if field.number != 1 {
                continue;
            }
            let mut inner = Fields(inner);
            while let Some(field) = inner.next_field() {
                match (field.number, field.value) {
                    (1, FieldValue::Number(rejected)) => told.rejected = rejected,
                    (2, FieldValue::Bytes(message)) => {
                        let message = message.get(..LONGEST_MESSAGE).unwrap_or(message);
                        told.message = String::from_utf8_lossy(message).into_owned();
                    }
                    _ => {}
                }
            }
        }
        (told.rejected > 0 || !told.message.is_empty()).then_some(told)
    }
}

/// The fields of a message that are still to be read.
struct Fields<'a>(&'a [u8]);

struct Field<'a> {
    number: u64,
    value: FieldValue<'a>,
}

enum FieldValue<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Fields<'a> {
    /// The next field; `None` at the end, or where the bytes are no message.
    fn next_field(&mut self) -> Option<Field<'a>> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => FieldValue::Number(self.varint()?),
            1 => self.skip(8)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                FieldValue::Bytes(self.take(length)?)
            }
            5 => self.skip(4)?,
            _ => return None,
        };
        Some(Field { number: tag >> 3, value })
    }

    fn skip(&mut self, length: usize) -> Option<FieldValue<'a>> {
        self.take(length).map(|_| FieldValue::Fixed)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_is_read_and_no_bytes_do_harm() {
        let mut response = Vec::new();
        wire::message(&mut response, 1, |to| {
            wire::uint(to, 1, 300);
            wire::bytes(to, 2, "too old".as_bytes());
            wire::fixed64(to, 9, 1);
            wire::fixed32(to, 10, 1);
        });
        let told = PartialSuccess { rejected: 300, message: "too old".to_owned() };
        assert_eq!(PartialSuccess::read(&response), Some(told));
        for nothing in [&[][..], &[0x0a, 0], b"ok", b"<html>", &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 1], &[0xff; 40]] {
            assert_eq!(PartialSuccess::read(nothing), None, "{nothing:?}");
        }
        for cut in 0..response.len() {
            let _ = PartialSuccess::read(&response[..cut]);
        }
        let mut long = Vec::new();
        wire::message(&mut long, 1, |to| wire::bytes(to, 2, &[b'x'; 5000]));
        assert_eq!(PartialSuccess::read(&long).unwrap().message.len(), LONGEST_MESSAGE);
    }
}

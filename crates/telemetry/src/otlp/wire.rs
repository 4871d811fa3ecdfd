//! Writes protobuf messages: varints, fixed numbers, and parts with their length in front of them.

/// The wire types that OTLP's messages use.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Writes a varint: seven bits a byte, the lowest first.
pub(crate) fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    to.push(low_byte(value));
}

/// The length of a varint in bytes.
pub(crate) fn varint_length(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    usize::try_from(bits.div_ceil(7)).unwrap_or(10)
}

fn low_byte(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

fn tag(to: &mut Vec<u8>, field: u32, kind: u32) {
    varint(to, u64::from(field << 3 | kind));
}

/// A field that is a whole number or an enumeration; 0 is left out, as protobuf's default.
pub(crate) fn uint(to: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(to, field, VARINT);
        varint(to, value);
    }
}

/// A field of eight bytes.
pub(crate) fn fixed64(to: &mut Vec<u8>, field: u32, value: u64) {
    tag(to, field, FIXED64);
    to.extend_from_slice(&value.to_le_bytes());
}

/// A field that is a floating-point number.
pub(crate) fn double(to: &mut Vec<u8>, field: u32, value: f64) {
    fixed64(to, field, value.to_bits());
}

/// A field of four bytes.
pub(crate) fn fixed32(to: &mut Vec<u8>, field: u32, value: u32) {
    tag(to, field, FIXED32);
    to.extend_from_slice(&value.to_le_bytes());
}

/// A field of bytes or of text; an empty one is left out.
pub(crate) fn bytes(to: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        tag(to, field, LENGTH);
        varint(to, value.len() as u64);
        to.extend_from_slice(value);
    }
}

/// A field that is a message, whose parts `write` writes.
pub(crate) fn message(to: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(to, field, LENGTH);
    let start = to.len();
    write(to);
    let length = (to.len() - start) as u64;
    // The length goes before what is written already: it is appended, and turned to the front.
    let behind = to.len();
    varint(to, length);
    let prefix = to.len() - behind;
    if let Some(part) = to.get_mut(start..) {
        part.rotate_right(prefix);
    }
}

/// Writes attributes as fields of a message: a span's, a resource's or a data point's.
pub(crate) struct Attributes<'a> {
    to: &'a mut Vec<u8>,
    field: u32,
}

impl<'a> Attributes<'a> {
    /// Attributes in this field of a message.
    pub(crate) fn new(to: &'a mut Vec<u8>, field: u32) -> Self {
        Self { to, field }
    }

    /// Writes tag, length and key of an attribute whose value's message has this length, and that value's tag and length.
    fn begin(&mut self, key: &str, value: usize) {
        let key_length = key.len() as u64;
        let length = 1 + varint_length(key_length) + key.len() + 1 + varint_length(value as u64) + value;
        tag(self.to, self.field, LENGTH);
        varint(self.to, length as u64);
        tag(self.to, 1, LENGTH);
        varint(self.to, key_length);
        self.to.extend_from_slice(key.as_bytes());
        tag(self.to, 2, LENGTH);
        varint(self.to, value as u64);
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.begin(key, 1 + varint_length(value.len() as u64) + value.len());
        tag(self.to, 1, LENGTH);
        varint(self.to, value.len() as u64);
        self.to.extend_from_slice(value.as_bytes());
    }

    /// A whole number.
    pub(crate) fn int(&mut self, key: &str, value: u64) {
        // OTLP's numbers are signed.
        let value = value.min(i64::MAX.unsigned_abs());
        self.begin(key, 1 + varint_length(value));
        tag(self.to, 3, VARINT);
        varint(self.to, value);
    }

    /// A floating-point number.
    pub(crate) fn double(&mut self, key: &str, value: f64) {
        self.begin(key, 9);
        double(self.to, 4, value);
    }

    /// Whether something is so.
    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.begin(key, 2);
        tag(self.to, 2, VARINT);
        varint(self.to, value.into());
    }

    /// Several texts.
    pub(crate) fn list<'t>(&mut self, key: &str, values: impl Iterator<Item = &'t str>) {
        let mut array = Vec::new();
        for value in values {
            message(&mut array, 1, |to| {
                tag(to, 1, LENGTH);
                varint(to, value.len() as u64);
                to.extend_from_slice(value.as_bytes());
            });
        }
        self.begin(key, 1 + varint_length(array.len() as u64) + array.len());
        tag(self.to, 5, LENGTH);
        varint(self.to, array.len() as u64);
        self.to.extend_from_slice(&array);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_as_long_as_is_said() {
        for (value, written) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut bytes = Vec::new();
            varint(&mut bytes, value);
            assert_eq!((bytes.as_slice(), varint_length(value)), (written, written.len()));
        }
    }

    #[test]
    fn a_message_has_its_length_in_front() {
        for length in [0, 1, 127, 128, 20_000] {
            let mut written = vec![9];
            message(&mut written, 2, |to| to.resize(to.len() + length, b'x'));
            let mut expected = vec![9, 0x12];
            varint(&mut expected, length as u64);
            expected.resize(expected.len() + length, b'x');
            assert_eq!(written, expected);
        }
    }
}

//! The answer to a request for embeddings, written as its vectors come.

use crate::model::embed::{Vector, VectorFormat};
use crate::model::text::Text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The writer of one answer: the items of `data` so far.
#[derive(Default)]
pub struct Writer {
    data: String,
    count: usize,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("bytes", &self.data.len()).field("count", &self.count).finish()
    }
}

impl Writer {
    /// Adds the next vector.
    pub fn push(&mut self, vector: &Vector<'_>, format: VectorFormat) {
        let before = if self.count == 0 { r#"{"object":"list","data":["# } else { "," };
        let head = format!(r#"{before}{{"object":"embedding","index":{},"embedding":"#, self.count);
        self.data.push_str(&head);
        match format {
            VectorFormat::Float => self.data.push_str(vector.json),
            VectorFormat::Base64 => {
                let bytes: Vec<u8> = vector.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                self.data.push('"');
                STANDARD.encode_string(bytes, &mut self.data);
                self.data.push('"');
            }
        }
        self.data.push('}');
        self.count += 1;
    }

    /// The number of vectors so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The whole answer.
    #[must_use]
    pub fn finish(self, model: &Text<'_>, tokens: u64) -> String {
        let Self { mut data, .. } = self;
        let model = model.as_escaped();
        let usage = format!(r#"{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}"#);
        data.push_str(&format!(r#"],"model":"{model}","usage":{usage}}}"#));
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_numbers_as_they_came_or_base64() {
        let vector = || Vector { json: "[1.0,-2e0]", numbers: vec![1.0, -2.0] };
        let written = |format| {
            let mut writer = Writer::default();
            writer.push(&vector(), format);
            writer.push(&vector(), format);
            writer.finish(&Text::from_plain("m"), 3)
        };
        assert_eq!(
            written(VectorFormat::Float),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,-2e0]},{"object":"embedding","index":1,"embedding":[1.0,-2e0]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#
        );
        // The bytes of 1.0 and of -2.0, the least significant first: 00 00 80 3f 00 00 00 c0.
        assert!(written(VectorFormat::Base64).contains(r#""embedding":"AACAPwAAAMA="}"#));
    }
}

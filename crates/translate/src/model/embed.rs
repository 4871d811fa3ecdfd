//! A request for embeddings, in the words of no dialect.

use super::text::Text;
use std::borrow::Cow;
use std::fmt;

/// A request for a vector of each of its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbedRequest<'a> {
    /// The model that the client names.
    pub model: Cow<'a, str>,
    /// The inputs, in order.
    pub inputs: Vec<EmbedInput<'a>>,
    /// The length of the vectors, where the client says it.
    pub dimensions: Option<u32>,
    /// The form of the vectors in the answer.
    pub format: VectorFormat,
    /// What the vectors are for, where the client says it.
    pub purpose: Option<EmbedPurpose>,
    /// What becomes of an input that is too long, where the client says it.
    pub truncate: Option<Truncate>,
}

/// One input, of which one vector is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedInput<'a> {
    /// A text.
    Text(Text<'a>),
    /// An image, or several parts that belong together.
    Parts(Vec<EmbedPart<'a>>),
}

/// A part of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedPart<'a> {
    /// A text.
    Text(Text<'a>),
    /// An image.
    Image {
        /// Its format: `png`, `jpeg`, `gif` or `webp`.
        format: &'static str,
        /// Its bytes in base64.
        data: Text<'a>,
    },
}

/// The form of vectors in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorFormat {
    /// Lists of numbers.
    #[default]
    Float,
    /// Base64 of 32-bit floats, the least significant byte first.
    Base64,
}

/// What vectors are for: a model may embed a query otherwise than the documents that it is to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbedPurpose {
    /// To be found.
    Document,
    /// To find documents.
    Query,
    /// To sort into classes.
    Classification,
    /// To be grouped.
    Clustering,
}

/// What becomes of an input that is longer than the model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncate {
    /// It is refused.
    Never,
    /// Its beginning is left out.
    Start,
    /// Its end is left out.
    End,
}

/// A vector of an answer.
#[derive(Clone, PartialEq)]
pub struct Vector<'a> {
    /// The array of numbers as it came.
    pub json: &'a str,
    /// The same numbers.
    pub numbers: Vec<f32>,
}

impl fmt::Debug for Vector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vector({} numbers)", self.numbers.len())
    }
}

impl EmbedRequest<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> EmbedRequest<'static> {
        let Self { model, inputs, dimensions, format, purpose, truncate } = self;
        let model = Cow::Owned(model.into_owned());
        let inputs = inputs.into_iter().map(EmbedInput::into_owned).collect();
        EmbedRequest { model, inputs, dimensions, format, purpose, truncate }
    }
}

impl EmbedInput<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> EmbedInput<'static> {
        match self {
            Self::Text(text) => EmbedInput::Text(text.into_owned()),
            Self::Parts(parts) => EmbedInput::Parts(parts.into_iter().map(EmbedPart::into_owned).collect()),
        }
    }

    /// Its bytes as they stand in a body, more or less.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.as_escaped().len(),
            Self::Parts(parts) => parts.iter().map(EmbedPart::bytes).sum(),
        }
    }
}

impl EmbedPart<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> EmbedPart<'static> {
        match self {
            Self::Text(text) => EmbedPart::Text(text.into_owned()),
            Self::Image { format, data } => EmbedPart::Image { format, data: data.into_owned() },
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Image { data: text, .. } => text.as_escaped().len(),
        }
    }
}

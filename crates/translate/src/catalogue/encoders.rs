//! The encoders: models that embed inputs or rank documents, and how their bodies over InvokeModel are shaped.
//!
//! They have no place among the rows of models that answer: nothing of reasoning, tools or sampling is true of them.

use super::ids::{self, base_id};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// One model that embeds or ranks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// The base model id, without a region's prefix.
    pub id: String,
    /// The name people use.
    pub name: String,
    /// `amazon` or `cohere`.
    pub vendor: String,
    /// Other ids of the same model.
    #[serde(default)]
    pub also: Vec<String>,
    /// The id is only the beginning of the ids of models that have no row of their own.
    #[serde(default)]
    pub prefix: bool,
    /// What it is asked for.
    pub task: EncoderTask,
    /// The shape of its body.
    pub body: EncoderBody,
    /// The lengths of its vectors, the usual one first; empty when they are not known.
    #[serde(default)]
    pub dimensions: Vec<u32>,
    /// Takes images beside text.
    #[serde(default)]
    pub images: bool,
    /// The geographies of its inference profiles.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// The regions in which it is called by its own id; none when that is not known.
    #[serde(default)]
    pub regions: Option<Vec<String>>,
    /// What no source proves.
    #[serde(default)]
    pub unproven: Option<String>,
}

/// The task of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderTask {
    /// A vector for each input.
    Embed,
    /// The relevance of documents to a query.
    Rerank,
}

/// The shape of an encoder's body over InvokeModel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderBody {
    /// `{inputText, dimensions?}`
    TitanText,
    /// `{inputText?, inputImage?, embeddingConfig?}`
    TitanImage,
    /// `{taskType, singleEmbeddingParams}`
    Nova,
    /// `{texts | images, input_type, truncate?}`
    CohereV3,
    /// `{texts | inputs, input_type, embedding_types, output_dimension?, truncate?}`
    CohereV4,
    /// `{query, documents, top_n?, api_version}`
    CohereRerank,
    /// `{query, documents, top_n?}`
    AmazonRerank,
}

impl EncoderTask {
    /// The word for it, as OpenTelemetry's `gen_ai.operation.name` has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Embed => "embeddings",
            Self::Rerank => "rerank",
        }
    }

    /// The path under which services of OpenAI's dialect have it, behind their prefix.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Embed => "/embeddings",
            Self::Rerank => "/rerank",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    encoders: Vec<Encoder>,
}

static ENCODERS: LazyLock<Vec<Encoder>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("encoders.json")).map(|file: File| file.encoders).unwrap_or_default()
});

/// The encoders that have a row of their own, in the file's order.
pub fn encoders() -> impl Iterator<Item = &'static Encoder> {
    ENCODERS.iter().filter(|encoder| !encoder.prefix)
}

/// The encoder of a model id, of whatever form: base id, inference profile, ARN. A model that has no row of its own is
/// asked like its line.
#[must_use]
pub fn encoder(model_id: &str) -> Option<&'static Encoder> {
    let base = base_id(model_id)?;
    let own = encoders().find(|encoder| encoder.is_called(base));
    own.or_else(|| ENCODERS.iter().find(|encoder| encoder.prefix && base.starts_with(&encoder.id)))
}

/// Whether an encoder has a row of its own under this base id.
pub(super) fn has_row(base: &str) -> bool {
    encoders().any(|encoder| encoder.id == base || encoder.also.iter().any(|id| id == base))
}

impl Encoder {
    fn is_called(&self, base: &str) -> bool {
        // The same model with a version or a size of context behind its id.
        std::iter::once(&self.id)
            .chain(&self.also)
            .any(|id| base.strip_prefix(id.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    }

    /// The ids by which it is served in a region, as far as is known.
    pub fn ids_in(&self, region: &str) -> impl Iterator<Item = String> + use<'_> {
        let here = self.regions.as_ref().is_none_or(|regions| regions.iter().any(|known| known == region));
        let near = ids::geographies(region);
        let profiles = self.profiles.iter().filter(move |geography| near.contains(&geography.as_str()));
        here.then(|| self.id.clone()).into_iter().chain(profiles.map(|geography| format!("{geography}.{}", self.id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_form_lead_to_their_encoder() {
        for (id, expected) in [
            ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v1"),
            ("amazon.titan-embed-text-v1:2:8k", "amazon.titan-embed-text-v1"),
            ("amazon.titan-embed-g1-text-02", "amazon.titan-embed-text-v1"),
            ("amazon.titan-embed-text-v3:0", "amazon.titan-embed-text-"),
            ("us.cohere.embed-v4:0", "cohere.embed-v4:0"),
            ("cohere.embed-v5:0", "cohere.embed-"),
            ("arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0", "cohere.rerank-v3-5:0"),
        ] {
            assert_eq!(encoder(id).map(|encoder| encoder.id.as_str()), Some(expected), "{id}");
        }
        for id in ["amazon.nova-2-lite-v1:0", "gpt-4o", "cohere.command-r-v1:0", ""] {
            assert_eq!(encoder(id), None, "{id}");
        }
    }

    #[test]
    fn the_rows_are_read_and_say_what_they_must() {
        assert_eq!(encoders().count(), 9);
        for encoder in encoders() {
            assert_eq!(encoder.dimensions.is_empty(), encoder.task == EncoderTask::Rerank, "{}", encoder.id);
        }
    }
}

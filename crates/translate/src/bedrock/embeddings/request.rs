//! The next call of a request for embeddings: as many inputs as the model takes at once, in its own body.

use crate::bedrock::converse::request::path;
use crate::catalogue::{Encoder, EncoderBody};
use crate::fault::Fault;
use crate::model::embed::{EmbedInput, EmbedPart, EmbedPurpose, EmbedRequest, Truncate};
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::json::Json;
use crate::model::text::Text;
use crate::warning::Warning;

/// The most texts, or images of its fourth version, that Cohere takes at once.
const MOST_OF_COHERE: usize = 96;
/// The most bytes of inputs in one call: Bedrock takes bodies of up to 25,000,000.
const MOST_BYTES: usize = 20_000_000;

/// One call of a request.
#[derive(Debug)]
pub struct EmbedCall {
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
    /// The number of inputs that it holds.
    pub count: usize,
    /// The fields that are not sent as asked.
    pub warnings: Vec<Warning>,
}

/// The shape of an input, as far as inputs of one call must share it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Image,
    Mixed,
}

/// Writes the call for the inputs from `from` on.
///
/// # Errors
///
/// What this model cannot embed; all inputs are looked at before the first call.
pub fn write(request: &EmbedRequest<'_>, encoder: &Encoder, model_id: &str, from: usize) -> Result<EmbedCall, Fault> {
    if from == 0 {
        check(request, encoder)?;
    }
    let path = path::path(model_id, "invoke")?;
    let inputs = batch(request.inputs.get(from..).unwrap_or_default(), encoder.body);
    let bytes: usize = inputs.iter().map(EmbedInput::bytes).sum();
    let mut json = Json::with_capacity(bytes + 8 * inputs.len() + 256);
    let dimensions = sent_dimensions(request, encoder);
    json.object(|json| match encoder.body {
        EncoderBody::TitanText | EncoderBody::TitanImage => titan(inputs, encoder.body, dimensions, json),
        EncoderBody::Nova => nova(request, inputs, dimensions, json),
        EncoderBody::CohereV3 | EncoderBody::CohereV4 => cohere(request, inputs, encoder.body, dimensions, json),
        EncoderBody::CohereRerank | EncoderBody::AmazonRerank => {}
    });
    Ok(EmbedCall { path, body: json.into_bytes(), count: inputs.len(), warnings: warnings(request, encoder.body) })
}

/// The inputs that go into one call: of one shape, and no more than the model takes.
fn batch<'r, 'a>(inputs: &'r [EmbedInput<'a>], body: EncoderBody) -> &'r [EmbedInput<'a>] {
    let Some(first) = inputs.first().map(shape) else { return inputs };
    let most = match (body, first) {
        (EncoderBody::CohereV4, _) | (EncoderBody::CohereV3, Shape::Text) => MOST_OF_COHERE,
        _ => 1,
    };
    let mut bytes = 0;
    let fitting = inputs.iter().take(most).take_while(|input| {
        bytes += input.bytes();
        shape(input) == first && bytes <= MOST_BYTES
    });
    // One that is too large alone is Bedrock's to refuse.
    let count = fitting.count().max(1);
    inputs.get(..count).unwrap_or(inputs)
}

fn shape(input: &EmbedInput<'_>) -> Shape {
    match input {
        EmbedInput::Text(_) => Shape::Text,
        EmbedInput::Parts(parts) if matches!(parts.as_slice(), [EmbedPart::Image { .. }]) => Shape::Image,
        EmbedInput::Parts(_) => Shape::Mixed,
    }
}

/// Refuses what the model cannot embed.
fn check(request: &EmbedRequest<'_>, encoder: &Encoder) -> Result<(), Fault> {
    if let Some(asked) = request.dimensions.filter(|asked| {
        // Of a model that no row describes the service decides.
        !encoder.dimensions.is_empty() && !encoder.dimensions.contains(asked)
    }) {
        let lengths: Vec<String> = encoder.dimensions.iter().map(u32::to_string).collect();
        let message = format!("`{NAME}` cannot be {asked}: {} has {}", encoder.name, lengths.join(", "));
        return Err(Fault::unsupported(FieldRef::own("dimensions"), message));
    }
    for (at, input) in request.inputs.iter().enumerate() {
        let EmbedInput::Parts(parts) = input else { continue };
        if let Some(why) = refused(parts, encoder) {
            let message = format!("`{NAME}` {why}: {}", encoder.name);
            return Err(Fault::unsupported(FieldRef::own(format!("input[{at}]")), message));
        }
    }
    Ok(())
}

/// The reason why a model cannot make one vector of these parts.
fn refused(parts: &[EmbedPart<'_>], encoder: &Encoder) -> Option<&'static str> {
    let images = parts.iter().filter(|part| matches!(part, EmbedPart::Image { .. })).count();
    let texts = parts.len() - images;
    if images > 0 && !encoder.images {
        return Some("holds an image, which this model does not embed");
    }
    match encoder.body {
        EncoderBody::CohereV4 => None,
        EncoderBody::TitanImage if texts <= 1 && images <= 1 => None,
        EncoderBody::TitanImage => {
            Some("holds more than one text and one image, the most that this model embeds together")
        }
        EncoderBody::TitanText
        | EncoderBody::Nova
        | EncoderBody::CohereV3
        | EncoderBody::CohereRerank
        | EncoderBody::AmazonRerank => {
            (parts.len() > 1).then_some("holds several parts, which this model does not embed together")
        }
    }
}

/// The dimensions as they are sent: a model with one length takes no word of it.
fn sent_dimensions(request: &EmbedRequest<'_>, encoder: &Encoder) -> Option<u32> {
    request.dimensions.filter(|_| encoder.dimensions.len() != 1)
}

fn warnings(request: &EmbedRequest<'_>, body: EncoderBody) -> Vec<Warning> {
    let titan = matches!(body, EncoderBody::TitanText | EncoderBody::TitanImage);
    let purpose = request
        .purpose
        .filter(|_| titan)
        .map(|_| Warning::dropped(FieldRef::own("input_type"), "Titan embeds queries and documents alike"));
    let cuts = request.truncate.is_some_and(|truncate| truncate != Truncate::Never);
    let cut = (titan && cuts).then(|| Warning::dropped(FieldRef::own("truncate"), "Titan refuses what is too long"));
    purpose.into_iter().chain(cut).collect()
}

fn titan(inputs: &[EmbedInput<'_>], body: EncoderBody, dimensions: Option<u32>, json: &mut Json) {
    match inputs {
        [EmbedInput::Text(text), ..] => json.name("inputText").text(text),
        [EmbedInput::Parts(parts), ..] => {
            for part in parts {
                match part {
                    EmbedPart::Text(text) => json.name("inputText").text(text),
                    EmbedPart::Image { data, .. } => json.name("inputImage").text(data),
                }
            }
        }
        [] => {}
    }
    let Some(dimensions) = dimensions.map(|dimensions| dimensions.to_string()) else { return };
    if body == EncoderBody::TitanImage {
        json.member("embeddingConfig", |json| {
            json.name("outputEmbeddingLength").verbatim(&dimensions);
        });
    } else {
        json.name("dimensions").verbatim(&dimensions);
    }
}

fn nova(request: &EmbedRequest<'_>, inputs: &[EmbedInput<'_>], dimensions: Option<u32>, json: &mut Json) {
    json.name("schemaVersion").word("nova-multimodal-embed-v1");
    json.name("taskType").word("SINGLE_EMBEDDING");
    json.member("singleEmbeddingParams", |json| {
        json.name("embeddingPurpose").word(match request.purpose {
            None | Some(EmbedPurpose::Document) => "GENERIC_INDEX",
            Some(EmbedPurpose::Query) => "GENERIC_RETRIEVAL",
            Some(EmbedPurpose::Classification) => "CLASSIFICATION",
            Some(EmbedPurpose::Clustering) => "CLUSTERING",
        });
        if let Some(dimensions) = dimensions {
            json.name("embeddingDimension").verbatim(&dimensions.to_string());
        }
        match inputs {
            [EmbedInput::Text(text), ..] => nova_text(request.truncate, text, json),
            [EmbedInput::Parts(parts), ..] => match parts.as_slice() {
                [EmbedPart::Text(text), ..] => nova_text(request.truncate, text, json),
                [EmbedPart::Image { format, data }, ..] => json.member("image", |json| {
                    json.name("detailLevel").word("STANDARD_IMAGE");
                    json.name("format").word(format);
                    json.member("source", |json| json.name("bytes").text(data));
                }),
                [] => {}
            },
            [] => {}
        }
    });
}

fn nova_text(truncate: Option<Truncate>, text: &Text<'_>, json: &mut Json) {
    json.member("text", |json| {
        json.name("truncationMode").word(match truncate {
            None | Some(Truncate::Never) => "NONE",
            Some(Truncate::Start) => "START",
            Some(Truncate::End) => "END",
        });
        json.name("value").text(text);
    });
}

fn cohere(
    request: &EmbedRequest<'_>,
    inputs: &[EmbedInput<'_>],
    body: EncoderBody,
    dimensions: Option<u32>,
    json: &mut Json,
) {
    let shape = inputs.first().map_or(Shape::Text, shape);
    let fourth = body == EncoderBody::CohereV4;
    let purpose = match request.purpose {
        _ if shape == Shape::Image && !fourth => "image",
        None | Some(EmbedPurpose::Document) => "search_document",
        Some(EmbedPurpose::Query) => "search_query",
        Some(EmbedPurpose::Classification) => "classification",
        Some(EmbedPurpose::Clustering) => "clustering",
    };
    json.name("input_type").word(purpose);
    let name = match shape {
        Shape::Text => "texts",
        Shape::Image => "images",
        Shape::Mixed => "inputs",
    };
    json.name(name).list(|json| inputs.iter().for_each(|input| cohere_input(input, shape, json)));
    if fourth {
        json.name("embedding_types").list(|json| json.word("float"));
        if let Some(dimensions) = dimensions {
            json.name("output_dimension").verbatim(&dimensions.to_string());
        }
    }
    if let Some(truncate) = request.truncate {
        json.name("truncate").word(match (truncate, fourth) {
            (Truncate::Never, _) => "NONE",
            (Truncate::Start, false) => "START",
            (Truncate::End, false) => "END",
            (Truncate::Start, true) => "LEFT",
            (Truncate::End, true) => "RIGHT",
        });
    }
}

fn cohere_input(input: &EmbedInput<'_>, shape: Shape, json: &mut Json) {
    let parts = match input {
        EmbedInput::Text(text) => return json.text(text),
        EmbedInput::Parts(parts) => parts,
    };
    if let ([EmbedPart::Image { format, data }], Shape::Image) = (parts.as_slice(), shape) {
        return json.word(&data_uri(format, data.as_escaped()));
    }
    json.object(|json| {
        json.name("content").list(|json| {
            for part in parts {
                json.object(|json| match part {
                    EmbedPart::Text(text) => {
                        json.name("type").word("text");
                        json.name("text").text(text);
                    }
                    EmbedPart::Image { format, data } => {
                        json.name("type").word("image_url");
                        json.name("image_url").word(&data_uri(format, data.as_escaped()));
                    }
                });
            }
        });
    });
}

fn data_uri(format: &str, base64: &str) -> String {
    ["data:image/", format, ";base64,", base64].concat()
}

#[cfg(test)]
mod tests;

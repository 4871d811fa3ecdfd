//! What each encoder takes, and in which words Bedrock refuses the rest.

use super::kinds::{Body, Kind};
use super::words;
use crate::refused::Refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// A body that is in order.
pub(super) enum Checked {
    Inputs { inputs: Vec<Input>, dimensions: usize, purpose: String },
    Ranking { query: String, documents: Vec<String>, top_n: usize },
}

/// One input.
#[derive(Clone, Debug)]
pub(super) enum Input {
    Text(String),
    /// An image in base64.
    Image(String),
    Both(Vec<Self>),
}

impl Input {
    pub(super) fn words(&self) -> Vec<String> {
        match self {
            Self::Text(text) => words::words(text),
            Self::Image(data) => vec![format!("image:{data}")],
            Self::Both(parts) => parts.iter().flat_map(Self::words).collect(),
        }
    }

    /// Images have no tokens of a text.
    pub(super) fn tokens(&self) -> usize {
        match self {
            Self::Text(text) => words::tokens(text),
            Self::Image(_) => 0,
            Self::Both(parts) => parts.iter().map(Self::tokens).sum(),
        }
    }
}

pub(super) fn check(kind: &Kind, body: &Value) -> Result<Checked, Refused> {
    if !body.is_object() {
        return Err(malformed("#: expected type: JSONObject, found: other"));
    }
    match kind.body {
        Body::TitanG1 => titan(kind, body, &["inputText"]),
        Body::TitanV2 => titan(kind, body, &["inputText", "dimensions", "normalize", "embeddingTypes"]),
        Body::TitanImage => titan(kind, body, &["inputText", "inputImage", "embeddingConfig"]),
        Body::Nova => nova(kind, body),
        Body::CohereV3 | Body::CohereV4 => cohere(kind, body),
        Body::CohereRerank => {
            only(body, &["query", "documents", "top_n", "api_version", "max_tokens_per_doc", "return_documents"])?;
            if body["api_version"].as_u64().is_none_or(|version| version < 2) {
                return Err(malformed("#: required key [api_version] not found"));
            }
            ranking(kind, body)
        }
        Body::AmazonRerank => {
            only(body, &["query", "documents", "top_n"])?;
            ranking(kind, body)
        }
    }
}

fn malformed(what: &str) -> Refused {
    Refused::invalid(format!("Malformed input request: {what}, please reformat your input and try again."))
}

fn required(key: &str) -> Refused {
    malformed(&format!("#: required key [{key}] not found"))
}

fn only(body: &Value, members: &[&str]) -> Result<(), Refused> {
    let mut given = body.as_object().into_iter().flat_map(Map::keys);
    match given.find(|name| !members.contains(&name.as_str())) {
        Some(extra) => Err(malformed(&format!("#: extraneous key [{extra}] is not permitted"))),
        None => Ok(()),
    }
}

/// A text that is neither empty nor too long.
fn text(kind: &Kind, value: &Value, place: &str) -> Result<String, Refused> {
    let text = value.as_str().ok_or_else(|| malformed(&format!("#/{place}: expected type: String")))?;
    let letters = text.chars().count();
    match letters {
        0 => Err(malformed(&format!("#/{place}: expected minLength: 1, actual: 0"))),
        _ if letters > kind.letters => {
            Err(malformed(&format!("#/{place}: expected maxLength: {}, actual: {letters}", kind.letters)))
        }
        _ => Ok(text.to_owned()),
    }
}

fn dimensions(kind: &Kind, value: &Value, place: &str) -> Result<usize, Refused> {
    let usual = kind.dimensions.first().copied().unwrap_or_default();
    let asked = if value.is_null() { usual } else { value.as_u64().unwrap_or_default() };
    match kind.dimensions.contains(&asked) {
        true => Ok(usize::try_from(asked).unwrap_or_default()),
        false => Err(malformed(&format!("#/{place}: {value} is not a valid enum value"))),
    }
}

fn image(value: &Value, place: &str) -> Result<Input, Refused> {
    let data = value.as_str().filter(|data| STANDARD.decode(data).is_ok_and(|bytes| !bytes.is_empty()));
    data.map(|data| Input::Image(data.to_owned())).ok_or_else(|| malformed(&format!("#/{place}: it is no base64")))
}

fn data_uri(value: &Value, place: &str) -> Result<Input, Refused> {
    let data = value.as_str().and_then(|uri| Some(uri.strip_prefix("data:image/")?.split_once(";base64,")?.1));
    let data = data.map_or(Value::Null, Value::from);
    image(&data, place)
}

fn titan(kind: &Kind, body: &Value, members: &[&str]) -> Result<Checked, Refused> {
    only(body, members)?;
    let mut parts = Vec::new();
    if !body["inputText"].is_null() {
        parts.push(text(kind, &body["inputText"], "inputText")?);
    }
    let mut parts: Vec<Input> = parts.into_iter().map(Input::Text).collect();
    if !body["inputImage"].is_null() {
        parts.push(image(&body["inputImage"], "inputImage")?);
    }
    let asked = match kind.body {
        Body::TitanImage => &body["embeddingConfig"]["outputEmbeddingLength"],
        _ => &body["dimensions"],
    };
    let dimensions = dimensions(kind, asked, "dimensions")?;
    if parts.is_empty() {
        return Err(required("inputText"));
    }
    Ok(Checked::Inputs { inputs: vec![Input::Both(parts)], dimensions, purpose: String::new() })
}

fn nova(kind: &Kind, body: &Value) -> Result<Checked, Refused> {
    only(body, &["schemaVersion", "taskType", "singleEmbeddingParams"])?;
    if body["taskType"] != "SINGLE_EMBEDDING" {
        return Err(required("taskType"));
    }
    let asked = &body["singleEmbeddingParams"];
    only(asked, &["embeddingPurpose", "embeddingDimension", "text", "image", "audio", "video"])?;
    let purpose = asked["embeddingPurpose"].as_str().ok_or_else(|| required("embeddingPurpose"))?;
    let dimensions = dimensions(kind, &asked["embeddingDimension"], "embeddingDimension")?;
    let input = match (&asked["text"], &asked["image"]) {
        (said, Value::Null) if said.is_object() => {
            if !matches!(said["truncationMode"].as_str(), Some("START" | "END" | "NONE")) {
                return Err(required("truncationMode"));
            }
            let cut = said["truncationMode"] != "NONE";
            let fitting =
                said["value"].as_str().filter(|_| cut).map(|value| value.chars().take(kind.letters).collect());
            Input::Text(match fitting {
                Some(fitting) => fitting,
                None => text(kind, &said["value"], "value")?,
            })
        }
        (Value::Null, said) if said.is_object() => {
            if !matches!(said["format"].as_str(), Some("png" | "jpeg" | "gif" | "webp")) {
                return Err(required("format"));
            }
            image(&said["source"]["bytes"], "bytes")?
        }
        _ => return Err(malformed("exactly one of text, image, audio, video must be given")),
    };
    Ok(Checked::Inputs { inputs: vec![input], dimensions, purpose: purpose.to_owned() })
}

fn cohere(kind: &Kind, body: &Value) -> Result<Checked, Refused> {
    let fourth = kind.body == Body::CohereV4;
    let common = ["texts", "images", "input_type", "truncate", "embedding_types"];
    let own: &[&str] = if fourth { &["inputs", "output_dimension", "max_tokens"] } else { &[] };
    only(body, &[&common, own].concat())?;
    let purpose = body["input_type"].as_str().ok_or_else(|| required("input_type"))?;
    let purposes = ["search_document", "search_query", "classification", "clustering"];
    if !purposes.contains(&purpose) && (fourth || purpose != "image") {
        return Err(malformed("#/input_type: it is not a valid enum value"));
    }
    let cuts: &[&str] = if fourth { &["NONE", "LEFT", "RIGHT"] } else { &["NONE", "START", "END"] };
    let cut = body["truncate"].as_str();
    if cut.is_some_and(|cut| !cuts.contains(&cut)) {
        return Err(malformed("#/truncate: it is not a valid enum value"));
    }
    let given: Vec<&str> = ["texts", "images", "inputs"].into_iter().filter(|name| !body[*name].is_null()).collect();
    let [name] = given.as_slice() else { return Err(required("texts")) };
    let most = if *name == "images" && !fourth { 1 } else { 96 };
    let items = body[*name].as_array().ok_or_else(|| malformed(&format!("#/{name}: expected type: JSONArray")))?;
    if items.len() > most {
        return Err(malformed(&format!("#/{name}: expected maximum item count: {most}, found: {}", items.len())));
    }
    let cuts = matches!(cut, Some("START" | "END" | "LEFT" | "RIGHT"));
    let mut inputs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        inputs.push(match *name {
            "texts" if cuts => Input::Text(item.as_str().unwrap_or_default().chars().take(kind.letters).collect()),
            "texts" => text(kind, item, &format!("texts/{at}")).map(Input::Text)?,
            "images" => data_uri(item, &format!("images/{at}"))?,
            _ => content(kind, item)?,
        });
    }
    let dimensions = dimensions(kind, &body["output_dimension"], "output_dimension")?;
    Ok(Checked::Inputs { inputs, dimensions, purpose: purpose.to_owned() })
}

fn content(kind: &Kind, item: &Value) -> Result<Input, Refused> {
    let parts = item["content"].as_array().ok_or_else(|| required("content"))?;
    let parts = parts.iter().map(|part| match part["type"].as_str() {
        Some("text") => text(kind, &part["text"], "text").map(Input::Text),
        Some("image_url") => data_uri(&part["image_url"], "image_url"),
        _ => Err(malformed("#/inputs: it is of no type that is known")),
    });
    parts.collect::<Result<Vec<_>, Refused>>().map(Input::Both)
}

fn ranking(kind: &Kind, body: &Value) -> Result<Checked, Refused> {
    let query = body["query"].as_str().filter(|query| !query.is_empty()).ok_or_else(|| required("query"))?;
    let documents =
        body["documents"].as_array().filter(|list| !list.is_empty()).ok_or_else(|| required("documents"))?;
    let documents =
        documents.iter().map(|document| text(kind, document, "documents")).collect::<Result<Vec<_>, _>>()?;
    let top_n = match &body["top_n"] {
        Value::Null => documents.len(),
        top_n => {
            let number = top_n.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
            if !(1..=documents.len()).contains(&number) {
                return Err(malformed("#/top_n: it must be between 1 and the number of documents"));
            }
            number
        }
    };
    Ok(Checked::Ranking { query: query.to_owned(), documents, top_n })
}

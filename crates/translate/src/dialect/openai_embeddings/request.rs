//! The fields of a request for embeddings.

use crate::dialect::head;
use crate::dialect::json::{self, Indexed, List, Node, Object};
use crate::dialect::media::{Address, address, base64, picture};
use crate::dialect::notes::Notes;
use crate::fault::{Fault, MistakeKind};
use crate::limits::{self, Limits};
use crate::model::embed::{EmbedInput, EmbedPart, EmbedPurpose, EmbedRequest, Truncate, VectorFormat};
use crate::model::field_ref::FieldRef;
use crate::model::request::MediaSource;
use crate::model::text::Text;
use crate::warning::Warning;

/// The parts of a body that hold fields.
const INDEXED: Indexed = Indexed { members: &["input", "extra_body"], beside: "extra_body", opaque: &[] };

/// The fields that are read.
const KNOWN: &[&str] =
    &["model", "input", "dimensions", "encoding_format", "input_type", "truncate", "user", "extra_body"];

/// The most inputs of one request, as at OpenAI.
pub const MOST_INPUTS: usize = 2048;

/// Reads a request's body, and names what was ignored.
///
/// # Errors
///
/// The client's mistakes, each with its field; arrays of tokens, which Bedrock's models do not take.
pub fn read<'a>(body: &'a [u8], limits: &Limits) -> Result<(EmbedRequest<'a>, Vec<Warning>), Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document).with_members_of("extra_body")?;
    let mut notes = Notes::new(*limits);
    notes.unknown(&top, KNOWN);
    if let Some(node) = top.get("user") {
        notes.ignored(&node, "Bedrock's InvokeModel has no end-user identifier");
    }
    let request = EmbedRequest {
        model: head::model(&top, limits)?,
        inputs: inputs(&top.need("input")?, limits)?,
        dimensions: top.get("dimensions").map(|node| node.count()).transpose()?,
        format: top.get("encoding_format").map(|node| format(&node)).transpose()?.unwrap_or_default(),
        purpose: top.get("input_type").map(|node| purpose(&node)).transpose()?,
        truncate: top.get("truncate").map(|node| truncate(&node)).transpose()?,
    };
    Ok((request, notes.finish()))
}

/// A list of more items than one request may have.
pub(in crate::dialect) fn too_many(field: &'static str, most: usize, what: &str) -> Fault {
    let message = format!("`{field}` holds more than {most} {what}, the most of one request");
    Fault::mistake(MistakeKind::TooMany, Some(FieldRef::own(field)), message)
}

fn format(node: &Node<'_, '_>) -> Result<VectorFormat, Fault> {
    match node.string()?.as_ref() {
        "float" => Ok(VectorFormat::Float),
        "base64" => Ok(VectorFormat::Base64),
        _ => Err(node.invalid("must be `float` or `base64`")),
    }
}

fn purpose(node: &Node<'_, '_>) -> Result<EmbedPurpose, Fault> {
    match node.string()?.to_ascii_lowercase().as_str() {
        "search_document" | "document" | "passage" => Ok(EmbedPurpose::Document),
        "search_query" | "query" => Ok(EmbedPurpose::Query),
        "classification" => Ok(EmbedPurpose::Classification),
        "clustering" => Ok(EmbedPurpose::Clustering),
        _ => Err(node.invalid("must be `search_document`, `search_query`, `classification` or `clustering`")),
    }
}

fn truncate(node: &Node<'_, '_>) -> Result<Truncate, Fault> {
    match node.string()?.to_ascii_lowercase().as_str() {
        "none" => Ok(Truncate::Never),
        "start" | "left" => Ok(Truncate::Start),
        "end" | "right" => Ok(Truncate::End),
        _ => Err(node.invalid("must be `NONE`, `START` or `END`")),
    }
}

fn inputs<'a>(node: &Node<'a, '_>, limits: &Limits) -> Result<Vec<EmbedInput<'a>>, Fault> {
    let mut images = 0;
    if !node.is_list() {
        return Ok(vec![input(node, &mut images)?]);
    }
    let list = node.list()?;
    // One array of numbers is one input.
    if list.each().next().is_some_and(|first| first.number().is_ok()) {
        return Err(tokens(node));
    }
    match list.len() {
        0 => return Err(node.invalid("must not be empty")),
        1..=MOST_INPUTS => {}
        _ => return Err(too_many("input", MOST_INPUTS, "inputs")),
    }
    let inputs = list.each().map(|node| input(&node, &mut images)).collect::<Result<Vec<_>, Fault>>()?;
    limits::at_most("input", images, limits.images, "images in all", "--max-images")?;
    Ok(inputs)
}

fn tokens(node: &Node<'_, '_>) -> Fault {
    node.unsupported(
        "holds tokens, which only the model's own tokenizer understands: Bedrock takes text, so send strings",
    )
}

fn input<'a>(node: &Node<'a, '_>, images: &mut usize) -> Result<EmbedInput<'a>, Fault> {
    if node.is_list() {
        return Err(tokens(node));
    }
    if !node.is_object() {
        return filled(node).map(EmbedInput::Text);
    }
    let object = node.object()?;
    let Some(content) = object.get("content") else { return Ok(whole(vec![part(&object, images)?])) };
    let list: List<'a, '_> = content.list()?;
    let parts = list.each().map(|node| part(&node.object()?, images)).collect::<Result<Vec<_>, Fault>>()?;
    if parts.is_empty() { Err(content.invalid("must not be empty")) } else { Ok(whole(parts)) }
}

/// One text is one, however it is wrapped.
fn whole(mut parts: Vec<EmbedPart<'_>>) -> EmbedInput<'_> {
    match (parts.pop(), parts.is_empty()) {
        (Some(EmbedPart::Text(text)), true) => EmbedInput::Text(text),
        (last, _) => {
            parts.extend(last);
            EmbedInput::Parts(parts)
        }
    }
}

fn part<'a>(object: &Object<'a, '_>, images: &mut usize) -> Result<EmbedPart<'a>, Fault> {
    let kind = object.need("type")?;
    match kind.string()?.as_ref() {
        "text" => filled(&object.need("text")?).map(EmbedPart::Text),
        "image_url" => {
            *images += 1;
            let node = object.need("image_url")?;
            if node.is_object() { image(&node.object()?.need("url")?) } else { image(&node) }
        }
        _ => Err(kind.invalid("must be `text` or `image_url`")),
    }
}

fn filled<'a>(node: &Node<'a, '_>) -> Result<Text<'a>, Fault> {
    if !node.is_string() {
        return Err(node.wrong("a string, or an object with `type` or `content`"));
    }
    let text = node.text()?;
    if text.is_empty() { Err(node.invalid("must not be empty")) } else { Ok(text) }
}

fn image<'a>(node: &Node<'a, '_>) -> Result<EmbedPart<'a>, Fault> {
    let Address::Data { mime, data } = address(node)? else {
        return Err(
            node.unsupported("must be a data URI in base64 (data:image/png;base64,...): images are not fetched")
        );
    };
    let format = picture(&mime).ok_or_else(|| node.invalid("must be a png, jpeg, gif or webp"))?;
    match base64(node, data)? {
        MediaSource::Base64(data) => Ok(EmbedPart::Image { format, data }),
        MediaSource::S3 { .. } | MediaSource::Words(_) | MediaSource::Parts(_) => {
            Err(node.invalid("must hold base64 with its padding"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    fn of(body: &str) -> Result<(EmbedRequest<'_>, Vec<String>), String> {
        let read = read(body.as_bytes(), &Limits::default()).map_err(|fault| fault.to_string())?;
        Ok((read.0, read.1.iter().map(|warning| Dialect::OpenAiChat.warning(warning)).collect()))
    }

    #[test]
    fn every_form_of_input_is_read() {
        let text = |text: &'static str| EmbedInput::Text(Text::from_escaped(text));
        let image = || EmbedPart::Image { format: "png", data: Text::from_escaped("QUJD") };
        for (said, expected) in [
            (r#""a""#, vec![text("a")]),
            (r#"["a", "b\n"]"#, vec![text("a"), text("b\\n")]),
            (r#"[{"type":"text","text":"a"}]"#, vec![text("a")]),
            (
                r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}"#,
                vec![EmbedInput::Parts(vec![image()])],
            ),
            (
                r#"[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"data:image/png;base64,QUJD"}]}]"#,
                vec![EmbedInput::Parts(vec![EmbedPart::Text(Text::from_escaped("a")), image()])],
            ),
        ] {
            let body = format!(r#"{{"model":"m","input":{said}}}"#);
            assert_eq!(of(&body).unwrap().0.inputs, expected, "{said}");
        }
    }

    #[test]
    fn what_cannot_be_embedded_is_refused_by_its_field() {
        for (said, message) in [
            ("[1,2]", "`input` holds tokens"),
            ("[[1,2],[3]]", "`input[0]` holds tokens"),
            ("[]", "`input` must not be empty"),
            (r#"["a",""]"#, "`input[1]` must not be empty"),
            ("5", "`input` must be a string, or an object"),
            (r#"[{"content":[]}]"#, "`input[0].content` must not be empty"),
            (r#"{"type":"audio"}"#, "`input.type` must be `text` or `image_url`"),
            (r#"{"type":"image_url","image_url":"https://a/b.png"}"#, "`input.image_url` must be a data URI"),
            (r#"{"type":"image_url","image_url":"data:image/bmp;base64,QUJD"}"#, "`input.image_url` must be a png"),
        ] {
            let body = format!(r#"{{"model":"m","input":{said}}}"#);
            let fault = of(&body).unwrap_err();
            assert!(fault.starts_with(message), "{said}: {fault}");
        }
        let many = vec![r#""a""#; MOST_INPUTS + 1].join(",");
        let fault = of(&format!(r#"{{"model":"m","input":[{many}]}}"#)).unwrap_err();
        assert!(fault.starts_with("`input` holds more than 2048 inputs"), "{fault}");
    }

    #[test]
    fn the_other_fields_are_read_or_named() {
        let (request, warnings) = of(
            r#"{"model":"m","input":"a","dimensions":256,"encoding_format":"base64","input_type":"SEARCH_QUERY","truncate":"RIGHT","user":"u","x":1}"#,
        )
        .unwrap();
        assert_eq!((request.dimensions, request.format), (Some(256), VectorFormat::Base64));
        assert_eq!((request.purpose, request.truncate), (Some(EmbedPurpose::Query), Some(Truncate::End)));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        for field in
            [r#""dimensions":0"#, r#""encoding_format":"hex""#, r#""input_type":"x""#, r#""truncate":"MIDDLE""#]
        {
            assert!(of(&format!(r#"{{"model":"m","input":"a",{field}}}"#)).is_err(), "{field}");
        }
    }
}

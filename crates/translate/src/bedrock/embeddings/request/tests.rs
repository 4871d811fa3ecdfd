//! The body of each model, how many inputs stand in it, and what is refused.

use super::*;
use crate::catalogue::encoder;

fn text(text: &'static str) -> EmbedInput<'static> {
    EmbedInput::Text(Text::from_plain(text))
}

fn image() -> EmbedPart<'static> {
    EmbedPart::Image { format: "png", data: Text::from_plain("QUJD") }
}

fn mixed() -> EmbedInput<'static> {
    EmbedInput::Parts(vec![EmbedPart::Text(Text::from_plain("a")), image()])
}

fn request(inputs: Vec<EmbedInput<'static>>) -> EmbedRequest<'static> {
    EmbedRequest { inputs, ..EmbedRequest::default() }
}

fn written(model: &str, request: &EmbedRequest<'_>, from: usize) -> Result<EmbedCall, Fault> {
    write(request, encoder(model).unwrap(), model, from)
}

fn sent(model: &str, request: &EmbedRequest<'_>) -> String {
    String::from_utf8(written(model, request, 0).unwrap().body).unwrap()
}

#[test]
fn each_model_has_its_own_body() {
    let plain = request(vec![text("a")]);
    let asked = EmbedRequest {
        dimensions: Some(256),
        purpose: Some(EmbedPurpose::Query),
        truncate: Some(Truncate::End),
        ..plain.clone()
    };
    for (model, bare, full) in [
        ("amazon.titan-embed-text-v2:0", r#"{"inputText":"a"}"#, r#"{"inputText":"a","dimensions":256}"#),
        (
            "amazon.titan-embed-image-v1",
            r#"{"inputText":"a"}"#,
            r#"{"inputText":"a","embeddingConfig":{"outputEmbeddingLength":256}}"#,
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            r#"{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_INDEX","text":{"truncationMode":"NONE","value":"a"}}}"#,
            r#"{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_RETRIEVAL","embeddingDimension":256,"text":{"truncationMode":"END","value":"a"}}}"#,
        ),
        (
            "cohere.embed-v4:0",
            r#"{"input_type":"search_document","texts":["a"],"embedding_types":["float"]}"#,
            r#"{"input_type":"search_query","texts":["a"],"embedding_types":["float"],"output_dimension":256,"truncate":"RIGHT"}"#,
        ),
    ] {
        assert_eq!((sent(model, &plain).as_str(), sent(model, &asked).as_str()), (bare, full));
    }
    let third = EmbedRequest { dimensions: Some(1024), ..asked };
    assert_eq!(
        sent("cohere.embed-english-v3", &third),
        r#"{"input_type":"search_query","texts":["a"],"truncate":"END"}"#
    );
    let first = EmbedRequest { dimensions: Some(1536), ..third };
    assert_eq!(sent("amazon.titan-embed-text-v1", &first), r#"{"inputText":"a"}"#);
    assert_eq!(written("amazon.titan-embed-text-v1", &first, 0).unwrap().warnings.len(), 2);
}

#[test]
fn images_stand_where_each_model_takes_them() {
    let only = request(vec![EmbedInput::Parts(vec![image()])]);
    let both = request(vec![mixed()]);
    assert_eq!(sent("amazon.titan-embed-image-v1", &both), r#"{"inputText":"a","inputImage":"QUJD"}"#);
    assert_eq!(
        sent("cohere.embed-english-v3", &only),
        r#"{"input_type":"image","images":["data:image/png;base64,QUJD"]}"#
    );
    assert_eq!(
        sent("cohere.embed-v4:0", &only),
        r#"{"input_type":"search_document","images":["data:image/png;base64,QUJD"],"embedding_types":["float"]}"#
    );
    assert_eq!(
        sent("cohere.embed-v4:0", &both),
        r#"{"input_type":"search_document","inputs":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"data:image/png;base64,QUJD"}]}],"embedding_types":["float"]}"#
    );
    let nova = sent("amazon.nova-2-multimodal-embeddings-v1:0", &only);
    assert!(
        nova.contains(r#""image":{"detailLevel":"STANDARD_IMAGE","format":"png","source":{"bytes":"QUJD"}}"#),
        "{nova}"
    );
}

#[test]
fn a_call_holds_what_the_model_takes_at_once() {
    let many = request(vec![text("a"); 200]);
    for (model, counts) in [("amazon.titan-embed-text-v2:0", [1, 1]), ("cohere.embed-multilingual-v3", [96, 8])] {
        assert_eq!(written(model, &many, 0).unwrap().count, counts[0], "{model}");
        assert_eq!(written(model, &many, 192).unwrap().count, counts[1], "{model}");
    }
    let turns = request(vec![text("a"), text("b"), mixed(), mixed(), text("c")]);
    let counts = [0, 2, 4].map(|from| written("cohere.embed-v4:0", &turns, from).unwrap().count);
    assert_eq!(counts, [2, 2, 1]);
    let images = request(vec![EmbedInput::Parts(vec![image()]); 3]);
    assert_eq!(written("cohere.embed-english-v3", &images, 0).unwrap().count, 1);
    let large = request(vec![EmbedInput::Text(Text::from_plain("a".repeat(8_000_000))); 3]);
    assert_eq!(written("cohere.embed-v4:0", &large, 0).unwrap().count, 2);
    let larger = request(vec![EmbedInput::Text(Text::from_plain("a".repeat(21_000_000))); 2]);
    assert_eq!(written("cohere.embed-v4:0", &larger, 0).unwrap().count, 1);
}

#[test]
fn what_a_model_cannot_embed_is_refused_before_the_first_call() {
    let refused = |model: &str, request: &EmbedRequest<'_>| written(model, request, 0).unwrap_err().to_string();
    let length = EmbedRequest { dimensions: Some(3), ..request(vec![text("a")]) };
    let told = refused("amazon.titan-embed-text-v2:0", &length);
    assert_eq!(told, "`dimensions` cannot be 3: Titan Text Embeddings V2 has 1024, 512, 256");
    assert!(written("amazon.titan-embed-text-v9:0", &length, 0).is_ok(), "the service knows");
    let late = request(vec![text("a"), EmbedInput::Parts(vec![image()])]);
    assert!(refused("amazon.titan-embed-text-v2:0", &late).starts_with("`input[1]` holds an image"));
    assert!(refused("cohere.embed-english-v3", &request(vec![mixed()])).starts_with("`input[0]` holds several parts"));
    let two = request(vec![EmbedInput::Parts(vec![image(), image()])]);
    assert!(refused("amazon.titan-embed-image-v1", &two).starts_with("`input[0]` holds more than one"));
}

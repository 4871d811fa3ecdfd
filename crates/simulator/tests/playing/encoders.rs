//! Models that embed or rank.

use crate::support::Simulator;
use serde_json::{Value, json};

async fn invoke(simulator: &Simulator, model: &str, body: &Value) -> (u16, Value, Option<String>) {
    let path = format!("/model/{}/invoke", model.replace(':', "%3A"));
    let reply = simulator.ask("POST", &path, body, true).await;
    let counted = reply.headers.get("x-amzn-bedrock-input-token-count").map(|count| count.to_str().unwrap().to_owned());
    (reply.status, serde_json::from_slice(&reply.bytes).unwrap(), counted)
}

fn length(vector: &Value) -> f64 {
    vector.as_array().unwrap().iter().map(|number| number.as_f64().unwrap().powi(2)).sum::<f64>().sqrt()
}

#[tokio::test]
async fn every_encoder_answers_in_its_own_words() {
    let simulator = Simulator::start().await;
    let nova = json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
        "embeddingPurpose": "GENERIC_INDEX", "text": {"truncationMode": "NONE", "value": "a text"}}});
    let texts = json!({"texts": ["a text", "b"], "input_type": "search_document"});
    for (model, body, at, dimensions) in [
        ("amazon.titan-embed-text-v1", json!({"inputText": "a text"}), "/embedding", 1536),
        ("amazon.titan-embed-text-v2:0", json!({"inputText": "a text", "dimensions": 256}), "/embedding", 256),
        (
            "amazon.titan-embed-image-v1",
            json!({"inputText": "a", "inputImage": "QUJD", "embeddingConfig": {"outputEmbeddingLength": 384}}),
            "/embedding",
            384,
        ),
        ("amazon.nova-2-multimodal-embeddings-v1:0", nova, "/embeddings/0/embedding", 3072),
        ("cohere.embed-english-v3", texts.clone(), "/embeddings/1", 1024),
        ("us.cohere.embed-v4:0", texts, "/embeddings/float/1", 1536),
    ] {
        let (status, said, counted) = invoke(&simulator, model, &body).await;
        assert_eq!(status, 200, "{model}: {said}");
        let vector = said.pointer(at).unwrap();
        assert_eq!(vector.as_array().unwrap().len(), dimensions, "{model}");
        assert!((length(vector) - 1.0).abs() < 1e-3 && counted.is_some(), "{model}");
        assert_eq!(invoke(&simulator, model, &body).await.1, said, "{model}: always the same");
    }
}

#[tokio::test]
async fn documents_are_ranked_by_the_words_of_the_query() {
    let simulator = Simulator::start().await;
    let body =
        json!({"query": "capital of France", "documents": ["cheese", "Paris is the capital of France"], "top_n": 1});
    let (_, said, _) = invoke(&simulator, "amazon.rerank-v1:0", &body).await;
    assert_eq!(said["results"].as_array().unwrap().len(), 1);
    assert_eq!(said["results"][0]["index"], 1);
    let (status, refused, _) = invoke(&simulator, "cohere.rerank-v3-5:0", &body).await;
    assert!(status == 400 && refused["message"].as_str().unwrap().contains("[api_version]"), "{refused}");
}

#[tokio::test]
async fn a_body_that_is_not_its_own_is_refused() {
    let simulator = Simulator::start().await;
    for (model, body, message) in [
        ("cohere.embed-english-v3", json!({"inputText": "a"}), "extraneous key [inputText]"),
        ("cohere.embed-english-v3", json!({"texts": ["a"]}), "required key [input_type]"),
        (
            "cohere.embed-english-v3",
            json!({"texts": vec!["a"; 97], "input_type": "clustering"}),
            "maximum item count: 96",
        ),
        (
            "cohere.embed-english-v3",
            json!({"texts": ["a".repeat(2049)], "input_type": "clustering"}),
            "maxLength: 2048",
        ),
        ("cohere.embed-v4:0", json!({"texts": ["a"], "input_type": "clustering", "truncate": "END"}), "#/truncate"),
        ("amazon.titan-embed-text-v1", json!({"inputText": "a", "dimensions": 256}), "extraneous key [dimensions]"),
        ("amazon.titan-embed-text-v2:0", json!({"inputText": ""}), "minLength: 1"),
        ("amazon.titan-embed-text-v2:0", json!({"inputText": "a", "dimensions": 3}), "not a valid enum value"),
        ("amazon.titan-embed-image-v1", json!({"inputImage": "?"}), "no base64"),
        ("amazon.titan-embed-text-v2:0", json!({"inputText": "[[fault:validation]]"}), "simulated"),
    ] {
        let (status, said, _) = invoke(&simulator, model, &body).await;
        assert!(status == 400 && said["message"].as_str().unwrap().contains(message), "{model}: {said}");
    }
    let chat = json!({"messages": [{"role": "user", "content": [{"text": "a"}]}]});
    let reply = simulator.ask("POST", "/model/cohere.embed-english-v3/converse", &chat, true).await;
    assert_eq!(reply.status, 400);
}

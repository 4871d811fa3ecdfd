//! Embeddings and rankings, through the binary and the simulated Bedrock behind it.

use crate::bedrock::Bedrock;
use crate::support::{Aquifer, connect, read_reply, region, request, run};
use serde_json::{Value, json};
use std::fs::write;
use std::io::Write;

fn ask(aquifer: &Aquifer, path: &str, body: &Value) -> (u16, Value) {
    let reply = aquifer.ask("POST", path, &body.to_string());
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

fn numbers(embedding: &Value) -> Vec<f64> {
    embedding.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn decoded(embedding: &Value) -> Vec<f64> {
    let bytes = aws_smithy_types::base64::decode(embedding.as_str().unwrap()).unwrap();
    bytes.chunks_exact(4).map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()))).collect()
}

#[test]
fn every_model_embeds_in_both_forms_and_in_order() {
    let aquifer = Aquifer::demo(&[]);
    for (model, dimensions) in [
        ("amazon.titan-embed-text-v1", 1536),
        ("amazon.titan-embed-text-v2:0", 1024),
        ("amazon.titan-embed-image-v1", 1024),
        ("amazon.nova-2-multimodal-embeddings-v1:0", 3072),
        ("cohere.embed-english-v3", 1024),
        ("cohere.embed-multilingual-v3", 1024),
        ("us.cohere.embed-v4:0", 1536),
    ] {
        let input = ["a cat sat", "dogs bark", "the cat ran"];
        let (status, whole) = ask(&aquifer, "/v1/embeddings", &json!({"model": model, "input": input}));
        assert_eq!(
            (status, whole["object"].as_str(), whole["model"].as_str()),
            (200, Some("list"), Some(model)),
            "{whole}"
        );
        assert!(whole["usage"]["prompt_tokens"].as_u64().unwrap() > 5, "{model}");
        let (_, packed) =
            ask(&aquifer, "/v1/embeddings", &json!({"model": model, "input": input, "encoding_format": "base64"}));
        for (at, text) in input.iter().enumerate() {
            let here = &whole["data"][at];
            assert_eq!((here["index"].as_u64(), numbers(&here["embedding"]).len()), (Some(at as u64), dimensions));
            let near = numbers(&here["embedding"])
                .iter()
                .zip(decoded(&packed["data"][at]["embedding"]))
                .all(|(one, other)| (one - other).abs() < 1e-6);
            assert!(near, "{model}: base64 holds the same numbers");
            let (_, alone) = ask(&aquifer, "/v1/embeddings", &json!({"model": model, "input": text}));
            assert_eq!(alone["data"][0]["embedding"], here["embedding"], "{model}: alone as in a list");
        }
    }
    assert!(
        aquifer.metric("gen_ai_server_request_duration_seconds_count{gen_ai_operation_name=\"embeddings\"") >= 35.0
    );
}

#[test]
fn images_are_embedded_where_the_model_takes_them() {
    let aquifer = Aquifer::demo(&[]);
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    let both = json!({"content": [{"type": "text", "text": "a cat"}, image]});
    for (model, input) in [
        ("amazon.titan-embed-image-v1", json!([both, image])),
        ("amazon.nova-2-multimodal-embeddings-v1:0", json!(["a", image])),
        ("cohere.embed-english-v3", json!(["a", image, image])),
        ("cohere.embed-v4:0", json!(["a", image, both])),
    ] {
        let (status, said) = ask(&aquifer, "/v1/embeddings", &json!({"model": model, "input": input}));
        assert_eq!((status, said["data"].as_array().map(Vec::len)), (200, input.as_array().map(Vec::len)), "{said}");
    }
    let body = json!({"model": "amazon.titan-embed-text-v2:0", "input": [image]});
    assert_eq!(ask(&aquifer, "/v1/embeddings", &body).0, 400);
}

#[test]
fn documents_are_ranked_under_both_paths() {
    let aquifer = Aquifer::demo(&[]);
    let documents = json!(["cheese", "Paris is the capital of France", {"text": "Berlin"}]);
    for path in ["/v1/rerank", "/v2/rerank"] {
        for model in ["cohere.rerank-v3-5:0", "amazon.rerank-v1:0"] {
            let body = json!({"model": model, "query": "capital of France", "documents": documents, "top_n": 2});
            let (status, said) = ask(&aquifer, path, &body);
            assert_eq!((status, &said["results"][0]["index"]), (200, &json!(1)), "{said}");
            assert_eq!(said["results"].as_array().map(Vec::len), Some(2));
        }
    }
}

#[test]
fn what_goes_wrong_is_told_in_openais_words() {
    let aquifer = Aquifer::demo(&[]);
    let model = "amazon.titan-embed-text-v2:0";
    let (status, said) = ask(&aquifer, "/v1/embeddings", &json!({"model": model, "input": "[[fault:validation]]"}));
    assert_eq!((status, said["error"]["type"].as_str()), (400, Some("invalid_request_error")), "{said}");
    let (status, said) = ask(&aquifer, "/v1/embeddings", &json!({"model": model, "input": [1, 2, 3]}));
    assert_eq!((status, said["error"]["param"].as_str()), (400, Some("input")), "{said}");
    let (status, said) = ask(&aquifer, "/v1/completions", &json!({"model": model, "prompt": "a"}));
    assert_eq!((status, said["error"]["code"].as_str()), (404, Some("unknown_url")), "{said}");
}

#[test]
fn a_batch_goes_on_at_the_second_region_when_the_first_one_fails_in_its_middle() {
    let (one, two) = (Bedrock::listen(), Bedrock::listen());
    let model = "amazon.titan-embed-text-v2:0";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let route = "---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec: {rules: [{backendRefs: [{name: region-1}, {name: region-2, priority: 1}]}]}
";
    write(&file, [&region(1, model, one.address), &region(2, model, two.address), route].concat()).unwrap();
    let variables = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &variables);
    let mut client = connect(aquifer.gateway.unwrap());
    let body = json!({"model": model, "input": ["a", "b"]}).to_string();
    client.write_all(request("POST", "/v1/embeddings", &body).as_bytes()).unwrap();
    one.call().answer("200 OK", "", r#"{"embedding":[1],"inputTextTokenCount":1}"#);
    for _ in 0..2 {
        one.call().answer("503 Service Unavailable", "", r#"{"message":"busy"}"#);
    }
    let call = two.call();
    assert!(call.head.starts_with("POST /model/amazon.titan-embed-text-v2%3A0/invoke HTTP/1.1"), "{}", call.head);
    call.answer("200 OK", "", r#"{"embedding":[2],"inputTextTokenCount":1}"#);
    let reply = read_reply(&mut client);
    let said: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((reply.status, &said["data"][1]["embedding"]), (200, &json!([2])), "{reply:?}");
}

#[test]
fn the_models_that_embed_and_rank_are_told_beside_the_others() {
    let (code, table, _) = run(&["models"]);
    assert!(code == 0 && table.contains("cohere.embed-v4:0"), "{table}");
    let (code, one, _) = run(&["models", "eu.cohere.embed-v4:0"]);
    assert!(code == 0 && one.contains("embeddings: /v1/embeddings") && one.contains("1536, 1024, 512, 256"), "{one}");
    let (_, json, _) = run(&["models", "--json"]);
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert!(rows.iter().any(|row| row["encoder"]["task"] == "rerank"));
}

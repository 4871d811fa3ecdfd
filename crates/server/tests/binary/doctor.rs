//! The doctor, against the simulator: it finds what is wrong, that alone, and the file that it writes cures it.

use crate::bedrock::Bedrock;
use crate::support::{Aquifer, Waiting, ask, command, run};
use serde_json::{Value, json};
use std::fs::{File, read_to_string, write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

/// What the doctor said.
struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// Runs the doctor against an address. What it says goes to files: it can be more than a pipe holds.
fn doctor(address: SocketAddr, arguments: &[&str]) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut command = command(&[&["doctor"], arguments].concat());
    command.env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", format!("http://{address}"));
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests");
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let waiting = Waiting::begin();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => waiting.tick("the doctor to end", || drop(child.kill())),
        }
    };
    let [out, err] = [out, err].map(|path| read_to_string(path).unwrap());
    Told { code: status.code().unwrap_or(-1), out, err }
}

fn simulator() -> (Aquifer, SocketAddr) {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], &[]);
    let address = simulator.address("aquifer simulator listening on ");
    (simulator, address)
}

fn calls(address: SocketAddr) -> usize {
    let kept = ask(address, "GET", "/simulator/requests", "").body;
    serde_json::from_str::<Value>(&kept).unwrap().as_array().unwrap().len()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The differences of one model, field by field.
fn differences(model: &Value) -> Vec<(&str, &Value)> {
    let found = model["differences"].as_array().unwrap().iter();
    found.map(|it| (it["field"].as_str().unwrap(), &it["seen"])).collect()
}

/// What the simulator plays otherwise than the catalogue has it, and why that is no mistake of either, or is not known to
/// be one.
fn expected(model: &str) -> Value {
    let always = json!({ "default": "always_on", "off": "impossible" });
    let with = |more: Value| {
        let mut all = always.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    match model {
        // The demo's model reasons in the simulator, so that the demo shows something.
        "anthropic.claude-3-5-sonnet-20241022-v2:0" => with(json!({ "replay": ["signed"] })),
        // What the catalogue does not know, the simulator has to play in some way.
        "anthropic.claude-mythos-preview" => json!({ "efforts": ["low", "medium", "high", "xhigh", "max"] }),
        "amazon.nova-2-pro-preview-20251202-v1:0" => json!({ "off": "disabled" }),
        "deepseek.v3-v1:0" => json!({ "off": "none_word" }),
        "moonshot.kimi-k2-thinking" => always,
        "moonshotai.kimi-k2.5" => json!({ "off": "omit" }),
        "moonshotai.kimi-k3" => with(json!({ "control": "reasoning_effort", "efforts": ["low", "high", "max"] })),
        _ if model.starts_with("openai.gpt-oss-safeguard-") => with(json!({ "replay": ["unsigned"] })),
        _ if model.starts_with("minimax.") => with(json!({ "control": "none" })),
        _ if ["mistral.magistral", "nvidia.", "writer."].iter().any(|name| model.starts_with(name)) => {
            json!({ "control": "none", "off": "omit" })
        }
        _ => json!({}),
    }
}

/// Every model of these vendors that Converse serves is as the catalogue has it.
fn agree(of: impl Fn(&str) -> bool) {
    let (_simulator, address) = simulator();
    let all: Value = serde_json::from_str(&run(&["models", "--json"]).1).unwrap();
    let served = all.as_array().unwrap().iter().filter(|model| model["row"]["converse"] == true);
    let ids: Vec<&str> = served.map(|model| model["id"].as_str().unwrap()).filter(|id| of(id)).collect();
    assert!(ids.len() > 10, "{ids:?}");
    let told = doctor(address, &[&["--yes", "--json"], ids.as_slice()].concat());
    let report = told.json();
    let models = report["models"].as_array().unwrap();
    assert_eq!(models.len(), ids.len());
    for model in models {
        // The simulator takes a schema for every model.
        let mut seen: Value = differences(model)
            .into_iter()
            .filter(|(field, value)| *field != "structured_output" || **value != true)
            .map(|(field, value)| (field.to_owned(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        seen.sort_all_objects();
        let mut expected = expected(model["model"].as_str().unwrap());
        expected.sort_all_objects();
        assert_eq!(seen, expected, "{}", serde_json::to_string_pretty(model).unwrap());
        assert_eq!(model["not_probed"], json!([]), "{}", model["model"]);
    }
    assert!(report["calls"].as_u64().unwrap() as usize >= 10 * ids.len());
    assert!(report["input_tokens"].as_u64().unwrap() > 0 && report["output_tokens"].as_u64().unwrap() > 0);
}

#[test]
fn the_catalogue_and_the_simulator_agree_on_claude() {
    agree(|id| id.starts_with("anthropic."));
}

#[test]
fn the_catalogue_and_the_simulator_agree_on_gpt_nova_and_grok() {
    agree(|id| ["openai.", "amazon.", "xai."].iter().any(|vendor| id.starts_with(vendor)));
}

#[test]
fn the_catalogue_and_the_simulator_agree_on_the_others() {
    agree(|id| !["anthropic.", "openai.", "amazon.", "xai."].iter().any(|vendor| id.starts_with(vendor)));
}

fn backend(model: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: one}}\n\
         spec: {{provider: awsbedrock, config: {{model: '{model}', region: us-east-1}}}}\n"
    )
}

fn policy(model: &str, row: &str) -> String {
    format!(
        "apiVersion: aquifer.dev/v1alpha1\nkind: ReasoningPolicy\nmetadata: {{name: rows}}\nspec:\n  \
         targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: one}}]\n  \
         models: [{{id: '{model}', row: {row}}}]\n"
    )
}

/// An operator's row that is wrong is found, in that field alone; with the file that is written nothing differs.
fn cured(model: &str, wrong: &str, field: &str, right: &Value) {
    cured_beside(&[], model, wrong, field, right);
}

/// The same, where these fields differ too, and are true.
fn cured_beside(others: &[&str], model: &str, wrong: &str, field: &str, right: &Value) {
    let (_simulator, address) = simulator();
    let folder = tempfile::tempdir().unwrap();
    let (gateway, rows) = (folder.path().join("gateway.yaml"), folder.path().join("rows.yaml"));
    write(&gateway, backend(model)).unwrap();
    write(&rows, policy(model, wrong)).unwrap();
    let (folder, rows) = (text(folder.path()), text(&rows));
    let told = doctor(address, &["--yes", "--json", "--config", folder, "--write", rows]);
    assert_eq!(told.code, 3, "{model}: {}", told.err);
    let report = told.json();
    let mut differing = differences(&report["models"][0]);
    differing.retain(|(field, value)| !others.contains(field) || **value != true);
    assert_eq!(differing, [(field, right)], "{model}");
    assert_eq!(report["models"][0]["row"], "the configuration's");
    let written = read_to_string(rows).unwrap();
    assert!(written.contains(&format!("        {field}: {right}\n")), "{written}");
    let fields = written.lines().filter(|line| line.starts_with("        ")).count();
    assert_eq!(fields, 1 + others.len(), "{written}");
    assert_eq!(run(&["check", folder]).0, 0);
    let told = doctor(address, &["--yes", "--config", folder, "--write", rows]);
    assert_eq!(told.code, 0, "{model}: {}{}", told.out, told.err);
    assert!(told.out.contains("nothing differs") && told.err.contains("is not written"), "{}{}", told.out, told.err);
    assert_eq!(read_to_string(rows).unwrap(), written, "it stays");
}

#[test]
fn a_row_that_is_wrong_on_purpose_is_found_and_cured() {
    cured("us.anthropic.claude-opus-5", "{default: 'off'}", "default", &json!("on"));
    cured("anthropic.claude-opus-4-8", "{forced_tool: refused}", "forced_tool", &json!("instead_of_reasoning"));
    cured("xai.grok-4.7", "{sampling: free}", "sampling", &json!("never"));
    cured("zai.glm-5", "{efforts: [low, high]}", "efforts", &json!(["high"]));
    cured("deepseek.v3.2", "{replay: [unsigned]}", "replay", &json!([]));
    cured("qwen.qwen3-32b-v1:0", "{control: reasoning_effort}", "control", &json!("reasoning_config"));
}

#[test]
fn what_a_row_tells_wrong_of_tools_and_texts_is_found_and_cured() {
    // The simulator takes a schema for every model.
    let schema = ["structured_output"];
    let beside = |model, wrong, field, right| cured_beside(&schema, model, wrong, field, &right);
    beside("meta.llama4-maverick-17b-instruct-v1:0", "{streaming: allowed}", "streaming", json!("not_with_tools"));
    beside("meta.llama3-3-70b-instruct-v1:0", "{forced_tool: allowed}", "forced_tool", json!("refused"));
    beside("mistral.mistral-7b-instruct-v0:2", "{system: true}", "system", json!(false));
    beside("us.openai.gpt-6-sol", "{result_images: true}", "result_images", json!(false));
    beside("amazon.nova-2-lite-v1:0", "{result_images: false}", "result_images", json!(true));
    beside("openai.gpt-oss-120b-1:0", "{stop: true}", "stop", json!(false));
    beside("deepseek.r1-v1:0", "{tools: true}", "tools", json!(false));
    let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    cured(sonnet, "{one_of_temperature_top_p: false}", "one_of_temperature_top_p", &json!(true));
}

#[test]
fn without_a_configuration_the_file_stands_alone() {
    let (_simulator, address) = simulator();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.yaml");
    let model = "us.anthropic.claude-3-5-sonnet-20241022-v2:0";
    let told = doctor(address, &["--yes", model, "--write", text(&file)]);
    assert_eq!(told.code, 3, "{}", told.err);
    for words in ["us.anthropic.claude-3-5-sonnet-20241022-v2:0 at default/bedrock: ", "  default ", "always_on"] {
        assert!(told.out.contains(words), "{words} is missing in\n{}", told.out);
    }
    assert!(told.err.contains(": the effort") || told.err.contains(": a plain question: accepted"), "{}", told.err);
    let (code, out, err) = run(&["check", text(&file)]);
    assert_eq!(code, 0, "{out}{err}");
    let told = doctor(address, &["--yes", model, "amazon.nova-pro-v1:0", "--config", text(&file), "--json"]);
    let report = told.json();
    assert_eq!(differences(&report["models"][0]), [], "cured");
    assert_eq!(report["models"][1]["backend"], "default/bedrock", "and every other model goes there too");
}

#[test]
fn nothing_is_sent_before_somebody_agrees() {
    let (_simulator, address) = simulator();
    let told = doctor(address, &["anthropic.claude-opus-4-8"]);
    assert_eq!((told.code, calls(address)), (1, 0));
    for words in ["anthropic.claude-opus-4-8", "calls to Bedrock", "input tokens", "--yes"] {
        assert!(told.err.contains(words), "{words} is missing in\n{}", told.err);
    }
    let told = doctor(address, &["--yes"]);
    assert!(told.code == 1 && told.err.contains("aquifer doctor MODEL"), "{}", told.err);
    let told = doctor(address, &["--yes", "amazon.nova-pro-v1:0", "--max-calls", "3"]);
    assert_eq!((told.code, calls(address)), (1, 3), "{}", told.err);
    assert!(told.out.contains("not probed: the rest") && told.out.contains("3 calls, "), "{}", told.out);
}

#[test]
fn what_could_not_be_probed_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.yaml");
    let nobody = "127.0.0.1:9".parse().unwrap();
    let told = doctor(nobody, &["--yes", "anthropic.claude-opus-4-8", "--write", text(&file)]);
    assert_eq!(told.code, 1, "{}", told.err);
    assert!(told.out.contains("not probed: a plain question: "), "{}", told.out);
    assert!(!file.exists());
    let bedrock = Bedrock::listen();
    let address = bedrock.address;
    let asking = std::thread::spawn(move || doctor(address, &["--yes", "--json", "anthropic.claude-opus-4-8"]));
    let message = r#"{"message":"You don't have access to the model with the specified model ID."}"#;
    bedrock.call().answer_and_close("403 Forbidden", "x-amzn-errortype: AccessDeniedException\r\n", message);
    let told = asking.join().unwrap();
    let why = &told.json()["models"][0]["not_probed"][0]["why"];
    assert!(why.as_str().unwrap().starts_with("AccessDeniedException: You don't have access"), "{why}");
    assert_eq!(told.code, 1);
}

#[test]
fn throttling_is_waited_out_and_the_region_is_the_one_that_is_said() {
    let bedrock = Bedrock::listen();
    let address = bedrock.address;
    let arguments = ["--yes", "--json", "amazon.nova-pro-v1:0", "--max-calls", "2", "--region", "eu-west-1"];
    let asking = std::thread::spawn(move || doctor(address, &arguments));
    let call = bedrock.call();
    assert!(call.header("authorization").unwrap().contains("/eu-west-1/bedrock/"), "{}", call.head);
    let message = r#"{"message":"Too many requests, please wait before trying again."}"#;
    call.answer("429 Too Many Requests", "x-amzn-errortype: ThrottlingException\r\n", message);
    let answer = r#"{"output":{"message":{"role":"assistant","content":[{"text":"24"}]}},"stopReason":"end_turn",
                     "usage":{"inputTokens":30,"outputTokens":2,"totalTokens":32}}"#;
    bedrock.call().answer("200 OK", "", answer);
    let told = asking.join().unwrap();
    let report = told.json();
    assert_eq!(report["models"][0]["probes"][0]["seen"], "accepted, without reasoning", "{report}");
    assert_eq!([&report["calls"], &report["input_tokens"], &report["output_tokens"]], [2, 30, 2]);
    assert_eq!(told.code, 1, "the rest is not probed");
}

//! Streams of responses, event for event.

use super::super::request::CalledForm;
use super::super::seal_keys::SealKeys;
use super::*;
use crate::dialect::openai_responses::response;
use crate::fault::Refusal;
use crate::model::issuer::Issuer;
use crate::model::request::Block;
use crate::model::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

fn envelope() -> Envelope<'static> {
    Envelope { id: RequestId(1), created: 5, model: Text::from_escaped("m") }
}

/// The style of a client that reads summaries and sends thoughts back, with a tool of each form.
fn style() -> Style {
    let form = |kind, namespace: Option<&str>| CalledForm {
        kind,
        name: "inner".to_owned(),
        namespace: namespace.map(str::to_owned),
    };
    let forms = [
        ("ns__inner", form(CalledKind::Function, Some("ns"))),
        ("custom", form(CalledKind::Custom, None)),
        ("search", form(CalledKind::ToolSearch, None)),
        ("patch", form(CalledKind::ApplyPatch, None)),
    ];
    Style {
        summary: true,
        seals: Some(Arc::new(SealKeys::new([1; 32], []))),
        reasoning_format: Some("anthropic-claude-v1".to_owned()),
        forms: forms.into_iter().map(|(name, form)| (name.to_owned(), form)).collect(),
        ..Style::default()
    }
}

/// What a client saw: the events, by their names, and the last one's response.
struct Seen {
    events: Vec<(String, Value)>,
}

impl Seen {
    fn of(out: &BytesMut) -> Self {
        let text = std::str::from_utf8(out).unwrap();
        let mut events = Vec::new();
        for event in text.split("\n\n").filter(|event| !event.is_empty() && !event.starts_with(':')) {
            let (name, data) = event.split_once("\ndata: ").unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(Some(name), data["type"].as_str().map(|kind| format!("event: {kind}")).as_deref());
            assert_eq!(data["sequence_number"], json!(events.len()), "{data}");
            events.push((name.trim_start_matches("event: ").to_owned(), data));
        }
        let seen = Self { events };
        seen.check();
        seen
    }

    fn names(&self) -> Vec<&str> {
        self.events.iter().map(|(name, _)| name.trim_start_matches("response.")).collect()
    }

    fn response(&self) -> &Value {
        &self.events.last().unwrap().1["response"]
    }

    fn named(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|(kind, _)| kind == name).map(|(_, data)| data).collect()
    }

    /// What holds for every stream: the first two events, one terminal event at the end, items in order, texts as their
    /// deltas, and a response with the items that were done.
    fn check(&self) {
        assert_eq!(self.names()[..2], ["created", "in_progress"]);
        let last = self.names().last().copied().unwrap_or_default().to_owned();
        assert!(["completed", "incomplete", "failed"].contains(&last.as_str()), "{last}");
        let mut text = String::new();
        let (mut added, mut done) = (0, Vec::new());
        for (name, data) in &self.events {
            match name.rsplit('.').next().unwrap() {
                "added" if name.ends_with("output_item.added") => {
                    assert_eq!(data["output_index"], json!(added));
                    added += 1;
                    text.clear();
                }
                "delta" => text.push_str(data["delta"].as_str().unwrap()),
                "done" if name.ends_with("output_item.done") => done.push(data["item"].clone()),
                "done" if !name.ends_with("part.done") => {
                    let whole = ["text", "arguments", "input"].into_iter().find_map(|member| data[member].as_str());
                    assert_eq!(whole, Some(text.as_str()), "{data}");
                }
                _ => {}
            }
            if let Some(index) = data.get("output_index") {
                assert_eq!(index, &json!(added - 1), "{data}");
            }
        }
        let output = self.response()["output"].as_array().unwrap();
        assert_eq!(output[..done.len()], done, "the final items are those that were done");
        assert!(output.len() <= done.len() + 1);
    }
}

fn text(said: &'static str) -> Delta<'static> {
    Delta::Text(Text::from_plain(said))
}

fn thought(said: &'static str) -> Delta<'static> {
    Delta::Reasoning(Text::from_plain(said))
}

fn call(name: &'static str) -> Delta<'static> {
    Delta::ToolUse { id: Text::from_plain("tooluse_1"), name: Text::from_plain(name) }
}

fn input(piece: &'static str) -> Delta<'static> {
    Delta::ToolInput(Text::from_plain(piece))
}

/// One block: its deltas and its end.
fn block(index: u32, deltas: Vec<Delta<'static>>, seal: Option<Seal<'static>>) -> Vec<Event<'static>> {
    let index = BlockIndex::from(index);
    let stop = Event::BlockStop { index, seal, goes_on: false };
    deltas.into_iter().map(|delta| Event::Delta { index, delta }).chain([stop]).collect()
}

fn signature() -> Option<Seal<'static>> {
    Some(Seal::Signature(Text::from_plain("c2ln")))
}

fn written(style: Style, events: Vec<Event<'static>>, stop: StopReason<'static>) -> Seen {
    let (mut writer, mut out) = (Writer::new(&envelope(), style), BytesMut::new());
    events.into_iter().for_each(|event| writer.event(&mut out, event));
    writer.event(&mut out, Event::Stop(stop));
    let usage = Some(Usage { input: 3, output: 4, cache_read: Some(5), ..Usage::default() });
    writer.event(&mut out, Event::Metadata { usage, service_tier: None, trace: None });
    writer.finish(&mut out).unwrap();
    Seen::of(&out)
}

#[test]
fn a_thought_a_text_and_a_call_are_three_items_and_the_response_has_them() {
    let mut events = block(0, vec![thought("I "), thought("look.\n")], signature());
    events.extend(block(1, vec![text("Let me "), text("see.")], None));
    events.extend(block(2, vec![call("f"), input("{\"a\""), input(":1}")], None));
    let seen = written(style(), events, StopReason::ToolUse);
    let item = ["output_item.added", "output_item.done"];
    let summary = ["reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.delta"];
    let expected = [
        &["created", "in_progress", item[0]],
        &summary[..],
        &["reasoning_summary_text.done", "reasoning_summary_part.done", item[1], item[0], "content_part.added"],
        &["output_text.delta", "output_text.delta", "output_text.done", "content_part.done", item[1], item[0]],
        &["function_call_arguments.delta", "function_call_arguments.delta", "function_call_arguments.done", item[1]],
        &["completed"],
    ];
    assert_eq!(seen.names(), expected.concat());
    let response = seen.response();
    assert_eq!(response["usage"]["input_tokens"], 8);
    assert_eq!((&response["status"], &response["created_at"]), (&json!("completed"), &json!(5)));
    let output = response["output"].as_array().unwrap();
    assert_eq!(output[0]["summary"][0]["text"], "I look.\n");
    assert_eq!(output[0]["id"], "rs_00000000000000000000000000000001_0");
    assert_eq!(output[1]["content"][0]["text"], "Let me see.");
    assert_eq!((&output[2]["call_id"], &output[2]["arguments"]), (&json!("tooluse_1"), &json!("{\"a\":1}")));
}

#[test]
fn a_chain_of_an_open_model_is_told_as_it_is_and_a_thought_that_is_not_asked_for_is_only_sealed() {
    let events = || block(0, vec![thought("a")], None);
    let chain = written(Style { reasoning_format: None, ..style() }, events(), StopReason::EndTurn);
    assert_eq!(chain.named("response.reasoning_text.delta").len(), 1);
    assert_eq!(chain.response()["output"][0]["content"][0], json!({"type": "reasoning_text", "text": "a"}));
    let sealed = written(Style { summary: false, ..style() }, events(), StopReason::EndTurn);
    assert_eq!(sealed.names()[2..], ["output_item.added", "output_item.done", "completed"]);
    assert_eq!(sealed.response()["output"][0]["summary"], json!([]));
    for style in [Style { hidden: true, ..style() }, Style { summary: false, seals: None, ..style() }] {
        assert_eq!(written(style, events(), StopReason::EndTurn).response()["output"], json!([]));
    }
}

#[test]
fn texts_that_follow_each_other_are_one_message_with_the_places_of_its_sources() {
    let source = |url| Delta::Citation(Citation { url: Some(Text::from_plain(url)), ..Citation::default() });
    let mut events = block(0, vec![text("Hé."), source("https://a")], None);
    events.extend(block(1, vec![text(" Yes."), source("https://b"), Delta::Citation(Citation::default())], None));
    let seen = written(style(), events, StopReason::EndTurn);
    let content = &seen.response()["output"][0]["content"][0];
    assert_eq!((seen.response()["output"].as_array().unwrap().len(), &content["text"]), (1, &json!("Hé. Yes.")));
    let places: Vec<(i64, i64)> = content["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (source["start_index"].as_i64().unwrap(), source["end_index"].as_i64().unwrap()))
        .collect();
    assert_eq!(places, [(0, 3), (3, 8)]);
    let told = seen.named("response.output_text.annotation.added");
    assert_eq!(
        (told.len(), &told[1]["annotation"], &told[1]["annotation_index"]),
        (2, &content["annotations"][1], &json!(1))
    );
}

#[test]
fn each_form_of_call_is_told_as_its_client_knows_it() {
    let of = |name: &'static str, arguments: &'static str| {
        let (head, tail) = arguments.split_at(arguments.len() / 2);
        let seen = written(style(), block(0, vec![call(name), input(head), input(tail)], None), StopReason::ToolUse);
        seen.response()["output"][0].clone()
    };
    let function = of("ns__inner", "{}");
    assert_eq!((&function["name"], &function["namespace"]), (&json!("inner"), &json!("ns")));
    let custom = of("custom", r#"{"input":"a\n\"b\""}"#);
    assert_eq!((&custom["type"], &custom["input"]), (&json!("custom_tool_call"), &json!("a\n\"b\"")));
    assert_eq!(of("custom", r#"{"text":"abc"}"#)["input"], "abc");
    let search = of("search", r#"{"query":"a"}"#);
    assert_eq!((&search["type"], &search["arguments"]), (&json!("tool_search_call"), &json!({"query": "a"})));
    assert_eq!(of("patch", r#"{"operation":{"type":"x"}}"#)["operation"], json!({"type": "x"}));
    // What its client could not read is at least a call.
    let broken = of("search", "[1]");
    assert_eq!((&broken["type"], &broken["arguments"]), (&json!("function_call"), &json!("[1]")));
    assert_eq!(of("f", "")["arguments"], "{}");
}

#[test]
fn a_call_that_was_cut_off_is_never_done_and_one_that_was_not_is() {
    for name in ["f", "custom", "search"] {
        for said in [r#"{"input":"rm -rf /tm"#, ""] {
            let events = || block(0, vec![call(name), input(said)], None);
            let cut = written(style(), events(), StopReason::MaxTokens);
            assert!(cut.named("response.output_item.done").is_empty(), "{name}");
            assert_eq!(cut.names().last(), Some(&"incomplete"));
            assert_eq!(cut.response()["incomplete_details"], json!({"reason": "max_output_tokens"}));
            let whole = written(style(), events(), StopReason::ToolUse);
            assert_eq!(whole.named("response.output_item.done").len(), 1, "{name}");
        }
    }
    let events = block(0, vec![text("abc")], None);
    let cut = written(style(), events, StopReason::MaxTokens);
    assert_eq!(cut.response()["output"][0]["status"], "incomplete");
}

#[test]
fn a_failed_answer_keeps_what_is_final_and_nothing_else() {
    for (last, index) in [(text("b"), 1), (call("f"), 1), (call("search"), 1), (thought("c"), 1)] {
        let (mut writer, mut out) = (Writer::new(&envelope(), style()), BytesMut::new());
        block(0, vec![thought("a")], signature()).into_iter().for_each(|event| writer.event(&mut out, event));
        writer.delta(&mut out, index, &last);
        writer.fail(&mut out, &throttled());
        let seen = Seen::of(&out);
        let response = seen.response();
        assert_eq!(response["output"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&response["status"], &response["error"]["code"]),
            (&json!("failed"), &json!("rate_limit_exceeded"))
        );
    }
}

fn throttled() -> Fault {
    let exception = "ThrottlingException".to_owned();
    Fault::Refused(Refusal { exception, status: 429, message: "Too many.".to_owned(), retry_after: None })
}

#[test]
fn a_failure_before_anything_was_told_is_a_response_too() {
    let mut out = BytesMut::new();
    fail(Some(RequestId(1)), &throttled(), &mut out);
    assert_eq!(Seen::of(&out).names(), ["created", "in_progress", "failed"]);
}

#[test]
fn keep_alives_are_comments_and_begin_nothing() {
    let (mut writer, mut out) = (Writer::new(&envelope(), style()), BytesMut::new());
    writer.keep_alive_before(&mut out);
    writer.keep_alive(&mut out);
    assert!(std::str::from_utf8(&out).unwrap().lines().all(|line| line.is_empty() || line.starts_with(':')));
    assert!(!writer.started);
}

#[test]
fn a_word_that_stands_for_a_thought_is_only_sealed_or_shown_or_dropped() {
    let of = |on_placeholder| {
        let style = Style { placeholder: Some("[REDACTED]".to_owned()), on_placeholder, ..style() };
        let events = block(0, vec![thought("[RED"), thought("ACTED]")], None);
        written(style, events, StopReason::EndTurn).response()["output"].clone()
    };
    assert_eq!(of(Placeholder::Encrypted)[0]["summary"], json!([]));
    assert_eq!(of(Placeholder::Summary)[0]["summary"][0]["text"], "[REDACTED]");
    assert_eq!(of(Placeholder::Dropped), json!([]));
}

#[test]
fn a_whole_answer_has_the_items_of_the_stream_that_says_the_same() {
    let source = Citation { url: Some(Text::from_plain("https://a")), ..Citation::default() };
    let mut events = block(0, vec![thought("a")], signature());
    events.extend(block(1, vec![Delta::SealPiece(4)], Some(Seal::Redacted(Text::from_plain("ZGF0YQ==")))));
    events.extend(block(2, vec![text("b\n")], None));
    events.extend(block(3, vec![text("c"), Delta::Citation(source.clone())], None));
    events.extend(block(4, vec![call("custom"), input(r#"{"input":"d\n"}"#)], None));
    events.extend(block(5, vec![call("search"), input(r#"{"q":1}"#)], None));
    events.extend(block(6, vec![call("ns__inner"), input("{}")], None));
    let seen = written(style(), events, StopReason::ToolUse);
    let tool = |name: &'static str, input: &'static str| Block::ToolUse {
        id: Text::from_plain("tooluse_1"),
        name: name.into(),
        input: Raw::from_json(input),
    };
    let issuer = Issuer::default();
    let whole = Response {
        content: vec![
            Block::Reasoning { text: Text::from_plain("a"), signature: Some(Text::from_plain("c2ln")), issuer },
            Block::Redacted { data: Text::from_plain("ZGF0YQ=="), issuer },
            Block::Text(Text::from_plain("b\n")),
            Block::Cited { text: Text::from_plain("c"), citations: vec![source] },
            tool("custom", r#"{"input":"d\n"}"#),
            tool("search", r#"{"q":1}"#),
            tool("ns__inner", "{}"),
        ],
        stop: StopReason::ToolUse,
        usage: Usage { input: 3, output: 4, cache_read: Some(5), ..Usage::default() },
        service_tier: None,
        trace: None,
    };
    let (body, finish) = response::write(&whole, &envelope(), &style(), &str::to_owned).unwrap();
    assert_eq!(&serde_json::from_str::<Value>(&body).unwrap(), seen.response());
    assert!(finish.called);
}

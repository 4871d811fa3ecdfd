//! Chat Completions requests: every field of the API, and what becomes of it.

use aquifer_translate::dialect::openai_chat::field::path;
use aquifer_translate::dialect::openai_chat::request::{Asked, read, read_model};
use aquifer_translate::fault::{Fault, MistakeKind};
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::model::request::{Block, CacheTtl, Format, Role, ToolChoice};
use aquifer_translate::warning::WarningKind;

/// A request with one message and these members more.
fn body(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{comma}{members}}}"#)
}

#[track_caller]
fn asked(body: &str) -> Asked<'_> {
    read(body.as_bytes()).unwrap_or_else(|fault| panic!("{body}: {fault:?}"))
}

/// The `param` of the fault; its message must begin with it.
#[track_caller]
fn refused(body: &str) -> String {
    let Err(fault) = read(body.as_bytes()) else { panic!("{body}: accepted") };
    let (Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) = fault else { panic!("{body}: {fault:?}") };
    let param = mistake.field.as_ref().map(|field| path(field).into_owned()).unwrap_or_default();
    assert!(mistake.message.starts_with(&format!("`{param}` ")), "{body}: {}", mistake.message);
    assert!(!mistake.message.contains("SECRET"), "{}", mistake.message);
    param
}

fn warned(body: &str) -> Vec<String> {
    asked(body).warnings.into_iter().map(|warning| path(&warning.field).into_owned()).collect()
}

const CALL: &str =
    r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]"#;

/// Members, and the warnings that they cause.
const ACCEPTED: &[(&str, &[&str])] = &[
    (r#""max_completion_tokens":5,"max_tokens":9"#, &[]),
    (r#""temperature":2,"top_p":1.0,"top_k":40"#, &[]),
    (r#""temperature":null,"n":null,"logprobs":null,"tools":null,"stop":null,"stream":null"#, &[]),
    (r#""stop":"END""#, &[]),
    (r#""stop":["a"," ","b","c","d","e"]"#, &["stop[1]"]),
    (r#""stream":true,"stream_options":{"include_usage":true}"#, &[]),
    (r#""stream_options":{"include_obfuscation":true}"#, &["stream_options.include_obfuscation"]),
    (r#""n":1,"logprobs":false,"top_logprobs":0,"logit_bias":{}"#, &[]),
    (r#""seed":7"#, &["seed"]),
    (
        r#""user":"u","safety_identifier":"s","prompt_cache_key":"k""#,
        &["user", "safety_identifier", "prompt_cache_key"],
    ),
    (r#""frequency_penalty":0,"presence_penalty":0.0"#, &[]),
    (r#""frequency_penalty":1,"presence_penalty":-1"#, &["frequency_penalty", "presence_penalty"]),
    (r#""modalities":["text"]"#, &[]),
    (r#""prediction":{"type":"content","content":"x"}"#, &["prediction"]),
    (r#""verbosity":"low""#, &["verbosity"]),
    (r#""store":false"#, &[]),
    (r#""store":true"#, &["store"]),
    (r#""moderation":{"model":"o","policy":{"input":{"mode":"score"}}}"#, &["moderation"]),
    (r#""service_tier":"scale""#, &["service_tier"]),
    (r#""metadata":{"k":"v"}"#, &[]),
    (r#""prompt_cache_retention":"24h""#, &[]),
    (r#""prompt_cache_retention":"forever""#, &["prompt_cache_retention"]),
    (r#""prompt_cache_options":{"mode":"implicit","ttl":"2h"}"#, &["prompt_cache_options.ttl"]),
    (r#""response_format":{"type":"text"}"#, &[]),
    (r#""tools":[],"parallel_tool_calls":true"#, &[]),
    (r#""guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1"}"#, &[]),
    (r#""something_new":{"deep":[1]},"other":null"#, &["something_new"]),
];

#[test]
fn fields_that_are_taken_or_ignored() {
    for (members, warnings) in ACCEPTED {
        assert_eq!(warned(&body(members)), *warnings, "{members}");
    }
}

/// Members, and the field that the error names.
const REFUSED: &[(&str, &str)] = &[
    (r#""max_tokens":0"#, "max_tokens"),
    (r#""max_tokens":-1"#, "max_tokens"),
    (r#""max_tokens":1.5"#, "max_tokens"),
    (r#""max_tokens":4294967296"#, "max_tokens"),
    (r#""max_tokens":"SECRET""#, "max_tokens"),
    (r#""max_completion_tokens":1e999"#, "max_completion_tokens"),
    (r#""temperature":2.1"#, "temperature"),
    (r#""temperature":"0""#, "temperature"),
    (r#""top_p":-0.1"#, "top_p"),
    (r#""top_k":1.5"#, "top_k"),
    (r#""stop":[1]"#, "stop[0]"),
    (r#""stop":{}"#, "stop"),
    (r#""stream":"SECRET""#, "stream"),
    (r#""stream_options":true"#, "stream_options"),
    (r#""stream_options":{"include_usage":1}"#, "stream_options.include_usage"),
    (r#""n":2"#, "n"),
    (r#""n":0"#, "n"),
    (r#""logprobs":true"#, "logprobs"),
    (r#""top_logprobs":3"#, "top_logprobs"),
    (r#""logit_bias":{"50256":-100}"#, "logit_bias"),
    (r#""modalities":["text","audio"]"#, "modalities"),
    (r#""audio":{"voice":"alloy","format":"wav"}"#, "audio"),
    (r#""web_search_options":{}"#, "web_search_options"),
    (r#""moderation":{"model":"o","policy":{"output":{"mode":"block"}}}"#, "moderation.policy.output.mode"),
    (r#""metadata":{"k":1}"#, "metadata.k"),
    (r#""service_tier":1"#, "service_tier"),
    (r#""prompt_cache_options":{"mode":"SECRET"}"#, "prompt_cache_options.mode"),
    (r#""response_format":"json""#, "response_format"),
    (r#""response_format":{}"#, "response_format.type"),
    (r#""response_format":{"type":"grammar"}"#, "response_format.type"),
    (r#""response_format":{"type":"json_schema"}"#, "response_format.json_schema"),
    (r#""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#, "response_format.json_schema.name"),
    (r#""response_format":{"type":"json_schema","json_schema":{"name":"n"}}"#, "response_format.json_schema.schema"),
    (r#""guardrailConfig":"g""#, "guardrailConfig"),
    (r#""additionalModelRequestFields":[1]"#, "additionalModelRequestFields"),
    (r#""anthropic_beta":3"#, "anthropic_beta"),
    (r#""extra_body":"SECRET""#, "extra_body"),
    (r#""extra_body":{"n":3}"#, "n"),
    (r#""parallel_tool_calls":"yes""#, "parallel_tool_calls"),
    (r#""tools":{}"#, "tools"),
    (r#""tools":[{"type":"custom","custom":{"name":"c"}}]"#, "tools[0].type"),
    (r#""tools":[{"function":{"name":"f"}}]"#, "tools[0].type"),
    (r#""tools":[{"type":"function"}]"#, "tools[0].function"),
    (r#""tools":[{"type":"function","function":{"name":""}}]"#, "tools[0].function.name"),
    (r#""tools":[{"type":"function","function":{"name":"f","parameters":"{}"}}]"#, "tools[0].function.parameters"),
    (r#""functions":[{"description":"d"}]"#, "functions[0].name"),
    (r#""tool_choice":"required""#, "tool_choice"),
    (r#""tool_choice":"SECRET""#, "tool_choice"),
    (r#""tool_choice":7"#, "tool_choice"),
    (r#""tool_choice":{"type":"function","function":{"name":"SECRET"}}"#, "tool_choice.function.name"),
    (r#""tool_choice":{"type":"custom","custom":{"name":"c"}}"#, "tool_choice.type"),
    (r#""function_call":{"name":"none"}"#, "function_call.name"),
    (r#""function_call":1"#, "function_call"),
];

#[test]
fn fields_that_are_refused_by_name() {
    for (members, param) in REFUSED {
        assert_eq!(refused(&body(members)), *param, "{members}");
    }
}

#[test]
fn what_bedrock_cannot_do_is_told_apart_from_mistakes() {
    for members in [r#""n":2"#, r#""logprobs":true"#, r#""audio":{}"#, r#""web_search_options":{}"#] {
        let body = body(members);
        let fault = read(body.as_bytes()).unwrap_err();
        assert!(matches!(fault, Fault::Unsupported(_)), "{members}: {fault:?}");
    }
}

#[test]
fn sampling_is_read() {
    let body = body(
        r#""max_completion_tokens":5,"max_tokens":9,"temperature":0.5,"top_p":1,"top_k":40,"stop":["a","\n","é\n"]"#,
    );
    let sampling = asked(&body).request.sampling;
    assert_eq!(
        (sampling.max_tokens, sampling.max_tokens_field),
        (Some(5), Some(FieldRef::own("max_completion_tokens")))
    );
    assert_eq!((sampling.temperature, sampling.top_p, sampling.top_k), (Some(0.5), Some(1.0), Some(40)));
    let stop: Vec<_> = sampling.stop.iter().map(|text| text.as_escaped()).collect();
    assert_eq!(stop, ["a", r"é\n"]);
}

#[test]
fn whole_numbers_may_be_written_as_doubles_and_top_k_may_mean_all() {
    let body = body(r#""max_tokens":100.0,"top_k":-1"#);
    let sampling = asked(&body).request.sampling;
    assert_eq!(
        (sampling.max_tokens, sampling.max_tokens_field, sampling.top_k),
        (Some(100), Some(FieldRef::own("max_tokens")), None)
    );
}

#[test]
fn manner_and_flags_are_read() {
    let body = body(
        r#""stream":true,"stream_options":{"include_usage":true},"functions":[{"name":"f"}],"parallel_tool_calls":false,
           "include_reasoning":false"#,
    );
    let asked = asked(&body);
    assert!(asked.request.stream && asked.manner.include_usage && asked.manner.legacy_functions);
    assert!(asked.manner.exclude_reasoning);
    assert_eq!(asked.request.parallel_tools, Some(false));
}

#[test]
fn service_fields_are_read() {
    let body = body(
        r#""service_tier":"fast","metadata":{"a":"1","b":"2","a":"3"},"guardrail_config":{"guardrailIdentifier":"g"},
           "additionalModelRequestFields":{"z":1,"a":{"k":[1, 2]}},"anthropic_beta":"x, interleaved-thinking-2025-05-14""#,
    );
    let request = asked(&body).request;
    assert!(request.latency_optimized && request.service_tier.is_none());
    assert_eq!(request.metadata, [("b".into(), "2".into()), ("a".into(), "3".into())]);
    assert_eq!(request.guardrail.unwrap().as_json(), r#"{"guardrailIdentifier":"g"}"#);
    let fields: Vec<_> =
        request.additional_fields.iter().map(|(name, value)| (name.as_ref(), value.as_json())).collect();
    assert_eq!(fields, [("z", "1"), ("a", r#"{"k":[1, 2]}"#)]);
    assert_eq!(request.betas, ["x", "interleaved-thinking-2025-05-14"]);
    assert!(request.reasoning.interleaved);
}

#[test]
fn service_tiers_and_caches_have_their_words() {
    for (word, tier) in [("auto", "default"), ("default", "default"), ("flex", "flex"), ("priority", "priority")] {
        let body = body(&format!(r#""service_tier":"{word}""#));
        assert_eq!(asked(&body).request.service_tier, Some(tier));
    }
    for (members, ttl) in [
        (r#""prompt_cache_retention":"24h""#, Some(CacheTtl::OneHour)),
        (r#""prompt_cache_retention":"in_memory""#, Some(CacheTtl::FiveMinutes)),
        (r#""prompt_cache_options":{}"#, Some(CacheTtl::FiveMinutes)),
        (r#""prompt_cache_options":{"mode":"implicit","ttl":"30m"}"#, Some(CacheTtl::OneHour)),
        (r#""prompt_cache_options":{"mode":"explicit"},"prompt_cache_retention":"24h""#, None),
    ] {
        assert_eq!(asked(&body(members)).request.automatic_cache, ttl, "{members}");
    }
}

#[test]
fn extra_body_counts_where_nothing_stands_beside_it() {
    let body = body(r#""extra_body":{"top_k":3,"temperature":1,"model":"other","strange":1},"temperature":0.25"#);
    let asked = asked(&body);
    assert_eq!(asked.request.sampling.top_k, Some(3));
    assert_eq!(asked.request.sampling.temperature, Some(0.25));
    assert_eq!(asked.request.model, "m");
    assert_eq!(path(&asked.warnings.first().unwrap().field), "strange");
}

#[test]
fn of_a_field_that_comes_twice_the_last_one_counts() {
    assert_eq!(asked(&body(r#""model":"n","model":"o""#)).request.model, "o");
    assert_eq!(read_model(body(r#""model":"o""#).as_bytes()).unwrap(), "o");
}

#[test]
fn formats_are_read() {
    let json = body(r#""response_format":{"type":"json_object"}"#);
    assert!(matches!(asked(&json).request.format, Format::Json));
    let body = body(
        r#""response_format":{"type":"json_schema","json_schema":
            {"name":"n","description":"d","schema":{"type": "object","b":1,"a":2},"strict":true}}"#,
    );
    let Format::Schema { name, description, schema, strict } = asked(&body).request.format else { panic!() };
    assert_eq!((name.plain().as_ref(), description.unwrap().plain().as_ref(), strict), ("n", "d", true));
    assert_eq!(schema.as_json(), r#"{"type": "object","b":1,"a":2}"#);
}

#[test]
fn tools_are_read() {
    let body = body(
        r#""tools":[{"type":"function","cache_control":{"type":"ephemeral","ttl":"1h"},"function":{"name":"f",
            "description":"does","parameters":{"type":"object","properties":{"z":{},"a":{}}},"strict":true}},
           {"type":"function","function":{"name":"g","description":" ","parameters":null}}],"tool_choice":"auto""#,
    );
    let request = asked(&body).request;
    let [first, second] = &request.tools[..] else { panic!() };
    assert_eq!((first.name.as_ref(), first.strict), ("f", Some(true)));
    assert_eq!(first.schema.as_ref().unwrap().as_json(), r#"{"type":"object","properties":{"z":{},"a":{}}}"#);
    assert_eq!(first.cache_point, Some(Some(CacheTtl::OneHour)));
    assert!(second.description.is_none() && second.schema.is_none() && second.cache_point.is_none());
    assert_eq!(request.tool_choice, ToolChoice::Auto);
}

#[test]
fn tool_choices_are_read() {
    for (members, choice) in [
        ("", ToolChoice::Unset),
        (r#","tool_choice":"none""#, ToolChoice::None),
        (r#","tool_choice":"required""#, ToolChoice::Required),
        (r#","tool_choice":{"type":"function","function":{"name":"g"}}"#, ToolChoice::Named("g".into())),
        (r#","function_call":{"name":"g"}"#, ToolChoice::Named("g".into())),
        (r#","function_call":"auto""#, ToolChoice::Auto),
        (r#","function_call":"auto","tool_choice":"none""#, ToolChoice::None),
    ] {
        assert_eq!(asked(&body(&format!("{CALL}{members}"))).request.tool_choice, choice, "{members}");
    }
}

#[test]
fn allowed_tools_leave_only_those() {
    let choice = |mode: &str, name: &str| {
        let allowed = format!(r#"{{"mode":"{mode}","tools":[{{"type":"function","function":{{"name":"{name}"}}}}]}}"#);
        body(&format!(r#"{CALL},"tool_choice":{{"type":"allowed_tools","allowed_tools":{allowed}}}"#))
    };
    let body = choice("required", "g");
    let request = asked(&body).request;
    assert_eq!(request.tool_choice, ToolChoice::Required);
    assert_eq!(request.tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), ["g"]);
    assert_eq!(refused(&choice("auto", "h")), "tool_choice.allowed_tools.tools[0].function.name");
    assert_eq!(refused(&choice("never", "g")), "tool_choice.allowed_tools.mode");
}

#[test]
fn bodies_that_are_no_requests() {
    for (body, param) in [
        ("{}", "messages"),
        (r#"{"model":"m"}"#, "messages"),
        (r#"{"model":"m","messages":[]}"#, "messages"),
        (r#"{"model":"m","messages":{}}"#, "messages"),
        (r#"{"model":"m","messages":["hi"]}"#, "messages[0]"),
        (r#"{"messages":[{"role":"user","content":"hi"}]}"#, "model"),
        (r#"{"model":"","messages":[{"role":"user","content":"hi"}]}"#, "model"),
        (r#"{"model":7,"messages":[{"role":"user","content":"hi"}]}"#, "model"),
    ] {
        assert_eq!(refused(body), param, "{body}");
    }
}

#[test]
fn bodies_that_are_not_json_are_told_by_place_and_not_by_content() {
    for (body, place) in [
        (&b""[..], "empty"),
        (b" \n", "empty"),
        (b"SECRET", "line 1, column 1"),
        (b"[1]", "found an array"),
        (b"\"SECRET\"", "found a string"),
        (b"{\"model\":\"SECRET\",\n\"messages\":[}", "line 2, column 13"),
        (b"{\"model\":\"SECRET", "line 1, column 16"),
        (b"{\"a\":1} SECRET", "line 1, column 9"),
        (b"{\"\\ud800SECRET\":1}", "line 1, column"),
        (b"{\"model\":\"\xff\"}", "offset 10"),
    ] {
        for fault in [read(body).unwrap_err(), read_model(body).unwrap_err()] {
            let Fault::ClientMistaken(mistake) = fault else { panic!("{fault:?}") };
            assert_eq!((mistake.kind, mistake.field), (MistakeKind::Malformed, None));
            assert!(mistake.message.contains(place), "{place}: {}", mistake.message);
            assert!(!mistake.message.contains("SECRET"), "{}", mistake.message);
        }
    }
}

#[test]
fn deep_nesting_is_refused_where_it_would_be_passed_on_and_harmless_elsewhere() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(50_000) + "1", "}".repeat(50_000));
    let parameters = format!(r#""tools":[{{"type":"function","function":{{"name":"f","parameters":{deep}}}}}]"#);
    assert_eq!(refused(&body(&parameters)), "tools[0].function.parameters");
    assert_eq!(warned(&body(&format!(r#""unknown":{deep}"#))), ["unknown"]);
    assert_eq!(refused(&body(&format!(r#""metadata":{deep}"#))), "metadata.a");
}

#[test]
fn warnings_are_few_however_many_the_fields() {
    let members: Vec<String> = (0..100).map(|number| format!(r#""field{number}":1"#)).collect();
    let body = body(&members.join(","));
    let warnings = asked(&body).warnings;
    assert_eq!(warnings.len(), 21);
    assert!(warnings.last().unwrap().why.starts_with("80 more"));
    assert!(warnings.iter().all(|warning| warning.kind == WarningKind::Ignored));
}

#[test]
fn a_large_text_is_borrowed_from_the_body() {
    let large = "text with \\\"escapes\\\" ".repeat(50_000);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{large}"}},
        {{"role":"user","content":[{{"type":"text","text":"{large}"}}]}}]}}"#
    );
    let request = asked(&body).request;
    let span = body.as_bytes().as_ptr_range();
    for message in &request.messages {
        let [Block::Text(text)] = &message.content[..] else { panic!() };
        assert_eq!((message.role, text.as_escaped().len()), (Role::User, large.len()));
        assert!(span.contains(&text.as_escaped().as_ptr()));
    }
}

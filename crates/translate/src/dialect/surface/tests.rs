//! Paths of clients, and the operations or errors that they lead to.

use super::*;

const CHAT: Dialect = Dialect::OpenAiChat;

fn found<'p>(method: &Method, path: &'p str) -> Option<(Operation, Option<&'p str>)> {
    Surface::of(method, path).ok().map(|surface| (surface.operation, surface.model))
}

#[test]
fn a_path_leads_to_its_operation() {
    assert_eq!(found(&Method::POST, "/v1/chat/completions"), Some((Operation::Generate, None)));
    assert_eq!(found(&Method::POST, "/v1/embeddings"), Some((Operation::Embed, None)));
    for path in ["/v1/rerank", "/v2/rerank"] {
        assert_eq!(found(&Method::POST, path), Some((Operation::Rerank, None)));
    }
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(found(&method, "/v1/models"), Some((Operation::ListModels, None)));
        assert_eq!(found(&method, "/v1/models/a.b-1:0"), Some((Operation::GetModel, Some("a.b-1:0"))));
    }
}

#[test]
fn an_id_may_hold_slashes_and_escapes() {
    let surface = Surface::of(&Method::GET, "/v1/models/arn:aws/x%3Ay%2Fz/").unwrap();
    assert_eq!(surface.model, Some("arn:aws/x%3Ay%2Fz/"));
    assert_eq!(surface.model_id().as_deref(), Some("arn:aws/x:y/z/"));
}

#[test]
fn other_paths_are_not_found() {
    let others = ["", "/", "/v1", "/v1/models/", "/v1/chat/completions/", "/v1/modelsx", "/x/v1/models", "*"];
    for path in others {
        assert_eq!(Surface::of(&Method::GET, path), Err(NoSurface::NotFound), "{path}");
    }
}

#[test]
fn what_openai_has_beside_is_not_found_and_told_why() {
    for (path, word) in [
        ("/v1/completions", "bare prompt"),
        ("/v1/responses/compact", "compacted"),
        ("/v1/responses/resp_1/cancel", "cancel"),
        ("/v1/responses/resp_1/input_items", "input"),
    ] {
        for method in [Method::GET, Method::POST] {
            let refused = Surface::of(&method, path).unwrap_err();
            assert_eq!(refused, NoSurface::NotFound, "{path}");
            let Fault::ClientMistaken(mistake) = refused.fault(&method, path) else { panic!("no mistake") };
            assert!(mistake.message.contains(word), "{}", mistake.message);
        }
    }
    assert!(found(&Method::GET, "/v1/responses/resp_1").is_some());
}

#[test]
fn other_methods_are_told_which_are_allowed() {
    for (method, path, allow) in [
        (Method::GET, "/v1/chat/completions", "POST"),
        (Method::POST, "/v1/models", "GET, HEAD"),
        (Method::DELETE, "/v1/models/a", "GET, HEAD"),
    ] {
        let refused = NoSurface::MethodNotAllowed { dialect: CHAT, allow };
        assert_eq!(Surface::of(&method, path), Err(refused), "{path}");
    }
}

#[test]
fn only_the_root_is_probed_and_only_by_its_head() {
    assert!(is_probe(&Method::HEAD, "/"));
    assert!(!is_probe(&Method::GET, "/") && !is_probe(&Method::HEAD, "/v1/messages") && !is_probe(&Method::HEAD, ""));
}

#[test]
fn errors_name_the_paths_and_the_methods() {
    let message = |refused: NoSurface, path: &str| match refused.fault(&Method::PUT, path) {
        Fault::ClientMistaken(mistake) => (mistake.kind, mistake.message),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        message(NoSurface::NotFound, "/v2"),
        (
            MistakeKind::PathNotFound,
            "Unknown path \"/v2\". This gateway serves /v1/chat/completions, /v1/messages, /v1/messages/count_tokens, /v1/responses, /v1/responses/input_tokens, /v1/responses/{id}, /v1/embeddings, /v1/rerank, /v1/models, /v1/models/{id}, /model/{id}/converse, /model/{id}/converse-stream, /model/{id}/invoke, /model/{id}/invoke-with-response-stream, /model/{id}/count-tokens, /inference-profiles and /inference-profiles/{id}."
                .to_owned()
        )
    );
    let refused = NoSurface::MethodNotAllowed { dialect: CHAT, allow: "GET, HEAD" };
    assert_eq!(
        message(refused, "/v1/models"),
        (MistakeKind::MethodNotAllowed, "PUT is not a method of /v1/models: use GET, HEAD.".to_owned())
    );
    let (kind, advice) = message(NoSurface::NotFound, "/v1/completions");
    assert_eq!(kind, MistakeKind::PathNotFound);
    assert!(advice.contains("use /v1/chat/completions"), "{advice}");
    let (_, long) = message(NoSurface::NotFound, &"\u{e9}".repeat(300));
    assert!(long.contains(&"\u{e9}".repeat(200)) && !long.contains(&"\u{e9}".repeat(201)));
}

/// The surfaces of AWS's and of Anthropic's clients, as far as the table is concerned.
#[test]
fn a_path_may_go_on_behind_the_id_and_have_several_methods_apart() {
    let endpoint = |path, allow, operation| Endpoint { path, allow, dialect: CHAT, operation };
    let served = [
        endpoint("/v1/messages", "POST", Operation::Generate),
        endpoint("/model/{id}/converse", "POST", Operation::Generate),
        endpoint("/model/{id}/converse-stream", "POST", Operation::Generate),
        endpoint("/model/{id}", "GET", Operation::GetModel),
    ];
    let of = |method, path| of(&served, &method, path).map(|surface| (surface.operation, surface.model));
    assert_eq!(of(Method::POST, "/v1/messages"), Ok((Operation::Generate, None)));
    assert_eq!(of(Method::POST, "/model/m%3A0/converse"), Ok((Operation::Generate, Some("m%3A0"))));
    assert_eq!(of(Method::POST, "/model/a/b/converse-stream"), Ok((Operation::Generate, Some("a/b"))));
    assert_eq!(of(Method::GET, "/model/m"), Ok((Operation::GetModel, Some("m"))));
    assert_eq!(of(Method::POST, "/model//converse"), Err(NoSurface::MethodNotAllowed { dialect: CHAT, allow: "GET" }));
    assert_eq!(of(Method::GET, "/model/"), Err(NoSurface::NotFound));
}

//! Members of a Converse request, read as unions.

use super::*;

#[test]
fn a_block_has_one_member() {
    let content = |content: &str| {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{content}]}}]}}"#);
        read(body.as_bytes(), &Limits::default()).map(|asked| asked.request.messages[0].content.len()).ok()
    };
    assert_eq!(content(r#"{"text":"a"}"#), Some(1));
    assert_eq!(content(r#"{"text":" "}"#), Some(0));
    assert_eq!(content(r#"{"text":null,"cachePoint":{"type":"default"}}"#), Some(1));
    for wrong in [r#"{}"#, r#"{"text":"a","cachePoint":{"type":"default"}}"#, r#"{"toolUse":{}}"#, r#"{"video":{}}"#] {
        assert_eq!(content(wrong), None, "{wrong}");
    }
}

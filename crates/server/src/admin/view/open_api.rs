//! The table of endpoints as an OpenAPI document.

use crate::admin::endpoints::{BASE, Needs, Row, TABLE};
use serde_json::{Map, Value, json};

/// The document.
pub(in crate::admin) fn document() -> Value {
    let paths: Map<String, Value> = TABLE.iter().map(|row| (format!("{BASE}{}", row.path), path(row))).collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Aquifer admin API", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "aquifer_admin" },
            },
        },
    })
}

fn path(row: &Row) -> Value {
    let mut methods = Map::new();
    for (method, needs) in [("get", row.get), ("post", row.post), ("delete", row.delete)] {
        if let Some(needs) = needs {
            methods.insert(method.to_owned(), operation(row, method, needs));
        }
    }
    Value::Object(methods)
}

fn operation(row: &Row, method: &str, needs: Needs) -> Value {
    let mut parameters: Vec<Value> = row.query.iter().map(|named| parameter("query", named.0, named.1)).collect();
    if row.path.contains("{id}") {
        parameters.push(parameter("path", "id", "the id of an exchange"));
    }
    let (security, scope) = match needs {
        Needs::Nothing => (json!([{}]), None),
        Needs::Scope(scope) => (json!([{ "token": [] }, { "session": [] }]), Some(scope.word())),
    };
    json!({
        "operationId": format!("{method} {}", row.path),
        "summary": row.summary,
        "parameters": parameters,
        "security": security,
        "x-scope": scope,
        "responses": {
            "default": { "description": "{\"error\": {\"message\", \"type\", \"code\"}} where the status is 400 or more" },
        },
    })
}

fn parameter(place: &str, name: &str, description: &str) -> Value {
    json!({
        "in": place, "name": name, "description": description, "required": place == "path", "schema": { "type": "string" },
    })
}

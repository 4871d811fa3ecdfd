//! Fields of Bedrock's own that an operator does not let clients use.

use crate::fault::Fault;
use crate::limits::ClientFields;
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::reasoning::own;
use crate::model::request::{Block, MediaSource, Request};
use crate::wire::json;
use crate::wire::slice::Slice as _;

/// Refuses what is not allowed, with the client's field.
pub(super) fn check(request: &Request<'_>, allowed: ClientFields) -> Result<(), Fault> {
    if !allowed.guardrail_config && request.guardrail.is_some() {
        return Err(denied(FieldRef::Guardrail));
    }
    let tier = request.service_tier.is_some_and(|tier| tier != "default");
    if !allowed.service_tier && (tier || request.latency_optimized) {
        return Err(denied(FieldRef::ServiceTier));
    }
    if !allowed.performance_config && request.latency_optimized {
        let message = format!("`{NAME}`: `fast` is not allowed by the operator");
        return Err(Fault::unsupported(FieldRef::ServiceTier, message));
    }
    if !allowed.additional_model_request_fields && request.own_switches.present {
        return Err(denied(FieldRef::OwnFields));
    }
    own_fields(request, allowed)?;
    if !allowed.s3_uris {
        request.messages.iter().try_for_each(|message| addresses(&message.content))?;
    }
    Ok(())
}

fn denied(field: FieldRef) -> Fault {
    Fault::unsupported(field, format!("`{NAME}` is not allowed by the operator"))
}

/// Refuses fields of Bedrock's own that the operator does not allow, where they stand among the model's own fields.
fn own_fields(request: &Request<'_>, allowed: ClientFields) -> Result<(), Fault> {
    for (name, value) in &request.additional_fields {
        let plain = own::plain(name);
        let guardrail = !allowed.guardrail_config && plain.contains("guardrail");
        let tier = !allowed.service_tier && plain == "servicetier";
        let speed = !allowed.performance_config && matches!(plain.as_str(), "performanceconfig" | "speed" | "latency");
        if guardrail || tier || speed {
            return Err(denied(own_field(name)));
        }
        if !allowed.s3_uris && json::any_string(value.as_json(), is_address) {
            return Err(in_s3(own_field(name)));
        }
    }
    Ok(())
}

/// Whether a string, still escaped, is an address in S3.
fn is_address(escaped: &str) -> bool {
    const SCHEME: &str = "s3://";
    // An escape is six bytes long at most.
    let begins = escaped.floor_char_boundary(6 * (SCHEME.len() + 2));
    let begins = json::begins(escaped.upto(begins));
    begins.trim_start().get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

fn addresses(content: &[Block<'_>]) -> Result<(), Fault> {
    for block in content {
        match block {
            Block::Image { source: MediaSource::S3 { field, .. }, .. }
            | Block::Document { source: MediaSource::S3 { field, .. }, .. }
            | Block::Audio { source: MediaSource::S3 { field, .. }, .. } => return Err(in_s3(field.clone())),
            Block::ToolResult { content, .. } => addresses(content)?,
            Block::Text(_)
            | Block::Reasoning { .. }
            | Block::Redacted { .. }
            | Block::ToolUse { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => {}
        }
    }
    Ok(())
}

fn own_field(name: &str) -> FieldRef {
    FieldRef::OwnField(own::shown(name).into())
}

fn in_s3(field: FieldRef) -> Fault {
    Fault::unsupported(
        field,
        format!("`{NAME}` is an address in S3, which the operator does not allow; send the data itself"),
    )
}

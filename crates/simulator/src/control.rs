//! What a gateway asks of the control plane: which inference profiles there are, and which model is behind one.

use crate::families::{self, PLAIN};
use crate::profiles::ALL;
use crate::refused::Refused;
use serde_json::{Value, json};

/// The account of everything that is simulated.
const ACCOUNT: &str = "123456789012";

/// `GET /inference-profiles/{identifier}`: an ARN, or a profile's id.
pub(crate) fn profile(identifier: &str) -> Result<Value, Refused> {
    let unknown = || {
        let message = format!("The inference profile {identifier} could not be found.");
        Refused::new(404, "ResourceNotFoundException", message)
    };
    let (region, kind, id) = match identifier.strip_prefix("arn:") {
        Some(rest) => {
            let resource = rest.splitn(5, ':').nth(4).and_then(|resource| resource.split_once('/'));
            let (kind, id) = resource.ok_or_else(unknown)?;
            (rest.split(':').nth(2).unwrap_or_default(), kind, id)
        }
        None if identifier.starts_with(families::PROFILE) => ("us-east-1", "application-inference-profile", identifier),
        None => ("us-east-1", "inference-profile", identifier),
    };
    let application = kind == "application-inference-profile";
    if !application && kind != "inference-profile" {
        return Err(unknown());
    }
    let arn = format!("arn:aws:bedrock:{region}:{ACCOUNT}:{kind}/{id}");
    let model = families::of(&arn).filter(|model| *model.family != PLAIN && model.id != id).ok_or_else(unknown)?;
    let mut told = summary(id, region, &model.id);
    told["inferenceProfileArn"] = json!(if identifier.starts_with("arn:") { identifier } else { arn.as_str() });
    if application {
        told["type"] = json!("APPLICATION");
    }
    Ok(told)
}

/// A profile of the system's, as both operations tell it.
fn summary(id: &str, region: &str, model: &str) -> Value {
    json!({
        "inferenceProfileName": id.replace(['.', ':'], " "),
        "inferenceProfileArn": format!("arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{id}"),
        "inferenceProfileId": id,
        "models": [{ "modelArn": format!("arn:aws:bedrock:{region}::foundation-model/{model}") }],
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    })
}

/// `GET /inference-profiles`: those of the system, of every geography, in pages of `maxResults` (1 to 1000, or all). There
/// are none of an application: their ids tell their models here, so that there are as many as anybody asks for.
///
/// # Errors
///
/// A `ValidationException` where the query is not as it should be.
pub(crate) fn profiles(query: &str) -> Result<Value, Refused> {
    let asked = |name: &str| {
        let mut pairs = query.split('&');
        pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let invalid = |name: &str| Refused::invalid(format!("Value at '{name}' failed to satisfy constraint"));
    let applications = match asked("type") {
        None | Some("SYSTEM_DEFINED") => false,
        Some("APPLICATION") => true,
        Some(_) => return Err(invalid("typeEquals")),
    };
    let most = match asked("maxResults").map(str::parse::<usize>) {
        None => usize::MAX,
        Some(Ok(most @ 1..=1000)) => most,
        Some(_) => return Err(invalid("maxResults")),
    };
    let start = asked("nextToken").map_or(Ok(0), str::parse::<usize>).map_err(|_| invalid("nextToken"))?;
    let rows = ALL.iter().filter(|_| !applications);
    let ids =
        rows.flat_map(|row| row.geographies.iter().map(move |geography| (format!("{geography}.{}", row.model), row)));
    let all: Vec<_> = ids.map(|(id, row)| summary(&id, "us-east-1", row.model)).collect();
    let end = start.saturating_add(most).min(all.len());
    let mut page = json!({ "inferenceProfileSummaries": all.get(start..end).unwrap_or_default() });
    if end < all.len() {
        page["nextToken"] = json!(end.to_string());
    }
    Ok(page)
}

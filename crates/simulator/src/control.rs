//! The one thing of the control plane that a gateway asks for: which model is behind an inference profile.

use crate::families::{self, PLAIN};
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
    Ok(json!({
        "inferenceProfileName": "simulated",
        "inferenceProfileArn": if identifier.starts_with("arn:") { identifier } else { arn.as_str() },
        "inferenceProfileId": id,
        "models": [{ "modelArn": format!("arn:aws:bedrock:{region}::foundation-model/{}", model.id) }],
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "status": "ACTIVE",
        "type": if application { "APPLICATION" } else { "SYSTEM_DEFINED" },
    }))
}

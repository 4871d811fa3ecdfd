//! Questions to Bedrock's control plane, which has an address of its own.

use super::EndpointClient;
use aquifer_aws::{ControlAnswer, CredentialChains, Environment};
use aquifer_gateway::config::Service;
use bytes::Bytes;
use http::{Method, Request};

/// The largest answer that is read.
const LARGEST: usize = 1 << 20;

/// Makes a `GET` of this path, signed with the credentials of a backend.
///
/// # Errors
/// The endpoint cannot be used, or there is no whole answer.
pub fn get(
    service: &Service,
    chains: &CredentialChains,
    environment: &Environment,
    path: String,
) -> impl Future<Output = Result<ControlAnswer, String>> + Send + use<> {
    let client = EndpointClient::control(service, environment, chains);
    async move {
        let client = client.map_err(|error| format!("{error:#}"))?;
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = Method::GET;
        let (head, body) = client.send(&path, request).await.map_err(|error| error.to_string())?;
        Ok(ControlAnswer { status: head.status, headers: head.headers, body: body.whole(LARGEST).await? })
    }
}

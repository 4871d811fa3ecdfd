//! The calls to the gateway.

use crate::events::Failure;
use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use zeroize::Zeroizing;

/// The most that is read of an answer that is no stream, in bytes.
const LARGEST: usize = 8 << 20;

/// A gateway, and how to call it.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    authorization: Option<HeaderValue>,
    http: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// An answer that has begun.
pub(crate) struct Reply {
    pub(crate) body: Incoming,
    /// What the gateway says it changed in the request.
    pub(crate) warnings: Vec<String>,
    /// The answer comes as server-sent events.
    pub(crate) streams: bool,
}

impl Client {
    /// A client of the gateway at a base URL. Certificates are checked against the system's roots.
    pub(crate) fn new(url: &str, key: Option<Zeroizing<String>>) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().with_context(|| format!("{url} is no URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            bail!("{url} is no URL of the form http://HOST:PORT/v1");
        }
        let authorization = match key {
            None => None,
            Some(key) => {
                let text = Zeroizing::new(format!("Bearer {}", key.trim()));
                let mut value = HeaderValue::from_str(&text).context("the API key has characters that no key has")?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("the system's certificates cannot be read")?
            .https_or_http()
            .enable_http1()
            .build();
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base, authorization, http })
    }

    /// The ids of the models that the gateway serves.
    pub(crate) async fn models(&self) -> anyhow::Result<Vec<String>> {
        let answer = self.call(Method::GET, "/models", Bytes::new()).await.map_err(|failure| told(&failure))?;
        let body = whole(answer.into_body()).await.map_err(|failure| told(&failure))?;
        let list: Value = serde_json::from_slice(&body).context("the gateway's list of models is no JSON")?;
        let models = list["data"].as_array().into_iter().flatten();
        Ok(models.filter_map(|model| model["id"].as_str().map(str::to_owned)).collect())
    }

    /// Asks for a chat completion.
    pub(crate) async fn ask(&self, body: &Value) -> Result<Reply, Failure> {
        let answer = self.call(Method::POST, "/chat/completions", Bytes::from(body.to_string())).await?;
        let warnings = warnings(answer.headers());
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let streams = kind.starts_with("text/event-stream");
        Ok(Reply { body: answer.into_body(), warnings, streams })
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json");
        let request = match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        let request = request.body(Full::new(body)).map_err(|error| failure(error.to_string()))?;
        let answer = self.http.request(request).await.map_err(|error| failure(self.unreached(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = whole(answer.into_body()).await?;
        let message = message(&body).unwrap_or_else(|| format!("the gateway answered {status}"));
        Err(Failure { message, status: Some(status.as_u16()) })
    }

    fn unreached(&self, error: &hyper_util::client::legacy::Error) -> String {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let advice = if error.is_connect() { "; start one with `aquifer serve`, or add --demo" } else { "" };
        format!("cannot reach the gateway at {}: {cause}{advice}", self.base)
    }
}

/// A whole body, which is bounded.
pub(crate) async fn whole(body: Incoming) -> Result<Bytes, Failure> {
    let body = Limited::new(body, LARGEST).collect().await;
    Ok(body.map_err(|error| failure(format!("the answer broke off: {error}")))?.to_bytes())
}

/// The message of an error's body, in OpenAI's shape.
fn message(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = &body["error"];
    Some(error["message"].as_str().or(error.as_str())?.to_owned())
}

fn warnings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("x-aquifer-warning").into_iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn failure(message: String) -> Failure {
    Failure { message, status: None }
}

fn told(failure: &Failure) -> anyhow::Error {
    anyhow::anyhow!(failure.message.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_an_error_is_found() {
        assert_eq!(message(br#"{"error": {"message": "no such model"}}"#).as_deref(), Some("no such model"));
        assert_eq!(message(br#"{"error": "no"}"#).as_deref(), Some("no"));
        assert_eq!(message(b"<html>"), None);
    }
}

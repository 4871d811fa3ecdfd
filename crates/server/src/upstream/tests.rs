//! Calls to servers that behave and to servers that do not.

use super::*;
use aquifer_gateway::config::{Circuit, Credentials, ReasoningPolicy};
use aquifer_gateway::exchange::{Lane, Patience};
use aquifer_gateway::secret::Secret;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const KEYS: &str = "[default]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=secret\n";

fn bedrock(endpoint: &str) -> Bedrock {
    Bedrock {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.parse().unwrap()),
        credentials: Credentials::File { text: Secret::new(KEYS.to_owned()), profile: "default".to_owned() },
        ..Bedrock::default()
    }
}

fn config(bedrock: Bedrock) -> Config {
    let kind = BackendKind::Bedrock(Box::new(bedrock));
    Config {
        backends: vec![Backend {
            namespace: "default".to_owned(),
            name: "one".to_owned(),
            kind,
            reasoning: Arc::default(),
            mutation: Arc::default(),
        }],
        ..Config::default()
    }
}

fn call() -> Call {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let path = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream".to_owned();
    Call {
        lane: Lane::First,
        backend: 0,
        path,
        headers,
        body: Bytes::from_static(b"{}"),
        patience: Patience::default(),
        after: Duration::ZERO,
        circuit: Circuit::default(),
    }
}

async fn send(bedrock: Bedrock) -> Result<(http::StatusCode, String), Unreachable> {
    let upstreams = Upstreams::of(&config(bedrock), &Environment::default(), &Upstreams::default()).unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(30), upstreams.call(call())).await.unwrap()?;
    let (head, body) = answered.answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Ok((head.status, String::from_utf8(body.to_vec()).unwrap()))
}

/// Answers with the request's version, path and headers.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut told = format!("{:?} {}\n", request.version(), request.uri().path());
    for (name, value) in request.headers() {
        told.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    Ok(Response::new(Full::new(Bytes::from(told))))
}

/// An echo server, over TLS when there is a pair for it.
async fn server(pair: Option<&ServerPair>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = pair.map(|pair| TlsAcceptor::from(tls::server(&pair.tls).unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let builder = auto::Builder::new(TokioExecutor::new());
            let Some(acceptor) = &acceptor else {
                tokio::spawn(async move {
                    let served = builder.serve_connection(TokioIo::new(stream), service_fn(echo));
                    drop(served.await);
                });
                continue;
            };
            let handshake = acceptor.accept(stream);
            tokio::spawn(async move {
                if let Ok(stream) = handshake.await {
                    drop(builder.serve_connection(TokioIo::new(stream), service_fn(echo)).await);
                }
            });
        }
    });
    address
}

struct ServerPair {
    tls: aquifer_gateway::config::ServerTls,
}

fn pair(host: &str) -> ServerPair {
    let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let key_pem = Secret::new(made.signing_key.serialize_pem());
    ServerPair { tls: aquifer_gateway::config::ServerTls { certificate_pem: made.cert.pem(), key_pem } }
}

#[tokio::test]
async fn a_call_is_signed_and_its_path_stays_encoded() {
    let address = server(None).await;
    let (status, told) = send(bedrock(&format!("http://{address}"))).await.unwrap();
    assert_eq!(status, 200);
    assert!(
        told.starts_with("HTTP/1.1 /model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream\n"),
        "{told}"
    );
    assert!(told.contains("accept-encoding: identity\n") && told.contains("user-agent: aquifer/"), "{told}");
    assert!(told.contains(&format!("host: {address}\n")), "{told}");
    assert!(told.contains("x-amz-date: "), "{told}");
    assert!(told.contains("/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date,"), "{told}");
}

#[tokio::test]
async fn a_key_is_sent_as_a_bearer() {
    let address = server(None).await;
    let mut bedrock = bedrock(&format!("http://{address}"));
    bedrock.credentials = Credentials::ApiKey(Secret::new("the-key".to_owned()));
    let (_, told) = send(bedrock).await.unwrap();
    assert!(told.contains("authorization: Bearer the-key\n") && !told.contains("x-amz-date"), "{told}");
}

#[tokio::test]
async fn http2_in_clear_and_over_tls() {
    let address = server(None).await;
    let (_, told) = send(Bedrock { http2: true, ..bedrock(&format!("http://{address}")) }).await.unwrap();
    assert!(told.starts_with("HTTP/2.0 "), "{told}");
    let pair = pair("localhost");
    let port = server(Some(&pair)).await.port();
    for (http2, version) in [(true, "HTTP/2.0 "), (false, "HTTP/1.1 ")] {
        let tls_ca_pem = Some(pair.tls.certificate_pem.clone());
        let over_tls = Bedrock { http2, tls_ca_pem, ..bedrock(&format!("https://localhost:{port}")) };
        let (_, told) = send(over_tls).await.unwrap();
        assert!(told.starts_with(version), "{told}");
    }
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_bear_the_name() {
    let pair = pair("bedrock.example");
    let port = server(Some(&pair)).await.port();
    let untrusted = bedrock(&format!("https://localhost:{port}"));
    assert!(matches!(send(untrusted.clone()).await, Err(Unreachable::Connect(why)) if why.contains("certificate")));
    let trusted = Bedrock { tls_ca_pem: Some(pair.tls.certificate_pem.clone()), ..untrusted };
    assert!(matches!(send(trusted.clone()).await, Err(Unreachable::Connect(why)) if why.contains("certificate")));
    let named = Bedrock { tls_hostname: Some("bedrock.example".to_owned()), ..trusted };
    assert_eq!(send(named).await.unwrap().0, 200);
}

#[tokio::test]
async fn why_there_is_no_connection() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = send(bedrock(&format!("http://{free}"))).await;
    assert!(matches!(&refused, Err(Unreachable::Connect(why)) if why.contains(&free.to_string())), "{refused:?}");
    let unknown = send(bedrock("http://nowhere.invalid:80")).await;
    assert!(matches!(&unknown, Err(Unreachable::Connect(why)) if why.contains("nowhere.invalid")), "{unknown:?}");
    let plain = server(None).await;
    let no_tls = send(bedrock(&format!("https://{plain}"))).await;
    assert!(matches!(no_tls, Err(Unreachable::Connect(_))), "{no_tls:?}");
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 16];
            drop(stream.read(&mut some).await);
        }
    });
    let cut = send(bedrock(&format!("http://{address}"))).await;
    assert!(matches!(cut, Err(Unreachable::Broken(_))), "{cut:?}");
}

#[tokio::test]
async fn a_backend_that_is_not_served_says_why() {
    let kind = BackendKind::NotServed { schema: "OpenAI".to_owned(), why: "not yet".to_owned() };
    let backend = Backend {
        namespace: "default".to_owned(),
        name: "one".to_owned(),
        kind,
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    let config = Config { backends: vec![backend], ..Config::default() };
    let upstreams = Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap();
    assert!(matches!(upstreams.call(call()).await, Err(Unreachable::Connect(why)) if why == "not yet"));
}

#[tokio::test]
async fn an_unchanged_backend_keeps_its_pool() {
    let same = config(bedrock("http://127.0.0.1:1"));
    let environment = Environment::default();
    let before = Upstreams::of(&same, &environment, &Upstreams::default()).unwrap();
    let after = Upstreams::of(&same, &environment, &before).unwrap();
    assert!(Arc::ptr_eq(&before.all[0], &after.all[0]));
    let mut hidden = same;
    hidden.backends[0].reasoning = Arc::new(ReasoningPolicy { hidden: true, ..ReasoningPolicy::default() });
    let after = Upstreams::of(&hidden, &environment, &before).unwrap();
    assert!(Arc::ptr_eq(&before.all[0], &after.all[0]), "a policy is no other place");
    let other = Upstreams::of(&config(bedrock("http://127.0.0.1:2")), &environment, &before).unwrap();
    assert!(!Arc::ptr_eq(&before.all[0], &other.all[0]));
}

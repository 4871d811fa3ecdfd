//! Calls to backends through proxies, as `HTTPS_PROXY` and its companions name them.

use crate::bedrock::Bedrock;
use crate::streams::Chat;
use crate::support::{Aquifer, LIMIT, read_reply, run};
use crate::tls::Pair;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// The password that a proxy asks for.
const PASSWORD: &str = "hunter2@home";
/// `user:hunter2@home`.
const BASIC: &str = "proxy-authorization: Basic dXNlcjpodW50ZXIyQGhvbWU=\r\n";

/// A proxy that leads everybody to one address.
struct Proxy {
    address: SocketAddr,
    asked: Receiver<String>,
    _runtime: Runtime,
}

/// What a proxy does.
#[derive(Clone, Default)]
struct Manner {
    /// It asks who is there.
    guarded: bool,
    /// It answers so to everything.
    answer: Option<&'static str>,
    /// It is spoken to over TLS.
    tls: Option<Arc<ServerConfig>>,
}

impl Proxy {
    fn to(target: SocketAddr, manner: Manner) -> Self {
        let runtime = runtime();
        let (tell, asked) = channel();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, tell) = (manner.clone(), tell.clone());
                tokio::spawn(async move {
                    let tell = move |head| drop(tell.send(head));
                    match manner.tls.clone() {
                        Some(tls) => {
                            let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
                            lead(stream, target, manner, tell).await;
                        }
                        None => lead(stream, target, manner, tell).await,
                    }
                });
            }
        });
        Self { address, asked, _runtime: runtime }
    }

    /// The head of the next request that it got.
    fn asked(&self) -> String {
        self.asked.recv_timeout(LIMIT).expect("the proxy should have been asked")
    }

    fn was_not_asked(&self) -> bool {
        self.asked.try_recv().is_err()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn lead(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: SocketAddr,
    manner: Manner,
    tell: impl FnOnce(String),
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    tell(head.clone());
    let denied = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
    let refusal = if manner.guarded && !head.contains(BASIC) { Some(denied) } else { manner.answer };
    if let Some(refusal) = refusal {
        stream.write_all(refusal.as_bytes()).await.unwrap();
        // Whoever asked leaves.
        drop(stream.read_to_end(&mut Vec::new()).await);
        return;
    }
    let mut other = TcpStream::connect(target).await.unwrap();
    if head.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    } else {
        other.write_all(head.as_bytes()).await.unwrap();
    }
    drop(copy_bidirectional(&mut stream, &mut other).await);
}

/// A certificate for a name, with its key.
fn pair(name: &str) -> Pair {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

fn server_config(pair: &Pair) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// TLS before a Bedrock; its address.
fn over_tls(bedrock: &Bedrock, pair: &Pair) -> (SocketAddr, Runtime) {
    let runtime = runtime();
    let acceptor = TlsAcceptor::from(server_config(pair));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let (address, target) = (listener.local_addr().unwrap(), bedrock.address);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let accepting = acceptor.accept(stream);
            tokio::spawn(async move {
                let Ok(mut stream) = accepting.await else { return };
                let mut other = TcpStream::connect(target).await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut other).await);
            });
        }
    });
    (address, runtime)
}

/// A gateway that logs everything, with these variables and an endpoint.
fn gateway(endpoint: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Aquifer {
    let mut all = vec![
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests"),
    ];
    all.extend(variables);
    Aquifer::serve(&[&["--log-level", "trace"], arguments].concat(), &all)
}

/// A whole exchange; the head of the call, as Bedrock got it.
fn exchange(gateway: &Aquifer, bedrock: &Bedrock) -> String {
    let mut chat = Chat::begin(gateway, "Hello?");
    let mut call = bedrock.call();
    let head = call.head.clone();
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("through");
    chat.read_until("through");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    head
}

fn assert_clean(gateway: &Aquifer) {
    let log = gateway.log();
    for secret in [PASSWORD, "hunter2", "dXNlcjpodW50ZXIy"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn tls_through_a_tunnel_that_carries_one_call_after_the_other() {
    let (bedrock, pair, folder) = (Bedrock::listen(), pair("bedrock.test"), tempfile::tempdir().unwrap());
    let (address, _tls) = over_tls(&bedrock, &pair);
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, &pair.certificate).unwrap();
    let proxy = Proxy::to(address, Manner { guarded: true, ..Manner::default() });
    let url = format!("http://user:hunter2%40home@{}", proxy.address);
    let variables = [("HTTPS_PROXY", url.as_str()), ("SSL_CERT_FILE", roots.to_str().unwrap())];
    let gateway = gateway("https://bedrock.test", &variables, &[]);
    for _ in 0..2 {
        let head = exchange(&gateway, &bedrock);
        assert!(head.starts_with("POST /model/") && head.contains("\r\nhost: bedrock.test\r\n"), "{head}");
        assert!(!head.contains("proxy-"), "{head}");
    }
    assert_eq!(proxy.asked(), format!("CONNECT bedrock.test:443 HTTP/1.1\r\nhost: bedrock.test:443\r\n{BASIC}\r\n"));
    assert!(proxy.was_not_asked(), "the tunnel carries both calls");
    gateway.wait_for_log(&format!("it is called through the proxy http://{}", proxy.address));
    assert_clean(&gateway);
}

#[test]
fn tls_to_the_proxy_and_within_it() {
    let (bedrock, folder) = (Bedrock::listen(), tempfile::tempdir().unwrap());
    let (inner, outer) = (pair("bedrock.test"), pair("localhost"));
    let (address, _tls) = over_tls(&bedrock, &inner);
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, [inner.certificate.as_str(), &outer.certificate].concat()).unwrap();
    let proxy = Proxy::to(address, Manner { tls: Some(server_config(&outer)), ..Manner::default() });
    let url = format!("https://localhost:{}", proxy.address.port());
    let variables = [("ALL_PROXY", url.as_str()), ("SSL_CERT_FILE", roots.to_str().unwrap())];
    let gateway = gateway("https://bedrock.test:8443", &variables, &[]);
    exchange(&gateway, &bedrock);
    assert!(proxy.asked().starts_with("CONNECT bedrock.test:8443 HTTP/1.1\r\n"));
}

#[test]
fn an_endpoint_in_clear_is_asked_of_the_proxy() {
    let bedrock = Bedrock::listen();
    let proxy = Proxy::to(bedrock.address, Manner { guarded: true, ..Manner::default() });
    let url = format!("http://user:hunter2%40home@{}", proxy.address);
    let gateway = gateway("http://bedrock.test:8080", &[("http_proxy", &url)], &[]);
    for _ in 0..2 {
        let head = exchange(&gateway, &bedrock);
        assert!(head.starts_with("POST http://bedrock.test:8080/model/"), "{head}");
        assert!(head.contains("\r\nhost: bedrock.test:8080\r\n") && head.contains(BASIC), "{head}");
        assert!(head.contains("SignedHeaders=accept;content-type;host;x-amz-date,"), "{head}");
    }
    assert_clean(&gateway);
}

#[test]
fn a_proxy_that_refuses_is_named_and_its_password_is_not() {
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let busy = Some("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad");
    let strange = Some("SSH-2.0-OpenSSH_9.6\r\n");
    for (endpoint, user, guarded, answer, why) in [
        (
            "https://bedrock.test",
            "",
            true,
            None,
            "it answered 407 Proxy Authentication Required (ALL_PROXY names no user and password)",
        ),
        (
            "https://bedrock.test",
            "user:hunter2@",
            true,
            None,
            "it answered 407 Proxy Authentication Required (it does not take the user and the password of ALL_PROXY)",
        ),
        (
            "http://bedrock.test",
            "user:hunter2@",
            true,
            None,
            "it answered 407 Proxy Authentication Required (it does not take the user and the password of ALL_PROXY)",
        ),
        ("https://bedrock.test", "user:hunter2@", false, busy, "it answered 502 Bad Gateway"),
        (
            "https://bedrock.test",
            "user:hunter2@",
            false,
            strange,
            "its answer to CONNECT is none: http parse fail: invalid HTTP version",
        ),
        (
            "https://bedrock.test",
            "user:hunter2@",
            false,
            Some(""),
            "the connection was closed before there was an answer to CONNECT",
        ),
    ] {
        let proxy = Proxy::to(nobody, Manner { guarded, answer, tls: None });
        let url = format!("http://{user}{}", proxy.address);
        let silent = answer == Some("");
        let arguments = if silent { &["--connect-timeout", "200ms"][..] } else { &[] };
        let gateway = gateway(endpoint, &[("ALL_PROXY", &url)], arguments);
        let reply = read_reply(&mut { Chat::begin(&gateway, "Hello?").stream });
        let host = endpoint.rsplit('/').next().unwrap();
        let (status, code, why) = match silent {
            true => (504, "upstream_timeout", " through the proxy http://ADDRESS: no connection in 200ms".to_owned()),
            false => (502, "upstream_unreachable", format!(": the proxy http://ADDRESS: {why}")),
        };
        assert!(reply.status == status && reply.body.contains(code), "{reply:?}");
        assert!(!reply.body.contains("proxy"), "a client learns nothing of it: {reply:?}");
        gateway.wait_for_log(&format!("{host}{}", why.replace("ADDRESS", &proxy.address.to_string())));
        gateway.wait_for_log("fault=\"upstream_unreachable\"");
        assert_clean(&gateway);
    }
}

#[test]
fn no_proxy_and_loopback_are_called_directly() {
    let bedrock = Bedrock::listen();
    let proxy = Proxy::to(bedrock.address, Manner::default());
    let url = format!("http://{}", proxy.address);
    let port = bedrock.address.port();
    // The unspecified address is this machine too, and no loopback by its number.
    let other = format!("http://0.0.0.0:{port}");
    for (endpoint, list, direct) in [
        (format!("http://{}", bedrock.address), String::new(), true),
        (format!("http://localhost:{port}"), String::new(), true),
        (other.clone(), "example.com,0.0.0.0/8".to_owned(), true),
        (other.clone(), format!("0.0.0.0:{port}"), true),
        (other.clone(), "*".to_owned(), true),
        (other.clone(), "0.0.0.0:1,example.com".to_owned(), false),
        (other, String::new(), false),
    ] {
        let gateway = gateway(&endpoint, &[("HTTP_PROXY", &url), ("NO_PROXY", &list)], &[]);
        let head = exchange(&gateway, &bedrock);
        assert_eq!(head.starts_with("POST /model/"), direct, "{endpoint} {list}: {head}");
        assert_eq!(proxy.was_not_asked(), direct, "{endpoint} {list}");
    }
}

#[test]
fn a_variable_that_is_wrong_ends_the_start_and_is_not_shown() {
    for value in ["socks5h://user:hunter2@127.0.0.1:1080", "http://user:hunter2 @x", "hunter2:hunter2:hunter2"] {
        let mut gateway = Aquifer::spawn(
            &["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
            &[("AWS_REGION", "us-east-1"), ("HTTPS_PROXY", value)],
        );
        assert_eq!(gateway.wait(), Some(1));
        let log = gateway.log();
        assert!(
            log.contains("HTTPS_PROXY: ") && log.contains("expected http://HOST:PORT or https://HOST:PORT"),
            "{log}"
        );
        assert!(!log.contains("hunter2"), "{log}");
    }
    assert_eq!(run(&["serve", "--upstream-acks", "never"]).0, 2);
    assert_eq!(run(&["serve", "--upstream-connection-age", "soon"]).0, 2);
}

//! HTTP/2, in clear with prior knowledge and chosen over TLS.

use crate::streams::{chat_body, pair as pair_of_servers};
use crate::support::{Aquifer, LIMIT};
use crate::tls::{client, pair};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use std::fs::write;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

fn in_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.unwrap() })
}

/// Posts some bodies at once over one connection; the answers' statuses and texts.
pub(crate) async fn post(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &str,
    bodies: &[String],
) -> Vec<(StatusCode, String)> {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for body in bodies {
        let request = Request::builder().method(Method::POST).uri(url).body(Full::new(Bytes::from(body.clone())));
        answers.push(sender.send_request(request.unwrap()));
    }
    let mut told = Vec::new();
    for answer in answers {
        let answer = answer.await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        told.push((status, String::from_utf8(body.to_vec()).unwrap()));
    }
    told
}

#[test]
fn in_clear_with_prior_knowledge() {
    let aquifer = Aquifer::serve(&["--max-body", "1KiB"], &[]);
    let answers = in_time(async {
        let stream = TcpStream::connect(aquifer.gateway.unwrap()).await.unwrap();
        let bodies = ["{".to_owned(), "x".repeat(2000), "{".to_owned()];
        post(stream, "http://aquifer/v1/chat/completions", &bodies).await
    });
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[1].0, 413);
    assert!(answers[1].1.contains("limit of 1024 bytes"), "{answers:?}");
    assert!(answers.iter().all(|(status, body)| status.as_u16() >= 400 && body.contains("\"error\"")), "{answers:?}");
}

#[test]
fn chosen_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = pair();
    write(&certificate, &pair.certificate).unwrap();
    write(&key, &pair.key).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let aquifer = Aquifer::serve(&["--tls-cert", certificate, "--tls-key", key], &[]);
    let mut config = client(&pair.certificate);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let answers = in_time(async {
        let stream = TcpStream::connect(aquifer.gateway.unwrap()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        post(stream, "https://localhost/v1/chat/completions", &["{".to_owned()]).await
    });
    assert!(answers[0].1.contains("\"error\""), "{answers:?}");
}

#[test]
fn a_stream_that_the_client_resets_ends_the_call_and_not_the_connection() {
    let (aquifer, bedrock) = pair_of_servers(&[]);
    let gateway = aquifer.gateway.unwrap();
    let (calls, told) = std::sync::mpsc::channel();
    let upstream = std::thread::spawn(move || {
        for _ in 0..2 {
            let mut call = bedrock.call();
            call.begin();
            call.text("one");
            call.wait_until_dropped();
            calls.send(()).unwrap();
        }
    });
    in_time(async {
        let stream = TokioIo::new(TcpStream::connect(gateway).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        for _ in 0..2 {
            let body = Full::new(Bytes::from(chat_body("Hello?")));
            let request = Request::post("http://aquifer/v1/chat/completions").body(body).unwrap();
            let mut answer = sender.send_request(request).await.unwrap();
            assert!(answer.body_mut().frame().await.unwrap().is_ok());
            drop(answer);
            while told.try_recv().is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    upstream.join().unwrap();
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\"", 2.0);
}

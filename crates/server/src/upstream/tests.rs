//! Calls to servers that behave and to servers that do not.

use super::h1_pool::H1Pool;
use super::socket::Connector;
use super::*;
use crate::tls;
use aquifer_gateway::config::{Circuit, Credentials, ReasoningPolicy, Service};
use aquifer_gateway::exchange::CallId;
use aquifer_gateway::secret::Secret;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use socket2::{Domain, Socket, Type};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// How long a test waits for what comes at once.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
const KEYS: &str = "[default]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=secret\n";

fn bedrock(endpoint: &str) -> Service {
    Service {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.parse().unwrap()),
        credentials: Credentials::File { text: Secret::new(KEYS.to_owned()), profile: "default".to_owned() },
        ..Service::default()
    }
}

fn config(bedrock: Service) -> Config {
    let kind = BackendKind::bedrock(bedrock);
    Config { backends: vec![Backend::new("one", kind)], ..Config::default() }
}

fn call() -> Call {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let path = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream".to_owned();
    Call {
        id: CallId::Primary,
        backend: 0,
        path,
        headers,
        body: Bytes::from_static(b"{}"),
        connect: Duration::from_secs(10),
        after: Duration::ZERO,
        circuit: Circuit::default(),
    }
}

async fn send(bedrock: Service) -> Result<(StatusCode, String), Unreachable> {
    let upstreams = Upstreams::of(&config(bedrock), &Environment::default(), &Upstreams::default()).unwrap();
    let answered = timeout(Duration::from_secs(30), upstreams.call(call())).await.unwrap()?;
    let body = answered.body.whole(1 << 20).await.unwrap();
    Ok((answered.head.status, String::from_utf8(body).unwrap()))
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
    let (_, told) = send(Service { http2: true, ..bedrock(&format!("http://{address}")) }).await.unwrap();
    assert!(told.starts_with("HTTP/2.0 "), "{told}");
    let pair = pair("localhost");
    let port = server(Some(&pair)).await.port();
    for (http2, version) in [(true, "HTTP/2.0 "), (false, "HTTP/1.1 ")] {
        let tls_ca_pem = Some(pair.tls.certificate_pem.clone());
        let over_tls = Service { http2, tls_ca_pem, ..bedrock(&format!("https://localhost:{port}")) };
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
    let trusted = Service { tls_ca_pem: Some(pair.tls.certificate_pem.clone()), ..untrusted };
    assert!(matches!(send(trusted.clone()).await, Err(Unreachable::Connect(why)) if why.contains("certificate")));
    let named = Service { tls_hostname: Some("bedrock.example".to_owned()), ..trusted };
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

/// A place where connections are neither taken nor refused: its queue is full.
pub(super) fn blackhole() -> (SocketAddr, Vec<Socket>) {
    let new = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = new();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets: Vec<_> = std::iter::repeat_with(new).take(3).collect();
    for socket in &sockets {
        socket.set_nonblocking(true).unwrap();
        drop(socket.connect(&address));
    }
    sockets.push(listener);
    (address.as_socket().unwrap(), sockets)
}

#[tokio::test]
async fn a_connection_has_a_time_limit_of_its_own() {
    let (full, _sockets) = blackhole();
    // It takes connections, and never says a word of TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pair = pair("localhost");
    let over_tls = format!("https://localhost:{}", silent.local_addr().unwrap().port());
    for (url, http2) in [
        (format!("http://{full}"), false),
        (format!("http://{full}"), true),
        (over_tls.clone(), false),
        (over_tls, true),
    ] {
        let tls_ca_pem = Some(pair.tls.certificate_pem.clone());
        let bedrock = Service { http2, tls_ca_pem, ..bedrock(&url) };
        let upstreams = Upstreams::of(&config(bedrock), &Environment::default(), &Upstreams::default()).unwrap();
        let connect = Duration::from_millis(30);
        let answer = answer_of(&upstreams, Call { connect, ..call() }).await;
        assert!(
            matches!(&answer, Err(Unreachable::Stalled(why)) if why.ends_with(": no connection in 30ms")),
            "{url} {http2} {answer:?}"
        );
    }
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

/// Serves each connection with this; counts them.
async fn raw<F: Future<Output = ()> + Send>(
    serve: impl Fn(usize, tokio::net::TcpStream) -> F + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(counted.fetch_add(1, Ordering::SeqCst), stream).await;
        }
    });
    (address, count)
}

/// Reads one request, whose body is two bytes.
async fn request_on(stream: &mut tokio::net::TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n{}") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.unwrap();
        read.push(byte[0]);
    }
}

const SHORT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn answer_of(upstreams: &Upstreams, call: Call) -> Result<(u16, Result<Vec<u8>, String>), Unreachable> {
    let answered = timeout(Duration::from_secs(30), upstreams.call(call)).await.unwrap()?;
    Ok((answered.head.status.as_u16(), answered.body.whole(1 << 20).await))
}

fn upstreams(address: SocketAddr) -> Upstreams {
    let config = config(bedrock(&format!("http://{address}")));
    Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap()
}

#[tokio::test]
async fn a_connection_carries_one_call_after_the_other_and_is_replaced_when_it_was_closed() {
    let (address, count) = raw(|number, mut stream| async move {
        for _ in 0..3 - number {
            request_on(&mut stream).await;
            stream.write_all(SHORT).await.unwrap();
        }
    })
    .await;
    let upstreams = upstreams(address);
    for (call_number, connections) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)] {
        assert_eq!(answer_of(&upstreams, call()).await.unwrap(), (200, Ok(b"ok".to_vec())), "{call_number}");
        assert_eq!(count.load(Ordering::SeqCst), connections, "{call_number}");
        // The end of a connection takes a moment to arrive.
        sleep(Duration::from_millis(20)).await;
    }
}

/// Parts of an answer, and after each a moment in which it is read.
async fn tell_slowly(mut stream: impl tokio::io::AsyncWrite + Unpin, parts: usize) {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    for part in 0..parts {
        stream.write_all(format!("2\r\n{part:02}\r\n").as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        sleep(Duration::from_millis(2)).await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
}

#[tokio::test]
async fn many_parts_arrive_also_from_one_who_waits_until_they_are_acknowledged() {
    const PARTS: usize = 24;
    let told: String = (0..PARTS).map(|part| format!("{part:02}")).collect();
    for at_once in [true, false] {
        let (address, _) = raw(move |_, mut stream| async move {
            stream.set_nodelay(at_once).unwrap();
            request_on(&mut stream).await;
            tell_slowly(&mut stream, PARTS).await;
        })
        .await;
        assert_eq!(answer_of(&upstreams(address), call()).await.unwrap(), (200, Ok(told.clone().into_bytes())));
    }
    let pair = pair("localhost");
    let acceptor = TlsAcceptor::from(tls::server(&pair.tls).unwrap());
    let (address, _) = raw(move |_, stream| {
        let accepting = acceptor.accept(stream);
        async move {
            let mut stream = accepting.await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            tell_slowly(&mut stream, PARTS).await;
        }
    })
    .await;
    let tls_ca_pem = Some(pair.tls.certificate_pem.clone());
    let over_tls = Service { tls_ca_pem, ..bedrock(&format!("https://localhost:{}", address.port())) };
    assert_eq!(send(over_tls).await.unwrap(), (StatusCode::OK, told));
}

#[tokio::test]
async fn a_body_ends_where_its_head_says_or_is_told_as_broken() {
    let cut = Err("the connection was closed in the middle of the answer".to_owned());
    for (said, expected) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"[..], cut.clone()),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", cut),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Ok(b"ok".to_vec())),
        (b"HTTP/1.1 200 OK\r\n\r\nok", Ok(b"ok".to_vec())),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok(Vec::new())),
    ] {
        let (address, _) = raw(move |_, mut stream| async move {
            request_on(&mut stream).await;
            stream.write_all(said).await.unwrap();
        })
        .await;
        let answer = answer_of(&upstreams(address), call()).await.unwrap();
        assert_eq!(answer, (200, expected), "{}", String::from_utf8_lossy(said));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_broken() {
    for (said, why) in [
        (&b""[..], "the connection was closed before there was an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "the connection was closed before there was an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "http parse fail: invalid HTTP version"),
    ] {
        let (address, _) = raw(move |_, mut stream| async move {
            request_on(&mut stream).await;
            stream.write_all(said).await.unwrap();
        })
        .await;
        let answer = answer_of(&upstreams(address), call()).await;
        assert!(
            matches!(&answer, Err(Unreachable::Broken(told)) if told == &format!("{address}: {why}")),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_of_a_request_that_is_still_being_sent_is_heard() {
    let refusal = b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig";
    let (address, count) = raw(move |_, mut stream| async move {
        stream.write_all(refusal).await.unwrap();
        // It is not read, and the connection stays for a while, as a careful server leaves it.
        tokio::spawn(async move {
            sleep(Duration::from_secs(20)).await;
            drop(stream);
        });
    })
    .await;
    let upstreams = upstreams(address);
    let large = || Call { body: Bytes::from(vec![b'x'; 32 << 20]), ..call() };
    for connections in 1..3 {
        assert_eq!(answer_of(&upstreams, large()).await.unwrap(), (413, Ok(b"big".to_vec())));
        assert_eq!(count.load(Ordering::SeqCst), connections, "such a connection is not used again");
    }
}

#[tokio::test]
async fn a_large_request_and_a_large_answer_arrive_whole() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| b'a' + (at % 23) as u8).collect();
    let (address, _) = raw(move |_, mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let mut body = vec![0; 3_000_000];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        for piece in body.chunks(99_999) {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            stream.write_all(&chunk).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    })
    .await;
    let answered = upstreams(address).call(Call { body: Bytes::from(body.clone()), ..call() }).await.unwrap();
    assert!(answered.body.whole(4 << 20).await.unwrap() == body);
}

#[tokio::test]
async fn a_backend_that_is_not_served_says_why() {
    let kind = BackendKind::NotServed { schema: "OpenAI".to_owned(), why: "not yet".to_owned() };
    let config = Config { backends: vec![Backend::new("one", kind)], ..Config::default() };
    let upstreams = Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap();
    assert!(matches!(upstreams.call(call()).await, Err(Unreachable::Connect(why)) if why == "not yet"));
}

#[tokio::test]
async fn a_call_that_cannot_be_made_is_not_the_backends_fault() {
    let address = server(None).await;
    let sent = |path: String, headers: HeaderMap, bedrock: Service| async move {
        let upstreams = Upstreams::of(&config(bedrock), &Environment::default(), &Upstreams::default()).unwrap();
        upstreams.call(Call { path, headers, ..call() }).await.map(|answered| answered.head.status)
    };
    let long = format!("/model/{}/converse", "m".repeat(66_000));
    let name = HeaderValue::from_bytes(b"\xc3\xa9").unwrap();
    let strange = HeaderMap::from_iter([(http::HeaderName::from_static("x-strange"), name)]);
    for http2 in [false, true] {
        let plain = Service { http2, ..bedrock(&format!("http://{address}")) };
        let keyed =
            |key: &str| Service { credentials: Credentials::ApiKey(Secret::new(key.to_owned())), ..plain.clone() };
        for (path, headers, bedrock) in [
            (long.clone(), HeaderMap::new(), plain.clone()),
            ("/with space".to_owned(), HeaderMap::new(), plain.clone()),
            ("/x".to_owned(), strange.clone(), plain.clone()),
            ("/x".to_owned(), HeaderMap::new(), keyed("schlüssel")),
            ("/x".to_owned(), HeaderMap::new(), keyed("two\nlines")),
        ] {
            let sent = sent(path, headers, bedrock).await;
            assert!(matches!(sent, Err(Unreachable::Ours(_))), "{sent:?}");
        }
        let keyed = sent("/x".to_owned(), HeaderMap::new(), keyed("a-key")).await;
        assert_eq!(keyed.unwrap(), 200);
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_just_now_costs_nobody_anything() {
    let answers_once = |number, mut stream: tokio::net::TcpStream| async move {
        request_on(&mut stream).await;
        stream.write_all(SHORT).await.unwrap();
        if number == 0 {
            // It takes the next request from the wire, and has closed already.
            tokio::spawn(async move {
                request_on(&mut stream).await;
            });
        }
    };
    let (address, count) = raw(answers_once).await;
    let upstreams = upstreams(address);
    for connections in [1, 2] {
        assert_eq!(answer_of(&upstreams, call()).await.unwrap(), (200, Ok(b"ok".to_vec())));
        assert_eq!(count.load(Ordering::SeqCst), connections);
    }
}

#[tokio::test]
async fn a_request_is_sent_once_more_at_most_and_not_when_it_may_have_been_worked_on() {
    for (said, wait, sent) in [(&b""[..], 0, 2), (b"HTTP/1.1 100 Continue\r\n\r\n", 0, 1), (b"", 1200, 1)] {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let (address, _) = raw(move |number, mut stream| {
            let counted = Arc::clone(&counted);
            async move {
                tokio::spawn(async move {
                    if number == 0 {
                        request_on(&mut stream).await;
                        stream.write_all(SHORT).await.unwrap();
                    }
                    request_on(&mut stream).await;
                    counted.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(wait)).await;
                    stream.write_all(said).await.unwrap();
                });
            }
        })
        .await;
        let upstreams = upstreams(address);
        assert_eq!(answer_of(&upstreams, call()).await.unwrap().0, 200);
        let broken = answer_of(&upstreams, call()).await;
        assert!(matches!(broken, Err(Unreachable::Broken(_))), "{broken:?}");
        assert_eq!(requests.load(Ordering::SeqCst), sent);
    }
}

#[tokio::test]
async fn connections_that_were_closed_are_found_however_many_there_are() {
    const MANY: usize = 300;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let connector = Connector::new(&bedrock(&url), &Environment::default(), &url).unwrap();
    let pool = H1Pool::new(connector.clone(), Connections::default());
    let uri = format!("http://{address}/").parse().unwrap();
    let mut others = Vec::new();
    for _ in 0..MANY {
        let (socket, other) = tokio::join!(connector.connect(&uri, LIMIT), listener.accept());
        pool.put(h1_connection::H1Connection::new(socket.unwrap(), Connections::default()));
        others.push(other.unwrap());
    }
    assert_eq!(pool.tidied(), MANY, "all are open");
    drop(others);
    let gone = async {
        while pool.tidied() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, gone).await.unwrap();
    // All is known of them now: a task that has done much all the same finds each of them.
    for _ in 0..MANY {
        let (socket, other) = tokio::join!(connector.connect(&uri, LIMIT), listener.accept());
        let socket = socket.unwrap();
        drop(other);
        if let socket::Socket::Plain(plain) = &socket {
            plain.readable().await.unwrap();
        }
        pool.put(h1_connection::H1Connection::new(socket, Connections::default()));
    }
    let polled = std::pin::pin!(async { pool.tidied() });
    tokio::task::yield_now().await;
    assert_eq!(polled.await, 0, "in one turn");
}

#[tokio::test]
async fn a_refusal_that_never_ends_ends_in_time() {
    for http2 in [false, true] {
        let endless =
            |_: Request<Incoming>| async { Ok::<_, Infallible>(Response::builder().status(500).body(dots()).unwrap()) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let builder = auto::Builder::new(TokioExecutor::new());
            drop(builder.serve_connection(TokioIo::new(stream), service_fn(endless)).await);
        });
        let (status, told) = send(Service { http2, ..bedrock(&format!("http://{address}")) }).await.unwrap();
        assert!(status == 500 && !told.is_empty() && told.bytes().all(|byte| byte == b'.'), "{told}");
    }
}

/// A body of a dot now and then, without an end.
fn dots() -> Dots {
    Dots(Box::pin(sleep(Duration::ZERO)))
}

struct Dots(Pin<Box<Sleep>>);

impl hyper::body::Body for Dots {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        ready!(self.0.as_mut().poll(cx));
        self.0 = Box::pin(sleep(Duration::from_millis(20)));
        Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(b".")))))
    }
}

fn upstreams_with(bedrock: Service, environment: &Environment, connections: Connections) -> Upstreams {
    Upstreams::of(&config(bedrock), environment, &Upstreams::none(connections)).unwrap()
}

#[tokio::test]
async fn a_connection_that_is_too_old_carries_no_further_call() {
    for http2 in [false, true] {
        for (max_age, connections) in [(Some(Duration::from_millis(200)), 2), (None, 1)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let count = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&count);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    counted.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(async move {
                        let builder = auto::Builder::new(TokioExecutor::new());
                        drop(builder.serve_connection(TokioIo::new(stream), service_fn(echo)).await);
                    });
                }
            });
            let bedrock = Service { http2, ..bedrock(&url) };
            let aged = Connections { max_age, ..Connections::default() };
            let upstreams = upstreams_with(bedrock, &Environment::default(), aged);
            for pause in [0, 0, 300] {
                sleep(Duration::from_millis(pause)).await;
                assert_eq!(answer_of(&upstreams, call()).await.unwrap().0, 200);
            }
            assert_eq!(count.load(Ordering::SeqCst), connections, "{http2} {max_age:?}");
            // A new configuration has the same connections, and they grow as old.
            assert_eq!(
                Upstreams::of(&Config::default(), &Environment::default(), &upstreams).unwrap().connections,
                aged
            );
        }
    }
}

#[tokio::test]
async fn how_parts_are_acknowledged_may_be_left_to_the_system() {
    let (address, _) = raw(|_, mut stream| async move {
        request_on(&mut stream).await;
        tell_slowly(&mut stream, 24).await;
    })
    .await;
    let left = Connections { acknowledged_in_pairs: false, ..Connections::default() };
    let upstreams = upstreams_with(bedrock(&format!("http://{address}")), &Environment::default(), left);
    assert_eq!(answer_of(&upstreams, call()).await.unwrap().1.unwrap().len(), 48);
}

/// A proxy that gives a tunnel to this address, whoever is asked for, and tells what it is asked.
async fn tunnels_to(address: SocketAddr) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            tell.send(String::from_utf8(head).unwrap()).unwrap();
            tokio::spawn(async move {
                let mut other = tokio::net::TcpStream::connect(address).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: us\r\n\r\n").await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut stream, &mut other).await);
            });
        }
    });
    (proxy, told)
}

#[tokio::test]
async fn http2_goes_through_a_tunnel_in_clear_and_over_tls() {
    let pair = pair("bedrock.test");
    for (served, scheme, port) in [(None, "http", 80), (Some(&pair), "https", 443)] {
        let (proxy, mut told) = tunnels_to(server(served).await).await;
        let environment = Environment::from([("ALL_PROXY", format!("http://me@{proxy}").as_str())]);
        let bedrock = Service {
            http2: true,
            tls_ca_pem: served.map(|pair| pair.tls.certificate_pem.clone()),
            ..bedrock(&format!("{scheme}://bedrock.test"))
        };
        let upstreams = upstreams_with(bedrock, &environment, Connections::default());
        let (status, body) = answer_of(&upstreams, call()).await.unwrap();
        assert!(status == 200 && body.unwrap().starts_with(b"HTTP/2.0 "), "{scheme}");
        let asked = told.recv().await.unwrap();
        let head = format!("CONNECT bedrock.test:{port} HTTP/1.1\r\nhost: bedrock.test:{port}\r\n");
        assert_eq!(asked, format!("{head}proxy-authorization: Basic bWU6\r\n\r\n"));
    }
}

#[tokio::test]
async fn a_proxy_that_is_named_wrongly_is_a_mistake_from_the_start() {
    let environment = Environment::from([("HTTPS_PROXY", "socks5://p:1080")]);
    let of = |config: Config| Upstreams::of(&config, &environment, &Upstreams::default()).map(drop);
    let regional = Service { endpoint: None, ..bedrock("http://unused") };
    let wrong = of(config(regional)).unwrap_err();
    assert!(
        format!("{wrong:#}")
            .ends_with("one: HTTPS_PROXY: SOCKS is not supported; expected http://HOST:PORT or https://HOST:PORT")
    );
    of(config(bedrock("https://127.0.0.1:1"))).unwrap();
    of(config(bedrock("http://bedrock.test"))).unwrap();
}

#[tokio::test]
async fn calls_beyond_what_a_connection_takes_at_once_open_others() {
    const CALLS: usize = 16;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let all = Arc::new(tokio::sync::Barrier::new(CALLS));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let all = Arc::clone(&all);
            let answer = service_fn(move |request| {
                let all = Arc::clone(&all);
                async move {
                    all.wait().await;
                    echo(request).await
                }
            });
            let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.max_concurrent_streams(4);
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), answer));
        }
    });
    let config = config(Service { http2: true, ..bedrock(&format!("http://{address}")) });
    let upstreams = Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap();
    for _ in 0..2 {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..CALLS {
            let call = upstreams.call(call());
            calls.spawn(async move { call.await.unwrap().body.whole(1 << 20).await.unwrap() });
        }
        assert_eq!(timeout(LIMIT, calls.join_all()).await.unwrap().len(), CALLS);
        assert_eq!(connections.load(Ordering::SeqCst), CALLS / 4);
    }
}

#[tokio::test]
async fn a_connection_in_http2_that_was_closed_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let serving = builder.serve_connection(TokioIo::new(stream), service_fn(echo));
            drop(timeout(Duration::from_millis(100), serving).await);
        }
    });
    let config = config(Service { http2: true, ..bedrock(&format!("http://{address}")) });
    let upstreams = Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap();
    for _ in 0..3 {
        assert_eq!(answer_of(&upstreams, call()).await.unwrap().0, 200);
        sleep(Duration::from_millis(300)).await;
    }
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

/// Refuses each connection's first stream, or ends each first connection before it, and answers the next one.
async fn refuse_first(listener: TcpListener, ends: bool) {
    let mut connections = 0;
    while let Ok((stream, _)) = listener.accept().await {
        connections += 1;
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let mut streams = 0;
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                streams += 1;
                if ends && connections == 1 {
                    // As a server that is about to end: this stream is none that it has looked at.
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                    connection.graceful_shutdown();
                } else if !ends && streams == 1 {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                } else {
                    let answer = Response::builder().status(200).body(()).unwrap();
                    respond.send_response(answer, true).unwrap();
                }
            }
        });
    }
}

#[tokio::test]
async fn a_stream_that_http2_refuses_is_sent_once_more() {
    for ends in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(refuse_first(listener, ends));
        let config = config(Service { http2: true, ..bedrock(&format!("http://{address}")) });
        let upstreams = Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap();
        assert_eq!(answer_of(&upstreams, call()).await.unwrap().0, 200);
    }
}

#[tokio::test]
async fn a_backend_that_refuses_every_stream_is_not_asked_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let streams = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&streams);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counting = Arc::clone(&counting);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    counting.fetch_add(1, Ordering::SeqCst);
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
            });
        }
    });
    let config = config(Service { http2: true, ..bedrock(&format!("http://{address}")) });
    let upstreams = Upstreams::of(&config, &Environment::default(), &Upstreams::default()).unwrap();
    assert!(matches!(answer_of(&upstreams, call()).await, Err(Unreachable::Broken(_))));
    assert_eq!(streams.load(Ordering::SeqCst), 4);
}

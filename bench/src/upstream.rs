//! A Bedrock made of one answer, encoded beforehand and written to whoever asks; nothing of it slows a gateway down.
//!
//! Whatever the path, the answer is that of the work at hand, so a plain proxy gets the same bytes as a gateway.
//! It can be had over TLS too, with a certificate that is made at the start. `POST /bench/work/NAME` chooses the work, `GET /bench/open` says how many streams are open, and `GET /bench/seen`
//! gives back the first request since the work was chosen.

use crate::answer::Answer;
use crate::frames::Pace;
use crate::http1::{self, RequestHead, SEEN_AUTHORIZED};
use crate::work::Work;
use anyhow::{Context, bail};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// What its standard output says before the address when it is ready.
pub(crate) const READY: &str = "upstream on ";
/// What stands before the address for TLS.
pub(crate) const READY_TLS: &str = ", with TLS on ";
/// In the path of every request to the upstream itself.
const CONTROL: &str = "/bench/";
/// Connections that wait to be accepted.
const BACKLOG: u32 = 16_384;

struct State {
    answer: RefCell<Rc<Answer>>,
    open: Cell<usize>,
    /// The first request since the work was chosen: what its head said, and its body.
    seen: RefCell<Option<(RequestHead, Vec<u8>)>>,
}

/// Counts a stream as open until it is dropped.
struct Open(Rc<State>);

impl Open {
    fn new(state: &Rc<State>) -> Self {
        state.open.set(state.open.get() + 1);
        Self(Rc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
    }
}

/// Where it is served besides, over TLS, and the file into which the certificate is written.
pub(crate) struct Tls<'a> {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate: &'a Path,
}

/// Serves until the process ends.
pub(crate) fn serve(listen: SocketAddr, tls: Option<Tls<'_>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = Answer::of(crate::answer::Shape::Whole)?;
    let state = Rc::new(State { answer: RefCell::new(Rc::new(answer)), open: Cell::new(0), seen: RefCell::new(None) });
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = bind(listen)?;
        let mut ready = format!("{READY}{}", listener.local_addr()?);
        if let Some(Tls { listen, certificate }) = tls {
            let acceptor = acceptor(certificate)?;
            let listener = bind(listen)?;
            ready.push_str(&format!("{READY_TLS}{}", listener.local_addr()?));
            let state = Rc::clone(&state);
            tokio::task::spawn_local(async move { accept(&listener, Some(&acceptor), &state).await });
        }
        crate::say::line(&ready)?;
        accept(&listener, None, &state).await
    })
}

fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    Ok(socket.listen(BACKLOG)?)
}

/// Speaks TLS with a new certificate for localhost, which is written to a file for those who are to trust it.
fn acceptor(file: &Path) -> anyhow::Result<TlsAcceptor> {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    std::fs::write(file, pair.cert.pem()).with_context(|| format!("cannot write {}", file.display()))?;
    let key = PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der());
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key.into())?;
    // Sessions are resumed, as Bedrock's are.
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: &TcpListener, tls: Option<&TlsAcceptor>, state: &Rc<State>) -> anyhow::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (state, tls) = (Rc::clone(state), tls.cloned());
        tokio::task::spawn_local(async move {
            // A client that leaves is what some of the works are about.
            let _ = match tls {
                Some(tls) => match tls.accept(socket).await {
                    Ok(socket) => connection(socket, &state).await,
                    Err(_) => Ok(()),
                },
                None => connection(socket, &state).await,
            };
        });
    }
}

async fn connection(mut socket: impl AsyncRead + AsyncWrite + Unpin, state: &Rc<State>) -> anyhow::Result<()> {
    let mut buffer = Vec::with_capacity(4 << 10);
    while let Some((head, body)) = request(&mut socket, &mut buffer, state).await? {
        match head.path.strip_prefix(CONTROL) {
            Some(wish) => control(&mut socket, wish, state).await?,
            None => {
                if state.seen.borrow().is_none() {
                    state.seen.replace(Some((head, body)));
                }
                answer(&mut socket, state).await?;
            }
        }
    }
    Ok(())
}

/// Reads one request whole; its body is kept only when nobody has been seen yet. None at the end of the connection.
async fn request(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    state: &State,
) -> anyhow::Result<Option<(RequestHead, Vec<u8>)>> {
    let mut head = loop {
        if let Some((head, length)) = http1::request(buffer)? {
            buffer.drain(..length);
            break head;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let keep = state.seen.borrow().is_none();
    let mut kept = Vec::new();
    loop {
        let taken = head.body.read(buffer, &mut |bytes| {
            if keep {
                kept.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        buffer.drain(..taken);
        if head.body.is_done() {
            return Ok(Some((head, kept)));
        }
        buffer.reserve(64 << 10);
        if socket.read_buf(buffer).await? == 0 {
            bail!("a request ended before it was whole");
        }
    }
}

async fn answer(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), state: &Rc<State>) -> anyhow::Result<()> {
    let answer = Rc::clone(&state.answer.borrow());
    let _open = Open::new(state);
    for bytes in &answer.writes {
        socket.write_all(bytes).await?;
        socket.flush().await?;
        match answer.pace {
            Pace::Slow(pause) => tokio::time::sleep(pause).await,
            // Other streams are written to before this one goes on.
            Pace::Each | Pace::Hold => tokio::task::yield_now().await,
            Pace::Burst => {}
        }
    }
    if answer.pace == Pace::Hold {
        // Nothing more is sent, and nothing is to be read until the client leaves.
        let _ = socket.read(&mut [0]).await;
        bail!("the client left");
    }
    Ok(())
}

async fn control(socket: &mut (impl AsyncWrite + Unpin), wish: &str, state: &State) -> anyhow::Result<()> {
    let (status, head, body) = match wish.split_once('/') {
        Some(("work", name)) => match Work::named(name) {
            Some(work) => {
                state.answer.replace(Rc::new(Answer::of(work.shape)?));
                state.seen.replace(None);
                ("200 OK", String::new(), Vec::new())
            }
            None => ("404 Not Found", String::new(), Vec::new()),
        },
        _ if wish == "open" => ("200 OK", String::new(), state.open.get().to_string().into_bytes()),
        _ if wish == "seen" => match state.seen.borrow().clone() {
            Some((head, body)) => {
                let told = if head.authorized { format!("{SEEN_AUTHORIZED}: yes\r\n") } else { String::new() };
                ("200 OK", told, body)
            }
            None => ("404 Not Found", String::new(), Vec::new()),
        },
        _ => ("404 Not Found", String::new(), Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(&body).await?;
    socket.flush().await?;
    Ok(())
}

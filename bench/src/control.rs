//! The upstream as the runner sees it: started beside the load generator, told what to answer, asked what it saw.

use crate::http1::{self, AnswerHead};
use crate::peers::Peer;
use crate::process::{self, Process};
use crate::upstream::{READY, READY_TLS};
use crate::work::Work;
use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// No answer to one of these questions takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// A running upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where it listens for TLS, and the certificate that it shows there.
    pub(crate) tls: Option<(SocketAddr, PathBuf)>,
    _process: Process,
}

impl Upstream {
    /// Starts this very program as the upstream, on the core that it runs on itself; `certificate` is the file in which it
    /// leaves its certificate, if it is to speak TLS too.
    pub(crate) fn start(certificate: Option<&Path>) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let mut command = process::command(program);
        command.args(["upstream", "--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(certificate) = certificate {
            command.args(["--listen-tls", "127.0.0.1:0", "--certificate"]).arg(certificate);
        }
        let mut child = command.spawn().context("cannot start the upstream")?;
        let out = child.stdout.take().context("the upstream says nothing")?;
        let process = Process::of("upstream", child);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let said = line.trim().strip_prefix(READY).with_context(|| format!("the upstream said {line:?}"))?;
        let (address, over_tls) = said.split_once(READY_TLS).map_or((said, None), |(plain, tls)| (plain, Some(tls)));
        let tls = over_tls.map(str::parse).transpose()?.zip(certificate.map(Path::to_path_buf));
        Ok(Self { address: address.parse()?, tls, _process: process })
    }

    /// From now on it answers as this work wants it.
    pub(crate) fn choose(&self, work: &Work) -> anyhow::Result<()> {
        let (head, _) = ask(self.address, "POST", &format!("/bench/work/{}", work.name))?;
        ensure!(head.status == 200, "the upstream does not know {}", work.name);
        Ok(())
    }

    /// How many streams are open.
    pub(crate) fn open(&self) -> anyhow::Result<usize> {
        let (_, body) = ask(self.address, "GET", "/bench/open")?;
        Ok(String::from_utf8_lossy(&body).parse()?)
    }

    /// Checks the first request since the work was chosen: all that was asked reached it, signed if need be.
    pub(crate) fn check_seen(&self, peer: &Peer, markers: &[String]) -> anyhow::Result<()> {
        use crate::check::Says;
        let (head, body) = ask(self.address, "GET", "/bench/seen")?;
        ensure!(head.status == 200, "nothing reached the upstream");
        let body = String::from_utf8_lossy(&body);
        if let Some(missing) = markers.iter().find(|marker| !body.contains(marker.as_str())) {
            bail!("{} sent a request without {missing:?}", peer.name);
        }
        ensure!(
            peer.says == Says::Upstream || head.seen_authorized,
            "{} sent a request without credentials",
            peer.name
        );
        Ok(())
    }
}

/// One question on a connection of its own.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str) -> anyhow::Result<(AnswerHead, Vec<u8>)> {
    let mut socket = TcpStream::connect_timeout(&to, LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.set_write_timeout(Some(LIMIT))?;
    write!(socket, "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n\r\n")?;
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    let mut more = |bytes: &mut Vec<u8>| -> anyhow::Result<bool> {
        let read = socket.read(&mut piece)?;
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(read > 0)
    };
    let mut head = loop {
        if let Some((head, length)) = http1::answer(&bytes)? {
            bytes.drain(..length);
            break head;
        }
        ensure!(more(&mut bytes)?, "{to} closed the connection");
    };
    let mut body = Vec::new();
    loop {
        let taken = head.body.read(&bytes, &mut |piece| {
            body.extend_from_slice(piece);
            Ok(())
        })?;
        bytes.drain(..taken);
        if head.body.is_done() || !more(&mut bytes)? {
            return Ok((head, body));
        }
    }
}

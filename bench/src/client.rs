//! One connection of the load generator: asks, reads the answer as it comes, checks it, notes when what came.

use crate::answer::Answer;
use crate::check::{Check, Marks, Says};
use crate::clock;
use crate::http1::{self, Body};
use anyhow::{Context, bail, ensure};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Bytes of one read.
const READ: usize = 64 << 10;

/// A request as it is sent, and how the answer is checked.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where it is sent.
    pub(crate) address: SocketAddr,
    /// Head and body.
    pub(crate) request: Vec<u8>,
    /// What the other side says.
    pub(crate) says: Says,
    /// What it must say.
    pub(crate) answer: Answer,
}

/// How long after the request was begun things came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// The answer's first byte.
    pub(crate) first_byte: Option<Duration>,
    /// The first reasoning.
    pub(crate) first_reasoning: Option<Duration>,
    /// The first text.
    pub(crate) first_content: Option<Duration>,
    /// The end.
    pub(crate) end: Duration,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects, from this address of the machine when there is one.
    pub(crate) async fn open(to: SocketAddr, from: Option<IpAddr>) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0)).with_context(|| format!("no port of {from} is free"))?;
        }
        let socket = socket.connect(to).await.with_context(|| format!("cannot connect to {to}"))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::new() })
    }

    /// Asks and reads the whole answer; the pauses between the parts of its text are added to `gaps`, in microseconds.
    pub(crate) async fn ask(&mut self, plan: &Plan, gaps: Option<&mut Vec<f64>>) -> anyhow::Result<Times> {
        let mut exchange = Exchange::begin(self, plan).await?;
        exchange.gaps = gaps;
        while !exchange.is_over() {
            exchange.read().await?;
        }
        exchange.check.end()?;
        Ok(Times { end: exchange.began.elapsed(), ..exchange.times })
    }

    /// Asks and reads until the first text is there; the rest may never come.
    pub(crate) async fn ask_until_content(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let mut exchange = Exchange::begin(self, plan).await?;
        while exchange.times.first_content.is_none() {
            ensure!(!exchange.is_over(), "the answer ended before its first text");
            exchange.read().await?;
        }
        Ok(())
    }
}

/// A request under way on a connection.
struct Exchange<'a> {
    connection: &'a mut Connection,
    check: Check<'a>,
    body: Option<Body>,
    began: Instant,
    /// When the last part of the text came, and how far it went.
    before: Option<Instant>,
    progress: usize,
    times: Times,
    gaps: Option<&'a mut Vec<f64>>,
}

impl<'a> Exchange<'a> {
    async fn begin(connection: &'a mut Connection, plan: &'a Plan) -> anyhow::Result<Self> {
        let began = clock::now();
        connection.buffer.clear();
        connection.socket.write_all(&plan.request).await.context("the request was not taken")?;
        let check = Check::new(plan.says, &plan.answer);
        Ok(Self {
            connection,
            check,
            body: None,
            began,
            before: None,
            progress: 0,
            times: Times::default(),
            gaps: None,
        })
    }

    fn is_over(&self) -> bool {
        self.body.as_ref().is_some_and(Body::is_done)
    }

    /// One read from the socket.
    async fn read(&mut self) -> anyhow::Result<()> {
        let buffer = &mut self.connection.buffer;
        buffer.reserve(READ);
        if self.connection.socket.read_buf(buffer).await? == 0 {
            bail!("the connection ended in the middle of an answer");
        }
        let now = clock::now();
        self.times.first_byte.get_or_insert(now - self.began);
        if self.body.is_none() {
            self.head()?;
        }
        if let Some(body) = &mut self.body {
            let check = &mut self.check;
            let buffer = &mut self.connection.buffer;
            let taken = body.read(buffer, &mut |bytes| check.take(bytes))?;
            buffer.drain(..taken);
        }
        self.note(now);
        Ok(())
    }

    fn head(&mut self) -> anyhow::Result<()> {
        let buffer = &mut self.connection.buffer;
        let Some((head, length)) = http1::answer(buffer)? else { return Ok(()) };
        buffer.drain(..length);
        if head.status != 200 {
            bail!("status {}: {}", head.status, String::from_utf8_lossy(buffer));
        }
        self.body = Some(head.body);
        Ok(())
    }

    fn note(&mut self, now: Instant) {
        let Marks { reasoning, content, progress } = self.check.marks();
        if reasoning {
            self.times.first_reasoning.get_or_insert(now - self.began);
        }
        if content {
            self.times.first_content.get_or_insert(now - self.began);
        }
        if let Some(gaps) = &mut self.gaps
            && progress > self.progress
        {
            if let Some(before) = self.before {
                gaps.push((now - before).as_secs_f64() * 1e6);
            }
            (self.before, self.progress) = (Some(now), progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Shape;
    use std::io::{Read, Write};

    /// A server that answers one request with these bytes.
    fn answering(bytes: Vec<u8>) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 100]).unwrap();
            socket.write_all(&bytes).unwrap();
        });
        address
    }

    fn asked(bytes: Vec<u8>, answer: Answer) -> anyhow::Result<Times> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let address = answering(bytes);
        let request = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let plan = Plan { address, request, says: Says::Upstream, answer };
        runtime.block_on(async {
            let from = Some(IpAddr::from([127, 0, 0, 1]));
            Connection::open(address, from).await.unwrap().ask(&plan, None).await
        })
    }

    #[test]
    fn a_right_answer_gives_times() {
        let answer = Answer::of(Shape::Whole).unwrap();
        let times = asked(answer.writes.concat(), answer).unwrap();
        assert!(times.first_byte.is_some_and(|first| first <= times.end));
        assert!(times.first_reasoning.is_none());
    }

    #[test]
    fn a_refusal_and_an_early_end_are_errors() {
        let answer = || Answer::of(Shape::Whole).unwrap();
        let refused = asked(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno".to_vec(), answer()).unwrap_err();
        assert!(refused.to_string().contains("503"), "{refused}");
        let mut bytes = answer().writes.concat();
        bytes.pop();
        assert!(asked(bytes, answer()).is_err());
    }
}

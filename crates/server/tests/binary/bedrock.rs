//! A Bedrock whose every byte is written by the test: it shows what the gateway sends, when, and when it stops.

use crate::support::{Aquifer, LIMIT};
use aquifer_testing::frames::frame;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A model id that needs no catalogue's help.
pub(crate) const MODEL: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";

/// The listening side.
pub(crate) struct Bedrock {
    pub(crate) address: SocketAddr,
    calls: Receiver<Call>,
    connections: Arc<AtomicUsize>,
}

/// One call, waiting for the test to answer it.
pub(crate) struct Call {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
    stream: TcpStream,
    again: Sender<Self>,
}

impl Bedrock {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                let sender = sender.clone();
                std::thread::spawn(move || read_call(stream, sender));
            }
        });
        Self { address, calls, connections }
    }

    /// The next call.
    pub(crate) fn call(&self) -> Call {
        self.calls.recv_timeout(LIMIT).expect("the gateway should have called")
    }

    /// How many connections the gateway has opened.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The variables that send a gateway here.
    pub(crate) fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", format!("http://{}", self.address)),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests".to_owned()),
        ]
    }
}

fn read_call(mut stream: TcpStream, again: Sender<Call>) {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let _ = again.clone().send(Call { head, body, stream, again });
}

impl Call {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Begins an event stream that ends when the test says so.
    pub(crate) fn begin(&mut self) {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
                    x-amzn-requestid: 7a62c49f\r\ntransfer-encoding: chunked\r\n\r\n";
        self.stream.write_all(head.as_bytes()).unwrap();
    }

    /// Sends one event, or one exception.
    pub(crate) fn event(&mut self, kind: &str, payload: &str) {
        self.stream.write_all(&chunk(&frame(kind, payload))).unwrap();
    }

    pub(crate) fn reasoning(&mut self, text: &str) {
        let text = serde_json::json!(text);
        self.event(
            "contentBlockDelta",
            &format!(r#"{{"contentBlockIndex":0,"delta":{{"reasoningContent":{{"text":{text}}}}},"p":"abc"}}"#),
        );
    }

    pub(crate) fn signature(&mut self, signature: &str) {
        let signature = serde_json::json!(signature);
        self.event(
            "contentBlockDelta",
            &format!(r#"{{"contentBlockIndex":0,"delta":{{"reasoningContent":{{"signature":{signature}}}}}}}"#),
        );
        self.event("contentBlockStop", r#"{"contentBlockIndex":0}"#);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.event("contentBlockDelta", &text_delta(text));
    }

    /// Ends the answer as Bedrock does, with a block's end, a reason, the usage.
    pub(crate) fn finish(mut self) {
        self.event("contentBlockStop", r#"{"contentBlockIndex":1,"p":"abcd"}"#);
        self.event("messageStop", r#"{"stopReason":"end_turn","p":"ab"}"#);
        self.event(
            "metadata",
            r#"{"usage":{"inputTokens":10,"outputTokens":20,"totalTokens":30},"metrics":{"latencyMs":5}}"#,
        );
        self.end();
    }

    /// Ends the body; the connection may carry another call.
    pub(crate) fn end(mut self) {
        self.stream.write_all(b"0\r\n\r\n").unwrap();
        self.again();
    }

    /// Answers with JSON; the connection may carry another call.
    pub(crate) fn answer(mut self, status: &str, headers: &str, body: &str) {
        self.write(status, headers, body);
        self.again();
    }

    /// Answers with JSON and closes the connection.
    pub(crate) fn answer_and_close(mut self, status: &str, headers: &str, body: &str) {
        self.write(status, headers, body);
    }

    fn write(&mut self, status: &str, headers: &str, body: &str) {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    }

    fn again(self) {
        std::thread::spawn(move || read_call(self.stream, self.again));
    }

    /// Waits until the gateway gives this call up.
    pub(crate) fn wait_until_dropped(&mut self) {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("the gateway should have closed the call: {other:?}"),
        }
    }

    /// Sends text deltas until the gateway gives this call up.
    pub(crate) fn flood_until_dropped(&mut self) {
        let one = chunk(&frame("contentBlockDelta", text_delta(&"x".repeat(4000))));
        self.stream.set_write_timeout(Some(LIMIT)).unwrap();
        while let Ok(()) = self.stream.write_all(&one) {}
        let error = self.stream.write_all(&one).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
    }

    /// Sends text deltas until the gateway takes no more for a while; how many it took.
    pub(crate) fn flood(&mut self, most: usize) -> usize {
        let one = chunk(&frame("contentBlockDelta", text_delta(&"x".repeat(4000))));
        self.stream.set_write_timeout(Some(Duration::from_millis(1500))).unwrap();
        for sent in 0..most {
            let mut rest = &one[..];
            while !rest.is_empty() {
                match self.stream.write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return sent,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        most
    }
}

fn text_delta(text: &str) -> String {
    let text = serde_json::json!(text);
    format!(r#"{{"contentBlockIndex":1,"delta":{{"text":{text}}},"p":"abcdefgh"}}"#)
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A gateway that serves a model with this policy of reasoning, in front of a Bedrock of the test's.
pub(crate) fn with_policy(model: &str, policy: &str) -> (Aquifer, Bedrock) {
    with_policy_and(&[], model, policy)
}

/// The same with more arguments.
pub(crate) fn with_policy_and(arguments: &[&str], model: &str, policy: &str) -> (Aquifer, Bedrock) {
    let bedrock = Bedrock::listen();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let text = format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: one}}
spec:
  provider: awsbedrock
  config: {{model: '{model}', region: us-east-1, endpoint: 'http://{}'}}
---
apiVersion: aquifer.dev/v1alpha1
kind: ReasoningPolicy
metadata: {{name: p}}
spec:
  targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: one}}]
  {policy}
",
        bedrock.address
    );
    std::fs::write(&file, text).unwrap();
    let variables = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let arguments = [&["--config", file.to_str().unwrap()], arguments].concat();
    (Aquifer::serve(&arguments, &variables), bedrock)
}

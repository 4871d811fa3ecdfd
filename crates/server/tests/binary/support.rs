//! Starts the real binary on free ports and speaks HTTP to it, with a limit on every wait.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// No test waits longer for one thing.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A process of the binary; killed when dropped.
pub(crate) struct Aquifer {
    child: Child,
    stdout: Receiver<String>,
    stderr: Arc<Mutex<String>>,
    logged: Option<JoinHandle<()>>,
    pub(crate) gateway: Option<SocketAddr>,
    pub(crate) admin: Option<SocketAddr>,
}

/// The binary, without anything of the caller's AWS settings and proxies.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aquifer"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_")
            || name.starts_with("AQUIFER_")
            || name.starts_with("OTEL_")
            || name.to_ascii_uppercase().ends_with("_PROXY")
        {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent").args(arguments);
    command
}

/// A region of Bedrock as a resource of the short form, named `region-` and its number.
pub(crate) fn region(number: usize, model: &str, address: SocketAddr) -> String {
    format!(
        "---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: region-{number}}}
spec: {{provider: awsbedrock, config: {{model: '{model}', region: us-east-1, endpoint: 'http://{address}'}}}}
"
    )
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Read as it comes: a process whose pipe is full does not end.
    let (stdout, stderr) = (gathered(child.stdout.take().unwrap()), gathered(child.stderr.take().unwrap()));
    let deadline = Waiting::begin();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        deadline.tick("the process to end", || {
            let _ = child.kill();
        });
    };
    let text = |bytes: JoinHandle<Vec<u8>>| String::from_utf8(bytes.join().unwrap()).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

fn gathered(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

impl Aquifer {
    /// `serve` on free ports, with these arguments and variables; returns when it is ready.
    pub(crate) fn serve(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        all.extend(arguments);
        Self::start(&all, variables)
    }

    /// `demo` on free ports.
    pub(crate) fn demo(arguments: &[&str]) -> Self {
        let mut all = vec!["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--pace", "1ms"];
        all.extend(arguments);
        Self::start(&all, &[])
    }

    /// Any command that prints the two ready lines.
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn(arguments, variables).ready()
    }

    /// Any command.
    pub(crate) fn spawn(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(arguments);
        command.envs(variables.iter().copied());
        Self::spawn_logging_to(command, Stdio::piped())
    }

    /// Any command, its standard error wherever that is; what goes into a pipe is kept.
    pub(crate) fn spawn_logging_to(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (sender, stdout) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let stderr = Arc::new(Mutex::new(String::new()));
        let logged = child.stderr.take().map(|err| {
            let log = Arc::clone(&stderr);
            std::thread::spawn(move || keep(err, &log))
        });
        Self { child, stdout, stderr, logged, gateway: None, admin: None }
    }

    /// Waits for the two ready lines.
    pub(crate) fn ready(mut self) -> Self {
        self.gateway = Some(self.address("aquifer listening on "));
        self.admin = Some(self.address("aquifer admin on "));
        self
    }

    /// What the system says of the process, in KiB: `VmRSS` now, `VmHWM` at most.
    pub(crate) fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The CPU time of the process until now, in ticks of the kernel, of which a second has 100.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the program may hold spaces; what follows its bracket does not.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        [11, 12].into_iter().map(|field| fields[field].parse::<u64>().unwrap()).sum()
    }

    /// How many file descriptors the process has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// How often a thread of this name went to sleep.
    pub(crate) fn wakings(&self, name: &str) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let status = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap());
        let mut ours = status.filter(|status| status.starts_with(&format!("Name:\t{name}\n")));
        let status = ours.next().unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse().unwrap()
    }

    /// The address in the next line of standard output that begins so.
    pub(crate) fn address(&self, prefix: &str) -> SocketAddr {
        loop {
            match self.stdout.recv_timeout(LIMIT) {
                Ok(line) => {
                    let rest = line.strip_prefix(prefix).and_then(|rest| rest.split_once("://"));
                    if let Some((_, address)) = rest {
                        return address.parse().unwrap();
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("`{prefix}` never came; the log:\n{}", self.log())
                }
            }
        }
    }

    /// The next line of standard output that holds this text.
    pub(crate) fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.stdout.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("`{text}` never came"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until the log holds this text.
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(&format!("`{text}` in the log"), || self.log().contains(text), || self.log());
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end, and for the rest of the log; the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Waiting::begin();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.logged.take().into_iter().for_each(|logged| logged.join().unwrap());
                return status.code();
            }
            deadline.tick("the process to end", || {});
        }
    }

    /// One request to the gateway.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        ask(self.gateway.unwrap(), method, path, body)
    }

    /// A chat completion.
    pub(crate) fn chat(&self, body: &str) -> Reply {
        self.ask("POST", "/v1/chat/completions", body)
    }

    /// One request to the admin listener.
    pub(crate) fn admin(&self, path: &str) -> Reply {
        let mut stream = connect(self.admin.unwrap());
        stream.write_all(request_to("localhost", "GET", path, "").as_bytes()).unwrap();
        read_reply(&mut stream)
    }

    /// The value of a metric, summed over the lines that begin so; 0 when there is none.
    pub(crate) fn metric(&self, prefix: &str) -> f64 {
        let text = self.admin("/metrics").body;
        let lines = text.lines().filter(|line| line.starts_with(prefix));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    /// Waits until a metric has this value.
    pub(crate) fn wait_for_metric(&self, prefix: &str, value: f64) {
        let have = || (self.metric(prefix) - value).abs() < f64::EPSILON;
        wait_until(&format!("{prefix} = {value}"), have, || self.admin("/metrics").body);
    }
}

fn keep(from: impl Read, log: &Mutex<String>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}

impl Drop for Aquifer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Counts the rounds of a wait, so that no wait is endless.
pub(crate) struct Waiting(std::cell::Cell<u32>);

impl Waiting {
    pub(crate) fn begin() -> Self {
        Self(std::cell::Cell::new(0))
    }

    pub(crate) fn tick(&self, what: &str, mut otherwise: impl FnMut()) {
        self.0.set(self.0.get() + 1);
        if self.0.get() > 1500 {
            otherwise();
            panic!("waited too long for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool, tell: impl Fn() -> String) {
    for _ in 0..1500 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited too long for {what}:\n{}", tell());
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Opens a connection with limits on its waits.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// The bytes of one request.
pub(crate) fn request(method: &str, path: &str, body: &str) -> String {
    request_to("aquifer", method, path, body)
}

/// The bytes of one request to this host.
pub(crate) fn request_to(host: &str, method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One request on its own connection.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Reply {
    let mut stream = connect(address);
    stream.write_all(request(method, path, body).as_bytes()).unwrap();
    read_reply(&mut stream)
}

/// Reads until the connection ends.
pub(crate) fn read_reply(stream: &mut impl Read) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Reply { status, head: head.to_ascii_lowercase(), body }
}

fn unchunked(mut rest: &str) -> String {
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").unwrap();
    }
    panic!("the body's last chunk never came: {whole}");
}

//! `aquifer chat`: one answer in a pipe, and a chat in a terminal, against the demo.

use crate::support::{LIMIT, command};
use serde_json::Value;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Runs `aquifer chat` with no terminal anywhere.
fn piped(arguments: &[&str], input: &str) -> Output {
    let mut chat = command(&["chat"]);
    chat.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = chat.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `aquifer chat` in a terminal of its own, which `script` makes.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(arguments: &str) -> Self {
        let binary = env!("CARGO_BIN_EXE_aquifer");
        let mut script = command(&[]);
        let environment = script.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)));
        let environment: Vec<_> = environment.collect();
        script = std::process::Command::new("script");
        for (name, value) in environment {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").args([
            "-qefc",
            // Without `exec` some shells stay, take Ctrl-C too, and end with a code of their own.
            &format!("exec {binary} chat {arguments}"),
            "/dev/null",
        ]);
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, mut out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut bytes) {
                let _ = sender.send(bytes[..read].to_vec());
            }
        });
        Self { child, keys, output, seen: String::new() }
    }

    /// Waits until the text came; what stood before it and was not waited for is forgotten.
    #[expect(clippy::disallowed_methods, reason = "a test waits in real time")]
    fn wait_for(&mut self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = LIMIT.saturating_sub(begun.elapsed());
            let bytes = self.output.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("`{text}` never came: {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the prompt, then types a line.
    fn line(&mut self, line: &str) {
        self.wait_for("> ");
        self.keys(&format!("{line}\r"));
    }

    fn end(mut self) -> Option<i32> {
        drop(self.keys);
        while let Ok(bytes) = self.output.recv_timeout(LIMIT) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.child.wait().unwrap().code()
    }
}

#[test]
fn the_answer_alone_is_on_standard_output() {
    let output = piped(&["--demo", "Why is the sky blue?"], "");
    let (answer, beside) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{beside}");
    assert!(!answer.trim().is_empty() && answer.ends_with('\n'), "{answer:?}");
    assert!(beside.contains("first thought ") && beside.contains(" out") && beside.contains(" · stop"), "{beside:?}");
    assert!(!answer.contains('\x1b') && !beside.contains('\x1b'), "{answer:?} {beside:?}");
    let hidden = piped(&["--demo", "--reasoning", "hide", "Why is the sky blue?"], "");
    assert_eq!(text(&hidden.stdout), answer);
    assert!(text(&hidden.stderr).len() < beside.len(), "the reasoning is not there");
}

#[test]
fn what_is_piped_in_stands_behind_the_question() {
    let output = piped(&["--demo", "--json"], "Why is the sky blue?\n");
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    let at = |kind| kinds.iter().position(|seen| *seen == kind);
    assert!(at("reasoning").unwrap() < at("content").unwrap(), "{kinds:?}");
    let end = lines.last().unwrap();
    assert_eq!((&end["type"], &end["finish_reason"]), (&"end".into(), &"stop".into()));
    assert!(end["usage"]["completion_tokens"].as_u64().unwrap() > 0, "{end}");
    assert!(end["first_reasoning_s"].as_f64().unwrap() <= end["first_content_s"].as_f64().unwrap(), "{end}");
}

#[test]
fn what_cannot_be_asked_is_told_in_one_line() {
    for (arguments, told) in [
        (
            &["--url", "http://127.0.0.1:9/v1", "-m", "m", "Hi."][..],
            "error: cannot reach the gateway at http://127.0.0.1:9/v1",
        ),
        (&["--url", "127.0.0.1", "-m", "m", "Hi."], "is no URL of the form http://HOST:PORT/v1"),
        (&["--demo", "--image", "/nowhere.png", "Hi."], "cannot open /nowhere.png"),
        (&["--demo"], "there is no question"),
    ] {
        let output = piped(arguments, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(told), "{said}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(piped(&["--effort", "loud", "Hi."], "").status.code(), Some(2));
}

#[test]
fn a_thought_folds_and_is_shown_again() {
    let mut terminal = Terminal::start("--demo");
    terminal.wait_for("effort medium");
    terminal.line("Why is the sky blue?");
    let thinking = terminal.wait_for("▸ thought ");
    assert!(thinking.contains("thinking 0.") && thinking.contains("\x1b[J"), "{thinking:?}");
    terminal.wait_for(" · stop");
    terminal.line("/effort low");
    terminal.wait_for("effort low");
    terminal.line("/reasoning");
    assert!(terminal.wait_for("\x1b[0m").contains("\x1b[2m"));
    terminal.line("/nothing");
    terminal.wait_for("/nothing is no command");
    terminal.line("/usage");
    terminal.wait_for("1 answers");
    terminal.line("/retry high");
    terminal.wait_for("▸ thought ");
    terminal.wait_for(" · stop");
    terminal.line("/quit");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn ctrl_c_stops_the_answer_and_twice_leaves() {
    let mut terminal = Terminal::start("--demo");
    terminal.line("Why is the sky blue?");
    terminal.wait_for("thinking 0.");
    terminal.keys("\x03");
    terminal.wait_for("stopped; its usage is unknown");
    terminal.wait_for("> ");
    terminal.keys("\x03");
    terminal.wait_for("Ctrl-C once more leaves");
    terminal.wait_for("> ");
    terminal.keys("\x03");
    assert_eq!(terminal.end(), Some(0));

    let mut once = Terminal::start("--demo 'Why is the sky blue?'");
    once.wait_for("thinking 0.");
    once.keys("\x03");
    assert_eq!(once.end(), Some(130));
}

#[test]
fn a_dumb_terminal_gets_no_escape_sequences() {
    let mut terminal = Terminal::start("--demo 'Why is the sky blue?' --term dumb");
    let seen = terminal.wait_for(" · stop");
    assert!(!seen.contains('\x1b'), "{seen:?}");
    assert_eq!(terminal.end(), Some(0));
}

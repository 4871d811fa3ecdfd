//! The log's lines are written together: none is lost while somebody reads, nobody waits for a reader that does not.

use crate::support::{Aquifer, command, connect, read_reply, request, run, wait_until};
use std::io::{PipeReader, Read, Write, pipe};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// What is counted for each line that was not kept.
const DROPPED: &str = "aquifer_log_lines_dropped_total";

/// A gateway whose log goes into a pipe that is read when the test wants it.
fn unread() -> (Aquifer, PipeReader) {
    let (reader, writer) = pipe().unwrap();
    let serve = command(&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json"]);
    (Aquifer::spawn_logging_to(serve, Stdio::from(writer)).ready(), reader)
}

fn read(mut reader: PipeReader) -> JoinHandle<String> {
    spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    })
}

/// Asks for models that nobody serves, one after the other on one connection.
fn ask_for(gateway: SocketAddr, models: usize) {
    let mut stream = connect(gateway);
    let mut to = stream.try_clone().unwrap();
    let asking = spawn(move || {
        for number in 0..models {
            let body = format!("{{\"model\": \"m-{number}-{}\"}}", "x".repeat(300));
            let asked = request("POST", "/v1/chat/completions", &body);
            let last = number + 1 == models;
            to.write_all(if last { asked } else { asked.replace("connection: close\r\n", "") }.as_bytes()).unwrap();
        }
    });
    let reply = read_reply(&mut stream);
    asking.join().unwrap();
    let heads = reply.body.matches("HTTP/1.1 ").count() + 1;
    assert_eq!(heads, models, "{reply:?}");
}

/// The models of the lines, each line being whole.
fn models(log: &str) -> Vec<String> {
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let models = lines.filter_map(|line| line.get("model")?.as_str().map(str::to_owned));
    models.map(|model| model.trim_end_matches('x').to_owned()).collect()
}

fn expected(models: usize) -> Vec<String> {
    (0..models).map(|number| format!("m-{number}-")).collect()
}

#[test]
fn a_signal_loses_no_line() {
    for signal in ["TERM", "INT"] {
        let (mut aquifer, reader) = unread();
        let log = read(reader);
        ask_for(aquifer.gateway.unwrap(), 300);
        aquifer.signal(signal);
        assert_eq!(aquifer.wait(), Some(0));
        let log = log.join().unwrap();
        assert_eq!(models(&log), expected(300));
        assert!(log.lines().last().unwrap().contains("drained"), "{log}");
    }
}

#[test]
fn nobody_waits_for_a_log_that_is_not_read() {
    let (mut aquifer, reader) = unread();
    // More than a pipe holds, less than the gateway keeps.
    ask_for(aquifer.gateway.unwrap(), 600);
    let log = read(reader);
    aquifer.signal("TERM");
    assert_eq!(aquifer.wait(), Some(0));
    assert_eq!(models(&log.join().unwrap()), expected(600));
}

#[test]
fn lines_that_find_no_room_are_counted_and_told() {
    let (mut aquifer, reader) = unread();
    // More than the gateway keeps.
    ask_for(aquifer.gateway.unwrap(), 4000);
    wait_until("lines to be dropped", || aquifer.metric(DROPPED) > 0.0, || aquifer.admin("/metrics").body);
    let log = read(reader);
    let mut more = 0;
    let a_line_is_taken = || {
        let before = aquifer.metric(DROPPED);
        aquifer.ask("GET", "/nothing", "");
        more += 1;
        (aquifer.metric(DROPPED) - before).abs() < f64::EPSILON
    };
    wait_until("room for a line", a_line_is_taken, String::new);
    let dropped = aquifer.metric(DROPPED);
    aquifer.signal("TERM");
    assert_eq!(aquifer.wait(), Some(0));
    let log = log.join().unwrap();
    let (told, lines): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.contains("lines of the log were dropped"));
    let told =
        told.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["lines"].as_u64().unwrap());
    let told = usize::try_from(told.sum::<u64>()).unwrap();
    // A line is written after its answer, so that some may have been dropped since.
    assert!(dropped > 0.0 && dropped <= told as f64, "{dropped} were counted, {told} told");
    let (models, all) = (models(&log), expected(4000));
    // Four lines are of the start and two of the end.
    assert_eq!(lines.len() + told, all.len() + more + 6, "{more} more");
    let asked: Vec<_> = models.into_iter().filter(|model| model.starts_with("m-")).collect();
    assert!(all.starts_with(&asked), "the oldest lines are kept");
}

#[test]
fn a_log_that_is_never_read_does_not_keep_the_process() {
    let (mut aquifer, reader) = unread();
    ask_for(aquifer.gateway.unwrap(), 600);
    aquifer.signal("TERM");
    assert_eq!(aquifer.wait(), Some(0));
    drop(reader);
}

#[test]
fn an_error_comes_behind_what_was_logged() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, log) = run(&["serve", "--listen", &address, "--admin", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    let (logged, error) = (log.find("serving ").unwrap(), log.find("aquifer: cannot listen on").unwrap());
    assert!(logged < error, "{log}");
}

#[test]
fn an_idle_log_sleeps() {
    let aquifer = Aquifer::serve(&[], &[]);
    aquifer.wait_for_log("serving");
    let asleep = || {
        let before = aquifer.wakings("log");
        std::thread::sleep(Duration::from_millis(300));
        before == aquifer.wakings("log")
    };
    wait_until("the log to sleep", asleep, || aquifer.log());
}

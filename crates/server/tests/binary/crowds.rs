//! Many requests at once: what they take together is counted, the small ones too, and so are they.

use crate::http2::post;
use crate::streams::{Chat, chat_body, pair};
use crate::support::{Aquifer, LIMIT, ask, connect, request, wait_until};
use std::io::Write;

const REFUSED: &str = "aquifer_requests_total{outcome=\"failed\",status=\"503\"";
const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: aquifer\r\ncontent-type: application/json\r\n";

#[test]
fn small_bodies_count_from_their_first_byte_on() {
    let aquifer = Aquifer::serve(&["--max-bodies", "1MiB", "--body-timeout", "20s"], &[]);
    let begun: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = connect(aquifer.gateway.unwrap());
            stream.write_all(format!("{HEAD}content-length: 60000\r\n\r\n{{").as_bytes()).unwrap();
            stream
        })
        .collect();
    wait_until("some to be refused", || aquifer.metric(REFUSED) >= 22.0, || aquifer.admin("/metrics").body);
    drop(begun);
    wait_until("room again", || aquifer.chat("{}").status == 400, || aquifer.log());
}

#[test]
fn what_stands_beside_a_body_counts() {
    let aquifer = Aquifer::serve(&["--max-bodies", "64MiB"], &[]);
    let values = |count: usize| chat_body("Hello?").replacen('{', &format!("{{\"x\":[0{}],", ",0".repeat(count)), 1);
    let (many, most) = (values(1 << 18), values(2 << 20));
    assert_eq!(aquifer.chat(&most).status, 413, "it would never fit");
    let idle = aquifer.memory("VmRSS");
    let gateway = aquifer.gateway.unwrap();
    std::thread::scope(|scope| {
        let chat = || ask(gateway, "POST", "/v1/chat/completions", &many).status;
        let asked: Vec<_> = (0..24).map(|_| scope.spawn(chat)).collect();
        for asked in asked {
            assert!(asked.join().unwrap() >= 400);
        }
    });
    let most = aquifer.memory("VmHWM");
    assert!(most <= idle + (128 << 10), "{most} KiB at most, {idle} KiB when idle");
    assert_eq!(aquifer.ask("GET", "/v1/models", "").status, 200);
}

/// Under a limit of address space a process that takes more than it says is killed.
#[test]
fn hostile_bodies_do_not_end_a_process_that_has_little_memory() {
    let mut command = std::process::Command::new("sh");
    let serve =
        "ulimit -v 1500000; exec \"$0\" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 --max-bodies 128MiB --threads 2";
    let binary = crate::support::command(&[]);
    command.args(["-c", serve]).arg(binary.get_program()).env("AWS_EC2_METADATA_DISABLED", "true");
    let aquifer = Aquifer::spawn_logging_to(command, std::process::Stdio::piped()).ready();
    let zeros = chat_body("Hello?").replacen('{', &format!("{{\"x\":[0{}],", ",0".repeat(500_000)), 1);
    let spaces = " ".repeat(16 << 20);
    let gateway = aquifer.gateway.unwrap();
    std::thread::scope(|scope| {
        for body in [&zeros, &spaces].into_iter().cycle().take(16) {
            scope.spawn(move || {
                let mut stream = connect(gateway);
                // What is refused is not read to its end.
                let _ = stream.write_all(request("POST", "/v1/chat/completions", body).as_bytes());
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
    });
    assert!(aquifer.metric(REFUSED) >= 1.0, "all of them had room: {}", aquifer.admin("/metrics").body);
    assert_eq!(aquifer.ask("GET", "/v1/models", "").status, 200, "{}", aquifer.log());
}

#[test]
fn so_many_requests_are_under_way() {
    let (aquifer, bedrock) = pair(&["--max-requests", "1"]);
    let mut chat = Chat::begin(&aquifer, "Hello?");
    let mut call = bedrock.call();
    let refused = aquifer.chat(&chat_body("Hello?"));
    assert!(refused.status == 503 && refused.head.contains("retry-after: "), "{refused:?}");
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.text("one");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    wait_until("room again", || aquifer.ask("GET", "/v1/models", "").status == 200, || aquifer.log());
}

#[test]
fn streams_of_one_connection_use_all_threads() {
    let (aquifer, bedrock) = pair(&["--threads", "2"]);
    let gateway = aquifer.gateway.unwrap();
    let before = aquifer.wakings("worker-1");
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(gateway).await.unwrap();
            let bodies = vec![chat_body("Hello?"); 8];
            let asked = post(stream, "http://aquifer/v1/chat/completions", &bodies);
            tokio::time::timeout(LIMIT, asked).await.unwrap()
        })
    });
    let calls: Vec<_> = (0..8).map(|_| bedrock.call()).collect();
    for call in calls {
        // One after another: a thread that is awake need not be woken.
        std::thread::sleep(std::time::Duration::from_millis(30));
        call.answer("400 Bad Request", "", r#"{"message":"no"}"#);
    }
    assert!(asked.join().unwrap().iter().all(|(status, _)| status.as_u16() == 400));
    let woken = aquifer.wakings("worker-1") - before;
    assert!(woken >= 3, "the second thread was woken {woken} times");
}

/// Large enough to be read apart from the thread that serves its client.
const LARGE: usize = 2 << 20;

#[test]
fn a_large_request_is_said_once_more_after_a_failure() {
    let (aquifer, bedrock) = pair(&["--threads", "1"]);
    let mut chat = Chat::begin(&aquifer, &"x".repeat(LARGE));
    let first = bedrock.call();
    let body = first.body.clone();
    first.answer("503 Service Unavailable", "x-amzn-errortype: ServiceUnavailableException\r\n", "{}");
    let second = bedrock.call();
    assert!(second.body == body, "the same is sent again");
    second.answer("429 Too Many Requests", "x-amzn-errortype: ThrottlingException\r\n", "{}");
    let mut third = bedrock.call();
    assert!(third.body == body, "the same is sent again");
    third.begin();
    third.event("messageStart", r#"{"role":"assistant"}"#);
    third.text("one");
    third.finish();
    chat.read_until("data: [DONE]\n\n");
    assert_eq!(aquifer.metric("aquifer_requests_in_flight"), 0.0);
}

#[test]
fn clients_that_leave_large_requests_at_any_time_are_counted_once() {
    let (aquifer, bedrock) = pair(&["--threads", "1"]);
    let content = "x".repeat(LARGE);
    for round in 0..12_u64 {
        let mark = format!("<{round}>");
        let chat = Chat::begin(&aquifer, &format!("{mark}{content}"));
        // Retries of clients that left may come between.
        let first = std::iter::repeat_with(|| bedrock.call()).find(|call| call.body.contains(&mark)).unwrap();
        first.answer("503 Service Unavailable", "x-amzn-errortype: ServiceUnavailableException\r\n", "{}");
        std::thread::sleep(std::time::Duration::from_millis(3 * round));
        drop(chat);
    }
    let counted =
        || aquifer.metric("aquifer_requests_total") >= 12.0 && aquifer.metric("aquifer_requests_in_flight") == 0.0;
    wait_until("all to be counted", counted, || aquifer.admin("/metrics").body);
    assert_eq!(aquifer.metric("aquifer_requests_total"), 12.0);
}

//! The hub as its viewers see it: topics, texts, refusals.

use super::open::tests::open;
use super::*;
use aquifer_gateway::record::Outcome;
use aquifer_gateway::translate::answer_text::{TextKind, TextPiece};
use http_body_util::BodyExt as _;
use std::borrow::Cow;
use std::sync::atomic::AtomicBool;

fn viewer(may_read_text: bool) -> Viewer {
    Viewer { who: "session 1".to_owned(), may_read_text }
}

/// Feeds of which the ring has one row for each call, and lost two before the first.
fn feeds() -> Arc<Feeds> {
    let told = AtomicBool::new(false);
    Arc::new(Feeds {
        stats: Box::new(|| r#"{"in_flight":1}"#.to_owned()),
        backends: Box::new(|| r#"{"backends":[]}"#.to_owned()),
        exchanges: Box::new(move |cursor| {
            let cursor = cursor.map_or(7, |cursor| cursor + 1);
            let lost = if told.swap(true, Ordering::Relaxed) { 0 } else { 2 };
            NewRows { rows: vec![format!(r#"{{"id":"r{cursor}"}}"#)], cursor, lost, reset: false }
        }),
    })
}

/// A text that may be observed, with these words in it.
fn observed(live: &Live, id: &str, words: &str) -> Arc<OpenExchange> {
    let open = open(id);
    let record = Record {
        attempts: vec![aquifer_gateway::record::AttemptRecord::default()],
        observe: Observe::Everything,
        ..Record::default()
    };
    open.called(&record);
    live.texts.keep(&open);
    say(live, &open, words);
    open
}

fn say(live: &Live, open: &OpenExchange, words: &str) {
    let piece = TextPiece { kind: TextKind::Content, block: 0, text: Cow::Borrowed(words) };
    open.text().push(Observe::Everything, &piece);
    live.texts.count(open);
}

fn begin(live: &Arc<Live>, topics: &str, last: Option<&str>) -> LiveEvents {
    LiveEvents::new(live, &feeds(), &viewer(true), Topics::read(topics).unwrap(), last).unwrap()
}

/// What a viewer is told within this time.
async fn told(events: &mut LiveEvents, within: Duration) -> String {
    let mut told = String::new();
    let reading = async {
        while let Some(Ok(frame)) = events.frame().await {
            told.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    };
    let _ = tokio::time::timeout(within, reading).await;
    told
}

fn count(told: &str, event: &str) -> usize {
    told.matches(&format!("event: {event}\n")).count()
}

#[tokio::test(start_paused = true)]
async fn each_topic_comes_as_often_as_it_is_due() {
    let live = Live::new(Duration::ZERO);
    let mut events = begin(&live, "stats,backends,exchanges,streams", None);
    let said = told(&mut events, Duration::from_millis(2990)).await;
    assert_eq!(["stats", "backends", "exchanges", "streams"].map(|name| count(&said, name)), [3, 3, 6, 1], "{said}");
    assert!(said.starts_with("retry: "), "{said}");
    let lost = said.find("event: lost\ndata: {\"n\":2,\"topic\":\"exchanges\"}").unwrap();
    assert!(lost < said.find("id: 7\nevent: exchanges\ndata: {\"exchanges\":[{\"id\":\"r7\"}]}").unwrap(), "{said}");
    assert!(said.contains("id: 8\n"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_goes_on_behind_its_last_row() {
    let live = Live::new(Duration::ZERO);
    let said = told(&mut begin(&live, "exchanges", Some("41")), Duration::from_millis(10)).await;
    assert!(said.contains("id: 42\n") && count(&said, "reset") == 0, "{said}");
    let said = told(&mut begin(&live, "exchanges", Some("x")), Duration::from_millis(10)).await;
    assert!(said.contains("event: reset\ndata: {\"topic\":\"exchanges\"}") && said.contains("id: 7\n"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_comments() {
    let live = Live::new(Duration::ZERO);
    let mut events = begin(&live, "streams", None);
    let said = told(&mut events, Duration::from_secs(47)).await;
    assert_eq!((count(&said, "streams"), said.matches(": here\n\n").count()), (1, 3), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_text_is_told_as_it_grows_then_its_phase_and_its_end() {
    let live = Live::new(Duration::from_secs(60));
    let open = observed(&live, "x", "one");
    let mut events = begin(&live, "text:x,text:nobody", None);
    let said = told(&mut events, Duration::from_millis(10)).await;
    assert!(said.contains(r#""kind":"snapshot""#) && said.contains(r#""text":"one""#), "{said}");
    assert!(said.contains(r#"{"id":"nobody","kind":"refused""#), "{said}");
    say(&live, &open, "two");
    open.set_phase(Phase::Tools);
    let said = told(&mut events, Duration::from_millis(60)).await;
    let piece = r#"event: text
data: {"id":"x","kind":"content","block":0,"text":"two"}"#;
    let phase = r#"event: text
data: {"id":"x","kind":"phase","phase":"tools"}"#;
    assert!(said.find(piece).unwrap() < said.find(phase).unwrap(), "{said}");
    open.end(Outcome::Failed);
    let said = told(&mut events, Duration::from_millis(500)).await;
    assert_eq!(said.matches(r#""kind":"end","outcome":"failed""#).count(), 1, "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_long_text_is_told_at_a_bounded_pace_and_whole() {
    let live = Live::new(Duration::from_secs(60));
    let open = observed(&live, "x", "");
    let mut events = begin(&live, "text:x", None);
    told(&mut events, Duration::from_millis(10)).await;
    say(&live, &open, &"y".repeat(60 << 10));
    let first = told(&mut events, Duration::from_millis(45)).await;
    let second = told(&mut events, Duration::from_millis(60)).await;
    let letters = |said: &str| said.bytes().filter(|byte| *byte == b'y').count();
    assert!(letters(&first) < 60 << 10 && letters(&first) + letters(&second) == 60 << 10, "{}", letters(&first));
    live.texts.end(&open, clock::now());
    open.text().close();
    let said = told(&mut events, Duration::from_millis(100)).await;
    assert!(said.contains(r#""kind":"refused","message":"the text of this exchange is gone"#), "{said}");
}

#[tokio::test(start_paused = true)]
async fn so_many_connections_and_no_more() {
    let live = Live::new(Duration::ZERO);
    let mut all: Vec<_> = (0..16).map(|_| begin(&live, "stats", None)).collect();
    let one_more = || LiveEvents::new(&live, &feeds(), &viewer(true), Topics::read("stats").unwrap(), None);
    assert_eq!(one_more().map(drop).map_err(|refusal| refusal.status), Err(StatusCode::TOO_MANY_REQUESTS));
    all.pop();
    assert!(one_more().is_ok());
}

#[tokio::test]
async fn who_may_not_read_texts_reads_none() {
    let live = Live::new(Duration::from_secs(60));
    let _open = observed(&live, "x", "one");
    let refused = |viewer: &Viewer, id: &str| live.readable(viewer, id).map(drop).map_err(|refusal| refusal.code);
    assert_eq!(refused(&viewer(false), "x"), Err("missing_scope"));
    assert_eq!(refused(&viewer(true), "x"), Ok(()));
    assert_eq!(refused(&viewer(true), "y"), Err("text_gone"));
    let unknown = open("queued");
    let key = live.add(&unknown);
    assert_eq!(refused(&viewer(true), "queued"), Err("no_policy_yet"));
    let attempts = vec![aquifer_gateway::record::AttemptRecord::default()];
    let by = Some("d/p".into());
    let record = Record { attempts, observe_by: by, ..Record::default() };
    unknown.called(&record);
    let refusal = live.readable(&viewer(true), "queued").map(drop).unwrap_err();
    assert_eq!((refusal.status, refusal.code), (StatusCode::FORBIDDEN, "not_observable"));
    assert!(refusal.message.contains("d/p") && refusal.message.contains("metadata"), "{}", refusal.message);
    assert_eq!(live.listed().len(), 1);
    unknown.called(&Record { observe: Observe::Nothing, ..record });
    assert_eq!((live.listed().len(), refused(&viewer(true), "queued")), (0, Err("text_gone")));
    live.remove(key);
}

//! Order, loss and its count, with writers that take everything, nothing, or only later.

use super::*;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

const LIMIT: Duration = Duration::from_secs(30);

/// A writer that takes what it is told to: each message is the answer to one write, `None` a refusal.
struct Told {
    answers: Receiver<Option<usize>>,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.answers.recv() {
            Ok(Some(most)) => {
                let taken = &bytes[..bytes.len().min(most)];
                self.got.lock().unwrap().extend_from_slice(taken);
                Ok(taken.len())
            }
            Ok(None) => Err(ErrorKind::StorageFull.into()),
            // The test is over.
            Err(_) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Written {
    sink: Arc<LineBuffer>,
    answers: Sender<Option<usize>>,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Written {
    fn start() -> Self {
        let (answers, received) = channel();
        let (sink, got) = (Arc::new(LineBuffer::new()), Arc::new(Mutex::new(Vec::new())));
        let (to, out) = (Arc::clone(&sink), Told { answers: received, got: Arc::clone(&got) });
        thread::spawn(move || to.write_to(out, |lines| to.push(format!("dropped {lines}\n").as_bytes())));
        Self { sink, answers, got }
    }

    fn allow(&self, answers: &[Option<usize>]) {
        answers.iter().for_each(|answer| self.answers.send(*answer).unwrap());
    }

    fn got(&self) -> String {
        String::from_utf8(self.got.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn lines_of_many_threads_stay_whole_and_each_threads_in_order() {
    let written = Written::start();
    written.allow(&vec![Some(usize::MAX); 10_000]);
    thread::scope(|scope| {
        for name in 0..4 {
            let sink = &written.sink;
            scope.spawn(move || (0..500).for_each(|line| sink.push(format!("{name} {line}\n").as_bytes())));
        }
    });
    assert!(written.sink.flush(LIMIT));
    let got = written.got();
    assert_eq!(got.lines().count(), 2000);
    for name in ["0", "1", "2", "3"] {
        let lines = got.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        assert!(lines.eq((0..500).map(|line| line.to_string())), "{got}");
    }
}

#[test]
fn a_write_takes_what_has_gathered() {
    let written = Written::start();
    (0..100).for_each(|line| written.sink.push(format!("{line}\n").as_bytes()));
    // Lines came before the thread took any, or while it gathered: far fewer writes than lines.
    written.allow(&[Some(usize::MAX); 20]);
    assert!(written.sink.flush(LIMIT));
    assert_eq!(written.got().lines().count(), 100);
}

#[test]
fn a_write_that_takes_a_part_or_fails_loses_nothing() {
    let written = Written::start();
    written.sink.push(b"one\ntwo\n");
    written.allow(&[Some(2), None, None, Some(3), Some(usize::MAX)]);
    // A flush gives up at a failed write, and makes it be tried again.
    while !written.sink.flush(LIMIT) {}
    assert_eq!(written.got(), "one\ntwo\n");
    assert_eq!(written.sink.dropped(), 0);
}

#[test]
fn what_nobody_takes_is_bounded_and_told_afterwards() {
    let written = Written::start();
    let line = format!("{}\n", "x".repeat(1023));
    for _ in 0..1024 + 7 {
        written.sink.push(line.as_bytes());
    }
    assert!(!written.sink.flush(Duration::from_millis(1)), "nothing was taken");
    assert_eq!(written.sink.dropped(), 7);
    written.allow(&vec![Some(usize::MAX); 100]);
    assert!(written.sink.flush(LIMIT));
    let got = written.got();
    assert_eq!(got.len(), (1 << 20) + "dropped 7\n".len());
    assert!(got.ends_with("x\ndropped 7\n"));
    written.sink.push(b"after\n");
    assert!(written.sink.flush(LIMIT));
    assert!(written.got().ends_with("dropped 7\nafter\n"));
}

#[test]
fn a_sink_that_is_full_again_tells_later() {
    let written = Written::start();
    written.sink.push(b"first\n");
    // The thread holds the first line, and the rest of the room is taken behind it.
    while written.sink.lock().taken == 0 {
        thread::yield_now();
    }
    (0..1024 + 7).for_each(|_| written.sink.push(&[b'x'; 1024]));
    let dropped = written.sink.dropped();
    assert!(dropped >= 7);
    written.allow(&vec![Some(usize::MAX); 100]);
    assert!(written.sink.flush(LIMIT));
    assert!(written.got().ends_with(&format!("xdropped {dropped}\n")));
}

#[test]
fn nothing_to_write_is_nothing_to_wait_for() {
    assert!(LineBuffer::new().flush(LIMIT));
}

//! A source of keys as containers have one: the keys are numbered, and good for a while.

use crate::support::LIMIT;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// The source, until the process ends.
pub(crate) struct Keys {
    /// Where a gateway asks for them.
    pub(crate) address: String,
    /// The number of the keys that are given; 0: the source is ill.
    number: Arc<AtomicU32>,
}

impl Keys {
    pub(crate) fn listen(good_for: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        let number = Arc::new(AtomicU32::new(1));
        let given = Arc::clone(&number);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.set_read_timeout(Some(LIMIT));
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer(given.load(Ordering::SeqCst), good_for).as_bytes());
            }
        });
        Self { address, number }
    }

    pub(crate) fn give(&self, number: u32) {
        self.number.store(number, Ordering::SeqCst);
    }
}

#[expect(clippy::disallowed_methods, reason = "the keys say when they expire")]
fn answer(number: u32, good_for: Duration) -> String {
    let expires = DateTime::from(SystemTime::now() + good_for).fmt(Format::DateTime).unwrap();
    let keys =
        format!(r#"{{"AccessKeyId":"AKIDNUMBER{number}","SecretAccessKey":"s","Token":"t","Expiration":"{expires}"}}"#);
    let (status, body) = if number == 0 { ("500 Ill", String::new()) } else { ("200 OK", keys) };
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

//! Asks whether the time of a key's check tells how much of a key was guessed.
//!
//! Without arguments it measures: guesses that share nothing, half, or all but the last byte with a real key are checked in
//! a random order, and Welch's t says whether their times differ from those of the first kind. Beyond 4.5, as dudect has
//! it, they would: `cargo bench -p aquifer-gateway --bench keys`. With the bytes that are shared and a number of checks it
//! only checks so often, for valgrind to count the instructions.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench, which may look at the clock"
)]

use aquifer_gateway::auth::{KeyRing, Shown, file};
use http::{HeaderMap, HeaderValue};
use std::hint::black_box;
use std::time::Instant;

const KEY: &str = "sk-aq-7f3Kq9ZsVb2LxWnT5cRm8YhD4pGj6EuA";
/// Bytes of the key that a guess shares with it.
const SHARED: [usize; 4] = [0, KEY.len() / 2, KEY.len() - 2, KEY.len() - 1];
const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Guesses of each kind, each of them different.
const GUESSES: usize = 4_096;
/// Checks of one measurement: one alone is shorter than the clock's own noise.
const BATCH: usize = 16;
const MEASUREMENTS: usize = 400_000;

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let ring = ring();
    match arguments[..] {
        [shared, times] => {
            let guesses = guesses(shared);
            guesses.iter().cycle().take(times).for_each(|guess| check(&ring, guess));
        }
        _ => measure(&ring),
    }
}

/// The key among others, as a gateway holds them.
fn ring() -> KeyRing {
    let others: String = (0..100).map(|number| format!("client-{number}: another-key-of-{number:08}\n")).collect();
    file::parse(&format!("{others}alice: {KEY}\n")).unwrap()
}

/// What is wrong from this byte on: each guess another key, and each time the byte itself.
fn guesses(shared: usize) -> Vec<HeaderMap> {
    let guess = |number: usize| {
        let digit = |at: usize| DIGITS[(number / 62_usize.pow(u32::try_from(at % 3).unwrap()) + at) % 62];
        let mut key: Vec<u8> = KEY.bytes().take(shared).chain((shared..KEY.len()).map(digit)).collect();
        if key[shared] == KEY.as_bytes()[shared] {
            key[shared] = b'-';
        }
        let value = [b"Bearer ", &key[..]].concat();
        HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap())])
    };
    (0..GUESSES).map(guess).collect()
}

fn check(ring: &KeyRing, guess: &HeaderMap) {
    assert_eq!(black_box(ring.identify(black_box(guess))), Shown::Unknown);
}

/// Mean and variance of what was seen so far (Welford).
#[derive(Clone, Copy, Default)]
struct Seen {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Seen {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let from_mean = value - self.mean;
        self.mean += from_mean / self.count;
        self.squares += from_mean * (value - self.mean);
    }

    /// Welch's t of two means.
    fn t(&self, other: &Self) -> f64 {
        let error = |seen: &Self| seen.squares / (seen.count - 1.0) / seen.count;
        (self.mean - other.mean) / (error(self) + error(other)).sqrt()
    }
}

fn measure(ring: &KeyRing) {
    let kinds = SHARED.map(guesses);
    let mut times: [Vec<f64>; SHARED.len()] = Default::default();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..MEASUREMENTS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let kind = usize::try_from(random % SHARED.len() as u64).unwrap();
        let first = usize::try_from(random >> 32).unwrap() % (GUESSES - BATCH);
        let begun = Instant::now();
        kinds[kind][first..first + BATCH].iter().for_each(|guess| check(ring, guess));
        times[kind].push(begun.elapsed().as_secs_f64() * 1e9 / BATCH as f64);
    }
    // What lies beyond is an interruption by the machine, in whichever kind it fell.
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let longest = all[all.len() * 95 / 100];
    let seen = times.map(|times| {
        let mut seen = Seen::default();
        times.into_iter().filter(|time| *time <= longest).for_each(|time| seen.add(time));
        seen
    });
    println!("| bytes guessed, of {} | checks | mean | t, beside none guessed |\n|---|---|---|---|", KEY.len());
    for (shared, kind) in SHARED.iter().zip(&seen) {
        println!("| {shared} | {} | {:.1} ns | {:.2} |", kind.count * BATCH as f64, kind.mean, kind.t(&seen[0]));
    }
}

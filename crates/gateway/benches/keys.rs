//! Asks whether the time of a key's check tells how much of a key was guessed.
//!
//! Without arguments it measures: the same guesses are checked against keys that share nothing, half, or all but the last
//! byte with them, in a random order, and Welch's t says whether the times differ from those of the first kind. Beyond 4.5,
//! as dudect has it, they would: `cargo bench -p aquifer-gateway --bench keys`. With the bytes that are shared and a number
//! of checks it only checks so often, for valgrind to count the instructions.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench, which may look at the clock"
)]

use aquifer_gateway::auth::{Identity, KeyRing, file};
use http::{HeaderMap, HeaderValue};
use std::hint::black_box;
use std::time::Instant;

/// What every guess begins with; one more byte follows, another one in each.
const BEGIN: &str = "sk-aq-7f3Kq9ZsVb2LxWnT5cRm8YhD4pGj6Eu";
const LAST: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Bytes that the real key shares with every guess.
const SHARED: [usize; 4] = [0, BEGIN.len() / 2, BEGIN.len() - 1, BEGIN.len()];
/// The place of a digest in a ring is another one in each ring: many of them, so that chance evens out.
const RINGS: usize = 64;
/// Checks of one measurement: one alone is shorter than the clock's own noise.
const BATCH: usize = 16;
const MEASUREMENTS: usize = 400_000;

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    match arguments[..] {
        [shared, times] => {
            let (rings, guesses) = (rings(shared), guesses());
            let each = rings.iter().flat_map(|ring| guesses.iter().map(move |guess| (ring, guess)));
            each.cycle().take(times).for_each(|(ring, guess)| check(ring, guess));
        }
        _ => measure(),
    }
}

/// Rings that hold a key among others, which shares so many bytes with every guess.
fn rings(shared: usize) -> Vec<KeyRing> {
    let others: String = (0..100).map(|number| format!("client-{number}: another-key-of-{number:08}\n")).collect();
    let key = format!("{:-<width$}", &BEGIN[..shared], width = BEGIN.len() + 1);
    (0..RINGS).map(|_| file::parse(&format!("{others}alice: {key}\n")).unwrap()).collect()
}

fn guesses() -> Vec<HeaderMap> {
    let guess = |last: &u8| {
        let value = format!("Bearer {BEGIN}{}", char::from(*last));
        HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_str(&value).unwrap())])
    };
    LAST.iter().map(guess).collect()
}

fn check(ring: &KeyRing, guess: &HeaderMap) {
    assert_eq!(black_box(ring.identify(black_box(guess))), Identity::Unknown);
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

fn measure() {
    let (kinds, guesses) = (SHARED.map(rings), guesses());
    let mut times = vec![Vec::new(); SHARED.len() * RINGS];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..MEASUREMENTS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let below = |most: usize, shift: u32| usize::try_from(random >> shift).unwrap() % most;
        let (kind, ring) = (below(SHARED.len(), 0), below(RINGS, 16));
        let first = below(guesses.len() - BATCH, 32);
        let begun = Instant::now();
        guesses[first..first + BATCH].iter().for_each(|guess| check(&kinds[kind][ring], guess));
        times[kind * RINGS + ring].push(begun.elapsed().as_secs_f64() * 1e9 / BATCH as f64);
    }
    // Rings differ by chance, as their memory and their places do, so that a ring is what is counted and not a check.
    let medians = times.iter_mut().map(|times| {
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let mut seen = [Seen::default(); SHARED.len()];
    medians.enumerate().for_each(|(at, median)| seen[at / RINGS].add(median));
    println!("| bytes guessed, of {} | rings | mean | t, beside none guessed |", BEGIN.len() + 1);
    println!("|---|---|---|---|");
    for (shared, kind) in SHARED.iter().zip(&seen) {
        println!("| {shared} | {} | {:.1} ns | {:.2} |", kind.count, kind.mean, kind.t(&seen[0]));
    }
}

//! Faults that nobody asked for by name: every so many calls one of them happens, counted, never by lot.

use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};

/// What can happen to any call, whatever it says.
const KNOWN: [&str; 24] = [
    "abort-mid-block",
    "access-denied",
    "bad-crc",
    "cut",
    "cut-before-first-byte",
    "drip",
    "eof",
    "first-frame-exception",
    "garbage",
    "internal",
    "malformed-json",
    "mid-stream-exception",
    "model-error",
    "model-not-ready",
    "model-timeout",
    "no-metadata",
    "oversized",
    "reset",
    "reset-before-first-byte",
    "stall",
    "stall-before-first-byte",
    "throttling",
    "unavailable",
    "validation",
];

/// A fault, and how many calls lie between two of it.
pub type Every = (String, u64);

/// Reads `NAME=N`, as on the command line.
///
/// # Errors
///
/// What is wrong, in one line.
pub fn every(text: &str) -> Result<Every, String> {
    let (name, number) = text.split_once('=').ok_or("expected NAME=N, such as throttling=2")?;
    let number = number.parse().map_err(|_| "expected a whole number after `=`".to_owned())?;
    checked(name, number)
}

fn checked(name: &str, number: u64) -> Result<Every, String> {
    if !KNOWN.contains(&name) {
        return Err(format!("there is no fault `{name}`; there are {}", KNOWN.join(", ")));
    }
    if number == 0 { Err("every 0th call is none".to_owned()) } else { Ok((name.to_owned(), number)) }
}

/// What happens, and what has happened.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// The rarest first: where two are due, the rarer one happens.
    every: Vec<Every>,
    calls: u64,
    happened: Map<String, Value>,
}

impl Outage {
    pub(crate) fn new(every: &[Every]) -> Self {
        let outage = Self::default();
        outage.set(every.to_vec());
        outage
    }

    /// From now on these; everything is counted anew.
    fn set(&self, mut every: Vec<Every>) {
        every.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Inside { every, ..Inside::default() };
    }

    /// The same, from the body of a request: an object of names and numbers.
    pub(crate) fn read(&self, body: &[u8]) -> Result<(), String> {
        let body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| "expected an object".to_owned())?;
        let one = |(name, number): (&String, &Value)| checked(name, number.as_u64().unwrap_or(0));
        self.set(body.iter().map(one).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// Counts a call; the fault that is due.
    pub(crate) fn due(&self) -> Option<String> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inside.calls = inside.calls.wrapping_add(1);
        let calls = inside.calls;
        let (name, _) = inside.every.iter().find(|(_, number)| calls.is_multiple_of(*number))?;
        let name = name.clone();
        let before = inside.happened.get(&name).and_then(Value::as_u64).unwrap_or(0);
        inside.happened.insert(name.clone(), json!(before + 1));
        Some(name)
    }

    /// What is set, how many calls there were, and how often each fault happened.
    pub(crate) fn told(&self) -> Value {
        let inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let every: Map<_, _> = inside.every.iter().map(|(name, number)| (name.clone(), json!(number))).collect();
        json!({ "every": every, "calls": inside.calls, "happened": inside.happened })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_so_many_and_the_rarer_first() {
        let outage = Outage::new(&[every("throttling=2").unwrap(), every("cut=4").unwrap()]);
        let due: Vec<_> = (0..4).map(|_| outage.due()).collect();
        assert_eq!(due, [None, Some("throttling".to_owned()), None, Some("cut".to_owned())]);
        assert_eq!(outage.told()["happened"], json!({ "cut": 1, "throttling": 1 }));
    }

    #[test]
    fn mistakes_are_told() {
        for wrong in ["throttling", "throttling=often", "throttling=0", "nothing=2"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
        let outage = Outage::default();
        assert!(outage.read(b"[]").is_err() && outage.read(br#"{"cut":-1}"#).is_err());
        assert!(outage.read(br#"{"cut":10}"#).is_ok());
        assert_eq!(outage.told(), json!({ "every": { "cut": 10 }, "calls": 0, "happened": {} }));
    }
}

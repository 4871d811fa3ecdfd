//! The real binary while everything around it goes wrong: no hang, no leak, no client without an answer.

#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kills;
#[cfg(test)]
#[path = "../binary/numbered_keys.rs"]
mod numbered_keys;
#[cfg(test)]
mod partition;
#[cfg(test)]
mod regions;
#[cfg(test)]
mod site;
#[cfg(test)]
mod soak;
#[cfg(test)]
#[expect(dead_code, reason = "the tests of the binary use the rest")]
#[path = "../binary/support.rs"]
mod support;
#[cfg(test)]
mod surroundings;

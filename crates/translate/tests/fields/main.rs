//! The tables of fields in the documentation against the code: each row's example has the fate that the row says.
#![expect(clippy::unwrap_used, reason = "a test")]

mod chat;
mod messages;
mod overview;
mod responses;
mod table;

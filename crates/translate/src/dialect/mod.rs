//! What clients speak: one folder for each API.

pub mod openai_chat;

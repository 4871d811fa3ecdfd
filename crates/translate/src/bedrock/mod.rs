//! What Bedrock speaks: one folder for each of its APIs.

pub mod converse;

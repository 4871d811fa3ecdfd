//! The increments of an answer, in the order Bedrock sends them.

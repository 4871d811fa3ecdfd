//! Amazon's event-stream framing, read.

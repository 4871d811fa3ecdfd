//! What the tests of several crates share: frames by hand, cuts of bytes, the bodies of fuzz targets, counted instructions.
#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

pub mod bodies;
pub mod frames;
pub mod instructions;

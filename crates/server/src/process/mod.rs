//! The process and its system: threads, clock, randomness, configuration files, file descriptors,
//! standard output.

pub(crate) mod clock;
pub(crate) mod config_files;
pub(crate) mod config_status;
pub(crate) mod descriptors;
pub(crate) mod random;
pub(crate) mod stdout;
pub(crate) mod workers;

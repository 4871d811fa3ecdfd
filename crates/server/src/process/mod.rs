//! The process and its system: threads, clock, randomness, configuration files, file descriptors.

pub(crate) mod clock;
pub(crate) mod config_files;
pub(crate) mod descriptors;
pub(crate) mod random;
pub(crate) mod workers;

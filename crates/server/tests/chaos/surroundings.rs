//! What a host can do to a process: a full disk, a log that nobody reads, names that do not resolve, keys that expire.

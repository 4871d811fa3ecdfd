//! The words of a Chat Completions request, read.

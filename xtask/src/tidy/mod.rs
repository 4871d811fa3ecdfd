//! Rules of the whole repository that no compiler checks, each as a test.

mod arrows;
mod dependencies;
mod files;
mod names;
mod source;

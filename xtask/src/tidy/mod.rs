//! Rules of the whole repository that no compiler checks, each as a test.

mod dependencies;
mod files;

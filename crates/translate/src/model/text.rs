//! JSON strings that travel as they came.

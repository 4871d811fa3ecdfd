//! What a model answered, whole.

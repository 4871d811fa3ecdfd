//! What a client asks of a model, in nobody's dialect.

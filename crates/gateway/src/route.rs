//! Which backend answers a request.

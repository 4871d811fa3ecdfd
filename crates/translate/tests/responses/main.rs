//! Clients of Responses: bytes of every kind as their requests, as what they send back sealed, and as what they name.

mod request_body;
mod seal_body;
mod stored_body;

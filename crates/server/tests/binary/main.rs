//! The real binary, started on free ports and spoken to as its users do.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;

//! The real binary, started on free ports and spoken to as its users do.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod admin_api;
#[cfg(test)]
mod admin_page;
#[cfg(test)]
mod bedrock;
#[cfg(test)]
mod bedrock_api;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod collector;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod dashboards;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod encoders;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod log;
#[cfg(test)]
mod messages_errors;
#[cfg(test)]
mod models;
#[cfg(test)]
mod numbered_keys;
#[cfg(test)]
mod observe;
mod otlp_messages;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod passthrough;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod real_clients;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod users;
#[cfg(test)]
mod visitors;
#[cfg(test)]
mod worst;

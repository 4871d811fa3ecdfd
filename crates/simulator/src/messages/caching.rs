//! `cache_control`: where it may stand, how often, and in which order.

use super::{extraneous, mismatch, only, tag};
use crate::families::{Family, Generation};
use crate::refused::Refused;
use serde_json::Value;

/// The most blocks with `cache_control`.
const MOST: usize = 4;

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    let marked = marked(body);
    let mut short = false;
    for (place, control) in &marked {
        one(family, &format!("{place}.cache_control"), control)?;
        let long = control["ttl"] == "1h";
        if long && short {
            return Err(Refused::invalid(format!(
                "{place}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control \
                 block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
            )));
        }
        short |= !long;
    }
    match marked.len() {
        ..=MOST => Ok(()),
        count => Err(Refused::invalid(format!(
            "A maximum of {MOST} blocks with cache_control may be provided. Found {count}."
        ))),
    }
}

/// Every `cache_control` with its place, in the order in which the model reads.
fn marked(body: &Value) -> Vec<(String, &Value)> {
    let mut marked = Vec::new();
    let lists = [("tools".to_owned(), &body["tools"]), ("system".to_owned(), &body["system"])];
    let messages = body["messages"].as_array().into_iter().flatten().enumerate();
    let contents = messages.map(|(at, message)| (format!("messages.{at}.content"), &message["content"]));
    for (place, list) in lists.into_iter().chain(contents) {
        for (at, block) in list.as_array().into_iter().flatten().enumerate() {
            if !block["cache_control"].is_null() {
                marked.push((format!("{place}.{at}"), &block["cache_control"]));
            }
        }
    }
    marked
}

fn one(family: &Family, place: &str, control: &Value) -> Result<(), Refused> {
    match tag(place, control)? {
        "ephemeral" => {}
        other => return Err(mismatch(place, other, &["ephemeral"])),
    }
    let place = format!("{place}.ephemeral");
    only(&place, control, &["type", "ttl"])?;
    let ttl = &control["ttl"];
    match ttl.as_str() {
        _ if ttl.is_null() => Ok(()),
        _ if family.generation < Generation::FourFive => Err(extraneous(&format!("{place}.ttl"))),
        Some("5m" | "1h") => Ok(()),
        _ => Err(Refused::invalid(format!("{place}.ttl: Input should be '5m' or '1h'"))),
    }
}

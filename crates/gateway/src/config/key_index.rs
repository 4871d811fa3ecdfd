//! The index over the API keys of routes, so that a key is looked up once and not in the ring of every route.

use crate::config::Route;
use crate::key_ring::{KeyDigest, KeyRing, ShownKey};
use http::{HeaderMap, HeaderName};
use std::collections::HashMap;
use std::sync::Arc;

/// The keys of all routes. Rings that look into the same headers share one table: a key's digest is made once for each.
#[derive(Clone, Default)]
pub(super) struct KeyIndex(Vec<Table>);

/// The keys of rings that look into the same headers.
#[derive(Clone)]
struct Table {
    headers: Vec<HeaderName>,
    /// The rings, each with the places of the routes that have it, in their order.
    rings: Vec<(Arc<KeyRing>, Vec<usize>)>,
    /// The rings that hold a key, by their places.
    holders: HashMap<KeyDigest, Vec<usize>>,
}

impl KeyIndex {
    pub(super) fn of(routes: &[Route]) -> Self {
        let mut tables: Vec<Table> = Vec::new();
        // Routes that one policy guards share its ring.
        let mut known: HashMap<*const KeyRing, [usize; 2]> = HashMap::new();
        for (at, route) in routes.iter().enumerate() {
            let Some(ring) = &route.keys else { continue };
            let [table, place] = *known.entry(Arc::as_ptr(ring)).or_insert_with(|| add(&mut tables, ring));
            if let Some((_, routes)) = tables.get_mut(table).and_then(|table| table.rings.get_mut(place)) {
                routes.push(at);
            }
        }
        Self(tables)
    }

    /// The owner of the key that a request shows: in the ring of the first route that holds it, of those that can be taken.
    pub(super) fn owner(&self, headers: &HeaderMap, takes: &dyn Fn(usize) -> bool) -> Option<Arc<str>> {
        let mut first: Option<(usize, Arc<str>)> = None;
        for table in &self.0 {
            let ShownKey::One(digest) = ShownKey::of(&table.headers, headers) else { continue };
            for (ring, routes) in table.holders.get(&digest).into_iter().flatten().filter_map(|at| table.rings.get(*at))
            {
                let before = first.as_ref().map_or(usize::MAX, |found| found.0);
                let route = routes.iter().copied().take_while(|route| *route < before).find(|route| takes(*route));
                if let (Some(route), Some(owner)) = (route, ring.owner(&digest)) {
                    first = Some((route, Arc::clone(owner)));
                }
            }
        }
        first.map(|found| found.1)
    }
}

/// Adds a ring to the table of its headers; its place: the table's, and the one in the table.
fn add(tables: &mut Vec<Table>, ring: &Arc<KeyRing>) -> [usize; 2] {
    let found = tables.iter().position(|table| table.headers == ring.headers());
    let at = found.unwrap_or(tables.len());
    if found.is_none() {
        tables.push(Table { headers: ring.headers().to_vec(), rings: Vec::new(), holders: HashMap::new() });
    }
    let Some(table) = tables.get_mut(at) else { return [at, 0] };
    let place = table.rings.len();
    for digest in ring.digests() {
        table.holders.entry(*digest).or_default().push(place);
    }
    table.rings.push((Arc::clone(ring), Vec::new()));
    [at, place]
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header};

    fn ring(headers: &[HeaderName], owner: &str, key: &str) -> Arc<KeyRing> {
        let mut ring = KeyRing::in_headers(headers.to_vec());
        assert!(ring.insert(owner, KeyDigest::of(key.as_bytes())));
        Arc::new(ring)
    }

    fn route(keys: Option<Arc<KeyRing>>) -> Route {
        let (namespace, name) = (String::new(), String::new());
        Route {
            namespace,
            name,
            parents: Vec::new(),
            hostnames: Vec::new(),
            rules: Vec::new(),
            costs: Arc::default(),
            keys,
        }
    }

    #[test]
    fn the_first_route_that_can_be_taken_says_whose_a_key_is() {
        let (bearer, own) = ([header::AUTHORIZATION], [HeaderName::from_static("x-key")]);
        let shared = ring(&bearer, "shared", "s");
        let routes = [
            route(Some(ring(&bearer, "zero", "a"))),
            route(Some(Arc::clone(&shared))),
            route(None),
            route(Some(ring(&own, "three", "a"))),
            route(Some(ring(&bearer, "four", "a"))),
            route(Some(shared)),
        ];
        let index = KeyIndex::of(&routes);
        assert_eq!(index.0.iter().map(|table| table.rings.len()).collect::<Vec<_>>(), [3, 1]);
        let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer a"))]);
        let owner = |headers: &HeaderMap, takes: &dyn Fn(usize) -> bool| {
            index.owner(headers, takes).map(|owner| owner.to_string()).unwrap_or_default()
        };
        assert_eq!(owner(&headers, &|_| true), "zero");
        assert_eq!(owner(&headers, &|route| route > 0), "four");
        headers.insert("x-key", HeaderValue::from_static("a"));
        assert_eq!(owner(&headers, &|route| route > 0), "three");
        assert_eq!(owner(&headers, &|_| false), "");
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer s"));
        assert_eq!(owner(&headers, &|route| route != 3), "", "two keys are none");
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("s"));
        assert_eq!(owner(&headers, &|route| route > 3), "shared");
    }
}

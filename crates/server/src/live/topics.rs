//! The topics of a live connection, as its query names them.

use super::LiveRefusal;
use std::collections::BTreeSet;

/// The most texts of one connection.
const MOST_TEXTS: usize = 4;

/// The topics that a connection is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Topics {
    pub(super) stats: bool,
    pub(super) streams: bool,
    pub(super) exchanges: bool,
    pub(super) backends: bool,
    /// The ids of exchanges whose text is told.
    pub(super) texts: BTreeSet<String>,
}

impl Topics {
    /// Reads `stats,streams,exchanges,backends,text:ID`.
    ///
    /// # Errors
    /// There is none, or one that is not known, or too many texts.
    pub(super) fn read(query: &str) -> Result<Self, LiveRefusal> {
        let mut topics = Self::default();
        for topic in query.split(',').map(str::trim).filter(|topic| !topic.is_empty()) {
            match (topic, topic.strip_prefix("text:")) {
                ("stats", _) => topics.stats = true,
                ("streams", _) => topics.streams = true,
                ("exchanges", _) => topics.exchanges = true,
                ("backends", _) => topics.backends = true,
                (_, Some(id)) if !id.is_empty() => drop(topics.texts.insert(id.to_owned())),
                _ => return Err(LiveRefusal::bad_topics("a topic that is not known")),
            }
        }
        match topics {
            none if none == Self::default() => Err(LiveRefusal::bad_topics("no topic")),
            many if many.texts.len() > MOST_TEXTS => Err(LiveRefusal::bad_topics("more than 4 texts")),
            topics => Ok(topics),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_from_the_query() {
        let topics = Topics::read("stats, streams,text:a,text:b,text:a").unwrap();
        assert!(topics.stats && topics.streams && !topics.exchanges && !topics.backends);
        assert_eq!(topics.texts.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        for wrong in ["", ",", "nothing", "text:", "stats,x", "text:1,text:2,text:3,text:4,text:5"] {
            assert_eq!(Topics::read(wrong).map_err(|refusal| refusal.status.as_u16()), Err(400), "{wrong}");
        }
    }
}

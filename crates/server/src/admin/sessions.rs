//! Sessions of the admin page: random ids in cookies, a bounded number of them, each for twelve hours.

use super::token;
use aquifer_gateway::secret::Secret;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time to live of a session.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 3600);
/// The number of sessions; a new one takes the place of the oldest.
const MOST: usize = 64;

/// The sessions that are open.
#[derive(Default)]
pub(super) struct Sessions(VecDeque<Session>);

struct Session {
    id: Secret,
    /// Its name in the log.
    name: String,
    ends: Instant,
}

impl Sessions {
    /// Opens a session; gives its id.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(super) fn open(&mut self, now: Instant) -> Result<Secret, getrandom::Error> {
        self.0.retain(|session| now < session.ends);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        let id = token::generated()?;
        let mut name = [0; 3];
        getrandom::fill(&mut name)?;
        self.0.push_back(Session { id: id.clone(), name: token::hex(&name), ends: now + LIFE });
        Ok(id)
    }

    /// The name of the session with this id; every id is compared, in constant time.
    pub(super) fn named(&self, id: &str, now: Instant) -> Option<String> {
        let id = Secret::new(id.to_owned());
        let mut found = None;
        for session in &self.0 {
            if session.id == id && now < session.ends {
                found = Some(session.name.clone());
            }
        }
        found
    }

    /// Closes the session with this id.
    pub(super) fn close(&mut self, id: &str) {
        let id = Secret::new(id.to_owned());
        self.0.retain(|session| session.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_time_by_hand_and_by_newer_ones() {
        let (mut sessions, now) = (Sessions::default(), crate::process::clock::now());
        let id = sessions.open(now).unwrap();
        assert!(sessions.named(id.expose(), now).is_some() && sessions.named("other", now).is_none());
        assert!(sessions.named(id.expose(), now + LIFE).is_none());
        sessions.close(id.expose());
        assert!(sessions.named(id.expose(), now).is_none());
        let first = sessions.open(now).unwrap();
        (0..MOST).for_each(|_| drop(sessions.open(now).unwrap()));
        assert!(sessions.named(first.expose(), now).is_none() && sessions.0.len() == MOST);
    }
}

//! Memory for request bodies: so much for all of them together, given back when the last who reads a body is done.

use aquifer_gateway::translate::Fault;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies up to this size are not counted: a connection has buffers of that size anyway.
const FREE: usize = 64 << 10;
/// What is counted in.
const UNIT: usize = 1 << 10;

/// All of it.
pub(crate) struct Room(Arc<Semaphore>);

/// What one body has of it.
pub(crate) struct Place {
    room: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

/// A body with its place.
struct Held {
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Room {
    /// So many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }

    /// For a body that has nothing yet.
    pub(crate) fn place(&self) -> Place {
        Place { room: Arc::clone(&self.0), held: None }
    }
}

impl Place {
    /// The body has so many bytes now.
    ///
    /// # Errors
    /// There is no room for them.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes <= FREE {
            return Ok(());
        }
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(UNIT).saturating_sub(held);
        let full = || Fault::Overloaded("there is no room for one more large body; try again".to_owned());
        let wanted = u32::try_from(wanted).map_err(|_| full())?;
        let more = Arc::clone(&self.room).try_acquire_many_owned(wanted).map_err(|_| full())?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// The whole body; its place is free when nobody has it any more.
    pub(crate) fn hold(self, bytes: Bytes) -> Bytes {
        match self.held {
            Some(place) => Bytes::from_owner(Held { bytes, _place: place }),
            None => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_held_as_long_as_its_body() {
        let room = Room::new(200 << 10);
        let mut first = room.place();
        assert!(first.grow(100 << 10).is_ok() && first.grow(150 << 10).is_ok());
        let body = first.hold(Bytes::from_static(b"large"));
        let part = body.slice(1..2);
        drop(body);
        assert!(matches!(room.place().grow(100 << 10), Err(Fault::Overloaded(_))));
        assert!(room.place().grow(FREE).is_ok(), "small ones are not counted");
        drop(part);
        assert!(room.place().grow(200 << 10).is_ok());
    }
}

//! The memory budget of request bodies: one limit for all requests, for their bodies and for the index made while parsing.

use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory budget that all requests share.
pub(crate) struct BodyMemory {
    size: usize,
    taken: Arc<AtomicUsize>,
}

/// The reservation of one request, released when it is dropped.
pub(crate) struct Reservation {
    size: usize,
    total: Arc<AtomicUsize>,
    held: usize,
}

impl BodyMemory {
    /// A budget of this many bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self { size, taken: Arc::default() }
    }

    /// An empty reservation.
    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { size: self.size, total: Arc::clone(&self.taken), held: 0 }
    }
}

impl Reservation {
    /// Changes the reservation to this many bytes, before they are allocated.
    ///
    /// # Errors
    /// The budget is used up (try again), or the request is larger than the whole budget.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Fault> {
        let Some(more) = bytes.checked_sub(self.held) else {
            self.shrink(bytes);
            return Ok(());
        };
        if bytes > self.size {
            let message = format!("the request takes {bytes} bytes to read, more than there are for all requests");
            return Err(Fault::mistake(MistakeKind::TooLarge, None, message));
        }
        let reserved = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |total| {
            total.checked_add(more).filter(|total| *total <= self.size)
        });
        match reserved {
            Ok(_) => {
                self.held = bytes;
                Ok(())
            }
            Err(_) => {
                Err(Fault::Overloaded("there is no room for one more request of this size; try again".to_owned()))
            }
        }
    }

    /// Reduces the reservation to at most this many bytes.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let freed = self.held.saturating_sub(bytes);
        if freed == 0 {
            return;
        }
        self.total.fetch_sub(freed, Ordering::Relaxed);
        self.held -= freed;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_held_until_it_is_dropped_and_small_ones_count() {
        let memory = BodyMemory::new(200);
        let mut first = memory.reservation();
        assert!(first.resize(100).is_ok() && first.resize(150).is_ok());
        assert!(matches!(memory.reservation().resize(51), Err(Fault::Overloaded(_))));
        let mut second = memory.reservation();
        assert!(second.resize(50).is_ok());
        assert!(matches!(memory.reservation().resize(1), Err(Fault::Overloaded(_))));
        first.shrink(20);
        first.shrink(30);
        assert!(memory.reservation().resize(130).is_ok() && first.resize(10).is_ok());
        drop((first, second));
        assert!(memory.reservation().resize(200).is_ok());
    }

    #[test]
    fn what_never_fits_need_not_come_again() {
        assert!(matches!(BodyMemory::new(200).reservation().resize(201), Err(Fault::ClientMistaken(_))));
    }
}

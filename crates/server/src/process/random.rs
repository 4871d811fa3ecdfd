//! Random bytes for ids and lots: drawn from the system for many requests at a time.

use std::cell::RefCell;

/// The number of random bytes drawn at once: one system call for 32 requests.
const DRAWN: usize = 512;

/// Drawn bytes, of which the first are still to be given.
struct Pool {
    bytes: [u8; DRAWN],
    left: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; DRAWN], left: 0 }) };
}

/// Fills a few bytes, each of them given once.
///
/// Keys are not drawn here: what is still to be given lies in memory.
///
/// # Errors
/// The system gives no randomness.
pub(crate) fn fill(to: &mut [u8]) -> Result<(), getrandom::Error> {
    POOL.with_borrow_mut(|pool| pool.fill(to))
}

impl Pool {
    fn fill(&mut self, to: &mut [u8]) -> Result<(), getrandom::Error> {
        if self.left < to.len() {
            getrandom::fill(&mut self.bytes)?;
            self.left = DRAWN;
        }
        let Some(rest) = self.left.checked_sub(to.len()) else { return getrandom::fill(to) };
        let given = self.bytes.get_mut(rest..self.left).unwrap_or_default();
        debug_assert_eq!(given.len(), to.len(), "less randomness than was asked for");
        to.iter_mut().zip(given).for_each(|(to, given)| *to = std::mem::take(given));
        self.left = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn drawn() -> u128 {
        let mut bytes = [0; 16];
        fill(&mut bytes).unwrap();
        u128::from_ne_bytes(bytes)
    }

    #[test]
    fn nothing_is_given_twice_by_any_thread() {
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| (0..1000).map(|_| drawn()).collect())).collect();
        let all: Vec<Vec<u128>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let distinct: HashSet<_> = all.iter().flatten().collect();
        assert_eq!(distinct.len(), 4000);
        assert!(!distinct.contains(&0));
    }

    #[test]
    fn any_number_of_bytes_is_filled() {
        for length in [0, 1, 7, 16, 500, DRAWN, DRAWN + 1, 5000] {
            let mut bytes = vec![0; length + 64];
            fill(&mut bytes[..length]).unwrap();
            assert!(bytes[length..].iter().all(|byte| *byte == 0));
            assert!(length < 16 || bytes[..length].iter().any(|byte| *byte != 0));
        }
    }
}

//! The limits of open client connections: of all, and of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The number of open connections by client address.
type ByAddress = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The limit of open connections, of all and of one address.
pub(crate) struct ConnectionLimit {
    permits: Arc<Semaphore>,
    /// The limit of one address.
    most: Option<usize>,
    by_address: ByAddress,
}

/// The permit of one open connection, returned when it is dropped.
pub(crate) struct ConnectionPermit {
    pub(crate) _permit: OwnedSemaphorePermit,
    pub(crate) _place: AddressPermit,
}

/// The permit of one connection among those of its address.
pub(crate) struct AddressPermit(Option<(IpAddr, ByAddress)>);

impl ConnectionLimit {
    /// A limit of connections, of all and of one address.
    pub(crate) fn new(all: usize, of_one_address: Option<usize>) -> Self {
        Self { permits: Arc::new(Semaphore::new(all)), most: of_one_address, by_address: Arc::default() }
    }

    /// Waits for a permit for one more connection, before it is accepted.
    pub(crate) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// A permit for one more connection of this address; `None` when its limit is reached.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<AddressPermit> {
        let Some(most) = self.most else { return Some(AddressPermit(None)) };
        let address = whose(address);
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(AddressPermit(Some((address, Arc::clone(&self.by_address)))))
    }
}

/// The address by which connections are counted: in IPv6 the /64 prefix, because one client has at least that.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let Some((address, all)) = self.0.take() else { return };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                all.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_they_become_free() {
        let connections = ConnectionLimit::new(10, Some(2));
        let at = |text: &str| connections.admit(text.parse().unwrap());
        let held = (at("10.0.0.1"), at("::ffff:10.0.0.1"), at("2001:db8::1"), at("2001:db8::2"));
        assert!(held.0.is_some() && held.1.is_some() && held.2.is_some() && held.3.is_some());
        assert!(at("10.0.0.1").is_none() && at("2001:db8::3").is_none());
        assert!(at("10.0.0.2").is_some() && at("2001:db8:0:1::1").is_some());
        drop(held);
        assert!(at("10.0.0.1").is_some() && connections.by_address.lock().unwrap().is_empty());
        let open = ConnectionLimit::new(10, None);
        assert!((0..100).all(|_| open.admit("10.0.0.1".parse().unwrap()).is_some()));
    }
}

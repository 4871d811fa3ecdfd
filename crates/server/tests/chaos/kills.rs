//! Processes that end under load: a region, the gateway by a polite signal, the gateway without one.

use crate::client::{Tally, load};
use crate::site::{Region, Site};
use crate::support::Aquifer;
use std::time::Duration;

/// Load in the background while something is done to the site.
fn while_loaded(site: &mut Site, clients: u64, each: u64, act: impl FnOnce(&mut Site)) -> Tally {
    let (address, right) = (site.address(), site.right.clone());
    let running = std::thread::spawn(move || load(address, &right, clients, each));
    std::thread::sleep(Duration::from_millis(200));
    act(site);
    running.join().unwrap()
}

/// Kills a region in the middle of its streams and starts it again on its port.
pub(crate) fn kill_and_restart(site: &mut Site, at: usize, pause: Duration) {
    let region = site.regions.remove(at);
    let address = region.address;
    region.process.signal("KILL");
    drop(region);
    std::thread::sleep(pause);
    site.regions.insert(at, Region::start_at(&address.to_string()));
}

#[test]
fn a_region_is_killed_and_comes_back() {
    for regions in [1, 2] {
        let mut site = Site::start(regions, &[]);
        let tally = while_loaded(&mut site, 8, 60, |site| kill_and_restart(site, 0, Duration::from_millis(100)));
        site.sent += tally.sent;
        tally.assert_proper("a region was killed");
        let after = site.load(4, 5);
        assert_eq!(after.whole, after.sent, "{after:?}");
        site.assert_nothing_leaked();
    }
}

#[test]
fn a_gateway_that_is_asked_to_end_answers_what_it_has_taken() {
    let mut site = Site::start(1, &[]);
    let tally = while_loaded(&mut site, 8, 40, |site| {
        site.gateway.signal("TERM");
        assert_eq!(site.gateway.wait(), Some(0), "{}", site.gateway.log());
    });
    assert!(tally.wrong.is_empty() && tally.refused == 0 && tally.failed == 0, "{tally:?}");
    assert!(tally.whole > 0 && tally.turned_away > 0, "it ended under load: {tally:?}");
    let streams = site.regions[0].told("/simulator/streams");
    assert_eq!((streams["open"].as_u64(), streams["abandoned"].as_u64()), (Some(0), Some(0)), "no call was dropped");
}

#[test]
fn a_gateway_that_is_killed_leaves_nothing_behind_and_starts_again() {
    let mut site = Site::start(1, &[]);
    let tally = while_loaded(&mut site, 8, 40, |site| site.gateway.signal("KILL"));
    assert!(tally.whole > 0 && tally.turned_away > 0, "it was killed under load: {tally:?}");
    let (front, endpoint) = (site.address().to_string(), format!("http://{}", site.regions[0].address));
    let regions = std::mem::take(&mut site.regions);
    let mut again = Site::in_front_of(regions, &[endpoint], |config| {
        let arguments = ["serve", "--listen", &front, "--admin", "127.0.0.1:0", "--config", config];
        Aquifer::start(&arguments, &crate::site::KEYS)
    });
    let after = again.load(4, 5);
    assert_eq!(after.whole, after.sent, "{after:?}");
    again.assert_nothing_leaked();
}

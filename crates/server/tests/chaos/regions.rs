//! Two regions, each ill in its own way: together they are well.

use crate::faults::PATIENCE;
use crate::site::{KEYS, Region, Site};
use crate::support::Aquifer;

#[test]
fn one_throttles_every_second_request_and_the_other_cuts_every_tenth_before_its_first_byte() {
    let mut site = Site::start(2, &[]);
    site.regions[0].faults(r#"{"throttling": 2}"#);
    site.regions[1].faults(r#"{"cut-before-first-byte": 10}"#);
    let tally = site.load(8, 100);
    let [throttled, cut] = [0, 1].map(|at| site.regions[at].happened());
    println!("two regions: {throttled} throttled, {cut} cut, {} of {} whole", tally.whole, tally.sent);
    assert!(throttled >= 100 && cut >= 20, "{throttled} {cut}");
    assert_eq!(tally.whole, tally.sent, "{tally:?}");
    site.assert_nothing_leaked();
}

#[test]
fn one_is_always_throttled_or_gone_and_the_other_well() {
    for gone in [false, true] {
        let mut site = Site::start(2, &[]);
        if gone {
            site.regions[0].process.signal("KILL");
        } else {
            site.regions[0].faults(r#"{"throttling": 1}"#);
        }
        let tally = site.load(8, 60);
        assert_eq!(tally.whole, tally.sent, "{tally:?}");
        if gone {
            drop(site.regions.remove(0));
        }
        site.assert_nothing_leaked();
    }
}

#[test]
fn one_stalls_every_second_stream_and_the_other_is_asked_too() {
    let regions: Vec<_> = (0..2).map(|_| Region::start()).collect();
    let endpoints: Vec<_> = regions.iter().map(|region| format!("http://{}", region.address)).collect();
    let mut site = Site::in_front_of(regions, &endpoints, |config| {
        let text = std::fs::read_to_string(config).unwrap();
        let hedged = text.replace("{name: models}", "{name: models, annotations: {aquifer.dev/hedge-after: 100ms}}");
        assert_ne!(text, hedged);
        std::fs::write(config, hedged).unwrap();
        Aquifer::serve(&[&["--config", config], &PATIENCE[..]].concat(), &KEYS)
    });
    site.regions[0].faults(r#"{"stall-before-first-byte": 2}"#);
    let tally = site.load(8, 40);
    let stalled = site.regions[0].happened();
    let won = site.gateway.metric("aquifer_hedges_total{result=\"won\"}");
    println!("hedging: {stalled} stalled, {won} overtaken, {} of {} whole", tally.whole, tally.sent);
    assert_eq!(tally.whole, tally.sent, "{tally:?}");
    assert!(stalled > 0 && won > 0.0, "{stalled} {won}");
    site.regions[0].faults("{}");
    site.assert_nothing_leaked();
}

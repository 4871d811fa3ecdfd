//! What a host can do to a process: a full disk, a log that nobody reads, names that do not resolve, keys that expire.

use crate::client::Tally;
use crate::numbered_keys::Keys;
use crate::site::{KEYS, Region, Site, loudly};
use crate::support::{Aquifer, command, wait_until};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// A site whose gateway logs to this place.
fn logging_to(log: Stdio, level: &str) -> Site {
    let region = Region::start();
    let endpoint = format!("http://{}", region.address);
    Site::in_front_of(vec![region], &[endpoint], |config| {
        let listen = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let mut command = command(&[&listen[..], &["--config", config, "--log-level", level]].concat());
        command.envs(KEYS);
        Aquifer::spawn_logging_to(command, log).ready()
    })
}

fn assert_all_whole(tally: &Tally) {
    assert_eq!(tally.whole, tally.sent, "{tally:?}");
}

#[test]
fn a_full_disk_for_the_log() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut site = logging_to(full.into(), "debug");
    assert_all_whole(&site.load(8, 20));
    site.regions[0].faults(r#"{"validation": 2}"#);
    site.load(8, 10).assert_proper("errors that cannot be logged");
    site.assert_nothing_leaked();
}

#[test]
fn a_log_whose_reader_has_gone() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut site = logging_to(writer.into(), "debug");
    assert_all_whole(&site.load(8, 20));
    site.assert_nothing_leaked();
}

#[test]
fn a_region_whose_name_does_not_resolve() {
    let nowhere = "http://nowhere.invalid".to_owned();
    let region = Region::start();
    let endpoints = [format!("http://{}", region.address), nowhere];
    let serve = |config: &str| Aquifer::serve(&["--config", config], &KEYS);
    let mut site = Site::in_front_of(vec![region], &endpoints, serve);
    assert_all_whole(&site.load(8, 20));
    let address = site.regions.remove(0).address;
    let tally = site.load(4, 2);
    tally.assert_proper("no region is left");
    assert_eq!(tally.refused, tally.sent, "{tally:?}");
    site.regions.push(Region::start_at(&address.to_string()));
    let mut back = || site.load(1, 1).whole == 1;
    wait_until("the region to be found again", &mut back, String::new);
    site.assert_nothing_leaked();
}

/// A few seconds more than are needed: keys that expire sooner than in ten are not used any more.
const GOOD_FOR: Duration = Duration::from_secs(12);

#[test]
fn keys_that_expire_under_load() {
    let (keys, region) = (Keys::listen(GOOD_FOR), Region::start());
    let endpoint = format!("http://{}", region.address);
    let mut site = Site::in_front_of(vec![region], &[endpoint], |config| {
        let variables = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", keys.address.as_str())];
        Aquifer::serve(&["--config", config], &variables)
    });
    assert_all_whole(&site.load(8, 10));
    keys.give(2);
    let signed = |site: &Site, by: &str| site.regions[0].told("/simulator/requests").to_string().contains(by);
    wait_until("the next keys", || site.load(1, 1).whole == 1 && signed(&site, "AKIDNUMBER2/"), String::new);
    keys.give(0);
    let mut refused = || {
        let tally = site.load(2, 1);
        tally.assert_proper("the source of keys is ill");
        tally.refused == tally.sent
    };
    wait_until("the keys to expire", &mut refused, String::new);
    keys.give(3);
    wait_until("keys again", || site.load(1, 1).whole == 1, String::new);
    assert!(signed(&site, "AKIDNUMBER3/"));
    site.assert_nothing_leaked();
}

/// Debian's `libfaketime`: installed, or where the test command unpacks it.
fn faketime() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ["/", "target/aids/"].iter().find_map(|at| {
        let libraries = std::fs::read_dir(root.join(at).join("usr/lib")).ok()?.filter_map(Result::ok);
        let mut found = libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
        found.find(|library| library.is_file())
    })
}

/// The wall clock goes an hour forwards and back under load.
#[test]
fn steps_of_the_clock() {
    let Some(library) = faketime() else {
        return loudly("SKIPPED: the clock was not stepped, Debian's libfaketime is not there");
    };
    let library = library.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "+0").unwrap();
    let region = Region::start();
    let endpoint = format!("http://{}", region.address);
    let mut site = Site::in_front_of(vec![region], &[endpoint], |config| {
        let lies = [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        Aquifer::serve(&["--config", config], &[&KEYS[..], &lies].concat())
    });
    // To the hour.
    let signed_at = |site: &Site| {
        let calls = site.regions[0].told("/simulator/requests");
        let date = calls.as_array().unwrap().last().unwrap()["headers"]["x-amz-date"].clone();
        date.as_str().unwrap()[..11].to_owned()
    };
    for step in ["+3600", "-3600", "+86400", "+0"] {
        let before = signed_at(&site);
        let address = site.address();
        let right = site.right.clone();
        let running = std::thread::spawn(move || crate::client::load(address, &right, 8, 20));
        std::thread::sleep(Duration::from_millis(50));
        std::fs::write(&clock, step).unwrap();
        let tally = running.join().unwrap();
        site.sent += tally.sent;
        assert_all_whole(&tally);
        assert_ne!(signed_at(&site), before, "the clock was stepped by {step}");
        site.assert_settled(step);
    }
    site.assert_nothing_leaked();
}

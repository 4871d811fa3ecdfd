//! Simulated regions with a gateway in front, and what must hold when the noise is over.

use crate::client::{MODEL, Right, Tally, load};
use crate::support::{Aquifer, ask, wait_until};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{Write as _, stderr};
use std::net::SocketAddr;

/// How much more memory than after the warm-up a gateway may have, in KiB.
pub(crate) const MORE_MEMORY: u64 = 48 << 10;

/// What a person must see although the test passes.
pub(crate) fn loudly(line: &str) {
    let _ = stderr().write_all(format!("\n*** {line} ***\n").as_bytes());
}

/// One simulated region.
pub(crate) struct Region {
    pub(crate) process: Aquifer,
    pub(crate) address: SocketAddr,
}

impl Region {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// On a port that is known before.
    pub(crate) fn start_at(address: &str) -> Self {
        let process = Aquifer::spawn(&["simulator", "--listen", address], &[]);
        let address = process.address("aquifer simulator listening on ");
        Self { process, address }
    }

    /// From now on these faults, as `PUT /simulator/faults` takes them.
    pub(crate) fn faults(&self, faults: &str) {
        let reply = ask(self.address, "PUT", "/simulator/faults", faults);
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    pub(crate) fn told(&self, path: &str) -> Value {
        serde_json::from_str(&ask(self.address, "GET", path, "").body).unwrap()
    }

    /// How many faults happened.
    pub(crate) fn happened(&self) -> u64 {
        let happened = self.told("/simulator/faults")["happened"].clone();
        happened.as_object().unwrap().values().filter_map(Value::as_u64).sum()
    }
}

/// The gateway and what is behind it.
pub(crate) struct Site {
    pub(crate) gateway: Aquifer,
    pub(crate) regions: Vec<Region>,
    pub(crate) right: Right,
    /// What the gateway had before its first request.
    descriptors: usize,
    tasks: f64,
    pools: usize,
    /// Requests that were sent to the gateway that runs now.
    pub(crate) sent: u64,
    warm: u64,
    _folder: tempfile::TempDir,
}

/// A configuration that sends everything to these addresses, by lot.
pub(crate) fn configuration(endpoints: &[String]) -> String {
    let mut text = String::from(
        "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {name: models}\nspec:\n  \
         parentRefs: [{name: aquifer, kind: Gateway, group: gateway.networking.k8s.io}]\n  rules:\n  - backendRefs:\n",
    );
    for at in 0..endpoints.len() {
        let _ = writeln!(text, "    - {{name: region-{at}}}");
    }
    for (at, endpoint) in endpoints.iter().enumerate() {
        let _ = write!(
            text,
            "---\napiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: region-{at}}}\n\
             spec: {{provider: awsbedrock, config: {{model: '{MODEL}', region: us-east-1, endpoint: '{endpoint}'}}}}\n",
        );
    }
    text
}

/// Keys for the gateway; they are asked for, not checked.
pub(crate) const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests")];

impl Site {
    /// So many regions, and a gateway with these arguments; returns when it is warm.
    pub(crate) fn start(regions: usize, arguments: &[&str]) -> Self {
        let regions: Vec<_> = (0..regions).map(|_| Region::start()).collect();
        let endpoints: Vec<_> = regions.iter().map(|region| format!("http://{}", region.address)).collect();
        Self::in_front_of(regions, &endpoints, |config| {
            let mut all = vec!["--config", config];
            all.extend(arguments);
            Aquifer::serve(&all, &KEYS)
        })
    }

    /// A gateway that is started by the test.
    pub(crate) fn in_front_of(regions: Vec<Region>, endpoints: &[String], start: impl FnOnce(&str) -> Aquifer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gateway.yaml");
        std::fs::write(&config, configuration(endpoints)).unwrap();
        let gateway = start(config.to_str().unwrap());
        let (descriptors, tasks) = (gateway.descriptors(), gateway.metric("aquifer_tasks"));
        let right = Right::learn(gateway.gateway.unwrap());
        let mut site = Self {
            gateway,
            pools: endpoints.len(),
            regions,
            right,
            descriptors,
            tasks,
            sent: 2,
            warm: 0,
            _folder: folder,
        };
        site.load(8, 10).assert_proper("the warm-up");
        site.warm = site.gateway.memory("VmRSS");
        site
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.gateway.unwrap()
    }

    /// Requests from many clients, counted.
    pub(crate) fn load(&mut self, clients: u64, each: u64) -> Tally {
        let tally = load(self.address(), &self.right, clients, each);
        self.sent += tally.sent - tally.turned_away;
        tally
    }

    /// The noise is over: every request was counted once and nothing is under way, here or there.
    pub(crate) fn assert_settled(&self, what: &str) {
        let sent = self.sent as f64;
        self.gateway.wait_for_metric("aquifer_requests_in_flight", 0.0);
        self.gateway.wait_for_metric("aquifer_requests_total", sent);
        for region in &self.regions {
            let open = || region.told("/simulator/streams")["open"].as_u64();
            wait_until("the region's streams to end", || open() == Some(0), || what.to_owned());
        }
        let now = self.gateway.memory("VmRSS");
        assert!(now <= self.warm + MORE_MEMORY, "{what}: {now} KiB, {} KiB after the warm-up", self.warm);
    }

    /// The regions go away, and with them the pooled connections: the gateway has no more open, and no more tasks, than
    /// before its first request, but one for each pool that was used.
    pub(crate) fn assert_nothing_leaked(mut self) {
        self.assert_settled("the end");
        self.regions.clear();
        let (gateway, most) = (&self.gateway, self.tasks + self.pools as f64);
        let same = || gateway.descriptors() <= self.descriptors && gateway.metric("aquifer_tasks") <= most;
        let tell = || {
            let (descriptors, tasks) = (gateway.descriptors(), gateway.metric("aquifer_tasks"));
            format!("{descriptors} descriptors, {tasks} tasks; before {} and at most {most}", self.descriptors)
        };
        wait_until("everything to be given back", same, tell);
        assert_eq!(ask(gateway.admin.unwrap(), "GET", "/readyz", "").status, 200);
    }

    /// Memory now and after the warm-up, in KiB.
    pub(crate) fn memory(&self) -> (u64, u64) {
        (self.gateway.memory("VmRSS"), self.warm)
    }
}

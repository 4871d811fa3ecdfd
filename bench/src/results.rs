//! Everything that was measured, round by round, as it is kept in `results.json`.

use crate::machine::Machine;
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures of one measurement, by name; the name says the unit.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    /// Where.
    pub(crate) machine: Machine,
    /// Whether the counts were small: such figures are a look, no measurement.
    pub(crate) quick: bool,
    /// What was measured, the upstream itself first.
    pub(crate) targets: Vec<String>,
    /// Each work by name: each target by name, with a measurement for each round.
    pub(crate) works: BTreeMap<&'static str, BTreeMap<String, Vec<Figures>>>,
}

impl Results {
    /// Keeps a measurement.
    pub(crate) fn add(&mut self, work: &'static str, target: &str, figures: Figures) {
        self.works.entry(work).or_default().entry(target.to_owned()).or_default().push(figures);
    }

    /// One figure of each round; rounds without it are left out.
    pub(crate) fn values(&self, work: &str, target: &str, figure: &str) -> Vec<f64> {
        let rounds = self.works.get(work).and_then(|targets| targets.get(target));
        rounds.into_iter().flatten().filter_map(|figures| figures.get(figure).copied()).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two rounds of a work: nginx, the gateway and the upstream itself.
    pub(crate) fn example() -> Results {
        let machine = Machine { cores: 2, processor: "Fast".to_owned() };
        let targets = ["direct", "nginx", "aquifer"].map(str::to_owned).to_vec();
        let mut results = Results { machine, quick: false, targets, works: BTreeMap::new() };
        for round in [1.0, 2.0] {
            for (target, cpu, first) in
                [("direct", None, 10.0), ("nginx", Some(1.0), 30.0), ("aquifer", Some(3.0), 50.0)]
            {
                let figures = Figures::from_iter(cpu.map(|cpu| ("cpu_s_per_1000_requests", cpu * round)));
                results.add("small", target, figures);
                results.add("first", target, Figures::from([("first_reasoning_p50_us", first * round)]));
            }
        }
        results
    }

    #[test]
    fn rounds_stay_apart() {
        let results = example();
        assert_eq!(results.values("small", "nginx", "cpu_s_per_1000_requests"), [1.0, 2.0]);
        assert!(results.values("small", "direct", "cpu_s_per_1000_requests").is_empty());
        assert!(results.values("large", "nginx", "x").is_empty());
    }

    #[test]
    fn results_are_json_by_name() {
        let json = serde_json::to_value(example()).unwrap();
        assert_eq!(json["works"]["small"]["aquifer"][1]["cpu_s_per_1000_requests"], 6.0);
        assert_eq!(json["machine"]["cores"], 2);
    }
}

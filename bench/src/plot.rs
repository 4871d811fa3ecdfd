//! The plot of a run: CPU time of everybody, in times of nginx's.

use crate::peers::{DIRECT, NGINX};
use crate::results::Results;
use crate::rows::{Bound, ROWS, Row};
use crate::svg::{Chart, Group};

/// The chart; none when nginx was not measured, as there is nothing to compare with.
pub(crate) fn cpu(results: &Results) -> Option<Chart> {
    let compared = |name: &&String| *name != DIRECT && *name != NGINX;
    let series: Vec<String> = results.targets.iter().filter(compared).cloned().collect();
    let groups: Vec<Group> = ROWS.iter().filter_map(|row| group(results, row, &series)).collect();
    (!groups.is_empty()).then(|| Chart {
        title: "CPU time, beside nginx as a plain proxy".to_owned(),
        scale: "times nginx's CPU time for the same work (less is better)".to_owned(),
        series,
        marks: vec!["must".to_owned(), "goal".to_owned()],
        groups,
    })
}

/// One group for each work: its first row about CPU time.
fn group(results: &Results, row: &Row, series: &[String]) -> Option<Group> {
    let is_cpu = |row: &Row| row.figure.starts_with("cpu_");
    let first = ROWS.iter().find(|other| other.work == row.work && is_cpu(other))?;
    if !std::ptr::eq(first, row) {
        return None;
    }
    let ratio = |name: &String| row.cell(results, name)?.ratio.map(|(middle, ..)| middle);
    let values: Vec<Option<f64>> = series.iter().map(ratio).collect();
    values.iter().flatten().next()?;
    let mark = |bound: Bound| match bound {
        Bound::Times(most) => Some(most),
        Bound::Most(_) | Bound::None => None,
    };
    Some(Group { name: row.work.to_owned(), values, marks: vec![mark(row.must), mark(row.goal)] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::example;

    #[test]
    fn the_gateway_has_a_bar_with_its_marks() {
        let chart = cpu(&example()).unwrap();
        assert_eq!(chart.series, ["aquifer"]);
        let [small] = chart.groups.as_slice() else { panic!("one work was measured") };
        assert_eq!(small.values, [Some(3.0)]);
        assert_eq!(small.marks, [Some(2.0), Some(1.3)]);
    }

    #[test]
    fn without_nginx_there_is_no_plot() {
        let mut results = example();
        results.works.values_mut().for_each(|targets| {
            targets.remove("nginx");
        });
        assert!(cpu(&results).is_none());
    }
}

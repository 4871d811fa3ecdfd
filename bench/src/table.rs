//! The results as a table for a terminal, which is Markdown too.

use crate::peers::{DIRECT, GATEWAY, NGINX};
use crate::results::Results;
use crate::rows::{Bound, Cell, ROWS, Row};

/// The table of everything that was measured.
pub(crate) fn of(results: &Results) -> String {
    let targets: Vec<&str> = results.targets.iter().map(String::as_str).filter(|name| *name != DIRECT).collect();
    let mut lines = vec![head(&targets)];
    lines.extend(ROWS.iter().filter_map(|row| line(results, row, &targets)));
    aligned(&lines)
}

fn head(targets: &[&str]) -> Vec<String> {
    let fixed = ["work", "figure"].into_iter().map(str::to_owned);
    let named = targets.iter().map(|name| (*name).to_owned());
    fixed.chain(named).chain(["must", "goal", ""].map(str::to_owned)).collect()
}

/// None when nobody was measured.
fn line(results: &Results, row: &Row, targets: &[&str]) -> Option<Vec<String>> {
    let cells: Vec<Option<Cell>> = targets.iter().map(|target| row.cell(results, target)).collect();
    cells.iter().flatten().next()?;
    let shown = targets.iter().zip(&cells).map(|(target, cell)| match cell {
        Some(cell) => told(cell, target),
        None => "-".to_owned(),
    });
    let gateway = targets.iter().zip(&cells).find(|(target, _)| **target == GATEWAY).and_then(|(_, cell)| *cell);
    let fixed = [row.work.to_owned(), row.label.to_owned()];
    let bounds = [bound(row.must), bound(row.goal), gateway.map(|cell| verdict(row, &cell)).unwrap_or_default()];
    Some(fixed.into_iter().chain(shown).chain(bounds).collect())
}

fn told(cell: &Cell, target: &str) -> String {
    let value = number(cell.value);
    match cell.ratio {
        Some((middle, low, high)) if target != NGINX => format!("{value} = {middle:.2}x ({low:.2} to {high:.2})"),
        _ => value,
    }
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Times(most) => format!("{most:.1}x"),
        Bound::Most(most) => number(most),
        Bound::None => String::new(),
    }
}

fn verdict(row: &Row, cell: &Cell) -> String {
    let word = match (row.must.holds(cell), row.goal.holds(cell)) {
        (_, Some(true)) => "goal",
        (Some(true), _) => "must",
        (Some(false), _) => "missed",
        (None, _) => "",
    };
    word.to_owned()
}

/// Three significant digits, more for large numbers.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => grouped(value.round()),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Cells as columns, the first line as their head.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
        if at == 0 {
            let rules = widths.iter().map(|width| "-".repeat(*width + 2));
            text.push_str(&format!("|{}|\n", rules.collect::<Vec<_>>().join("|")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::example;

    #[test]
    fn numbers_have_three_digits_or_more() {
        let shown = [0.0, 0.02154, 0.1694, 1.234, 12.34, 123.4, 1234.6, 1_234_567.0, -1234.0].map(number);
        assert_eq!(shown, ["0", "0.0215", "0.169", "1.23", "12.3", "123", "1,235", "1,234,567", "-1,234"]);
    }

    #[test]
    fn the_table_shows_ratios_bounds_and_verdicts() {
        let table = of(&example());
        let small = table.lines().find(|line| line.contains("small")).unwrap();
        for part in ["1.50", "4.50 = 3.00x (3.00 to 3.00)", "2.0x", "1.3x", "missed"] {
            assert!(small.contains(part), "{part}: {small}");
        }
        assert!(!table.contains("burst"));
        assert!(!table.contains("direct"));
    }

    #[test]
    fn columns_are_aligned() {
        let lines = [vec!["a".to_owned(), "µ".to_owned()], vec!["long".to_owned(), "b".to_owned()]];
        assert_eq!(aligned(&lines), "| a    | µ |\n|------|---|\n| long | b |\n");
    }
}

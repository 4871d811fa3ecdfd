//! The overview of `docs/fields.md`: each field that it names has a row in the table of its dialect.

use crate::messages;
use crate::table::{documented, rows};

pub(crate) const DOCUMENT: &str = include_str!("../../../../docs/fields.md");

#[test]
fn every_field_of_the_overview_has_a_row() {
    let tables = [
        documented(DOCUMENT, "Chat Completions: fields"),
        documented(messages::DOCUMENT, "Fields of the request"),
        documented(DOCUMENT, "Responses: fields"),
        documented(DOCUMENT, "Converse: fields"),
    ];
    for row in rows(DOCUMENT, "The same thing in each dialect") {
        assert_eq!(row.len(), 5, "{row:?}");
        for (cell, table) in row[1..].iter().zip(&tables) {
            for name in cell.split('`').skip(1).step_by(2) {
                let top = name.split(['.', '[']).next().unwrap();
                assert!(table.contains(top), "{name} of {row:?} has no row in its table");
            }
        }
    }
}

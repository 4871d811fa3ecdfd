//! References `${NAME}` in the text of a file, and how they are hidden from YAML.

use aquifer_translate::wire::slice::Slice as _;

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Hides the braces of `${...}` behind characters that mean nothing to YAML, one for one, so that a
/// reference can stand unquoted in a flow mapping, as it could if it were replaced in the text.
pub(in crate::config) fn shield(text: &str) -> String {
    let mut shielded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, found) = rest.split_at(at);
        shielded.push_str(before);
        if let Some((reference, _, length)) = reference(found) {
            shielded.push('$');
            shielded.push(OPEN);
            shielded.push_str(reference);
            shielded.push(CLOSE);
            rest = found.behind(length);
        } else {
            shielded.push_str("${");
            rest = found.behind(2);
        }
    }
    shielded.push_str(rest);
    shielded
}

/// Undoes [`shield`].
pub(in crate::config) fn unshield(text: &str) -> String {
    if text.contains(OPEN) { text.replace(OPEN, "{").replace(CLOSE, "}") } else { text.to_owned() }
}

/// The reference at the start of `text`: what stands between its braces, its name, and its length.
pub(in crate::config) fn reference(text: &str) -> Option<(&str, &str, usize)> {
    let inner = text.strip_prefix("${")?;
    let end = inner.find(['}', '{', '\n'])?;
    let inner = inner.get(..end).filter(|_| inner.get(end..).is_some_and(|rest| rest.starts_with('}')))?;
    let name = inner.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    let operator = inner.get(name.len()..)?;
    let known = operator.is_empty() || [":=", ":-", "=", "-"].iter().any(|known| operator.starts_with(known));
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (known && named).then_some((inner, name, end.saturating_add(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shielding_keeps_every_place_and_comes_undone() {
        for text in ["${A}", "x${A:=b c}y$", "${A\n}", "{a: ${A}, b: {}}", "é${A}", "${"] {
            let shielded = shield(text);
            assert_eq!(shielded.chars().count(), text.chars().count());
            assert_eq!(unshield(&shielded), text);
        }
        assert!(!shield("{${A}").contains('}'));
    }
}

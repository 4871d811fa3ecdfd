//! "Did you mean": the known name that is nearest to one that is not known.

/// The nearest of the known names, if it is near enough to be what was meant: a third of its letters may differ.
pub(in crate::config) fn nearest<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let wanted = found.to_ascii_lowercase();
    let distance = |name: &'k str| (strsim::damerau_levenshtein(&wanted, &name.to_ascii_lowercase()), name);
    let near = known.into_iter().filter(|name| name.len().abs_diff(found.len()) <= found.len() / 3 + 1).map(distance);
    near.min().filter(|(distance, name)| *distance <= (name.len().max(found.len()) / 3).max(1)).map(|(_, name)| name)
}

/// The end of a message that names it: `; did you mean "bedrock"?`, or nothing.
pub(in crate::config) fn did_you_mean<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(found, known).map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_enough_is_named() {
        let known = ["bedrock", "openai", "modelNameOverride"];
        assert_eq!(nearest("bedrok", known), Some("bedrock"));
        assert_eq!(nearest("modelnameOverride", known), Some("modelNameOverride"));
        assert_eq!(nearest("berdock", known), Some("bedrock"));
        assert_eq!(nearest("vertex", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(did_you_mean("opnai", known), "; did you mean \"openai\"?");
        assert_eq!(did_you_mean("x", known), "");
    }
}

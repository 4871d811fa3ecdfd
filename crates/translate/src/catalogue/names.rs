//! Names of models as Anthropic's clients write them, and the ids by which Bedrock knows them.

use super::Catalogue;
use super::entry::Entry;
use super::ids::{geographies, stem};

/// The lines of models by which people call the newest one of each.
const LINES: [&str; 5] = ["opus", "sonnet", "haiku", "fable", "mythos"];

/// A name without what a client adds to it for itself: `[1m]` and its like, which ask for a larger context.
#[must_use]
pub fn without_suffix(name: &str) -> &str {
    match name.trim_end().rsplit_once('[') {
        Some((plain, suffix)) if suffix.ends_with(']') && !plain.is_empty() => plain.trim_end(),
        _ => name,
    }
}

impl Catalogue {
    /// The Bedrock id for a model as Anthropic's clients name it, which can be called in this region: `claude-opus-5`,
    /// `claude-sonnet-4-5-20250929`, `claude-3-7-sonnet-latest`, `opus`, each with or without a suffix such as `[1m]`, and
    /// `anthropic.claude-opus-5`, where the region has only a profile of it. `None` for all other names, and where no id of
    /// the model can be called in the region.
    #[must_use]
    pub fn named_by_anthropic(&self, name: &str, region: &str) -> Option<String> {
        let name = without_suffix(name.trim()).to_ascii_lowercase().replace('@', "-");
        let name = name.strip_prefix("anthropic/").unwrap_or(&name);
        if let Some(line) = LINES.iter().find(|line| **line == name) {
            return self.newest(line, region);
        }
        let bare = name.strip_prefix("anthropic.").unwrap_or(name);
        bare.strip_prefix("claude-")?;
        let bare = bare.strip_suffix("-latest").unwrap_or(bare);
        let bare = bare.strip_suffix("-0").unwrap_or(bare);
        let id = format!("anthropic.{bare}");
        let found =
            self.with_id(|known| is_dated(known, &id)).or_else(|| self.with_id(|known| stem(known) == stem(&id)));
        found?.id_in(region)
    }

    /// The last row one of whose ids is wanted.
    fn with_id(&self, wanted: impl Fn(&str) -> bool) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| std::iter::once(&entry.id).chain(&entry.also).any(|id| wanted(id)))
    }

    /// The newest model of a line that can be called in a region.
    fn newest(&self, line: &str, region: &str) -> Option<String> {
        let begins = format!("anthropic.claude-{line}-");
        let of_line = self.entries().iter().rev().filter(|entry| entry.id.starts_with(&begins) && !entry.legacy);
        of_line.filter(|entry| !entry.id.ends_with("-preview")).find_map(|entry| entry.id_in(region))
    }
}

/// Compares a model id with one that lacks its version.
fn is_dated(known: &str, id: &str) -> bool {
    known.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with("-v"))
}

impl Entry {
    /// The id by which it is best called in a region: its own where the region has it, else the profile of the nearest
    /// geography, so that a request leaves that only when it must.
    #[must_use]
    pub fn id_in(&self, region: &str) -> Option<String> {
        if !self.converse {
            return None;
        }
        let mut near = geographies(region).iter();
        let profile = near.find(|geography| self.profiles.iter().any(|known| known == *geography));
        let profile = profile.map(|geography| format!("{geography}.{}", self.id));
        let here = self.regions.as_ref().is_some_and(|regions| regions.iter().any(|known| known == region));
        let own = here || self.regions.is_none() && self.profiles.is_empty();
        if own { Some(self.id.clone()) } else { profile }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, region: &str) -> Option<String> {
        Catalogue::builtin().named_by_anthropic(name, region)
    }

    #[test]
    fn names_lead_to_ids_of_the_region() {
        let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        for (name, region, id) in [
            ("claude-sonnet-4-5", "us-east-2", format!("us.{sonnet}")),
            ("claude-sonnet-4-5-20250929", "eu-central-1", format!("eu.{sonnet}")),
            ("claude-sonnet-4-5@20250929", "ap-northeast-1", format!("jp.{sonnet}")),
            ("claude-sonnet-4-5[1m]", "us-gov-west-1", format!("us-gov.{sonnet}")),
            ("anthropic/claude-sonnet-4-5", "sa-east-1", format!("global.{sonnet}")),
            ("claude-sonnet-4-0", "us-west-2", "us.anthropic.claude-sonnet-4-20250514-v1:0".to_owned()),
            ("claude-opus-4-20250514", "us-west-2", "us.anthropic.claude-opus-4-20250514-v1:0".to_owned()),
            ("claude-3-7-sonnet-latest", "us-east-1", "us.anthropic.claude-3-7-sonnet-20250219-v1:0".to_owned()),
            ("claude-opus-4-6", "us-east-1", "us.anthropic.claude-opus-4-6-v1".to_owned()),
            ("claude-opus-5", "us-east-1", "anthropic.claude-opus-5".to_owned()),
            ("claude-opus-5", "us-west-2", "us.anthropic.claude-opus-5".to_owned()),
            ("anthropic.claude-opus-5", "us-west-2", "us.anthropic.claude-opus-5".to_owned()),
            ("claude-haiku-4-5", "eu-west-1", "eu.anthropic.claude-haiku-4-5-20251001-v1:0".to_owned()),
        ] {
            assert_eq!(named(name, region), Some(id), "{name} in {region}");
        }
    }

    #[test]
    fn a_line_is_its_newest_model_in_the_region() {
        assert_eq!(named("opus", "us-west-2").as_deref(), Some("us.anthropic.claude-opus-5-5"));
        assert_eq!(named("sonnet", "us-west-2").as_deref(), Some("us.anthropic.claude-sonnet-5-5"));
        assert_eq!(named("Haiku[1m]", "eu-west-1").as_deref(), Some("eu.anthropic.claude-haiku-5-5"));
        assert_eq!(named("fable", "us-west-2").as_deref(), Some("us.anthropic.claude-fable-5-1"));
        assert_eq!(named("mythos", "us-west-2").as_deref(), Some("us.anthropic.claude-mythos-5-1"));
    }

    #[test]
    fn what_is_no_name_of_anthropics_is_left_alone() {
        for name in
            ["gpt-5.5", "amazon.nova-2-lite-v1:0", "us.anthropic.claude-opus-5", "claude-opus-9", "claude", "", "[1m]"]
        {
            assert_eq!(named(name, "us-east-1"), None, "{name}");
        }
    }

    #[test]
    fn suffixes_are_taken_off() {
        assert_eq!(without_suffix("claude-opus-5[1m]"), "claude-opus-5");
        assert_eq!(without_suffix("aquifer-fast"), "aquifer-fast");
        assert_eq!(without_suffix("[1m]"), "[1m]");
    }

    #[test]
    fn every_row_of_anthropics_is_found_by_its_own_name() {
        for entry in Catalogue::builtin().entries().iter().filter(|entry| entry.vendor == "anthropic") {
            let Some(region) = ["us-east-1", "eu-west-2"].into_iter().find(|region| entry.id_in(region).is_some())
            else {
                continue;
            };
            let undetailed = entry.id.split(':').next().unwrap_or_default();
            let name = undetailed.rsplit_once("-v").map_or(undetailed, |(name, _)| name);
            let name = name.strip_prefix("anthropic.").unwrap();
            let found = named(name, region).unwrap_or_default();
            assert_eq!(Catalogue::builtin().lookup(&found).id, entry.id, "{name}");
        }
    }
}

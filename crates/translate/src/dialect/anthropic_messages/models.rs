//! The models, listed as Anthropic's `GET /v1/models` lists them.
//!
//! Source: Anthropic's API reference, "List models": newest first, in pages.

use crate::catalogue::Catalogue;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::text::Text;
use crate::wire::uri;
use std::borrow::Cow;
use std::fmt::Write as _;
use time::OffsetDateTime;

/// The most models of one page, and how many a page has where nobody says.
const MOST: usize = 1000;
const USUAL: usize = 20;

/// One model of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel<'m> {
    /// The id by which a client asks for it.
    pub id: &'m str,
    /// Seconds since the epoch; 0 where that is not known.
    pub created: u64,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page<'p> {
    /// The page ends before this model.
    pub before: Option<Cow<'p, str>>,
    /// The page begins behind this model.
    pub after: Option<Cow<'p, str>>,
    /// The most models of the page.
    pub limit: Option<usize>,
}

impl<'p> Page<'p> {
    /// Reads the query of a request: `before_id`, `after_id`, `limit`.
    ///
    /// # Errors
    ///
    /// A limit that is none.
    pub fn of_query(query: &'p str) -> Result<Self, Fault> {
        let mut page = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "before_id" => page.before = Some(uri::decoded(value)),
                "after_id" => page.after = Some(uri::decoded(value)),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    page.limit = Some(limit.ok_or_else(|| {
                        Fault::invalid(FieldRef::own("limit"), format!("must be between 1 and {MOST}"))
                    })?);
                }
                _ => {}
            }
        }
        Ok(page)
    }
}

/// `{"data":[...],"has_more":...,"first_id":...,"last_id":...}`: this page of these models.
///
/// # Errors
///
/// An id of the page that no model has: a list that began anew would have no end.
pub fn list(models: &[ListedModel<'_>], page: &Page<'_>) -> Result<String, Fault> {
    let from = page.after.as_deref().map_or(Ok(0), |id| Ok(place(models, "after_id", id)? + 1))?;
    let to = page.before.as_deref().map_or(Ok(models.len()), |id| place(models, "before_id", id))?;
    let within = models.get(from..to).unwrap_or_default();
    let limit = page.limit.unwrap_or(USUAL).min(MOST);
    let skipped = if page.before.is_some() && page.after.is_none() { within.len().saturating_sub(limit) } else { 0 };
    let shown: Vec<&ListedModel<'_>> = within.iter().skip(skipped).take(limit).collect();
    let more = shown.len() < within.len();
    let id = |model: Option<&&ListedModel<'_>>| {
        model.map_or_else(|| "null".to_owned(), |model| format!("\"{}\"", Text::from_plain(model.id).as_escaped()))
    };
    let data: Vec<String> = shown.iter().map(|model| one(model)).collect();
    let (first, last) = (id(shown.first()), id(shown.last()));
    Ok(format!(r#"{{"data":[{}],"has_more":{more},"first_id":{first},"last_id":{last}}}"#, data.join(",")))
}

/// The place of a model that a page is counted from.
fn place(models: &[ListedModel<'_>], field: &'static str, id: &str) -> Result<usize, Fault> {
    let place = models.iter().position(|model| model.id == id);
    place.ok_or_else(|| Fault::invalid(FieldRef::own(field), "must be the id of a model of the list"))
}

/// One model, as an element of the list and as the answer to `GET /v1/models/ID`.
#[must_use]
pub fn one(model: &ListedModel<'_>) -> String {
    let entry = Catalogue::builtin().entry(model.id);
    let name = if entry.is_known() { entry.name.as_str() } else { model.id };
    let (id, name) = (Text::from_plain(model.id), Text::from_plain(name));
    let mut said = format!(
        r#"{{"type":"model","id":"{}","display_name":"{}","created_at":"{}","lifecycle":"{}","capabilities":null"#,
        id.as_escaped(),
        name.as_escaped(),
        stamp(model.created),
        if entry.legacy { "deprecated" } else { "active" }
    );
    if let Some(most) = entry.max_output_tokens {
        // Writing to a string cannot fail.
        let _ = write!(said, r#","max_tokens":{most}"#);
    }
    said.push('}');
    said
}

/// A time as RFC 3339 has it: `1970-01-01T00:00:00Z`.
fn stamp(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ((year, month, day), (hour, minute, second)) = (time.to_calendar_date(), time.to_hms());
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn listed<'m>(ids: &[&'m str]) -> Vec<ListedModel<'m>> {
        ids.iter().map(|id| ListedModel { id, created: 1_767_225_600 }).collect()
    }

    fn ids(models: &[ListedModel<'_>], query: &str) -> (Vec<String>, bool) {
        let page: Value = serde_json::from_str(&list(models, &Page::of_query(query).unwrap()).unwrap()).unwrap();
        let data = page["data"].as_array().unwrap();
        let ids: Vec<String> = data.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(page["first_id"].as_str(), ids.first().map(String::as_str));
        assert_eq!(page["last_id"].as_str(), ids.last().map(String::as_str));
        (ids, page["has_more"].as_bool().unwrap())
    }

    #[test]
    fn pages_follow_each_other() {
        let models = listed(&["a", "b", "c", "d"]);
        let said = |query: &str| {
            let (ids, more) = ids(&models, query);
            (ids.concat(), more)
        };
        assert_eq!(said("limit=1000"), ("abcd".to_owned(), false));
        assert_eq!(said("limit=2"), ("ab".to_owned(), true));
        assert_eq!(said("after_id=b&limit=1"), ("c".to_owned(), true));
        assert_eq!(said("before_id=d&limit=2"), ("bc".to_owned(), true));
        assert_eq!(said("after_id=d"), (String::new(), false));
        assert_eq!(said("beta=true&after_id=%62"), ("cd".to_owned(), false), "an id with its escapes");
        for nobody in ["after_id=nobody", "before_id="] {
            assert!(list(&models, &Page::of_query(nobody).unwrap()).is_err(), "{nobody}");
        }
        assert!(Page::of_query("limit=0").is_err() && Page::of_query("limit=x").is_err());
    }

    #[test]
    fn a_model_has_every_member_that_the_sdks_want() {
        let said: Value = serde_json::from_str(&one(&listed(&["us.anthropic.claude-opus-5"])[0])).unwrap();
        assert_eq!((said["type"].as_str(), said["display_name"].as_str()), (Some("model"), Some("Claude Opus 5")));
        assert_eq!(said["created_at"], "2026-01-01T00:00:00Z");
        assert_eq!((said["lifecycle"].as_str(), said["max_tokens"].as_u64()), (Some("active"), Some(128_000)));
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(stamp(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(stamp(951_782_400), "2000-02-29T00:00:00Z");
    }
}

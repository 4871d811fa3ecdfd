//! The catalogue of models: a data file, and the way from any model id to its row.

mod betas;
mod encoders;
mod entry;
mod ids;
mod names;
mod overrides;
mod plan;
mod price;
mod rules;

#[cfg(test)]
mod tests;

pub use betas::{BetaFate, beta_on_converse, beta_on_invoke, takes_system_messages};
pub use encoders::{Encoder, EncoderBody, EncoderTask, encoder, encoders};
pub use entry::{
    Allowed, Beside, Cache, CallIds, Control, Default, Entry, Interleaved, Medium, Off, Replay, ResultDocuments,
    Sampling, Schemas, Streaming, UsageInput,
};
pub use ids::base_id;
pub use names::without_suffix;
pub use overrides::WrongField;
pub(crate) use plan::effort_of_budget;
pub use plan::{MaxTokens, OpenLoop, Plan, Situation, most_budget, plan};
pub use price::{Amount, Factor, LongPrompt, Price, Rates, WrongNumber};
pub use rules::{Adjustment, ForcedTool, Rules, Wanted};

use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

/// The rows, and how to find them.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
    by_stem: HashMap<String, usize>,
    /// The vendors that ids begin with.
    makers: HashSet<String>,
    /// The rows of ids that no row has, by their beginning.
    unseen: Vec<(String, Entry)>,
    unknown: Entry,
}

/// The way in which a model's row was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is the model's own.
    Row,
    /// No row has this model; it is treated like the newest of its line.
    Like,
    /// The id names no model that is known, or hides it.
    Nothing,
}

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::with_prices().unwrap_or_else(|_| Catalogue::empty()));

impl Catalogue {
    /// The catalogue that this version was built with.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The row for a model id, of whatever form: base id, inference profile, ARN. There always is one: what no row
    /// describes is asked cautiously.
    #[must_use]
    pub fn lookup(&self, model_id: &str) -> &Entry {
        self.resolve(model_id).0
    }

    /// The row to go by for a model id: of a model that has none of its own, under its own name.
    #[must_use]
    pub fn entry(&self, model_id: &str) -> Cow<'_, Entry> {
        match self.resolve(model_id) {
            (entry, Known::Like) => {
                let name = base_id(model_id).unwrap_or(model_id).to_owned();
                Cow::Owned(Entry { name, ..entry.clone() })
            }
            (entry, _) => Cow::Borrowed(entry),
        }
    }

    /// The same, with how it was found.
    #[must_use]
    pub fn resolve(&self, model_id: &str) -> (&Entry, Known) {
        self.find(model_id).unwrap_or((&self.unknown, Known::Nothing))
    }

    /// Whether a row has this very id, as it is or with a geography's prefix. Any other id may lead to a row too; these
    /// are the ones that can be listed.
    #[must_use]
    pub fn has(&self, model_id: &str) -> bool {
        !model_id.starts_with("arn:")
            && base_id(model_id).is_some_and(|base| self.by_id.contains_key(base) || encoders::has_row(base))
    }

    /// Every row, in the file's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether some model's id begins with this word and a dot.
    fn is_maker(&self, word: &str) -> bool {
        self.makers.contains(word)
    }

    fn find(&self, model_id: &str) -> Option<(&Entry, Known)> {
        let base = base_id(model_id)?;
        let own = self.by_id.get(base).or_else(|| self.by_stem.get(ids::stem(base)));
        if let Some(row) = own.and_then(|row| self.entries.get(*row)) {
            return Some((row, Known::Row));
        }
        let fitting = self.unseen.iter().filter(|(prefix, _)| base.starts_with(prefix.as_str()));
        let (_, row) = fitting.max_by_key(|(prefix, _)| prefix.len())?;
        Some((row, Known::Like))
    }

    /// Reads the data files that this version was built with.
    fn with_prices() -> Result<Self, serde_json::Error> {
        let mut catalogue = Self::read(include_str!("models.json"))?;
        let PriceFile { prices, .. } = serde_json::from_str(include_str!("prices.json"))?;
        for PriceRow { id, price } in prices {
            let priced = serde_json::from_value(Value::Object(price))?;
            if let Some(entry) = catalogue.by_id.get(&id).and_then(|at| catalogue.entries.get_mut(*at)) {
                entry.price = Some(Arc::new(priced));
            }
        }
        Ok(catalogue)
    }

    /// Reads a data file.
    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut catalogue = Self::empty();
        for row in file.models {
            let entry: Entry = serde_json::from_value(Value::Object(whole(row, &file.families)))?;
            let at = catalogue.entries.len();
            for id in std::iter::once(&entry.id).chain(&entry.also) {
                catalogue.makers.extend(id.split_once('.').map(|(maker, _)| maker.to_owned()));
                catalogue.by_id.insert(id.clone(), at);
                catalogue.by_stem.insert(ids::stem(id).to_owned(), at);
            }
            catalogue.entries.push(entry);
        }
        for Unseen { prefix, like, shows_on_demand } in file.unseen {
            let Some(like) = catalogue.by_id.get(&like).and_then(|row| catalogue.entries.get(*row)) else {
                return Err(serde::de::Error::custom(format!("no row has the id `{like}`")));
            };
            let display = like.display || shows_on_demand;
            catalogue.unseen.push((prefix, Entry { display, price: None, ..like.clone() }));
        }
        Ok(catalogue)
    }

    fn empty() -> Self {
        Self {
            entries: Vec::new(),
            by_id: HashMap::new(),
            by_stem: HashMap::new(),
            makers: HashSet::new(),
            unseen: Vec::new(),
            unknown: entry::unknown(),
        }
    }
}

/// The data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    families: BTreeMap<String, Map<String, Value>>,
    models: Vec<Map<String, Value>>,
    unseen: Vec<Unseen>,
}

/// The data file of prices.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    #[serde(rename = "about")]
    _about: String,
    prices: Vec<PriceRow>,
}

/// The price of one model.
#[derive(Deserialize)]
struct PriceRow {
    id: String,
    #[serde(flatten)]
    price: Map<String, Value>,
}

/// Ids that no row has, and the row that they are treated like: the newest of their line, whose rules are the strictest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unseen {
    prefix: String,
    like: String,
    /// Unlike that row, they show their reasoning only where `thinking.display` asks for it.
    #[serde(default)]
    shows_on_demand: bool,
}

/// A row with what it does not say itself taken from its family.
fn whole(mut row: Map<String, Value>, families: &BTreeMap<String, Map<String, Value>>) -> Map<String, Value> {
    let like = row.remove("like");
    let family = like.as_ref().and_then(Value::as_str).and_then(|name| families.get(name));
    let mut whole = family.cloned().unwrap_or_default();
    whole.extend(row);
    whole
}

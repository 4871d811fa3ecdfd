//! The client's own body on its way to an API that speaks its words, and what takes a request from that road.

use super::{Incoming, Outgoing};
use crate::bedrock::{self, Api, ClientBody, Rewritten, Terms};
use crate::catalogue::Adjustment;
use crate::dialect::{Asked, Exposure};
use crate::fault::Fault;
use crate::model::reasoning::Placeholder;
use crate::model::request::Format;
use crate::translation::road::Road;

impl Incoming<'_> {
    /// The road on which this request and its answer are passed, on the operator's terms: `road`, unless something in the
    /// request cannot hold on it.
    ///
    /// | what | why the answer or the body must be translated |
    /// |---|---|
    /// | reasoning is hidden, or its placeholder changed | the answer's blocks would have to be taken out |
    /// | a guardrail is asked for | Converse tells what it did |
    /// | a limit or a default of the operator's changes the ask for reasoning | the body is said by the plan |
    /// | a schema of the answer, and the model enforces none | it is asked for in words |
    /// | calls without results that the operator wants mended | the body is said anew |
    /// | a remedy that writes the conversation otherwise | the body is said anew |
    /// | a model that is no Claude | it does not take Anthropic's body |
    ///
    /// All of these go over Converse, which every model and every rule is written for.
    #[must_use]
    pub fn road(&self, road: Road, terms: &Terms<'_>, exposure: Exposure) -> Road {
        let Asked { request, .. } = &self.asked;
        let foreign = matches!(road.api(), Some(Api::InvokeModel)) && terms.entry.vendor != "anthropic";
        let unsaid = request.guardrail.is_some() && road.api() == Some(Api::InvokeModel);
        let reframed = matches!(road, Road::Reframe(_));
        let veiled =
            exposure.hidden || terms.entry.redacted_text.is_some() && exposure.on_placeholder != Placeholder::default();
        let in_words = matches!(request.format, Format::Schema { .. }) && !terms.entry.structured_output;
        let limited = || bedrock::is_limited(request, terms) || bedrock::is_mended(request, terms);
        let otherwise = reframed && (veiled || in_words || is_said_anew(&terms.adjustment) || limited());
        if otherwise || foreign || unsaid { Road::Translate(Api::Converse) } else { road }
    }

    /// Lets the client's own body go on, as far as Bedrock takes it: on the road [`Reframe`](crate::translation::Road::Reframe), of a
    /// client that speaks the API's own words.
    ///
    /// # Errors
    ///
    /// As [`Self::outgoing`].
    pub fn reframed_on(mut self, terms: &Terms<'_>, exposure: Exposure) -> Result<Outgoing, Fault> {
        let body = self.asked.body.as_ref();
        let top = body.ok_or_else(|| Fault::Ours("a body in other words than the API's".to_owned()))?.top();
        let client = ClientBody { top, changed: &self.restored };
        let Rewritten { written, searches } = bedrock::rewrite(&client, &self.asked.request, terms)?;
        let dialect = self.asked.manner.dialect();
        self.asked.warnings.retain(|warning| {
            let path = dialect.path(&warning.field);
            let tool = path.strip_prefix("tools.").and_then(|place| place.parse().ok());
            let told = written.warnings.iter().any(|told| dialect.path(&told.field) == path);
            !told && !goes_on(&path, &written.body) && tool.is_none_or(|tool: usize| !searches.contains(&tool))
        });
        for warning in &mut self.asked.warnings {
            if warning.why.contains(ELSEWHERE) {
                warning.why = warning.why.replace(ELSEWHERE, "Bedrock");
            }
        }
        Ok(self.written(written, terms, exposure))
    }
}

/// The API that the reader of a request gives as the reason of what is left out; here it is another one.
const ELSEWHERE: &str = "Bedrock's Converse API";

/// Whether a remedy writes the conversation otherwise than its client did.
fn is_said_anew(adjustment: &Adjustment) -> bool {
    let Adjustment {
        without_reasoning: _,
        lower_effort: _,
        without_sampling: _,
        tool_in_words: _,
        drop_mismatched,
        schema_in_words,
        tools_whole,
        stops_here,
        system_in_messages,
        without_tools,
        apart,
        paired,
    } = *adjustment;
    let otherwise = drop_mismatched || schema_in_words || tools_whole || stops_here;
    otherwise || system_in_messages || without_tools || apart || paired
}

/// The members of a client's own body in which all goes on that Bedrock takes, whether it was read or not.
const GOING_ON: [&str; 6] = ["context_management", "messages", "metadata", "safeguards", "system", "tools"];

/// Whether what a warning is about goes on in a client's own body after all. A path that ends with a number is that of a
/// whole message, tool or block, which was left out or changed.
fn goes_on(path: &str, sent: &[u8]) -> bool {
    let mut steps = path.split(['.', '[']);
    let member = steps.next().unwrap_or_default();
    let last = steps.next_back().unwrap_or(member);
    GOING_ON.contains(&member) && memchr::memmem::find(sent, format!("\"{last}\":").as_bytes()).is_some()
}

//! The table of all attributes of spans: name, span, type and convention of each. The documentation has the same table.

use AttributeType::{Bool, Double, Int, Text, TextList};
use SpanKind::{Attempt, Both, Exchange};

/// What is known of one attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    span: SpanKind,
    kind: AttributeType,
    convention: &'static str,
    what: &'static str,
}

/// The spans that bear an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpanKind {
    /// The SERVER span of an exchange.
    Exchange,
    /// The CLIENT span of an attempt.
    Attempt,
    Both,
}

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AttributeType {
    Text,
    TextList,
    Int,
    Double,
    Bool,
}

macro_rules! attributes {
    ($($constant:ident $name:literal $span:ident $kind:ident $convention:literal: $what:literal;)*) => {
        $(pub(crate) const $constant: &str = $name;)*

        /// All attributes, in the order in which the documentation has them.
        pub(crate) const ATTRIBUTES: &[Attribute] = &[$(Attribute {
            name: $name, span: $span, kind: $kind, convention: $convention, what: $what,
        }),*];
    };
}

attributes! {
    METHOD "http.request.method" Exchange Text "HTTP": "the request's method";
    ROUTE "http.route" Exchange Text "HTTP": "the pattern of its path, where that is served, such as `/model/{id}/converse`";
    PATH "url.path" Exchange Text "HTTP": "its path without the query, of at most 256 bytes";
    STATUS "http.response.status_code" Both Int "HTTP": "the status that the client got, 499 when it left before; of an attempt the backend's";
    REQUEST_SIZE "http.request.body.size" Both Int "HTTP": "bytes of the body that came, or that was sent to the backend";
    RESPONSE_SIZE "http.response.body.size" Both Int "HTTP": "bytes of the body that the client was given, or that came of the backend";
    CLIENT "client.address" Exchange Text "HTTP": "the address of the connection";
    USER_AGENT "user_agent.original" Exchange Text "HTTP": "the client's `user-agent`, of at most 256 bytes";
    ERROR_TYPE "error.type" Both Text "general": "what went wrong, as the log's `fault`: Bedrock's name of its exception, or one of this gateway's";
    ID "aquifer.request_id" Exchange Text "": "the id in the answer and in the log";
    OPERATION "aquifer.operation" Exchange Text "": "`chat`, `embeddings`, `rerank`, `count_tokens` and so on; not `gen_ai.operation.name`, so that backends price attempts alone";
    DIALECT "aquifer.dialect" Exchange Text "": "what the client speaks";
    CALLER "aquifer.caller" Exchange Text "": "the owner of the API key";
    ORIGINAL_MODEL "aquifer.original_model" Exchange Text "": "the model that the client named, of at most 200 bytes";
    RULE_ROUTE "aquifer.route" Exchange Text "": "`namespace/name` of the route";
    RULE "aquifer.rule" Exchange Text "": "the route's rule";
    BACKEND "aquifer.backend" Both Text "": "`namespace/name` of the backend";
    STREAM "aquifer.stream" Exchange Bool "": "whether the client asked for a stream";
    OUTCOME "aquifer.outcome" Exchange Text "": "`answered`, `failed`, `abandoned`: the client left";
    ATTEMPTS "aquifer.attempts" Exchange Int "": "calls that were made";
    HEDGES "aquifer.hedges" Exchange Int "": "second calls because the first was slow";
    AMENDED "aquifer.amended" Exchange Int "": "calls made once more, otherwise, after a refusal";
    WARNINGS "aquifer.warnings" Exchange TextList "": "the warnings given to the client, of at most 16 and of 256 bytes each";
    TURNS_STORED "aquifer.turns_stored" Exchange Int "": "turns of the answer that were remembered";
    TURNS_RESTORED "aquifer.turns_restored" Exchange Int "": "turns whose dropped reasoning was put back";
    TURNS_MISSED "aquifer.turns_missed" Exchange Int "": "turns without reasoning of which nothing was remembered";
    REASONED "aquifer.reasoned" Exchange Bool "": "whether the answer carried reasoning";
    USAGE "aquifer.usage" Exchange Text "": "where the numbers of tokens come from: `reported`, `estimated`, `unknown`";
    OVERHEAD "aquifer.overhead_ms" Exchange Double "": "the gateway's own time before the first call";
    REASONING_END "aquifer.reasoning_end_ms" Exchange Double "": "to the end of the last block of reasoning, where blocks are seen to end";
    REASONING "aquifer.reasoning_ms" Exchange Double "": "the time in which blocks of reasoning were open";
    LONGEST_GAP "aquifer.longest_gap_ms" Exchange Double "": "the longest silence within the answer";
    FIRST_REASONING "aquifer.first_reasoning_ms" Both Double "": "from the span's start to the first reasoning";
    FIRST_CONTENT "aquifer.first_content_ms" Both Double "": "from the span's start to the first text or tool call";
    COST "aquifer.cost_usd" Exchange Double "": "what all attempts cost whose cost is known, in US dollars";
    COST_ESTIMATED "aquifer.cost_estimated_usd" Both Double "": "a guess, by bytes, at the cost of what reported no tokens";
    COST_UNKNOWN "aquifer.cost_unknown" Both Text "": "the reason why the cost, or a part of it, is not known";
    GEN_OPERATION "gen_ai.operation.name" Attempt Text "GenAI": "`chat`, `embeddings`, `rerank`, `count_tokens`";
    PROVIDER "gen_ai.provider.name" Attempt Text "GenAI": "`aws.bedrock` or `openai`";
    MODEL "gen_ai.request.model" Attempt Text "GenAI": "the model id that was called, of at most 200 bytes";
    RESPONSE_MODEL "gen_ai.response.model" Attempt Text "GenAI": "the same of an answer: Converse names none";
    GEN_STREAM "gen_ai.request.stream" Attempt Bool "GenAI": "there when the client asked for a stream";
    MAX_TOKENS "gen_ai.request.max_tokens" Attempt Int "GenAI": "the most tokens, as the client asked";
    TEMPERATURE "gen_ai.request.temperature" Attempt Double "GenAI": "as the client asked";
    TOP_P "gen_ai.request.top_p" Attempt Double "GenAI": "as the client asked";
    TOP_K "gen_ai.request.top_k" Attempt Int "GenAI": "as the client asked; a floating-point number in v1.41";
    EFFORT "gen_ai.request.reasoning.level" Attempt Text "GenAI": "how hard to reason, as it was sent: a level, or `budget:N`";
    OUTPUT_TYPE "gen_ai.output.type" Attempt Text "GenAI": "`json` where that was asked for";
    RESPONSE_ID "gen_ai.response.id" Attempt Text "GenAI": "the id of the answer that the client was given";
    FINISH_REASONS "gen_ai.response.finish_reasons" Attempt TextList "GenAI": "the finish reason that the client was told; `error` of a stream that broke";
    FIRST_CHUNK "gen_ai.response.time_to_first_chunk" Attempt Double "GenAI": "seconds from the call to its first reasoning or content, of streams";
    INPUT_TOKENS "gen_ai.usage.input_tokens" Attempt Int "GenAI": "the whole prompt, caches included";
    CACHE_READ_TOKENS "gen_ai.usage.cache_read.input_tokens" Attempt Int "GenAI": "those of them that the cache read, where it read any";
    CACHE_CREATION_TOKENS "gen_ai.usage.cache_creation.input_tokens" Attempt Int "GenAI v1.41": "those of them that were written to the cache, where any were";
    CACHE_WRITE_TOKENS "gen_ai.usage.cache_write.input_tokens" Attempt Int "GenAI v0.1": "the same under its newer name";
    OUTPUT_TOKENS "gen_ai.usage.output_tokens" Attempt Int "GenAI": "the answer, reasoning included";
    REASONING_TOKENS "gen_ai.usage.reasoning.output_tokens" Attempt Int "GenAI": "those of them that are reasoning, where that was told";
    USAGE_COST "gen_ai.usage.cost" Attempt Double "Langfuse": "what the attempt cost, in US dollars";
    SERVER "server.address" Attempt Text "general": "the backend's host";
    PORT "server.port" Attempt Int "general": "its port";
    REGION "cloud.region" Attempt Text "AWS": "the AWS region, where the configuration names it";
    AWS_REQUEST_ID "aws.request_id" Attempt Text "AWS": "`x-amzn-requestid`, which AWS' support asks for";
    UPSTREAM_REQUEST_ID "aquifer.upstream_request_id" Attempt Text "": "the same of a backend that is not AWS (`x-request-id`)";
    RESENDS "http.request.resend_count" Attempt Int "HTTP": "attempts before this one, where there were any";
    ATTEMPT "aquifer.attempt" Attempt Int "": "its number, from 1";
    REASON "aquifer.attempt_reason" Attempt Text "": "`first`, `retry`, `hedge`, `adjusted` (asked otherwise after a refusal), `restart` (the stream before it broke while thinking)";
    RESULT "aquifer.result" Attempt Text "": "`answered`, `failed`, `throttled`, `amended`, `hedge_lost`, `abandoned`";
    TIER "aquifer.tier" Attempt Text "": "the service tier that served it, where that was told";
    QUEUE "aquifer.queue_ms" Attempt Double "": "the time for which it waited for its turn, where it had to";
    FIRST_BYTE "aquifer.first_byte_ms" Attempt Double "": "from the span's start to the first byte of the answer";
    OI_KIND "openinference.span.kind" Both Text "OpenInference": "`LLM`, `EMBEDDING` or `RERANKER`; of the exchange `CHAIN`";
    OI_MODEL "llm.model_name" Attempt Text "OpenInference": "the model id that was called";
    OI_REQUEST_MODEL "llm.request.model_name" Attempt Text "OpenInference": "the same";
    OI_RESPONSE_MODEL "llm.response.model_name" Attempt Text "OpenInference": "as `gen_ai.response.model`";
    OI_SYSTEM "llm.system" Attempt Text "OpenInference": "`anthropic`, `amazon`, `openai`, `meta`, `deepseek`, `mistralai`, `cohere`, `ai21`, where the id tells it";
    OI_PROVIDER "llm.provider" Attempt Text "OpenInference": "`aws` or `openai`";
    OI_FINISH_REASON "llm.finish_reason" Attempt Text "OpenInference": "the finish reason";
    OI_PARAMETERS "llm.invocation_parameters" Attempt Text "OpenInference": "the parameters above as JSON";
    OI_PROMPT "llm.token_count.prompt" Attempt Int "OpenInference": "the whole prompt";
    OI_COMPLETION "llm.token_count.completion" Attempt Int "OpenInference": "the answer";
    OI_TOTAL "llm.token_count.total" Attempt Int "OpenInference": "both";
    OI_CACHE_READ "llm.token_count.prompt_details.cache_read" Attempt Int "OpenInference": "prompt tokens that the cache read";
    OI_CACHE_WRITE "llm.token_count.prompt_details.cache_write" Attempt Int "OpenInference": "prompt tokens that were written to it";
    OI_REASONING "llm.token_count.completion_details.reasoning" Attempt Int "OpenInference": "tokens of reasoning";
    OI_COST "llm.cost.total" Attempt Double "OpenInference": "what it cost, in US dollars";
    OI_COST_PROMPT "llm.cost.prompt" Attempt Double "OpenInference": "of this the prompt, caches included";
    OI_COST_COMPLETION "llm.cost.completion" Attempt Double "OpenInference": "of this the answer";
    OI_COST_REASONING "llm.cost.completion_details.reasoning" Attempt Double "OpenInference": "of this the reasoning";
}

#[cfg(test)]
impl Attribute {
    /// Whether spans of attempts bear it, or those of exchanges.
    pub(crate) fn is_on(&self, attempt: bool) -> bool {
        match self.span {
            Exchange => !attempt,
            Attempt => attempt,
            Both => true,
        }
    }
}

/// The table of all attributes in Markdown, as the documentation has it.
#[must_use]
pub fn markdown() -> String {
    let head = "| attribute | span | type | convention | what |\n|---|---|---|---|---|\n";
    let mut text = head.to_owned();
    for Attribute { name, span, kind, convention, what } in ATTRIBUTES {
        let span = match span {
            Exchange => "exchange",
            Attempt => "attempt",
            Both => "both",
        };
        let kind = match kind {
            Text => "string",
            TextList => "string[]",
            Int => "int",
            Double => "double",
            Bool => "bool",
        };
        text.push_str(&format!("| `{name}` | {span} | {kind} | {convention} | {what} |\n"));
    }
    text
}

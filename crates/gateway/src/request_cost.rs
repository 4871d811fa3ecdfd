//! The costs of a request as `llmRequestCosts` of a route defines them: counts of tokens, or expressions over them in the
//! Common Expression Language.

use cel::common::ast::{Expr, IdedExpr};
use cel::{Context, Program, Value};
use std::fmt;
use std::sync::Arc;

/// The longest expression, in bytes.
const LONGEST: usize = 4096;

/// A cost that a route defines.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteCost {
    /// The key of its value, in the record and in the log.
    pub key: Arc<str>,
    /// The count.
    pub kind: RouteCostKind,
}

/// The count of a cost.
#[derive(Clone, Debug, PartialEq)]
pub enum RouteCostKind {
    /// The whole prompt, caches included.
    Input,
    /// What the cache read.
    CachedInput,
    /// What the cache wrote.
    CacheCreationInput,
    /// The answer, reasoning included.
    Output,
    /// Prompt and answer.
    Total,
    /// The reasoning.
    Reasoning,
    /// An expression.
    Cel(Arc<CostExpression>),
}

/// The value of a cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedCost {
    /// Its key.
    pub key: Arc<str>,
    /// Its value.
    pub value: u64,
}

/// An expression that was compiled, and tried once. It has no loops, so that its cost is bounded by its length.
pub struct CostExpression {
    text: String,
    program: Program,
}

/// What an expression can count.
#[derive(Clone, Copy, Debug, Default)]
pub struct CostFacts<'r> {
    /// `model`: the model that the client named.
    pub model: &'r str,
    /// `backend`: `name.namespace`.
    pub backend: &'r str,
    /// `route_name`: `namespace/name`.
    pub route: &'r str,
    /// `input_tokens`: the whole prompt.
    pub input: u64,
    /// `cached_input_tokens`
    pub cached_input: u64,
    /// `cache_creation_input_tokens`
    pub cache_creation_input: u64,
    /// `output_tokens`
    pub output: u64,
    /// `reasoning_tokens`
    pub reasoning: u64,
    /// `cost_usd_micros`: what it cost, in millionths of US dollars; 0 where that is not known.
    pub usd_micros: u64,
}

impl CostFacts<'_> {
    /// `total_tokens`: prompt and answer.
    fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl RouteCostKind {
    /// The value for a request.
    ///
    /// # Errors
    /// The expression fails on it, in words.
    pub fn count(&self, facts: &CostFacts<'_>) -> Result<u64, String> {
        Ok(match self {
            Self::Input => facts.input,
            Self::CachedInput => facts.cached_input,
            Self::CacheCreationInput => facts.cache_creation_input,
            Self::Output => facts.output,
            Self::Total => facts.total(),
            Self::Reasoning => facts.reasoning,
            Self::Cel(expression) => return expression.evaluate(facts),
        })
    }
}

impl CostExpression {
    /// Compiles an expression, and tries it once with zeros and empty texts.
    ///
    /// # Errors
    /// It is none, has a loop, or has another result than a whole number that is not negative.
    pub fn compile(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let program = Program::compile(text).map_err(|errors| errors.to_string().replace('\n', " "))?;
        if !is_plain(program.expression()) {
            return Err(
                "it has a loop, or makes a map or a message: only arithmetic, conditions and lists can be used"
                    .to_owned(),
            );
        }
        let compiled = Self { text: text.to_owned(), program };
        compiled.evaluate(&CostFacts::default()).map(|_| compiled)
    }

    /// The value for a request.
    ///
    /// # Errors
    /// It fails on this request, in words.
    pub fn evaluate(&self, facts: &CostFacts<'_>) -> Result<u64, String> {
        let mut context = Context::default();
        for (name, text) in [("model", facts.model), ("backend", facts.backend), ("route_name", facts.route)] {
            context.add_variable_from_value(name, text);
        }
        for (name, count) in [
            ("input_tokens", facts.input),
            ("cached_input_tokens", facts.cached_input),
            ("cache_creation_input_tokens", facts.cache_creation_input),
            ("output_tokens", facts.output),
            ("total_tokens", facts.total()),
            ("reasoning_tokens", facts.reasoning),
            ("cost_usd_micros", facts.usd_micros),
        ] {
            context.add_variable_from_value(name, Value::UInt(count));
        }
        let result = self.program.execute(&context).map_err(|error| error.to_string())?;
        if let Value::Int(count) = result {
            return u64::try_from(count).map_err(|_| format!("its result is negative: {count}"));
        }
        let Value::UInt(count) = result else {
            return Err(format!("its result is no whole number, but of type {}", result.type_of()));
        };
        Ok(count)
    }
}

/// Whether an expression is made of values, lists, operators and functions alone.
fn is_plain(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Ident(_) | Expr::Literal(_) => true,
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).all(is_plain),
        Expr::List(list) => list.elements.iter().all(is_plain),
        Expr::Select(select) => is_plain(&select.operand),
        Expr::Unspecified | Expr::Comprehension(_) | Expr::Map(_) | Expr::Struct(_) => false,
    }
}

impl PartialEq for CostExpression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for CostExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CostExpression").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> CostFacts<'static> {
        CostFacts {
            model: "m",
            backend: "b.default",
            route: "default/r",
            input: 100,
            cached_input: 40,
            cache_creation_input: 10,
            output: 20,
            reasoning: 5,
            usd_micros: 77,
        }
    }

    #[test]
    fn expressions_count() {
        for (text, value) in [
            ("1", 1),
            ("input_tokens + output_tokens", 120),
            ("total_tokens", 120),
            ("input_tokens - cached_input_tokens + cached_input_tokens / 10u", 64),
            ("output_tokens * 4u + reasoning_tokens * 2u + cache_creation_input_tokens", 100),
            ("model == 'm' ? input_tokens * 3u : input_tokens", 300),
            ("backend == 'b.default' && route_name in ['default/r'] ? 2u : 1u", 2),
            ("cost_usd_micros", 77),
        ] {
            let compiled = CostExpression::compile(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(compiled.evaluate(&facts()), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_cost_is_an_error_at_load() {
        for text in [
            "",
            "input_tokens +",
            "unheard_of",
            "'text'",
            "1.5",
            "true",
            "-1",
            "input_tokens * 0.1",
            "input_tokens - 1u",
            "1 / 0",
            "[1, 2].map(x, x * 2).size()",
            "[1, 2].all(x, x > 0) ? 1 : 2",
            "{'a': 1}.a",
        ] {
            assert!(CostExpression::compile(text).is_err(), "{text}");
        }
        let deep = ["(".repeat(2000), "1".to_owned(), ")".repeat(2000)].concat();
        assert!(CostExpression::compile(&deep).is_err());
        assert!(CostExpression::compile(&" ".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn what_fails_on_one_request_only_is_told_then() {
        let compiled = CostExpression::compile("100u - output_tokens * 6u").unwrap();
        assert!(compiled.evaluate(&facts()).is_err());
    }
}

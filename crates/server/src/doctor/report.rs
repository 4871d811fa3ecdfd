//! The report: the plan, the findings and the cost, as text or as JSON.

use super::examination::Examined;
use super::probe::Tokens;
use super::subject::{Estimate, Subject};
use serde_json::{Value, json};

/// An examined model.
pub(super) type Case = (Subject, Examined);

/// The plan, shown before the first call.
pub(super) fn plan(subjects: &[Subject], most: usize) -> String {
    let width = subjects.iter().map(|subject| subject.place.model_id.len()).max().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for subject in subjects {
        let (place, calls) = (&subject.place, subject.estimate().calls);
        lines.push(format!(
            "  {:width$}  at {}: {calls} calls; row: {}",
            place.model_id,
            place.named,
            subject.source.words()
        ));
    }
    let Estimate { calls, input, output } = subjects.iter().map(Subject::estimate).sum();
    lines.push(format!(
        "{calls} calls to Bedrock, a few more where a row is wrong, {most} at most (--max-calls); about {} input tokens, and up \
         to {} output tokens if every answer used its limit",
        grouped(input),
        grouped(output)
    ));
    lines.join("\n")
}

/// The findings and the bill, in words.
pub(super) fn words(cases: &[Case], calls: usize, tokens: Tokens) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (subject, examined) in cases {
        let count = match examined.findings.len() {
            0 if examined.unprobed.is_empty() => "nothing differs".to_owned(),
            0 => "nothing differs in what could be probed".to_owned(),
            1 => "1 field differs".to_owned(),
            many => format!("{many} fields differ"),
        };
        lines.push(format!("{} at {}: {count}", subject.place.model_id, subject.place.named));
        lines.extend(table(examined));
        lines.extend(examined.unprobed.iter().map(|(what, why)| format!("  not probed: {what}: {why}")));
        lines.extend(examined.notes.iter().map(|note| format!("  note: {note}")));
    }
    lines.push(format!(
        "{calls} calls, {} input tokens, {} output tokens",
        grouped(tokens.input),
        grouped(tokens.output)
    ));
    lines.join("\n")
}

fn table(examined: &Examined) -> Vec<String> {
    if examined.findings.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![["FIELD", "THE ROW SAYS", "SEEN"].map(str::to_owned)];
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.extend(examined.findings.iter().map(|it| [it.field.clone(), shown(&it.row), shown(&it.seen)]));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [field, row, seen] = [width(0), width(1), width(2)];
    let whys = std::iter::once("WHY").chain(examined.findings.iter().map(|finding| finding.why.as_str()));
    let line = |([one, two, three], why): (&[String; 3], &str)| {
        format!("  {one:field$}  {two:row$}  {three:seen$}  {why}").trim_end().to_owned()
    };
    rows.iter().zip(whys).map(line).collect()
}

/// The same for programs, with every probe.
pub(super) fn as_json(cases: &[Case], calls: usize, tokens: Tokens) -> Value {
    let models: Vec<Value> = cases.iter().map(|(subject, examined)| case(subject, examined)).collect();
    json!({
        "models": models,
        "calls": calls,
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
    })
}

fn case(subject: &Subject, examined: &Examined) -> Value {
    let probes = examined.probes.iter();
    let probes: Vec<Value> =
        probes.map(|(field, tried, seen)| json!({ "field": field, "tried": tried, "seen": seen })).collect();
    let findings = examined.findings.iter();
    let differences: Vec<Value> =
        findings.map(|it| json!({ "field": it.field, "row": it.row, "seen": it.seen, "why": it.why })).collect();
    let unprobed = examined.unprobed.iter();
    let not_probed: Vec<Value> = unprobed.map(|(what, why)| json!({ "what": what, "why": why })).collect();
    json!({
        "model": subject.place.model_id,
        "backend": subject.place.named,
        "row": subject.source.words(),
        "differences": differences,
        "not_probed": not_probed,
        "notes": examined.notes,
        "probes": probes,
    })
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::examination::Finding;
    use crate::doctor::subject::subjects;
    use aquifer_gateway::config::Config;

    fn case(model: &str, findings: Vec<Finding>) -> Case {
        let config = Config::from_environment(&|_| None);
        let subject = subjects(&config, &[model.to_owned()]).unwrap().remove(0);
        let belief = subject.row.clone();
        let unprobed = vec![("a tool".to_owned(), "ThrottlingException: slow down".to_owned())];
        let examined = Examined { probes: Vec::new(), findings, unprobed, notes: Vec::new(), belief };
        (subject, examined)
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 7, 999, 1000, 123_456, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn findings_are_a_table_and_the_bill_comes_last() {
        let finding = Finding {
            field: "structured_output".to_owned(),
            row: json!(true),
            seen: json!(false),
            why: "not supported".to_owned(),
        };
        let cases = [case("anthropic.claude-opus-4-8", vec![finding])];
        let told = words(&cases, 3, Tokens { input: 1200, output: 5 });
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines[0], "anthropic.claude-opus-4-8 at default/bedrock: 1 field differs");
        assert_eq!(lines[2], "  structured_output  true          false  not supported");
        assert_eq!(lines[3], "  not probed: a tool: ThrottlingException: slow down");
        assert_eq!(lines[4], "3 calls, 1,200 input tokens, 5 output tokens");
        let json = as_json(&cases, 3, Tokens::default());
        assert_eq!(json["models"][0]["differences"][0]["seen"], false);
        assert_eq!(json["models"][0]["not_probed"][0]["what"], "a tool");
    }

    #[test]
    fn the_plan_names_every_model_and_the_sum() {
        let told = plan(&[case("amazon.nova-pro-v1:0", Vec::new()).0, case("mine", Vec::new()).0], 99);
        assert!(told.contains("amazon.nova-pro-v1:0  at default/bedrock"), "{told}");
        assert!(told.contains("nothing is known of it") && told.contains("99 at most"), "{told}");
    }
}

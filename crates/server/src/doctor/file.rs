//! The file that makes the rows right: one policy for each backend.

use super::examination::differences;
use super::report::Case;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

const HEAD: &str = "# Written by `aquifer doctor`: what was seen of these models where the rows in force say something else.\n\
                    # Read it beside the rest of the configuration. Of two policies for one backend the first read holds.\n";

/// The resources; `region` is given when there is no configuration beside which they could stand.
pub(super) fn policies(cases: &[Case], alone: bool, region: Option<&str>) -> String {
    let mut out = HEAD.to_owned();
    let mut backends: Vec<&str> = Vec::new();
    let differing: Vec<&Case> = cases.iter().filter(|(_, examined)| !examined.findings.is_empty()).collect();
    if alone && let Some((subject, _)) = differing.first() {
        out.push_str(&environment(&subject.place.model_id, region));
    }
    for (subject, _) in &differing {
        if !backends.contains(&subject.place.named.as_str()) {
            backends.push(&subject.place.named);
        }
    }
    for backend in backends {
        let rows: Vec<&&Case> = differing.iter().filter(|(subject, _)| subject.place.named == backend).collect();
        policy(backend, &rows, &mut out);
    }
    out
}

/// The Bedrock of the environment as resources, for policies to be attached to: every model id goes there.
fn environment(model: &str, region: Option<&str>) -> String {
    let region = region.map(|region| format!(", region: {}", json!(region))).unwrap_or_default();
    format!(
        "---\napiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: bedrock}}\n\
         spec: {{provider: awsbedrock, config: {{model: {}{region}}}}}\n\
         ---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {{name: bedrock}}\n\
         spec: {{rules: [{{backendRefs: [{{name: bedrock}}]}}]}}\n",
        json!(model)
    )
}

fn policy(backend: &str, cases: &[&&Case], out: &mut String) {
    let (namespace, name) = backend.split_once('/').unwrap_or(("default", backend));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "---\napiVersion: aquifer.dev/v1alpha1\nkind: ReasoningPolicy\n\
         metadata: {{name: {}, namespace: {}}}\nspec:\n  targetRefs:\n    - group: aigateway.envoyproxy.io\n      \
         kind: AIServiceBackend\n      name: {}\n  models:\n",
        json!(format!("doctor-{name}")),
        json!(namespace),
        json!(name)
    );
    for (subject, _) in cases {
        let _ = writeln!(out, "    - id: {}", json!(subject.place.model_id));
        if let Some(base) = &subject.base {
            let _ = writeln!(out, "      base: {}", json!(base));
        }
        out.push_str("      row:\n");
        let case = cases.iter().find(|(other, _)| other.place == subject.place);
        for (field, value) in case.map(|case| row(case)).unwrap_or_default() {
            let _ = writeln!(out, "        {field}: {value}");
        }
    }
}

/// The fields to replace: those found wrong, and those in which the configuration differed from the catalogue before.
fn row((subject, examined): &Case) -> Map<String, Value> {
    let own = differences(&subject.builtin, &examined.belief).into_iter();
    // The notes of a row are the catalogue's business, and the id stands beside it.
    let own = own.filter(|(field, ..)| !["id", "also", "name", "unproven", "fallback"].contains(&field.as_str()));
    let found = examined.findings.iter().map(|finding| (finding.field.clone(), finding.seen.clone()));
    own.map(|(field, _, value)| (field, value)).chain(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::examination::{Examined, Finding};
    use crate::doctor::subject::{Subject, subjects};
    use aquifer_gateway::config::{Config, Source, load};
    use aquifer_gateway::translate::catalogue::{Allowed, Entry};

    const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc";

    fn read(text: &str) -> Config {
        let sources = [Source { name: "a.yaml".to_owned(), text: text.to_owned() }];
        load(&sources, &|_| None, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
    }

    fn backend(name: &str, model: &str, rest: &str) -> String {
        format!(
            "---\napiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\n\
             metadata: {{name: {name}, namespace: team}}\n\
             spec: {{provider: awsbedrock, config: {{model: '{model}', region: us-east-1{rest}}}}}\n"
        )
    }

    /// Every model of a configuration, seen to refuse forced tools; of those named so nothing was found.
    fn cases(config: &Config, right: &str) -> Vec<Case> {
        let case = |subject: Subject| {
            let belief = Entry { forced_tool: Allowed::Refused, ..subject.row.clone() };
            let found = Finding {
                field: "forced_tool".to_owned(),
                row: json!(subject.row.forced_tool),
                seen: json!("refused"),
                why: String::new(),
            };
            let findings = if subject.place.model_id == right { Vec::new() } else { vec![found] };
            let (unprobed, notes) = (Vec::new(), Vec::new());
            (subject, Examined { probes: Vec::new(), findings, unprobed, notes, belief })
        };
        subjects(config, &[]).unwrap().into_iter().map(case).collect()
    }

    #[test]
    fn what_is_written_holds_where_it_is_read() {
        let own = ", reasoning: {row: {stop: false, forced_tool: allowed}}";
        let config = read(
            &[
                backend("one", "anthropic.claude-opus-5", own),
                backend("two", ARN, ", baseModel: amazon.nova-pro-v1:0"),
                backend("three", "amazon.nova-lite-v1:0", ""),
            ]
            .concat(),
        );
        let cases = cases(&config, "amazon.nova-lite-v1:0");
        let written = policies(&cases, false, None);
        assert_eq!(written.matches("kind: ReasoningPolicy").count(), 2, "{written}");
        assert!(!written.contains("kind: AIGatewayRoute") && !written.contains("nova-lite"), "{written}");
        let plain = [
            backend("one", "anthropic.claude-opus-5", ""),
            backend("two", ARN, ""),
            backend("three", "amazon.nova-lite-v1:0", ""),
        ];
        let again = subjects(&read(&format!("{}{written}", plain.concat())), &[]).unwrap();
        let rows: Vec<_> = again.iter().map(|it| (it.row.id.as_str(), it.row.forced_tool, it.row.stop)).collect();
        assert_eq!(
            rows,
            [
                ("anthropic.claude-opus-5", Allowed::Refused, false),
                ("amazon.nova-pro-v1:0", Allowed::Refused, true),
                ("amazon.nova-lite-v1:0", Allowed::Allowed, true),
            ]
        );
    }

    #[test]
    fn a_file_that_stands_alone_names_the_region() {
        let config = read(&backend("one", "anthropic.claude-opus-5", ""));
        let mut cases = cases(&config, "");
        "default/bedrock".clone_into(&mut cases[0].0.place.named);
        let alone = read(&policies(&cases, true, Some("eu-west-1")));
        let found = subjects(&alone, &["whatever.model".to_owned()]).unwrap();
        assert_eq!(found[0].place.named, "default/bedrock", "every model goes there");
        let found = subjects(&alone, &[]).unwrap();
        assert_eq!(found[0].row.forced_tool, Allowed::Refused);
    }
}

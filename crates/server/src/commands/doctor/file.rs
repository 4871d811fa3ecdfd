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

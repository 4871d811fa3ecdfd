//! Reasoning policies: what they say, what they are attached to, how they merge, and every mistake in them.

use crate::support::{self, BACKEND, Outcome, ROUTE, RULE, accepted, loaded_with, printed};
use aquifer_gateway::config::{BindingMismatch, Config, Expose, ForcedTool, Observe, ReasoningPolicy, RestorePolicy};
use aquifer_gateway::route::choose;
use aquifer_gateway::translate::catalogue::{Catalogue, Control, Wanted};
use aquifer_gateway::translate::model::reasoning::Effort;
use aquifer_gateway::translate::model::reasoning::Placeholder;
use http::HeaderMap;
use std::time::Duration;

fn loaded(text: &str) -> Outcome {
    let env = |name: &str| (name == "MOST").then(|| "4096".to_owned());
    loaded_with(text, &env)
}

fn config(text: &str) -> Config {
    accepted(loaded(text), text)
}

fn mistakes(text: &str) -> Vec<String> {
    printed(&loaded(text).unwrap_err())
}

/// A backend of the short form, a route with a named rule and an unnamed one, both to it.
const PLACES: &str = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: b}
spec: {provider: awsbedrock, config: {model: m, baseModel: amazon.nova-lite-v1, region: us-east-1}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec:
  rules:
  - {name: named, matches: [{headers: [{name: x-ai-eg-model, value: named}]}], backendRefs: [{name: b}]}
  - {matches: [{headers: [{name: x-ai-eg-model, value: other}]}], backendRefs: [{name: b}]}
";

/// A policy, one field of its spec a line.
fn policy(name: &str, target: &str, fields: &str) -> String {
    support::policy(["aquifer.dev/v1alpha1", "ReasoningPolicy"], name, target, fields)
}

/// What holds for requests of this model.
fn at<'c>(config: &'c Config, model: &str) -> &'c ReasoningPolicy {
    choose(config, model, &HeaderMap::new(), None).unwrap().reasoning
}

const EVERYTHING: &str = "\
default: {effort: low}
limits: {effort: high, budgetTokens: ${MOST}}
expose: [reasoning, reasoning_content, reasoning_details, thinking_blocks, think_tags]
visibility: Hidden
observe: Everything
restore: {enabled: false, anonymous: false, maxEntries: 5, maxBytes: 6, maxAge: 1m30s}
forcedTool: DropReasoning
bindingMismatch: DropBlock
repair: true
restartWhileThinking: false
redactedText: Summary
models: [{id: m, base: amazon.nova-2-lite-v1:0, row: {efforts: [low], cache: null, unproven: null}}]";

#[test]
fn every_field() {
    let config = config(&format!("{PLACES}{}", policy("p", BACKEND, EVERYTHING)));
    assert_eq!(config.notices, [""; 0]);
    let found = at(&config, "m");
    assert_eq!(found, &*config.backends[0].reasoning);
    let expected = ReasoningPolicy {
        default_effort: Some(Wanted::Effort(Effort::Low)),
        most_effort: Some(Effort::High),
        most_budget: Some(4096),
        expose: Some(Expose {
            reasoning: true,
            reasoning_content: true,
            reasoning_details: true,
            thinking_blocks: true,
            think_tags: true,
        }),
        hidden: true,
        observe: Observe::Metadata,
        observe_by: Some("default/p".into()),
        restore: RestorePolicy {
            enabled: false,
            anonymous: false,
            max_entries: 5,
            max_bytes: 6,
            max_age: Duration::from_secs(90),
        },
        forced_tool: ForcedTool::DropReasoning,
        binding_mismatch: BindingMismatch::DropBlock,
        repair: Some(true),
        restart_while_thinking: Some(false),
        redacted_text: Placeholder::Summary,
        models: found.models.clone(),
    };
    assert_eq!(*found, expected);
    let entry = found.entry("m").unwrap();
    assert_eq!((entry.name.as_str(), entry.control), ("Amazon Nova 2 Lite", Control::Nova));
    assert_eq!((entry.efforts.as_slice(), entry.cache, &entry.unproven), (&[Effort::Low][..], None, &None));
}

#[test]
fn without_a_policy_nothing_is_decided() {
    let config = config(PLACES);
    for model in ["m", "named", "other"] {
        assert_eq!(*at(&config, model), ReasoningPolicy::default());
    }
    assert!(Config::from_environment(&|_| None).backends[0].reasoning.restore.enabled);
}

#[test]
fn the_rules_word_goes_over_the_routes_over_the_backends() {
    let text = [
        PLACES,
        &policy("b", BACKEND, "default: {effort: high}\nlimits: {effort: high}\nredactedText: Drop\nforcedTool: Auto"),
        &policy("r", ROUTE, "default: {effort: none}\nlimits: {effort: max, budgetTokens: 5000}\nvisibility: Hidden"),
        &policy(
            "s",
            RULE,
            "limits: {budgetTokens: 9000}\nvisibility: Full\nforcedTool: DropReasoning\ndefault: {effort: low}",
        ),
    ]
    .concat();
    let config = config(&text);
    let own = at(&config, "m");
    assert_eq!((own.default_effort, own.most_effort), (Some(Wanted::Effort(Effort::High)), Some(Effort::High)));
    assert_eq!((own.most_budget, own.hidden, own.redacted_text), (None, false, Placeholder::Dropped));
    let by_route = at(&config, "other");
    assert_eq!((by_route.default_effort, by_route.most_effort), (Some(Wanted::Off), Some(Effort::High)));
    assert_eq!(
        (by_route.most_budget, by_route.hidden, by_route.redacted_text),
        (Some(5000), true, Placeholder::Dropped)
    );
    assert_eq!(by_route.forced_tool, ForcedTool::Auto);
    let by_rule = at(&config, "named");
    assert_eq!((by_rule.most_budget, by_rule.hidden), (Some(5000), true), "the smaller limit, and hidden stays hidden");
    assert_eq!(by_rule.default_effort, Some(Wanted::Effort(Effort::Low)));
    assert_eq!(by_rule.forced_tool, ForcedTool::DropReasoning);
}

#[test]
fn a_store_that_anyone_switches_off_is_off_and_the_nearest_models_count() {
    let text = [
        PLACES,
        &policy(
            "b",
            BACKEND,
            "restore: {enabled: false}\nmodels: [{id: m, row: {name: far}}, {id: n, row: {name: n}}]",
        ),
        &policy("r", ROUTE, "restore: {enabled: true, maxAge: 5m}\nmodels: [{id: m, row: {name: near}}]"),
    ];
    let config = config(&text.concat());
    let found = at(&config, "other");
    assert_eq!((found.restore.enabled, found.restore.max_age), (false, Duration::from_secs(300)));
    let name = |id: &str| found.entry(id).map(|entry| entry.name.as_str());
    assert_eq!((name("m"), name("n")), (Some("near"), Some("n")));
    assert_eq!(at(&config, "m").entry("m").unwrap().name, "far");
}

#[test]
fn of_two_policies_at_one_target_the_first_holds() {
    let target = format!("{BACKEND}, {ROUTE}, {BACKEND}");
    let text =
        [PLACES, &policy("first", &target, "visibility: Hidden"), &policy("second", &target, "redactedText: Drop")];
    let config = config(&text.concat());
    let found = at(&config, "other");
    assert_eq!((found.hidden, found.redacted_text), (true, Placeholder::Encrypted));
    let told = |what: &str| {
        format!(
            ": conflict: {what} default/{} has the ReasoningPolicy default/first already, which holds",
            match what {
                "AIServiceBackend" => "b",
                _ => "r",
            }
        )
    };
    assert_eq!(config.notices.len(), 3, "{:?}", config.notices);
    assert!(config.notices[0].ends_with(&told("AIServiceBackend")), "{:?}", config.notices);
    assert!(config.notices[0].starts_with("f:26:16: spec.targetRefs[0]"), "{:?}", config.notices);
    assert!(config.notices[1].ends_with(&told("AIGatewayRoute")), "{:?}", config.notices);
}

#[test]
fn a_target_that_is_not_there_is_told() {
    let elsewhere = policy("p", BACKEND, "visibility: Hidden").replace("{name: p}", "{name: p, namespace: other}");
    let text = [
        PLACES,
        &elsewhere,
        &policy("q", &RULE.replace("named", "nameless"), "visibility: Hidden"),
        &policy("s", &ROUTE.replace("name: r", "name: q"), "visibility: Hidden"),
    ];
    let config = config(&text.concat());
    let expected = [
        "AIServiceBackend other/b is not in these files: the policy does nothing there",
        "the rule nameless of AIGatewayRoute default/r is not in these files: the policy does nothing there",
        "AIGatewayRoute default/q is not in these files: the policy does nothing there",
    ];
    assert_eq!(config.notices.len(), expected.len(), "{:?}", config.notices);
    for (notice, expected) in config.notices.iter().zip(expected) {
        assert!(notice.ends_with(expected), "{notice}");
    }
    assert!(!at(&config, "m").hidden && !at(&config, "named").hidden);
}

/// A backend of the short form with these fields of its own.
fn own(fields: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: b}}\nspec:\n  \
         provider: awsbedrock\n  config:\n    model: m\n    region: us-east-1\n    \
         baseModel: anthropic.claude-opus-4-8\n    reasoning:\n      {}\n",
        fields.replace('\n', "\n      ")
    )
}

#[test]
fn the_short_form_has_its_own_words() {
    let fields = EVERYTHING.lines().filter(|line| !line.starts_with("models")).collect::<Vec<_>>().join("\n");
    let alone = config(&own(&format!("{fields}\nrow: {{bound: true}}")));
    let found = at(&alone, "m");
    assert!(found.hidden && found.binding_mismatch == BindingMismatch::DropBlock);
    let entry = found.entry("m").unwrap();
    assert_eq!((entry.id.as_str(), entry.bound), ("anthropic.claude-opus-4-8", true));

    let both = config(&format!("{}{}", own("visibility: Hidden"), policy("p", BACKEND, "redactedText: Drop")));
    assert_eq!(at(&both, "m").redacted_text, Placeholder::Encrypted);
    let told = "conflict: AIServiceBackend default/b has its own spec.config.reasoning already, which holds";
    assert!(both.notices[0].ends_with(told), "{:?}", both.notices);
}

#[test]
fn fields_of_the_short_form_are_closed() {
    let found = mistakes(&own("targetRefs: []\nmodels: []\nrestore: {size: 1}\nrow: {boundd: true}\ndefault: {}"));
    let begins = [
        "f:11:7: spec.config.reasoning.targetRefs: unknown field: expected one of row, default, limits, expose, ",
        "f:12:7: spec.config.reasoning.models: unknown field: ",
        "f:13:17: spec.config.reasoning.restore.size: unknown field: expected one of enabled, maxEntries, ",
        "f:14:13: spec.config.reasoning.row.boundd: unknown field: expected one of beside_calls, beside_results, betas, bound, ",
        "f:15:16: spec.config.reasoning.default.effort: Unsupported value: \"\": supported values: \"none\", ",
    ];
    assert_eq!(found.len(), begins.len(), "{found:#?}");
    for (begin, mistake) in begins.into_iter().zip(&found) {
        assert!(mistake.starts_with(begin), "{mistake}\n{begin}");
    }
}

#[test]
fn unknown_fields_of_a_policy_are_pruned_and_told() {
    let fields = "later: 1\nlimits: {tokens: 5}";
    let config = config(&format!("{PLACES}{}", policy("p", BACKEND, fields)));
    let expected = ["spec.limits.tokens: unknown field, ignored", "spec.later: unknown field, ignored"];
    assert_eq!(config.notices.len(), 2, "{:?}", config.notices);
    for (notice, expected) in config.notices.iter().zip(expected) {
        assert!(notice.ends_with(expected), "{:?}", config.notices);
    }
}

#[test]
fn a_row_that_only_resembles_the_model_is_told() {
    let fields =
        "models: [{id: a, base: anthropic.claude-opus-9}, {id: us.anthropic.claude-opus-4-9, row: {bound: true}}]";
    let config = config(&format!("{PLACES}{}", policy("p", BACKEND, fields)));
    for (at, like) in [("spec.models[0]", "anthropic.claude-opus-5-5"), ("spec.models[1]", "anthropic.claude-opus-4-8")]
    {
        let told = format!("{at}: the catalogue has no row for this model: it begins as that of {like}");
        assert!(config.notices.iter().any(|notice| notice.ends_with(&told)), "{:?}", config.notices);
    }
    let name = |id: &str| at(&config, "m").entry(id).unwrap().name.clone();
    assert_eq!(
        (name("a").as_str(), name("us.anthropic.claude-opus-4-9").as_str()),
        ("Claude Opus 5.5", "Claude Opus 4.8")
    );
}

/// What is said of a policy with these fields, attached to the backend.
fn refused(fields: &str, expected: &str) {
    refused_at(BACKEND, fields, expected);
}

fn refused_at(target: &str, fields: &str, expected: &str) {
    let found = mistakes(&policy("p", target, fields));
    assert!(found.iter().any(|told| told.contains(expected)), "{fields}\nfound    {found:#?}\nexpected {expected}");
}

#[test]
fn what_a_policy_can_be_attached_to() {
    let fields = "visibility: Full";
    refused_at("", fields, "f:6:15: spec.targetRefs: Invalid value: 0: spec.targetRefs in body should have at least 1");
    let other = "f:6:15: spec.targetRefs: Invalid value: \"array\": targetRefs must reference AIServiceBackend or AIGa";
    refused_at("{group: aigateway.envoyproxy.io, kind: Service, name: b}", fields, other);
    refused_at("{group: a, kind: AIServiceBackend, name: b}", fields, other);
    refused_at("{kind: AIServiceBackend, name: b}", fields, "spec.targetRefs[0].group: Required value: expected text");
    let section = BACKEND.replace("name: b", "name: b, sectionName: s");
    refused_at(&section, fields, "f:6:16: spec.targetRefs[0]: Invalid value: \"object\": sectionName is supported for");
    let many = [BACKEND; 17].join(", ");
    refused_at(&many, fields, "f:6:15: spec.targetRefs: Too many: 17: must have at most 16 items");
    let without = policy("p", "", fields).replace("  targetRefs: []\n", "");
    assert!(mistakes(&without)[0].contains("spec.targetRefs: Required value: expected a list"));
}

#[test]
fn the_strictest_policy_says_what_may_be_observed() {
    let text = [
        PLACES,
        &policy("b", BACKEND, "observe: Everything"),
        &policy("r", ROUTE, "visibility: Full\nobserve: Reasoning"),
        &policy("s", RULE, "visibility: Hidden"),
    ];
    let config = config(&text.concat());
    let of = |model: &str| {
        let found = at(&config, model);
        (found.observe, found.observe_by.as_deref().unwrap().to_owned())
    };
    assert_eq!(of("m"), (Observe::Everything, "default/b".to_owned()));
    assert_eq!(of("other"), (Observe::Reasoning, "default/r".to_owned()));
    assert_eq!(of("named"), (Observe::Metadata, "default/s".to_owned()), "what is hidden from clients is not shown");
    assert_eq!(config.observed().max(), Some(Observe::Everything));
    assert_eq!(config.observed().min(), Some(Observe::Metadata));
}

#[test]
fn every_field_is_checked() {
    refused("default: {effort: huge}", "f:7:21: spec.default.effort: Unsupported value: \"huge\": supported values: ");
    refused("default: {}", "spec.default.effort: Unsupported value: \"\": supported values: \"none\", \"minimal\", ");
    refused("limits: {effort: none}", "spec.limits.effort: Unsupported value: \"none\": supported values: \"minimal\"");
    let budget =
        "f:7:26: spec.limits.budgetTokens: Invalid value: 1023: spec.limits.budgetTokens in body should be gre";
    refused("limits: {budgetTokens: 1023}", budget);
    refused("limits: {budgetTokens: 4294967296}", "in body should be less than or equal to 4294967295");
    let above = "f:6:3: spec: Invalid value: \"object\": default.effort must not be above limits.effort";
    refused("default: {effort: max}\nlimits: {effort: high}", above);
    refused("expose: []", "f:7:11: spec.expose: Invalid value: 0: spec.expose in body should have at least 1 items");
    refused("expose: [reasoning, reasoning]", "f:7:23: spec.expose[1]: Duplicate value: \"reasoning\"");
    refused("expose: [thoughts]", "f:7:12: spec.expose[0]: Unsupported value: \"thoughts\": supported values: ");
    refused("visibility: hidden", "Unsupported value: \"hidden\": supported values: \"Full\", \"Hidden\"");
    let levels = "\"Nothing\", \"Metadata\", \"Reasoning\", \"Everything\"";
    refused("observe: All", &format!("Unsupported value: \"All\": supported values: {levels}"));
    refused("restore: {enabled: 1}", "spec.restore.enabled in body must be of type boolean: \"integer\"");
    refused("restore: {maxEntries: 0}", "spec.restore.maxEntries in body should be greater than or equal to 1");
    refused("restore: {maxBytes: 64Mi}", "spec.restore.maxBytes in body must be of type integer: \"string\"");
    refused("restore: {maxAge: 1d}", "spec.restore.maxAge in body should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'");
    refused("restore: {maxAge: 0s}", "f:7:21: spec.restore.maxAge: Invalid value: \"0s\": must be longer than nought");
    refused("forcedTool: No", "Unsupported value: \"No\": supported values: \"Auto\", \"DropReasoning\", \"Refuse\"");
    refused("bindingMismatch: x", "Unsupported value: \"x\": supported values: \"Fail\", \"DropBlock\"");
    refused("repair: 1", "spec.repair in body must be of type boolean: \"integer\"");
    refused("redactedText: x", "Unsupported value: \"x\": supported values: \"Encrypted\", \"Summary\", \"Drop\"");
}

#[test]
fn rows_are_checked_against_the_catalogue() {
    let neither = "f:7:12: spec.models[0]: Invalid value: \"object\": at least one of base or row must be specified";
    refused("models: [{id: a}]", neither);
    refused("models: [{base: anthropic.claude-opus-5}]", "spec.models[0].id: Required value: expected text");
    let nobody = "f:7:26: spec.models[0].base: Invalid value: \"nobody.knows\": no row of the catalogue has this id";
    refused("models: [{id: a, base: nobody.knows}]", nobody);
    let twice = "spec.models[1]: Duplicate value: no two items may have the same id";
    refused("models: [{id: a, row: {bound: true}}, {id: a, row: {}}]", twice);
    refused("models: [{id: a, row: 5}]", "spec.models[0].row in body must be of type object: \"integer\"");
    let lines = |row: &str| format!("models:\n- id: a\n  row:\n    bound: true\n    {row}");
    refused(&lines("contrl: budget"), "f:11:7: spec.models[0].row.contrl: unknown field: expected one of ");
    let unknown = "f:11:16: spec.models[0].row.control: Invalid value: unknown variant `budgt`, expected one of `none`";
    refused(&lines("control: budgt"), unknown);
    let levels = "f:11:16: spec.models[0].row.efforts: Invalid value: the levels must go from the weakest";
    refused(&lines("efforts: [high, low]"), levels);
    let number = "spec.models[0].row.max_output_tokens: Invalid value: invalid value: integer `-1`, expected u32";
    refused(&lines("max_output_tokens: -1"), number);
    let both = mistakes(&policy("p", BACKEND, &lines("betas: maybe\n    id: x")));
    assert_eq!(both.len(), 2, "{both:?}");
    let own = mistakes(&own("row: {betas: maybe}"));
    assert!(own[0].starts_with("f:11:20: spec.config.reasoning.row.betas: Invalid value: invalid type"), "{own:?}");
}

#[test]
fn what_the_environment_put_in_is_not_repeated() {
    let fields = "models: [{id: a, base: '${MOST}', row: {control: '${MOST}'}}]\nrestore: {maxAge: '${MOST}'}";
    let found = mistakes(&policy("p", BACKEND, fields));
    let expected = [
        "spec.models[0].base: Invalid value: \"${MOST}\": no row of the catalogue has this id",
        "spec.models[0].row.control: Invalid value: the environment put in what this field cannot be",
        "spec.restore.maxAge: Invalid value: \"${MOST}\": spec.restore.maxAge in body should match",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (mistake, expected) in found.iter().zip(expected) {
        assert!(mistake.contains(expected) && !mistake.contains("4096"), "{mistake}");
    }
    let nowhere = BACKEND.replace("name: b", "name: '${MOST}'");
    let told =
        config(&policy("p", &nowhere, "visibility: Full")).notices.iter().map(ToString::to_string).collect::<String>();
    assert!(
        told.contains("AIServiceBackend default/${MOST} is not in these files") && !told.contains("4096"),
        "{told}"
    );
}

#[test]
fn the_documentation_has_every_field_of_a_row_and_of_a_policy() {
    let models = include_str!("../../../../docs/models.md");
    let row = serde_json::to_value(Catalogue::builtin().lookup("unknown")).unwrap();
    for field in row.as_object().unwrap().keys().filter(|field| !matches!(field.as_str(), "id" | "also")) {
        assert!(models.contains(&format!("`{field}`")), "{field}");
    }
    let policies = include_str!("../../../../docs/configuration.md");
    let refused = mistakes(&own("nothing: 1\nrestore: {nothing: 1}\nlimits: {nothing: 1}")).join(", ");
    let lists = refused.split("expected one of ").skip(1).flat_map(|list| list.split(", "));
    let fields: Vec<&str> = lists.filter(|word| word.chars().all(char::is_alphanumeric)).collect();
    assert!(fields.len() > 12, "{fields:?}");
    for field in fields {
        let documented = [format!("`{field}`"), format!("`{field}."), format!(".{field}`")];
        assert!(documented.iter().any(|word| policies.contains(word)), "{field}");
    }
}

#[test]
fn only_this_kind_in_this_version() {
    let right = policy("p", BACKEND, "visibility: Full");
    let found = mistakes(&right.replace("v1alpha1", "v1"));
    assert_eq!(
        found,
        ["f:2:13: apiVersion: Unsupported value: \"aquifer.dev/v1\": supported values: \"aquifer.dev/v1alpha1\""]
    );
    let found = mistakes(&right.replace("ReasoningPolicy", "BudgetPolicy"));
    assert_eq!(
        found,
        ["f:3:7: kind: Unsupported value: \"BudgetPolicy\": supported values: \"ReasoningPolicy\", \"RequestPolicy\""]
    );
    let found = mistakes(&right.replace("aquifer.dev", "aigateway.envoyproxy.io"));
    assert!(found[0].contains("supported values: \"aquifer.dev/v1alpha1\""), "{found:?}");
}

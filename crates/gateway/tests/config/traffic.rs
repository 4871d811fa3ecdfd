//! Traffic policies: what they say, what they are attached to, and every mistake and every notice.

use crate::support::{self, Outcome};
use aquifer_gateway::config::{Circuit, Config, OnClientGone, Outliers, Retry, Traffic};
use aquifer_gateway::route::choose;
use http::HeaderMap;
use std::time::Duration;

fn loaded(text: &str) -> Outcome {
    support::loaded(&format!("{PLACES}{text}"))
}

fn config(text: &str) -> Config {
    support::config(&format!("{PLACES}{text}"))
}

/// A backend of the short form, two gateways, a route at the second one with a named rule and an unnamed one.
const PLACES: &str = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: b}
spec: {provider: awsbedrock, config: {model: m, baseModel: amazon.nova-lite-v1, region: us-east-1}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: first}
spec: {listeners: [{name: http, port: 1, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: second}
spec: {listeners: [{name: http, port: 2, protocol: HTTP}]}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec:
  parentRefs: [{name: second}]
  rules:
  - {name: named, matches: [{headers: [{name: x-ai-eg-model, value: named}]}], backendRefs: [{name: b}]}
  - {matches: [{headers: [{name: x-ai-eg-model, value: other}]}], backendRefs: [{name: b}]}
";

const FIRST: &str = "{group: gateway.networking.k8s.io, kind: Gateway, name: first}";
const SECOND: &str = "{group: gateway.networking.k8s.io, kind: Gateway, name: second}";
const ROUTE: &str = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}";
const RULE: &str = "{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: r, sectionName: named}";

/// A policy, one field of its spec a line.
fn policy(name: &str, target: &str, fields: &str) -> String {
    support::policy(["gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy"], name, target, fields)
}

/// What holds for requests of this model; for those without a rule, what holds for the short form.
fn at<'c>(config: &'c Config, model: &str) -> &'c Traffic {
    let rule = choose(config, model, &HeaderMap::new(), None).unwrap().rule;
    rule.map_or(&config.traffic, |rule| &rule.traffic)
}

/// The notices about policies.
fn notices(config: &Config) -> Vec<&str> {
    config.notices.iter().map(|notice| &**notice).collect()
}

fn retries(config: &Config) -> [Option<u32>; 3] {
    ["named", "other", "m"].map(|model| at(config, model).retry.attempts)
}

#[test]
fn every_field_that_has_a_meaning_here() {
    let fields = "\
retry:
  numRetries: 4
  numAttemptsPerPriority: 1
  retryOn: {httpStatusCodes: [429, 500], triggers: [connect-failure, retriable-status-codes]}
  perRetry: {timeout: 30s, backOff: {baseInterval: 50ms, maxInterval: 2s}}
circuitBreaker: {maxParallelRequests: 7, maxPendingRequests: 0}
healthCheck:
  passive: {consecutive5XxErrors: 3, baseEjectionTime: 5s, interval: 2s, maxEjectionPercent: 50}
  panicThreshold: 30
timeout: {tcp: {connectTimeout: 500ms}, http: {requestTimeout: 10m}}";
    let own = "{name: p, annotations: {aquifer.dev/first-byte-timeout: 5s, aquifer.dev/hedge-after: 2s, \
               aquifer.dev/early-head: 30s, aquifer.dev/on-client-gone: drain}}";
    let config = config(&policy("p", ROUTE, fields).replace("{name: p}", own));
    let seconds = Duration::from_secs;
    let expected = Traffic {
        retry: Retry {
            attempts: Some(5),
            per_priority: Some(1),
            base: Duration::from_millis(50),
            most: seconds(2),
            each: Some(seconds(30)),
            statuses: Some(vec![429, 500]),
            unanswered: true,
        },
        outliers: Outliers {
            failures: 3,
            base: seconds(5),
            most: seconds(10),
            interval: seconds(2),
            max_ejection_percent: 50,
            panic_threshold: 30,
        },
        circuit: Circuit { parallel: Some(7), pending: Some(0) },
        connect: Some(Duration::from_millis(500)),
        hedge: Some(seconds(2)),
        early_head: Some(seconds(30)),
        first_byte: Some(seconds(5)),
        on_client_gone: Some(OnClientGone::Drain),
        whole: Some(seconds(600)),
    };
    assert_eq!(at(&config, "other"), &expected);
    assert_eq!(at(&config, "m"), &Traffic::default());
    assert_eq!(notices(&config), [""; 0]);
}

#[test]
fn what_a_policy_leaves_out_is_as_envoy_gateway_has_it() {
    let retry = |fields: &str| at(&config(&policy("p", ROUTE, fields)), "named").retry.clone();
    assert_eq!(retry("retry: {}"), Retry { attempts: Some(3), ..Retry::default() });
    assert_eq!(retry("retry: {numRetries: 0}").attempts, Some(1));
    let paused = retry("retry: {perRetry: {backOff: {baseInterval: 2s}}}");
    assert_eq!((paused.base, paused.most), (Duration::from_secs(2), Duration::from_secs(20)));
    let outliers = |fields: &str| at(&config(&policy("p", ROUTE, fields)), "named").outliers;
    let (base, most) = (Duration::from_secs(10), Duration::from_secs(10));
    assert_eq!(outliers("healthCheck: {passive: {}}"), Outliers { failures: 5, base, most, ..Outliers::default() });
    let never = outliers("healthCheck: {passive: {consecutive5XxErrors: 0}}");
    assert_eq!(never.failures, 0);
    let gateway = outliers("healthCheck: {passive: {consecutiveGatewayErrors: 2, baseEjectionTime: 10m}}");
    assert_eq!(gateway, Outliers { failures: 2, base: 60 * base, most: 60 * base, ..Outliers::default() });
    let longer = outliers("healthCheck: {passive: {maxEjectionTime: 5m}}");
    assert_eq!((longer.base, longer.most), (base, 30 * base));
    let shorter = outliers("healthCheck: {passive: {baseEjectionTime: 30s, maxEjectionTime: 4s}}");
    assert_eq!((shorter.base, shorter.most), (Duration::from_secs(4), Duration::from_secs(4)));
}

#[test]
fn what_is_tried_again() {
    let retried = |on: &str| {
        let retry = &at(&config(&policy("p", ROUTE, &format!("retry: {{retryOn: {on}}}"))), "named").retry.clone();
        (retry.statuses.clone().unwrap(), retry.unanswered)
    };
    assert_eq!(retried("{httpStatusCodes: [429]}"), (vec![429], true));
    assert_eq!(retried("{}"), (vec![503], true));
    assert_eq!(retried("{triggers: [gateway-error]}"), (vec![502, 503, 504], true));
    assert_eq!(retried("{triggers: ['5xx', retriable-4xx]}").0.len(), 101);
    assert_eq!(
        retried("{triggers: [retriable-status-codes], httpStatusCodes: [500, 429, 500]}"),
        (vec![429, 500], false)
    );
    assert_eq!(retried("{triggers: [reset], httpStatusCodes: [500]}"), (vec![], true));
}

#[test]
fn the_nearest_policy_holds() {
    let of =
        |name: &str, target: &str, retries: u32| policy(name, target, &format!("retry: {{numRetries: {retries}}}"));
    assert_eq!(retries(&config("")), [None; 3]);
    let second = config(&of("s", SECOND, 1));
    assert_eq!(retries(&second), [Some(2), Some(2), Some(2)], "the only Gateway with a policy is the short form's too");
    let both = config(&[of("f", FIRST, 6), of("s", SECOND, 1)].concat());
    assert_eq!(retries(&both), [Some(2), Some(2), Some(7)]);
    let all = config(&[of("f", FIRST, 6), of("rule", RULE, 3), of("route", ROUTE, 4)].concat());
    assert_eq!(retries(&all), [Some(4), Some(5), Some(7)]);
    assert_eq!(notices(&all), [""; 0]);
}

#[test]
fn a_policy_with_a_merge_type_leaves_the_rest_to_its_gateways() {
    let gateway = policy(
        "g",
        SECOND,
        "retry: {numRetries: 6, numAttemptsPerPriority: 2}\ncircuitBreaker: {maxParallelRequests: 9}",
    );
    let alone = config(&[gateway.clone(), policy("p", ROUTE, "retry: {numRetries: 1}")].concat());
    assert_eq!(at(&alone, "named").circuit.parallel, None);
    let merged = config(&[gateway, policy("p", ROUTE, "mergeType: StrategicMerge\nretry: {numRetries: 1}")].concat());
    let Traffic { retry, circuit, .. } = at(&merged, "named");
    assert_eq!((retry.attempts, retry.per_priority, circuit.parallel), (Some(2), Some(2), Some(9)));
}

#[test]
fn what_is_not_used_is_named() {
    let fields = "\
loadBalancer: {type: RoundRobin}
retry: {retryOn: {triggers: [unavailable], httpStatusCodes: [500]}}
circuitBreaker: {maxConnections: 3}
healthCheck: {active: {}, passive: {failurePercentageThreshold: 50}}
timeout: {tcp: {tcpKeepalive: 1s}, http: {maxStreamDuration: 1s}}";
    let text = policy("p", ROUTE, fields).replace("{name: p}", "{name: p, annotations: {aquifer.dev/x: y}}");
    let nothing = "not used: this gateway has nothing like it";
    let expected = [
        "f:32:32: spec.retry.retryOn.triggers[0]: unavailable speaks of gRPC, which is not spoken here".to_owned(),
        "f:32:63: spec.retry.retryOn.httpStatusCodes: without effect: triggers does not name retriable-status-codes"
            .to_owned(),
        format!("f:31:3: spec.loadBalancer: {nothing}"),
        format!("f:33:20: spec.circuitBreaker.maxConnections: {nothing}"),
        format!("f:34:17: spec.healthCheck.active: {nothing}"),
        format!("f:34:39: spec.healthCheck.passive.failurePercentageThreshold: {nothing}"),
        format!("f:35:19: spec.timeout.tcp.tcpKeepalive: {nothing}"),
        format!("f:35:45: spec.timeout.http.maxStreamDuration: {nothing}"),
        "f:28:35: metadata.annotations[\"aquifer.dev/x\"]: unknown annotation, ignored; \
         known here: aquifer.dev/first-byte-timeout, aquifer.dev/hedge-after, aquifer.dev/early-head, \
         aquifer.dev/on-client-gone"
            .to_owned(),
    ];
    assert_eq!(notices(&config(&text)), expected);
}

#[test]
fn targets_that_lead_nowhere_are_named() {
    let listener = "{group: gateway.networking.k8s.io, kind: Gateway, name: first, sectionName: http}";
    let grpc = "{group: gateway.networking.k8s.io, kind: GRPCRoute, name: r}";
    let gone = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: gone, sectionName: a}";
    let all = config(&[policy("p", &[listener, grpc, gone, ROUTE].join(", "), ""), policy("q", ROUTE, "")].concat());
    let said: Vec<&str> = notices(&all).iter().map(|notice| notice.split_once(": ").unwrap().1).collect();
    assert_eq!(
        said,
        [
            "spec.targetRefs[0]: not used: policies for one listener of a Gateway are not known here",
            "spec.targetRefs[1]: not used: policies for GRPCRoute are not known here",
            "spec.targetRefs[2]: the rule a of AIGatewayRoute default/gone is not in these files: the policy does nothing there",
            "spec.targetRefs[0]: conflict: AIGatewayRoute default/r has the BackendTrafficPolicy default/p already, which holds",
        ]
    );
}

#[test]
fn mistakes() {
    let mistake = |text: &str| loaded(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    let one = |fields: &str, expected: &str| {
        let found = mistake(&policy("p", ROUTE, fields));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(expected), "{found:?}");
    };
    one(
        "retry: {numRetries: -1}",
        "spec.retry.numRetries: Invalid value: -1: spec.retry.numRetries in body should be greater than or equal to 0",
    );
    one("retry: {retryOn: {httpStatusCodes: [600]}}", "in body should be less than or equal to 599");
    one("retry: {retryOn: {triggers: [never]}}", "\"resource-exhausted\", \"unavailable\"");
    one("retry: {perRetry: {timeout: fast}}", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'");
    one("retry: {perRetry: {backOff: {baseInterval: 0s}}}", "baseInterval must be longer than nought");
    one(
        "retry: {perRetry: {backOff: {baseInterval: 2s, maxInterval: 1s}}}",
        "maxInterval must not be shorter than baseInterval",
    );
    let backend = "{group: gateway.envoyproxy.io, kind: Backend, name: x}";
    assert!(mistake(&policy("p", backend, ""))[0].contains("this policy can only have a target of"));
    let none = policy("p", ROUTE, "").replace(&format!("targetRefs: [{ROUTE}]"), "retry: {}");
    assert!(mistake(&none)[0].ends_with("either targetRef or targetRefs must be used"));
    let both = policy("p", ROUTE, &format!("targetRef: {ROUTE}"));
    assert!(mistake(&both)[0].ends_with("either targetRef or targetRefs must be used"));
    one("healthCheck: {panicThreshold: 101}", "in body should be less than or equal to 100");
    one("healthCheck: {passive: {maxEjectionPercent: 101}}", "in body should be less than or equal to 100");
    one("healthCheck: {passive: {interval: soon}}", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'");
    one("timeout: {tcp: {connectTimeout: soon}}", "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'");
    for time in ["first-byte-timeout", "hedge-after"] {
        let annotated = format!("{{name: p, annotations: {{aquifer.dev/{time}: soon}}}}");
        let wrong = policy("p", ROUTE, "").replace("{name: p}", &annotated);
        assert!(mistake(&wrong)[0].ends_with(r#"Invalid value: "soon": must be a duration such as 5s"#));
    }
}

#[test]
fn a_route_says_itself_when_another_backend_is_asked() {
    let hedge = |route: &str, of_policy: &str| {
        let policy = policy("p", ROUTE, "").replace("{name: p}", &format!("{{name: p, annotations: {of_policy}}}"));
        let places = PLACES.replace("{name: r}\nspec", &format!("{{name: r, annotations: {route}}}\nspec"));
        support::loaded(&format!("{places}{policy}")).map(|config| at(&config, "named").hedge)
    };
    let time = |seconds| Ok(Some(Duration::from_secs(seconds)));
    assert_eq!(hedge("{}", "{}"), Ok(None));
    assert_eq!(hedge("{}", "{aquifer.dev/hedge-after: 3s}"), time(3));
    assert_eq!(hedge("{aquifer.dev/hedge-after: 2s}", "{aquifer.dev/hedge-after: 3s}"), time(2));
    assert_eq!(hedge("{aquifer.dev/hedge-after: 0s}", "{aquifer.dev/hedge-after: 3s}"), Ok(None));
    let mistyped = config(&policy("p", ROUTE, "")).notices.len();
    let places = PLACES.replace("{name: r}\nspec", "{name: r, annotations: {aquifer.dev/hedge: 1s}}\nspec");
    let told = support::config(&places).notices;
    assert_eq!((mistyped, told.len()), (0, 1), "{told:?}");
    assert!(
        told[0].ends_with(
            "unknown annotation, ignored; known here: aquifer.dev/hedge-after, aquifer.dev/early-head, \
             aquifer.dev/on-client-gone"
        ),
        "{told:?}"
    );
    let wrong = hedge("{aquifer.dev/hedge-after: often}", "{}").unwrap_err();
    assert!(
        wrong[0].to_string().contains("metadata.annotations[\"aquifer.dev/hedge-after\"]: Invalid value"),
        "{wrong:?}"
    );
}

#[test]
fn a_route_says_what_becomes_of_calls_whose_client_leaves() {
    let when = |route: &str, of_policy: &str| {
        let policy = policy("p", ROUTE, "").replace("{name: p}", &format!("{{name: p, annotations: {of_policy}}}"));
        let places = PLACES.replace("{name: r}\nspec", &format!("{{name: r, annotations: {route}}}\nspec"));
        support::loaded(&format!("{places}{policy}")).map(|config| at(&config, "named").on_client_gone)
    };
    assert_eq!(when("{}", "{}"), Ok(None));
    assert_eq!(when("{}", "{aquifer.dev/on-client-gone: drain}"), Ok(Some(OnClientGone::Drain)));
    let both = when("{aquifer.dev/on-client-gone: close}", "{aquifer.dev/on-client-gone: drain}");
    assert_eq!(both, Ok(Some(OnClientGone::Close)));
    for (route, of_policy) in [("{aquifer.dev/on-client-gone: 5s}", "{}"), ("{}", "{aquifer.dev/on-client-gone: 5s}")] {
        let wrong = when(route, of_policy).unwrap_err();
        let expected =
            "metadata.annotations[\"aquifer.dev/on-client-gone\"]: Invalid value: \"5s\": must be close or drain";
        assert!(wrong[0].to_string().ends_with(expected), "{wrong:?}");
    }
}

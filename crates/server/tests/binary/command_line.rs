//! The command line as a person meets it: help, exit codes, clear errors.

use crate::support::{Aquifer, run};

#[test]
fn help_shows_every_command_and_an_example() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for word in ["demo", "serve", "check", "simulator", "doctor", "models", "Examples:", "Exit codes"] {
        assert!(out.contains(word), "{word} is missing in\n{out}");
    }
    let (code, out, _) = run(&["serve", "--help"]);
    assert_eq!(code, 0);
    for word in [
        "--config",
        "--listen",
        "--admin",
        "--drain-timeout",
        "--max-body",
        "--tls-cert",
        "127.0.0.1:1064",
        "--upstream-connection-age",
        "--upstream-acks",
        "HTTPS_PROXY",
    ] {
        assert!(out.contains(word), "{word} is missing in\n{out}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for wrong in [
        &[][..],
        &["fly"],
        &["serve", "--max-body", "huge"],
        &["serve", "--tls-cert", "only-half.pem"],
        &["serve", "--log-level", "loud"],
        &["check"],
        &["simulator"],
    ] {
        assert_eq!(run(wrong).0, 2, "{wrong:?}");
    }
}

#[test]
fn a_taken_port_names_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, err) = run(&["serve", "--listen", &address, "--admin", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(err.contains(&address) && err.contains("--listen"), "{err}");
    let (code, _, err) = run(&["serve", "--listen", "127.0.0.1:0", "--admin", &address]);
    assert_eq!(code, 1);
    assert!(err.contains("--admin"), "{err}");
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    for command in ["check", "serve"] {
        let arguments = match command {
            "check" => vec!["check", "missing.yaml"],
            _ => vec!["serve", "--config", "missing.yaml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
        };
        let (code, _, err) = run(&arguments);
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("missing.yaml"), "{err}");
    }
}

#[test]
fn the_models_are_a_table_or_json() {
    let (code, table, _) = run(&["models"]);
    assert_eq!(code, 0);
    assert!(table.starts_with("MODEL"));
    let (code, json, _) = run(&["models", "--json"]);
    assert_eq!(code, 0);
    assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap().is_array());
}

#[test]
fn a_simulator_says_where_it_is_and_ends_on_a_signal() {
    let mut simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0"], &[]);
    simulator.address("aquifer simulator listening on ");
    simulator.signal("TERM");
    assert_eq!(simulator.wait(), Some(0));
}

#[test]
fn the_demo_invites_and_ends_on_a_signal() {
    let mut demo = Aquifer::demo(&[]);
    assert_eq!(demo.admin("/readyz").status, 200);
    demo.signal("INT");
    assert_eq!(demo.wait(), Some(0), "{}", demo.log());
}

#[test]
fn the_demo_says_how_claude_code_is_started_and_answers_its_model() {
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--pace", "1ms"];
    let demo = Aquifer::spawn(&arguments, &[]);
    let line = demo.line_with(" claude --model ");
    let mut demo = demo.ready();
    let gateway = demo.gateway.unwrap();
    assert_eq!(
        line.trim(),
        format!("ANTHROPIC_BASE_URL=http://{gateway} ANTHROPIC_AUTH_TOKEN=demo claude --model claude-opus-5")
    );
    let asked = r#"{"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let reply = demo.ask("POST", "/v1/messages?beta=true", asked);
    assert!(reply.status == 200 && reply.body.contains("\"model\":\"claude-opus-5\""), "{reply:?}");
    demo.signal("INT");
    assert_eq!(demo.wait(), Some(0), "{}", demo.log());
}

#[test]
fn the_models_of_the_readme_reason_in_the_demo() {
    let demo = Aquifer::demo(&[]);
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let (_, after) = readme.split_once("-d '").unwrap();
    let reply = demo.chat(after.split_once('\'').unwrap().0);
    let (reasoning, content) = (reply.body.find("\"reasoning\":\""), reply.body.find("\"content\":\""));
    assert!(reply.status == 200 && reasoning.is_some() && reasoning < content, "{}", reply.body);
}

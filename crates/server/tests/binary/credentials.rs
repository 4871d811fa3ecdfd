//! AWS's credential chain, link by link, against servers that play its sources.

use crate::bedrock::{Bedrock, Call};
use crate::numbered_keys::Keys;
use crate::streams::{Chat, chat_body};
use crate::support::{Aquifer, LIMIT, ask, read_reply, run, wait_until};
use std::fs::write;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Signs one call with what these variables lead to; the call's head and what the gateway answered.
fn signed_with(variables: &[(&str, String)]) -> String {
    let bedrock = Bedrock::listen();
    let endpoint = format!("http://{}", bedrock.address);
    let mut all = vec![("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.as_str())];
    all.extend(variables.iter().map(|(name, value)| (*name, value.as_str())));
    let aquifer = Aquifer::serve(&[], &all);
    let asked = std::thread::spawn(move || aquifer.chat(&chat_body("Hello?")));
    let call = bedrock.call();
    let head = call.head.clone();
    call.answer("400 Bad Request", "", r#"{"message":"no"}"#);
    asked.join().unwrap();
    head
}

/// Serves the same answers to everybody; a path that begins so gets that body. What was asked is kept.
fn source(answers: &'static [(&'static str, &'static str)]) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let asked = Arc::clone(&kept);
            std::thread::spawn(move || answer(stream, answers, &asked));
        }
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, answers: &[(&str, &str)], asked: &Mutex<String>) {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        let length =
            text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length.unwrap_or(0)
        {
            break;
        }
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    asked.lock().unwrap().push_str(&request);
    let found = answers.iter().find(|(begins, _)| request.starts_with(begins));
    let (status, body) = found.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body));
    let head = format!(
        "HTTP/1.1 {status}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn keys_of_the_environment_with_a_session() {
    let head = signed_with(&[
        ("AWS_ACCESS_KEY_ID", "AKIDENV".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_SESSION_TOKEN", "the-session".to_owned()),
    ]);
    assert!(head.contains("/us-east-1/bedrock/aws4_request"), "the region of last resort: {head}");
    assert!(head.contains("Credential=AKIDENV/") && head.contains("x-amz-security-token: the-session\r\n"), "{head}");
    assert!(head.contains("x-amz-security-token, Signature") || head.contains(";x-amz-security-token"), "{head}");
}

#[test]
fn a_bearer_token_comes_before_keys() {
    let head = signed_with(&[
        ("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-x".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDENV".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ]);
    assert!(head.contains("authorization: Bearer bedrock-api-key-x\r\n"), "{head}");
}

#[test]
fn a_profile_and_a_process() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, config) = (folder.path().join("credentials"), folder.path().join("config"));
    write(&keys, "[team]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n").unwrap();
    let printed = r#"{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"secret\"}"#;
    write(&config, format!("[profile made]\nregion = eu-central-1\ncredential_process = sh -c \"echo '{printed}'\"\n"))
        .unwrap();
    for (profile, key, region) in [("team", "AKIDPROFILE", "us-east-1"), ("made", "AKIDPROCESS", "eu-central-1")] {
        let head = signed_with(&[
            ("AWS_PROFILE", profile.to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", text(&keys)),
            ("AWS_CONFIG_FILE", text(&config)),
        ]);
        assert!(
            head.contains(&format!("Credential={key}/")) && head.contains(&format!("/{region}/bedrock/")),
            "{head}"
        );
    }
}

#[test]
fn a_container_of_ecs_or_eks_pod_identity() {
    let (address, asked) = source(&[(
        "GET /v1/credentials ",
        r#"{"AccessKeyId":"AKIDPOD","SecretAccessKey":"secret","Token":"pod","Expiration":"2099-01-01T00:00:00Z"}"#,
    )]);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    write(&token, "the-pods-token").unwrap();
    let head = signed_with(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{address}/v1/credentials")),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", text(&token)),
    ]);
    assert!(head.contains("Credential=AKIDPOD/") && head.contains("x-amz-security-token: pod\r\n"), "{head}");
    assert!(asked.lock().unwrap().to_ascii_lowercase().contains("authorization: the-pods-token\r\n"));
}

#[test]
fn a_machine_of_ec2_by_imdsv2() {
    let (address, asked) = source(&[
        ("PUT /latest/api/token ", "the-machines-token"),
        ("GET /latest/meta-data/placement/region ", "eu-north-1"),
        (
            "GET /latest/meta-data/iam/security-credentials/role",
            r#"{"Code":"Success","LastUpdated":"2020-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"AKIDIMDS",
                "SecretAccessKey":"secret","Token":"imds","Expiration":"2099-01-01T00:00:00Z"}"#,
        ),
        ("GET /latest/meta-data/iam/security-credentials/ ", "role"),
    ]);
    let head = signed_with(&[
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{address}")),
        ("AWS_EC2_METADATA_DISABLED", "false".to_owned()),
    ]);
    assert!(head.contains("Credential=AKIDIMDS/") && head.contains("x-amz-security-token: imds\r\n"), "{head}");
    assert!(head.contains("/eu-north-1/bedrock/aws4_request"), "{head}");
    assert!(asked.lock().unwrap().contains("x-aws-ec2-metadata-token: the-machines-token"));
}

#[test]
fn a_web_identity_of_eks() {
    let (address, asked) = source(&[(
        "POST / ",
        r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
           <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDWEB</AccessKeyId>
           <SecretAccessKey>secret</SecretAccessKey><SessionToken>web</SessionToken>
           <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
           </AssumeRoleWithWebIdentityResponse>"#,
    )]);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    write(&token, "the-jwt").unwrap();
    let head = signed_with(&[
        ("AWS_DEFAULT_REGION", "eu-west-3".to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", text(&token)),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gateway".to_owned()),
        ("AWS_ENDPOINT_URL_STS", format!("http://{address}")),
    ]);
    assert!(head.contains("Credential=AKIDWEB/") && head.contains("x-amz-security-token: web\r\n"), "{head}");
    assert!(head.contains("/eu-west-3/bedrock/aws4_request"), "{head}");
    assert!(asked.lock().unwrap().contains("WebIdentityToken=the-jwt"));
}

/// Who signed this call.
fn signer(call: &Call) -> &str {
    let (_, rest) = call.head.split_once("Credential=").unwrap();
    rest.split_once('/').unwrap().0
}

/// Asks until a call is signed by this key; each call is refused.
fn ask_until_signed_by(aquifer: &Aquifer, bedrock: &Bedrock, key: &str) {
    let mut signed = String::new();
    let mut so = || {
        let chat = Chat::begin(aquifer, "Hello?");
        let call = bedrock.call();
        signer(&call).clone_into(&mut signed);
        call.answer("400 Bad Request", "", r#"{"message":"no"}"#);
        assert_eq!(read_reply(&mut { chat.stream }).status, 400);
        signed == key
    };
    wait_until(key, &mut so, String::new);
}

/// A stream begins, the keys change, the next calls are signed by the new ones, and the stream ends as it began.
fn rotated_in_mid_stream(aquifer: &Aquifer, bedrock: &Bedrock, keys: [&str; 2], rotate: impl FnOnce()) {
    let mut chat = Chat::begin(aquifer, "Hello?");
    let mut call = bedrock.call();
    assert_eq!(signer(&call), keys[0]);
    call.begin();
    call.text("one");
    chat.read_until("one");
    rotate();
    ask_until_signed_by(aquifer, bedrock, keys[1]);
    call.text("two");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    assert!(chat.read.contains("two") && !chat.read.contains("\"error\""), "{}", chat.read);
}

#[test]
fn keys_that_a_container_is_given_anew_in_mid_stream() {
    let keys = Keys::listen(Duration::from_secs(60));
    let bedrock = Bedrock::listen();
    let endpoint = format!("http://{}", bedrock.address);
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.as_str()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", keys.address.as_str()),
    ];
    let aquifer = Aquifer::serve(&[], &variables);
    rotated_in_mid_stream(&aquifer, &bedrock, ["AKIDNUMBER1", "AKIDNUMBER2"], || keys.give(2));
}

#[test]
fn keys_of_a_secret_that_is_written_anew_in_mid_stream() {
    let bedrock = Bedrock::listen();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let (ip, port) = (bedrock.address.ip(), bedrock.address.port());
    let with = |key: &str| {
        format!(
            "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: route}}
spec: {{rules: [{{backendRefs: [{{name: b}}]}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: b}}
spec: {{schema: {{name: AWSBedrock}}, backendRef: {{group: gateway.envoyproxy.io, kind: Backend, name: b}}}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: b}}
spec: {{endpoints: [{{ip: {{address: {ip}, port: {port}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: b}}
spec:
  targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: b}}]
  type: AWSCredentials
  awsCredentials: {{region: us-east-1, credentialsFile: {{secretRef: {{name: b}}}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: b}}
stringData: {{credentials: \"[default]\\naws_access_key_id={key}\\naws_secret_access_key=s\\n\"}}
"
        )
    };
    write(&file, with("AKIDOLD")).unwrap();
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &[]);
    rotated_in_mid_stream(&aquifer, &bedrock, ["AKIDOLD", "AKIDNEW"], || {
        write(&file, with("AKIDNEW")).unwrap();
        aquifer.signal("HUP");
    });
}

#[test]
fn no_credentials_at_all_is_told_plainly() {
    let aquifer = Aquifer::serve(&[], &[("AWS_REGION", "us-east-1")]);
    let reply = aquifer.chat(&chat_body("Hello?"));
    assert!(reply.status >= 500, "{reply:?}");
    assert!(reply.body.contains("credentials"), "{reply:?}");
    aquifer.wait_for_metric("aquifer_request_errors_total{fault=\"upstream_credentials\"", 1.0);
}

#[test]
fn keys_that_bedrock_refuses_are_read_again_from_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("credentials");
    let named = |id: &str| format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = secret\n");
    write(&keys, named("AKIDOLD")).unwrap();
    let mut bedrock = Bedrock::listen();
    let endpoint = format!("http://{}", bedrock.address);
    let file = text(&keys);
    let all = [("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &*endpoint), ("AWS_SHARED_CREDENTIALS_FILE", &*file)];
    let aquifer = Aquifer::serve(&[], &all);
    let mut refused = |key: &str| {
        let bedrock = &mut bedrock;
        std::thread::scope(|scope| {
            let refusing = scope.spawn(move || {
                let call = bedrock.call();
                let by = call.head.contains(&format!("Credential={key}/"));
                let kind = "x-amzn-errortype: UnrecognizedClientException\r\n";
                call.answer("403 Forbidden", kind, r#"{"message":"The security token is invalid."}"#);
                by
            });
            aquifer.chat(&chat_body("Hello?"));
            refusing.join().unwrap()
        })
    };
    assert!(refused("AKIDOLD"));
    write(&keys, named("AKIDNEW")).unwrap();
    // They are read anew when they are refused, but not at once after they were read.
    let newly = || {
        std::thread::sleep(Duration::from_secs(2));
        refused("AKIDNEW")
    };
    wait_until("the new keys", newly, || aquifer.log());
}

/// A start with these variables beside an endpoint where nobody is.
fn started_with(arguments: &[&str], variables: &[(&str, &str)]) -> Aquifer {
    let all = [&[("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")][..], variables].concat();
    Aquifer::serve(arguments, &all)
}

#[test]
fn the_start_says_where_the_credentials_come_from() {
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDXYZZY"), ("AWS_SECRET_ACCESS_KEY", "plugh")];
    let found = started_with(&["--require-credentials"], &keys);
    found.wait_for_log("credentials found");
    let log = found.log();
    assert!(log.contains("source=\"the environment (AWS_ACCESS_KEY_ID)\""), "{log}");
    assert_eq!(log.matches("credentials found").count(), 1, "{log}");
    assert!(!log.contains("XYZZY") && !log.contains("plugh"), "{log}");
    let bearer = started_with(&["--require-credentials"], &[("AWS_BEARER_TOKEN_BEDROCK", "plugh")]);
    bearer.wait_for_log("an API key");
    assert!(!bearer.log().contains("plugh"));
}

#[test]
fn a_start_without_credentials_says_what_was_tried_and_why_each_failed() {
    type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str]);
    let cases: [Case<'_>; 3] = [
        (
            &[],
            &[
                "the environment (",
                "the profile \\\"default\\\" (",
                "web identity (",
                "the container (",
                "the machine's role (",
            ],
        ),
        (&[("AWS_ACCESS_KEY_ID", "AKIDXYZZY")], &["AWS_SECRET_ACCESS_KEY"]),
        (&[("AWS_PROFILE", "nope")], &["the profile \\\"nope\\\" ("]),
    ];
    for (variables, words) in cases {
        let aquifer = started_with(&[], variables);
        aquifer.wait_for_log("no credentials: ");
        let log = aquifer.log();
        assert_eq!(log.lines().filter(|line| line.contains("no credentials: ")).count(), 1, "{log}");
        assert!(words.iter().all(|word| log.contains(word)) && !log.contains("XYZZY"), "{log}");
        assert_eq!(aquifer.admin("/readyz").status, 200);
        let reply = aquifer.chat(&chat_body("Hello?"));
        assert_eq!(reply.status, 500);
        assert!(
            reply.body.contains("\"code\":\"upstream_credentials\"") && !reply.body.contains("profile"),
            "{}",
            reply.body
        );
        aquifer.wait_for_log("fault=\"upstream_credentials\"");
        assert!(aquifer.admin("/metrics").body.contains("\"upstream_credentials\""));
    }
}

#[test]
fn credentials_can_be_required() {
    for (arguments, variables) in [
        (&["--require-credentials"][..], &[][..]),
        (&[], &[("AQUIFER_REQUIRE_CREDENTIALS", "true")]),
        (&["--require-credentials"], &[("AWS_ACCESS_KEY_ID", "AKIDXYZZY")]),
        (&["--require-credentials"], &[("AWS_PROFILE", "nope")]),
    ] {
        let all = [&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"][..], arguments].concat();
        let mut aquifer = Aquifer::spawn(&all, variables);
        assert_eq!(aquifer.wait(), Some(1), "{}", aquifer.log());
        let log = aquifer.log();
        assert!(log.contains("tried the environment (") && log.contains("--require-credentials"), "{log}");
    }
}

/// Answers the next call by its authorization: what that begins with comes back.
fn authorised(bedrock: &Bedrock, aquifer: &Aquifer, refuse: Option<&str>) -> (Vec<String>, u16) {
    let (gateway, body) = (aquifer.gateway.unwrap(), plain_body(crate::bedrock::MODEL));
    let asking = std::thread::spawn(move || ask(gateway, "POST", "/v1/chat/completions", &body));
    let mut seen = Vec::new();
    if let Some(said) = refuse {
        let call = bedrock.call();
        seen.push(scheme(&call));
        let kind = "x-amzn-errortype: AccessDeniedException\r\n";
        call.answer("403 Forbidden", kind, &serde_json::json!({ "message": said }).to_string());
        if !said.contains("CallWithBearerToken") {
            return (seen, asking.join().unwrap().status);
        }
    }
    let call = bedrock.call();
    seen.push(scheme(&call));
    call.answer("200 OK", "", WHOLE);
    (seen, asking.join().unwrap().status)
}

/// A chat completion that is answered whole.
fn plain_body(model: &str) -> String {
    serde_json::json!({"model": model, "messages": [{"role": "user", "content": "Hello?"}]}).to_string()
}

fn scheme(call: &Call) -> String {
    let authorization = call.header("authorization").unwrap();
    authorization.split_once(' ').map_or(authorization, |(scheme, _)| scheme).to_owned()
}

const WHOLE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi."}]}},"stopReason":"end_turn",
    "usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;

#[test]
fn calls_go_with_a_short_term_key_where_that_is_wanted() {
    let bedrock = Bedrock::listen();
    let endpoint = format!("http://{}", bedrock.address);
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &*endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "MARKER-secret"),
    ];
    let denied = "User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:CallWithBearerToken";
    let signed = Aquifer::serve(&[], &variables);
    assert_eq!(authorised(&bedrock, &signed, None), (vec!["AWS4-HMAC-SHA256".to_owned()], 200), "by default");

    let bearer = Aquifer::serve(&["--bedrock-auth", "bearer"], &variables);
    assert_eq!(authorised(&bedrock, &bearer, None), (vec!["Bearer".to_owned()], 200));
    assert_eq!(authorised(&bedrock, &bearer, Some("no access to the model")), (vec!["Bearer".to_owned()], 403));

    let auto = Aquifer::serve(&["--bedrock-auth", "auto"], &variables);
    assert_eq!(authorised(&bedrock, &auto, Some("no access to the model")), (vec!["Bearer".to_owned()], 403));
    let both = vec!["Bearer".to_owned(), "AWS4-HMAC-SHA256".to_owned()];
    assert_eq!(authorised(&bedrock, &auto, Some(denied)), (both, 200), "the same request, signed");
    assert_eq!(authorised(&bedrock, &auto, None), (vec!["AWS4-HMAC-SHA256".to_owned()], 200), "for good");
    auto.wait_for_log("AWS denies bedrock:CallWithBearerToken");
    assert_eq!(auto.log().matches("AWS denies").count(), 1);
    for gateway in [signed, bearer, auto] {
        assert!(!gateway.log().contains("MARKER") && !gateway.log().contains("bedrock-api-key-"), "{}", gateway.log());
    }
}

#[test]
fn a_backend_says_how_its_calls_are_authorised() {
    let bedrock = Bedrock::listen();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let text = format!(
        "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\nmetadata: {{name: b}}\nspec:\n  provider: \
         awsbedrock\n  config: {{model: amazon.nova-lite-v1:0, region: us-east-1, auth: HOW, endpoint: \"http://{}\"}}\n",
        bedrock.address
    );
    let serve = |how: &str| {
        write(&file, text.replace("HOW", how)).unwrap();
        let keys = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s")];
        Aquifer::serve(&["--config", file.to_str().unwrap(), "--bedrock-auth", "bearer"], &keys)
    };
    for (how, scheme_of) in [("sigv4", "AWS4-HMAC-SHA256"), ("bearer", "Bearer")] {
        let aquifer = serve(how);
        let (gateway, body) = (aquifer.gateway.unwrap(), plain_body("amazon.nova-lite-v1:0"));
        let asking = std::thread::spawn(move || ask(gateway, "POST", "/v1/chat/completions", &body));
        let call = bedrock.call();
        assert_eq!(scheme(&call), scheme_of);
        call.answer("200 OK", "", WHOLE);
        assert_eq!(asking.join().unwrap().status, 200);
    }
    write(&file, text.replace("HOW", "kerberos")).unwrap();
    let (status, out, told) = run(&["check", file.to_str().unwrap()]);
    let told = out + &told;
    assert!(status != 0 && told.contains("spec.config.auth") && told.contains("\"bearer\""), "{told}");
}

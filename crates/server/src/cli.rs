//! The command line: commands, flags, defaults, help.

use crate::admin::scopes::Scope;
use crate::client::cors;
use crate::otlp::arguments::Tracing;
use aquifer_chat::EFFORTS;
use aquifer_gateway::config::{AccessDenied, LogLevel, MetricConventions, OnClientGone, duration};
use aquifer_gateway::exchange::KeepAlive;
use aquifer_gateway::secret::Secret;
use aquifer_gateway::translate::limits::Limits;
use aquifer_telemetry::log;
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use http::Uri;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where clients are served when nothing else is said.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:1975";
/// Its port.
pub(crate) const DEFAULT_PORT: u16 = 1975;
/// Where health, metrics and the admin page are served when nothing else is said.
pub(crate) const DEFAULT_ADMIN: &str = "127.0.0.1:1064";

/// An AI gateway for AWS Bedrock: OpenAI's Chat Completions in front, Converse behind, reasoning intact.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = TOP_EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const TOP_EXAMPLES: &str = "\
Examples:
  aquifer demo                                  try it without an AWS account
  aquifer chat --demo                           the same, as a chat in the terminal
  AWS_REGION=us-east-1 aquifer serve            every Bedrock model of a region, no file needed
  aquifer serve --config gateway.yaml           with a configuration
  aquifer check gateway.yaml                    what is wrong with a configuration
  aquifer doctor --config gateway.yaml          whether its models are as they are thought to be

Exit codes: 0 all went well, 1 it did not, 2 the command line is wrong; `doctor` has one more.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts a simulated Bedrock and a gateway in front of it, and prints a curl line to try
    #[command(after_help = "Examples:\n  aquifer demo\n  aquifer demo --pace 200ms --listen 127.0.0.1:0")]
    Demo(Demo),
    /// Serves clients until SIGTERM or Ctrl-C
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<Serve>),
    /// Reads a configuration and reports every mistake in it
    #[command(after_help = "Examples:\n  aquifer check gateway.yaml\n  aquifer check config.d/\n  \
                            aquifer check --schema AIGatewayRoute")]
    Check(Check),
    /// Plays Bedrock on a socket
    #[command(after_help = "Examples:\n  aquifer simulator --listen 127.0.0.1:8099\n  \
                            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:8099 aquifer serve")]
    Simulator(Simulator),
    /// Asks Bedrock whether what is known of the configured models is right
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    /// Shows what is known of each Bedrock model
    #[command(after_help = MODELS_EXAMPLES)]
    Models(Models),
    /// Answers a question, or chats, through a running gateway; reasoning stands beside the answer
    #[command(after_help = CHAT_EXAMPLES)]
    Chat(Chat),
}

const SERVE_EXAMPLES: &str = "\
Examples:
  AWS_REGION=us-east-1 aquifer serve
  aquifer serve --config gateway.yaml --log-format json
  aquifer serve --config config.d/ --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem

Credentials come from AWS's usual chain (environment, profile, SSO, web identity, ECS, EKS, EC2) or from
AWS_BEARER_TOKEN_BEDROCK; the endpoint can be changed with AWS_ENDPOINT_URL_BEDROCK_RUNTIME. Backends are called through
the proxies that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name.
SIGHUP reads the configuration again; SIGTERM and Ctrl-C let the streams in flight end first; another Ctrl-C (SIGINT) does
not wait for them, another SIGTERM changes nothing.
The line `aquifer listening on http://ADDR:PORT` on standard output says that it is ready.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  aquifer doctor --config gateway.yaml                           every model that the configuration names
  aquifer doctor us.anthropic.claude-opus-5 --region us-east-1   one model, no file needed
  aquifer doctor --config config.d/ --write config.d/rows.yaml   and write what makes the rows right

It calls Bedrock, which costs tokens: how many calls, it says before the first one. The question is asked on the
terminal; --yes answers it.

Exit codes: 0 nothing differs, 1 something could not be probed or failed, 2 the command line is wrong, 3 something
differs.";

const CHAT_EXAMPLES: &str = "\
Examples:
  aquifer chat --demo                                 a chat with a simulated model, no AWS account needed
  aquifer chat 'Why is the sky blue?' -e high         one answer from the gateway at 127.0.0.1:1975
  git diff | aquifer chat 'Review this' > review.md   the answer to the file, the reasoning to the terminal
  aquifer chat -m us.anthropic.claude-opus-5 --image chart.png 'What does it say?'
  aquifer chat --json 'Hi.' | jq -r 'select(.type == \"content\").text'

Without a question it is a chat: /help lists its commands, Ctrl-C stops an answer, Ctrl-D leaves. The conversation lives in
memory alone, and no tools are offered. NO_COLOR, CLICOLOR_FORCE and TERM=dumb are heeded.

Exit codes: 0 answered, 1 refused or broken off, 2 the command line is wrong, 130 stopped with Ctrl-C.";

const MODELS_EXAMPLES: &str = "\
Examples:
  aquifer models                                    a line for each model
  aquifer models us.anthropic.claude-opus-4-8       all that is known of one
  aquifer models --config gateway.yaml              with what the configuration knows better
  aquifer models openai.gpt-oss-120b-1:0 --json | jq '.[0].row'";

/// `aquifer chat`.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// The question; what is piped into the command stands behind it. Without one it is a chat
    pub(crate) question: Option<String>,
    /// The gateway's base URL [default: http://127.0.0.1:1975/v1]
    #[arg(long, value_name = "URL", env = "AQUIFER_URL")]
    pub(crate) url: Option<String>,
    /// Starts a simulated Bedrock with a gateway of its own, and asks that
    #[arg(long, conflicts_with = "url")]
    pub(crate) demo: bool,
    /// The API key, where the gateway asks for one; better given in the variable
    #[arg(long, value_name = "KEY", env = "AQUIFER_API_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// The model [default: the first that the gateway lists]
    #[arg(long, short, value_name = "ID", env = "AQUIFER_MODEL")]
    pub(crate) model: Option<String>,
    /// How hard the model thinks: none, minimal, low, medium, high, xhigh, max [default: medium]
    #[arg(long, short, value_name = "LEVEL", value_parser = EFFORTS)]
    pub(crate) effort: Option<String>,
    /// How many tokens it may think, in place of a level
    #[arg(long, value_name = "TOKENS", conflicts_with = "effort")]
    pub(crate) budget: Option<u32>,
    /// The system text
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// A picture for the question, PNG, JPEG, GIF or WebP; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Vec<PathBuf>,
    /// Goes on with a chat after the answer
    #[arg(long, short, requires = "question")]
    pub(crate) interactive: bool,
    /// Writes each event as a line of JSON: reasoning, content, warning, error, end
    #[arg(long)]
    pub(crate) json: bool,
    /// Where reasoning goes; what is piped has it on standard error unless it is hidden
    #[arg(long, value_name = "WHERE", default_value = "fold")]
    pub(crate) reasoning: ChatReasoning,
    #[command(flatten)]
    pub(crate) environment: ChatEnvironment,
}

/// Where `aquifer chat` shows reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChatReasoning {
    /// Dimmed while the model thinks, and one line when it answers
    Fold,
    /// Dimmed, and all of it stays
    Show,
    /// To standard error
    Stderr,
    /// Nowhere
    Hide,
}

/// What other programs' variables say about the terminal.
#[derive(Debug, Args)]
pub(crate) struct ChatEnvironment {
    #[arg(long, hide = true, env = "NO_COLOR")]
    pub(crate) no_color: Option<String>,
    #[arg(long, hide = true, env = "CLICOLOR_FORCE")]
    pub(crate) clicolor_force: Option<String>,
    #[arg(long, hide = true, env = "TERM")]
    pub(crate) term: Option<String>,
    #[arg(long, hide = true, env = "VISUAL")]
    pub(crate) visual: Option<String>,
    #[arg(long, hide = true, env = "EDITOR")]
    pub(crate) editor: Option<String>,
}

/// `aquifer demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Address and port for clients; the default falls back to a free port when it is taken
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
    /// Address and port for health, metrics and the admin page; the default falls back to a free port when it is taken
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) admin: Option<String>,
    #[command(flatten)]
    pub(crate) admin_access: AdminAccess,
    /// Pause between the deltas of the simulated model, for example 50ms or 1s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) pace: Option<Duration>,
    #[command(flatten)]
    pub(crate) log: Log,
}

/// `aquifer serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// YAML file, or folder of YAML files, with the configuration; without it the AWS environment decides
    #[arg(long, short, value_name = "PATH", env = "AQUIFER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Address and port for clients; port 0 takes a free one [default: the ports of the configuration's Gateway
    /// on 127.0.0.1, else 127.0.0.1:1975]
    #[arg(long, value_name = "ADDR:PORT", env = "AQUIFER_LISTEN")]
    pub(crate) listen: Option<String>,
    /// Address on which the ports of the configuration's Gateways are served, such as 0.0.0.0 in a container
    #[arg(long, value_name = "ADDR", env = "AQUIFER_BIND", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// Address and port for /healthz, /readyz, /metrics and the page /admin/; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", env = "AQUIFER_ADMIN", default_value = DEFAULT_ADMIN)]
    pub(crate) admin: String,
    #[command(flatten)]
    pub(crate) admin_access: AdminAccess,
    /// File with the API keys of clients, one `name: key` or `name: sha256:DIGEST` a line; read again when it changes
    #[arg(long, value_name = "FILE", env = "AQUIFER_API_KEYS_FILE")]
    pub(crate) api_keys_file: Option<PathBuf>,
    /// File with the keys that seal reasoning into `encrypted_content`, 32 random bytes a line in base64, the one in use
    /// first; read again when it changes [default: one key, generated at the start]
    #[arg(long, value_name = "FILE", env = "AQUIFER_SEAL_KEYS_FILE")]
    pub(crate) seal_keys_file: Option<PathBuf>,
    /// End at once when a backend has no credentials, instead of serving errors until it has some
    #[arg(long, env = "AQUIFER_REQUIRE_CREDENTIALS", value_parser = FalseyValueParser::new())]
    pub(crate) require_credentials: bool,
    /// Serve clients without an API key at an address that is not loopback
    #[arg(long, env = "AQUIFER_ALLOW_ANONYMOUS", value_parser = FalseyValueParser::new())]
    pub(crate) allow_anonymous: bool,
    /// PEM file with the certificate chain for clients
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Largest request body, for example 32MiB
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = size)]
    pub(crate) max_body: usize,
    /// How much memory requests may take together, their bodies and what stands beside them while they are read; beyond
    /// it new ones are told to come again
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    pub(crate) max_bodies: usize,
    #[command(flatten)]
    pub(crate) request: RequestLimits,
    /// How long a request body may take to arrive
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub(crate) body_timeout: Duration,
    /// How long a request's head may take to arrive, on a new connection or an idle one
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub(crate) header_timeout: Duration,
    /// How long a connection to a backend may take, name lookup and TLS included, unless the route says otherwise
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(crate) connect_timeout: Duration,
    /// How long Bedrock may be silent before a call is given up, unless the route says otherwise; a model that
    /// thinks without showing it can be silent for many minutes, and AWS advises an hour
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) upstream_timeout: Duration,
    /// How long the first byte of Bedrock's answer may take, unless the route says otherwise; then another attempt is
    /// made [default: as long as any other silence]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) first_byte_timeout: Option<Duration>,
    /// How long the client of a stream waits for its head at most, unless the route says otherwise: then it is sent with a
    /// keep-alive, no other backend is asked any more, and a failure is told inside the stream [default: as long as it
    /// takes]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) early_head: Option<Duration>,
    /// After how much silence the client of a stream is told that it goes on; 0 never tells
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = time)]
    pub(crate) keep_alive: Duration,
    /// How it is told: a comment, which every client passes over, or an empty chunk, for those that count events
    #[arg(long, value_name = "KIND", default_value = "comment")]
    pub(crate) keep_alive_kind: KeepAliveKind,
    /// How long a count of tokens is cached, for the same caller, model and text; 0 asks Bedrock for each
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub(crate) token_count_cache: Duration,
    /// How long a text that a policy lets operators observe is kept behind the end of its exchange; 0 keeps none
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub(crate) text_retention: Duration,
    /// What becomes of a call whose client leaves, unless the route says otherwise: `close` its connection, or `drain` it,
    /// so that its tokens are reported and its cost is known
    #[arg(long, value_name = "WHAT", default_value = "close")]
    pub(crate) on_client_gone: OnClientGoneAs,
    /// How many calls are drained at once; more are closed
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = connections)]
    pub(crate) gone_clients: usize,
    /// How many bytes of each of them are read after its client left
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = size)]
    pub(crate) gone_client_bytes: usize,
    /// For how long each of them is read after its client left
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    pub(crate) gone_client_time: Duration,
    /// After how long a connection to a backend carries no further call, so that the addresses of its name are looked up
    /// again; calls under way go on. 0 is never
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) upstream_connection_age: Duration,
    /// How the parts of a long answer in HTTP/1.1 are acknowledged to a backend: `pairs`, two at once from the eighth on,
    /// which saves a packet for each pair (Linux); `system`, as the system does it
    #[arg(long, value_name = "HOW", default_value = "pairs")]
    pub(crate) upstream_acks: UpstreamAcks,
    /// How many client connections are open at once; more wait to be accepted
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = connections)]
    pub(crate) max_connections: usize,
    /// How many client connections of one address are open at once; more are closed [default: as many as of all]
    #[arg(long, value_name = "N", value_parser = connections)]
    pub(crate) max_connections_per_address: Option<usize>,
    /// After how long a client connection is asked to end, once its answers are given [default: never]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) max_connection_age: Option<Duration>,
    /// How many requests are under way at once, over all connections; beyond it new ones are told to come again
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = connections)]
    pub(crate) max_requests: usize,
    /// How long a client may take nothing of its answer while there is something to take; then the answer ends
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    pub(crate) client_idle_timeout: Duration,
    /// A web page's origin, such as `https://app.example.com`, that may use this gateway; may be given again
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = cors::read)]
    pub(crate) allow_origins: Vec<Uri>,
    /// Threads that serve clients, each with connections of its own [default: the cores this process may use]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Let clients name objects in S3, which Bedrock reads with the gateway's own role, unless a RequestPolicy denies it
    #[arg(long, env = "AQUIFER_ALLOW_S3_URIS", value_parser = FalseyValueParser::new())]
    pub(crate) allow_s3_uris: bool,
    /// How calls are authorised with AWS credentials where a backend does not say it: `sigv4` signs them, `bearer` sends a
    /// short-term Bedrock API key made of the credentials (they need bedrock:CallWithBearerToken; no body is hashed), `auto`
    /// does so until AWS denies that right
    #[arg(long, value_name = "HOW", env = "AQUIFER_BEDROCK_AUTH", default_value = "sigv4")]
    pub(crate) bedrock_auth: BedrockAuthAs,
    /// How clients are told that a backend refused the gateway's credentials (401 or 403): `pass` as it came, `bad-gateway`
    /// as 502 `upstream_access_denied`, `auto` as the latter to clients that showed an API key of the gateway
    #[arg(long, value_name = "HOW", env = "AQUIFER_UPSTREAM_ACCESS_DENIED", default_value = "auto")]
    pub(crate) upstream_access_denied: AccessDeniedAs,
    /// Ask Bedrock which model is behind an application inference profile that the configuration names without
    /// `baseModel`; needs bedrock:GetInferenceProfile
    #[arg(long, env = "AQUIFER_RESOLVE_INFERENCE_PROFILES", value_parser = FalseyValueParser::new())]
    pub(crate) resolve_inference_profiles: bool,
    /// For how long clients are still accepted after SIGTERM, while /readyz says that none should be sent
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    pub(crate) shutdown_delay: Duration,
    /// How long streams in flight may go on after SIGTERM
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) drain_timeout: Duration,
    /// The version of OpenTelemetry's conventions by which metrics are named where versions differ; wins over the
    /// configuration [default: the configuration's telemetry_conventions, else v1.41]
    #[arg(long, value_name = "VERSION", env = "AQUIFER_TELEMETRY_CONVENTIONS")]
    pub(crate) telemetry_conventions: Option<ConventionsAs>,
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

/// Who may use the admin page and its API.
#[derive(Debug, Args)]
pub(crate) struct AdminAccess {
    /// A name by which the admin page may be called, besides localhost and addresses; may be given again
    #[arg(long = "admin-host", value_name = "HOST", env = "AQUIFER_ADMIN_HOST", value_delimiter = ',')]
    pub(crate) admin_hosts: Vec<String>,
    /// File with the token for the admin page and its API; AQUIFER_ADMIN_TOKEN may hold the token itself [default: none on
    /// a loopback address; elsewhere one is made at the start, and the link with it is printed once]
    #[arg(long, value_name = "FILE", env = "AQUIFER_ADMIN_TOKEN_FILE")]
    pub(crate) admin_token_file: Option<PathBuf>,
    #[arg(long, hide = true, env = "AQUIFER_ADMIN_TOKEN", hide_env_values = true, value_parser = secret)]
    pub(crate) admin_token: Option<Secret>,
    /// What the holder of the token may do, separated by commas; `play` sends requests, which costs money, and `operate`
    /// changes the level of the log
    #[arg(
        long,
        value_name = "SCOPES",
        env = "AQUIFER_ADMIN_SCOPES",
        value_delimiter = ',',
        default_value = "observe,observe:text,play,operate"
    )]
    pub(crate) admin_scopes: Vec<AdminScope>,
}

/// `--admin-scopes`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AdminScope {
    Observe,
    #[value(name = "observe:text")]
    ObserveText,
    Play,
    Operate,
}

impl From<AdminScope> for Scope {
    fn from(scope: AdminScope) -> Self {
        match scope {
            AdminScope::Observe => Self::Observe,
            AdminScope::ObserveText => Self::ObserveText,
            AdminScope::Play => Self::Play,
            AdminScope::Operate => Self::Operate,
        }
    }
}

/// `--telemetry-conventions`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ConventionsAs {
    #[value(name = "v1.41")]
    V141,
    #[value(name = "v0.1")]
    V01,
    Both,
}

impl From<ConventionsAs> for MetricConventions {
    fn from(version: ConventionsAs) -> Self {
        match version {
            ConventionsAs::V141 => Self::V141,
            ConventionsAs::V01 => Self::V01,
            ConventionsAs::Both => Self::Both,
        }
    }
}

/// `--on-client-gone`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnClientGoneAs {
    Close,
    Drain,
}

impl From<OnClientGoneAs> for OnClientGone {
    fn from(what: OnClientGoneAs) -> Self {
        match what {
            OnClientGoneAs::Close => Self::Close,
            OnClientGoneAs::Drain => Self::Drain,
        }
    }
}

/// `--upstream-acks`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UpstreamAcks {
    Pairs,
    System,
}

/// `--bedrock-auth`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BedrockAuthAs {
    #[value(name = "sigv4")]
    SigV4,
    Bearer,
    Auto,
}

impl BedrockAuthAs {
    /// As a backend's configuration names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SigV4 => "sigv4",
            Self::Bearer => "bearer",
            Self::Auto => "auto",
        }
    }
}

/// `--upstream-access-denied`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AccessDeniedAs {
    Auto,
    Pass,
    BadGateway,
}

impl From<AccessDeniedAs> for AccessDenied {
    fn from(how: AccessDeniedAs) -> Self {
        match how {
            AccessDeniedAs::Auto => Self::Auto,
            AccessDeniedAs::Pass => Self::Pass,
            AccessDeniedAs::BadGateway => Self::BadGateway,
        }
    }
}

/// How much of everything one request may hold.
#[derive(Debug, Args)]
pub(crate) struct RequestLimits {
    /// How many messages a request may hold
    #[arg(long, value_name = "N", default_value_t = Limits::default().messages)]
    pub(crate) max_messages: usize,
    /// How many content blocks the messages of a request may hold together: parts, tool calls, items of reasoning
    #[arg(long, value_name = "N", default_value_t = Limits::default().content_blocks)]
    pub(crate) max_content_blocks: usize,
    /// How many tools a request may hold
    #[arg(long, value_name = "N", default_value_t = Limits::default().tools)]
    pub(crate) max_tools: usize,
    /// How many documents a request may hold
    #[arg(long, value_name = "N", default_value_t = Limits::default().documents)]
    pub(crate) max_documents: usize,
    /// How many images a request may hold
    #[arg(long, value_name = "N", default_value_t = Limits::default().images)]
    pub(crate) max_images: usize,
    /// How many betas a request may name, in its body and its headers
    #[arg(long, value_name = "N", default_value_t = Limits::default().betas)]
    pub(crate) max_betas: usize,
    /// How many members `metadata` and `additionalModelRequestFields` may have, each
    #[arg(long, value_name = "N", default_value_t = Limits::default().members)]
    pub(crate) max_members: usize,
    /// How many JSON values a request may hold, names of members included
    #[arg(long, value_name = "N", default_value_t = Limits::default().json_values)]
    pub(crate) max_json_values: usize,
    /// How long the id of a model may be, in bytes
    #[arg(long, value_name = "SIZE", default_value = "2KiB", value_parser = size)]
    pub(crate) max_model_bytes: usize,
    /// How long any other id or name may be, of a tool or a call, in bytes
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = size)]
    pub(crate) max_id_bytes: usize,
    /// How long a header that is read may be, in bytes
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = size)]
    pub(crate) max_header_bytes: usize,
}

impl RequestLimits {
    /// The same for the reader of requests.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            messages: self.max_messages,
            content_blocks: self.max_content_blocks,
            tools: self.max_tools,
            documents: self.max_documents,
            images: self.max_images,
            betas: self.max_betas,
            members: self.max_members,
            json_values: self.max_json_values,
            model_bytes: self.max_model_bytes,
            id_bytes: self.max_id_bytes,
            header_bytes: self.max_header_bytes,
        }
    }
}

/// `aquifer check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// YAML file, or folder of YAML files
    #[arg(value_name = "PATH", required_unless_present = "schema")]
    pub(crate) path: Option<PathBuf>,
    /// Print the JSON schema of a kind of resource instead, or one of all kinds
    #[arg(long, value_name = "KIND", num_args = 0..=1, exclusive = true)]
    pub(crate) schema: Option<Option<String>>,
    /// Fail when something is valid but will not be served: dangling references, unknown fields, unknown models
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `aquifer simulator`.
#[derive(Debug, Args)]
pub(crate) struct Simulator {
    /// Address and port to play Bedrock on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: String,
    /// Pause between deltas, for example 50ms or 1s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) pace: Option<Duration>,
    /// What goes wrong at every Nth call, such as throttling=2 or cut-before-first-byte=10; may be given again
    #[arg(long = "fault", value_name = "NAME=N", value_parser = aquifer_simulator::every)]
    pub(crate) faults: Vec<aquifer_simulator::Every>,
    /// Most letters of the user's words that thoughts and answers repeat [default: all]
    #[arg(long, value_name = "LETTERS")]
    pub(crate) echo: Option<usize>,
    /// Play the cache of prompts: what was marked once is told as read when it comes again
    #[arg(long)]
    pub(crate) prompt_cache: bool,
}

/// `aquifer doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Models to examine, as clients or routes name them [default: all that the configuration names]
    #[arg(value_name = "MODEL")]
    pub(crate) models: Vec<String>,
    /// YAML file, or folder of YAML files, with the configuration; without it the AWS environment decides
    #[arg(long, short, value_name = "PATH", env = "AQUIFER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Call every backend in this AWS region
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Write the rows that were found wrong, as they should be, as ReasoningPolicy resources
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// As JSON, with every probe
    #[arg(long)]
    pub(crate) json: bool,
    /// The most calls to make [default: twice as many as are planned]
    #[arg(long, value_name = "N")]
    pub(crate) max_calls: Option<usize>,
    /// Do not ask before the first call
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `aquifer models`.
#[derive(Debug, Args)]
pub(crate) struct Models {
    /// Model id, inference profile id or ARN, to show all that is known of it; without it a line for each model
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// YAML file, or folder of YAML files, that knows models better or declares them
    #[arg(long, short, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// As JSON, each row in the form that a ReasoningPolicy's models[].row takes
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the log is written, on standard error.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// How much is logged; wins over the configuration [default: the configuration's log_level, else info]
    #[arg(long, value_name = "LEVEL", env = "AQUIFER_LOG")]
    pub(crate) log_level: Option<Level>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How a client is told that its stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepAliveKind {
    /// A comment of server-sent events
    Comment,
    /// A chunk that says nothing
    Chunk,
}

impl From<KeepAliveKind> for KeepAlive {
    fn from(kind: KeepAliveKind) -> Self {
        match kind {
            KeepAliveKind::Comment => Self::Comment,
            KeepAliveKind::Chunk => Self::Chunk,
        }
    }
}

/// The log's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The log's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of words for each event
    Text,
    /// One JSON object for each event
    Json,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

impl From<LogFormat> for log::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// Timers take any time up to this.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// A time as the configuration writes it, such as `1m30s`; a number alone is seconds.
fn time(text: &str) -> Result<Duration, String> {
    let written = if text.is_empty() { None } else { duration(text) };
    let time = text.parse().ok().map(Duration::from_secs).or(written);
    match time {
        Some(time) if time > LONGEST => Err("longer than 30 days".to_owned()),
        Some(time) => Ok(time),
        None => Err("expected a time such as 500ms, 30s, 2m or 1h30m".to_owned()),
    }
}

fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.parse().map_err(|_| "expected a whole number with a unit: 512KiB, 32MiB".to_owned())?;
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        unit => return Err(format!("unknown unit `{unit}`; expected KiB, MiB or GiB")),
    };
    number.checked_mul(factor).ok_or_else(|| "too large".to_owned())
}

fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text.to_owned()))
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1024) => Ok(number),
        _ => Err("expected a number from 1 to 1024".to_owned()),
    }
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("expected a number from 1 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_sizes() {
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(time("3"), Ok(Duration::from_secs(3)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["soon", "", "m", "1.5s", "-3", "3 s", "99999999999999999999"] {
            assert_eq!(time(wrong).unwrap_err(), "expected a time such as 500ms, 30s, 2m or 1h30m", "{wrong}");
        }
        assert_eq!(time("1000h").unwrap_err(), "longer than 30 days");
        assert!(time("3 fortnights").is_err());
        assert_eq!(size("32MiB"), Ok(32 << 20));
        assert_eq!(size("77"), Ok(77));
        assert!(size("99999999999GiB").is_err());
        assert!(size("MiB").is_err());
        assert!(connections("0").is_err());
    }
}

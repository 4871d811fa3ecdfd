//! Credentials of backends: API keys, credentials files, or AWS's default chain; cached, and refreshed before they expire.
//!
//! ```text
//!  none ── first call fetches ──► fresh ── 5 min before expiry ──► stale: used while a task refreshes ──► fresh
//!                                   ▲                                 └─ 10 s before expiry ─► unusable: calls wait
//!                                   └──────────────── fetched ───────────────────────────────────┘
//! ```

mod cache;
mod key_file;
mod origin;

use crate::clock;
use crate::environment::Environment;
use aquifer_gateway::config::{self, BedrockAuth};
use aquifer_gateway::secret::Secret;
use aquifer_sign::{ShortTermKeys, SigningIdentity};
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideFuture;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use cache::{Cache, FETCH_TIMEOUT};
use key_file::KeyFile;
pub use origin::CredentialOrigin;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::sync::OnceCell;

/// The sources of AWS's default chain, for error messages.
const LOOKED: &str = "looked in the environment, the profile, web identity, the container and the machine's role";

/// The environment variable with the default of a backend's authorisation: `sigv4`, `bearer` or `auto`.
pub const AUTH: &str = "AQUIFER_BEDROCK_AUTH";

/// The authorisation of a call.
pub enum Authorization {
    /// A SigV4 signature by this identity.
    Signature(Arc<SigningIdentity>),
    /// This API key as a bearer token.
    Bearer(Arc<Secret>),
    /// A short-term API key, derived from the credentials, as a bearer token.
    ShortTerm(Arc<Secret>),
    /// None: the backend needs no credentials.
    Nobody,
}

/// AWS's default credential chains, one for each region, shared by all backends of that region.
#[derive(Clone, Default)]
pub struct CredentialChains(Arc<Mutex<HashMap<Option<String>, Arc<Chain>>>>);

/// AWS's default credential chain in one region (it may call STS or SSO there), with its cache.
struct Chain {
    region: Option<String>,
    config: Arc<OnceCell<SdkConfig>>,
    cache: Cache,
}

/// The source of one backend's authorisation and region.
pub struct Signer {
    region: Option<String>,
    source: Source,
    chain: Arc<Chain>,
    auth: BedrockAuth,
    short_term: ShortTermKeys,
    /// AWS denied short-term keys to these credentials: calls are signed instead.
    denied: AtomicBool,
}

enum Source {
    Bearer(Arc<Secret>),
    BearerFile(KeyFile),
    Chain,
    Nobody,
    File(SharedCredentialsProvider, Cache),
    NotServed(String),
}

impl CredentialChains {
    fn of(&self, region: Option<&str>) -> Arc<Chain> {
        let mut chains = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let region = region.map(str::to_owned);
        let chain = chains.entry(region.clone());
        Arc::clone(chain.or_insert_with(|| Arc::new(Chain { region, config: Arc::default(), cache: Cache::default() })))
    }
}

/// Loads AWS's settings anew for each fetch: the chain reads its files once only, and key rotation rewrites them.
#[derive(Debug)]
struct ChainProvider {
    region: Option<String>,
}

impl ChainProvider {
    async fn config(&self) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        loader.load().await
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let provider = self.config().await.credentials_provider();
        let provider = provider.ok_or_else(|| CredentialsError::not_loaded("AWS's credential chain is empty"))?;
        provider.provide_credentials().await
    }
}

impl ProvideCredentials for ChainProvider {
    fn provide_credentials<'a>(&'a self) -> ProvideFuture<'a>
    where
        Self: 'a,
    {
        ProvideFuture::new(self.credentials())
    }
}

impl Chain {
    /// The region of AWS's settings (profile or instance metadata).
    async fn region(&self) -> Result<Option<&Region>, String> {
        if let Some(config) = self.config.get() {
            return Ok(config.region());
        }
        // In a task of its own: a cancelled call must not cancel the load for others.
        let (config, walk) = (Arc::clone(&self.config), self.walk());
        let loading = tokio::spawn(async move {
            let loaded = config.get_or_init(|| Box::pin(walk.config()));
            tokio::time::timeout(FETCH_TIMEOUT, loaded).await.is_ok()
        });
        drop(loading.await);
        let config = self.config.get().ok_or("AWS's settings were not found in time")?;
        Ok(config.region())
    }

    async fn identity(&self) -> Result<Arc<SigningIdentity>, String> {
        self.cache.identity(&self.provider()).await.map_err(|why| format!("{why}; {LOOKED}"))
    }

    fn walk(&self) -> ChainProvider {
        ChainProvider { region: self.region.clone() }
    }

    fn provider(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(self.walk())
    }
}

impl Signer {
    /// The source for a backend; nothing is fetched before the first call.
    pub fn new(bedrock: &config::Service, environment: &Environment, chains: &CredentialChains) -> Self {
        let source = match &bedrock.credentials {
            config::Credentials::ApiKey(key) => Source::Bearer(Arc::new(key.clone())),
            config::Credentials::File { text, profile } => Source::File(file_provider(text, profile), Cache::default()),
            config::Credentials::Nobody => Source::Nobody,
            config::Credentials::NotServed { why } => Source::NotServed(why.clone()),
            config::Credentials::Default => {
                match (environment.get("AWS_BEARER_TOKEN_BEDROCK_FILE"), environment.get("AWS_BEARER_TOKEN_BEDROCK")) {
                    (Some(path), _) => Source::BearerFile(KeyFile::new(path)),
                    (None, Some(key)) => Source::Bearer(Arc::new(Secret::new(key.to_owned()))),
                    (None, None) => Source::Chain,
                }
            }
        };
        let named = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let region = bedrock.region.as_deref().or_else(|| named.into_iter().find_map(|name| environment.get(name)));
        let auth = bedrock.auth.or_else(|| environment.get(AUTH).and_then(BedrockAuth::named)).unwrap_or_default();
        Self {
            region: region.map(str::to_owned),
            source,
            chain: chains.of(region),
            auth,
            short_term: ShortTermKeys::default(),
            denied: AtomicBool::new(false),
        }
    }

    /// The region to sign for: the configuration's, the environment's, the profile's, the instance's, or the default.
    ///
    /// # Errors
    /// AWS's settings could not be loaded in time.
    pub async fn region(&self) -> Result<&str, String> {
        if let Some(region) = &self.region {
            return Ok(region);
        }
        Ok(self.chain.region().await?.map_or(config::DEFAULT_REGION, Region::as_ref))
    }

    /// Has credentials refreshed that Bedrock refused as invalid or expired.
    pub fn distrust(&self, refused: &Arc<SigningIdentity>) {
        if let Source::Chain = self.source {
            self.chain.cache.distrust(refused, self.chain.provider());
        }
    }

    /// The authorisation of a call: cached, or fetched now.
    ///
    /// # Errors
    /// There are no usable credentials, and this is why.
    pub async fn authority(&self) -> Result<Authorization, String> {
        let authority = self.given_authority().await?;
        match &authority {
            Authorization::Signature(identity) if self.auth != BedrockAuth::SigV4 && !self.is_denied() => {
                self.short_term.of(identity, self.region().await?, clock::wall()).map(Authorization::ShortTerm)
            }
            _ => Ok(authority),
        }
    }

    /// Whether calls fall back to SigV4 when AWS denies short-term keys (`auto`).
    pub fn may_sign_instead(&self) -> bool {
        self.auth == BedrockAuth::Auto
    }

    /// Falls back to SigV4 for all further calls.
    pub fn sign_instead(&self) {
        if !self.denied.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "AWS denies bedrock:CallWithBearerToken to these credentials: calls are signed (SigV4) from now on"
            );
        }
    }

    /// Drops the short-term key that Bedrock refused: the next call derives a new one.
    pub fn distrust_short_term(&self) {
        self.short_term.forget();
    }

    fn is_denied(&self) -> bool {
        self.denied.load(Ordering::Relaxed)
    }

    /// When the credentials in use expire; `None`: they do not, or none are in use yet.
    pub fn expiry(&self) -> Option<SystemTime> {
        match &self.source {
            Source::File(_, cache) => cache.expiry(),
            Source::Chain => self.chain.cache.expiry(),
            Source::Bearer(_) | Source::BearerFile(_) | Source::Nobody | Source::NotServed(_) => None,
        }
    }

    async fn given_authority(&self) -> Result<Authorization, String> {
        let (cache, provider) = match &self.source {
            Source::Bearer(key) => return Ok(Authorization::Bearer(Arc::clone(key))),
            Source::BearerFile(file) => return Box::pin(file.key()).await.map(Authorization::Bearer),
            Source::Nobody => return Ok(Authorization::Nobody),
            Source::NotServed(why) => return Err(why.clone()),
            Source::File(provider, cache) => (cache, Some(provider)),
            Source::Chain => (&self.chain.cache, None),
        };
        if let Some(identity) = cache.fresh() {
            return Ok(Authorization::Signature(identity));
        }
        // Boxed, because the fetching future is large, and the future of every call would be as large.
        let fetched = Box::pin(async {
            match provider {
                Some(provider) => cache.identity(provider).await,
                None => self.chain.identity().await,
            }
        });
        fetched.await.map(Authorization::Signature)
    }
}

fn file_provider(text: &Secret, profile: &str) -> SharedCredentialsProvider {
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Credentials, text.expose()).build();
    let provider = ProfileFileCredentialsProvider::builder().profile_files(files).profile_name(profile).build();
    SharedCredentialsProvider::new(provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bedrock(credentials: config::Credentials) -> config::Service {
        config::Service { region: Some("us-east-1".to_owned()), credentials, ..config::Service::default() }
    }

    fn signer(bedrock: &config::Service, environment: &Environment) -> Signer {
        Signer::new(bedrock, environment, &CredentialChains::default())
    }

    async fn key(signer: &Signer) -> String {
        match signer.authority().await.unwrap() {
            Authorization::Signature(identity) => identity.credentials().access_key_id.clone(),
            Authorization::Bearer(_) | Authorization::ShortTerm(_) | Authorization::Nobody => {
                panic!("a signature was expected")
            }
        }
    }

    #[tokio::test]
    async fn a_file_given_as_text() {
        let text = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n[other]\naws_access_key_id=C\n\
                    aws_secret_access_key=D\n";
        for (profile, expected) in [("default", "A"), ("other", "C")] {
            let from_file =
                config::Credentials::File { text: Secret::new(text.to_owned()), profile: profile.to_owned() };
            assert_eq!(key(&signer(&bedrock(from_file), &Environment::default())).await, expected);
        }
    }

    #[tokio::test]
    async fn the_bearer_token_of_the_environment_wins_over_the_chain_only() {
        let environment = Environment::from([("AWS_BEARER_TOKEN_BEDROCK", "token")]);
        let signed = signer(&bedrock(config::Credentials::Default), &environment);
        assert!(matches!(signed.authority().await, Ok(Authorization::Bearer(key)) if key.expose() == "token"));
        let own = bedrock(config::Credentials::ApiKey(Secret::new("own".to_owned())));
        let signed = signer(&own, &environment);
        assert!(matches!(signed.authority().await, Ok(Authorization::Bearer(key)) if key.expose() == "own"));
    }

    #[tokio::test]
    async fn a_key_file_of_the_environment_wins_over_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "of-the-file\n").unwrap();
        let named = [("AWS_BEARER_TOKEN_BEDROCK", "token"), ("AWS_BEARER_TOKEN_BEDROCK_FILE", path.to_str().unwrap())];
        let signed = signer(&bedrock(config::Credentials::Default), &Environment::from(named));
        assert!(matches!(signed.authority().await, Ok(Authorization::Bearer(key)) if key.expose() == "of-the-file"));
    }

    #[tokio::test]
    async fn the_region_of_the_configuration_wins() {
        let environment = Environment::from([("AWS_REGION", "eu-west-1")]);
        let mut backend = bedrock(config::Credentials::Default);
        assert_eq!(signer(&backend, &environment).region().await, Ok("us-east-1"));
        backend.region = None;
        assert_eq!(signer(&backend, &environment).region().await, Ok("eu-west-1"));
    }

    #[tokio::test]
    async fn credentials_that_cannot_be_had_say_why() {
        let why = "an OIDC exchange is not served".to_owned();
        let signer = signer(&bedrock(config::Credentials::NotServed { why: why.clone() }), &Environment::default());
        assert_eq!(signer.authority().await.err(), Some(why));
    }

    #[test]
    fn backends_of_one_region_share_a_chain() {
        let (chains, environment) = (CredentialChains::default(), Environment::default());
        let mut backend = bedrock(config::Credentials::Default);
        let first = Signer::new(&backend, &environment, &chains);
        let second = Signer::new(&backend, &environment, &chains);
        assert!(Arc::ptr_eq(&first.chain, &second.chain));
        backend.region = Some("eu-west-1".to_owned());
        let elsewhere = Signer::new(&backend, &environment, &chains);
        assert!(!Arc::ptr_eq(&first.chain, &elsewhere.chain));
    }
}

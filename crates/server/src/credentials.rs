//! Who signs the calls: found lazily by AWS's chain, kept, and fetched anew before they expire.

use crate::clock;
use crate::environment::Environment;
use aquifer_gateway::config;
use aquifer_gateway::secret::Secret;
use arc_swap::ArcSwapOption;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex, OnceCell};

/// Credentials are fetched anew this long before they expire, while calls go on with the old ones.
const REFRESH_BEFORE: Duration = Duration::from_secs(300);
/// Credentials that expire sooner than this are not used for a new call.
const UNUSABLE_BEFORE: Duration = Duration::from_secs(10);
/// After a failure the chain is left alone for this long, so that calls do not queue for it one by one.
const FAILURE_KEPT: Duration = Duration::from_secs(3);
/// How long one walk through the chain may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// What a call is authorised with.
pub(crate) enum Authority {
    /// Signed with these.
    Signature(Credentials),
    /// Sent with this key.
    Bearer(Secret),
}

/// The source of one backend's authority and region.
pub(crate) struct Signer {
    region: Option<String>,
    source: Source,
    chain: OnceCell<SdkConfig>,
    fetching: Arc<Mutex<Option<Failure>>>,
    kept: Arc<ArcSwapOption<Credentials>>,
}

/// The last walk through the chain gave nothing.
struct Failure {
    at: Instant,
    why: String,
}

enum Source {
    Bearer(Secret),
    Chain,
    File(SharedCredentialsProvider),
    NotServed(String),
}

impl Signer {
    /// Fetches nothing yet.
    pub(crate) fn new(bedrock: &config::Bedrock, environment: &Environment) -> Self {
        let source = match &bedrock.credentials {
            config::Credentials::ApiKey(key) => Source::Bearer(key.clone()),
            config::Credentials::File { text, profile } => Source::File(file_provider(text, profile)),
            config::Credentials::NotServed { why } => Source::NotServed(why.clone()),
            config::Credentials::Default => match environment.get("AWS_BEARER_TOKEN_BEDROCK") {
                Some(key) => Source::Bearer(Secret::new(key.to_owned())),
                None => Source::Chain,
            },
        };
        let named = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let from_environment = || named.into_iter().find_map(|name| environment.get(name));
        let region = bedrock.region.as_deref().or_else(from_environment).map(str::to_owned);
        Self {
            region,
            source,
            chain: OnceCell::new(),
            fetching: Arc::default(),
            kept: Arc::new(ArcSwapOption::empty()),
        }
    }

    /// The region to sign for: the configuration's, the environment's, the profile's, the machine's own,
    /// or the default one.
    pub(crate) async fn region(&self) -> Result<&str, String> {
        if let Some(region) = &self.region {
            return Ok(region);
        }
        Ok(self.chain().await?.region().map_or(config::DEFAULT_REGION, Region::as_ref))
    }

    /// What to authorise a call with.
    pub(crate) async fn authority(&self) -> Result<Authority, String> {
        let provider = match &self.source {
            Source::Bearer(key) => return Ok(Authority::Bearer(key.clone())),
            Source::NotServed(why) => return Err(why.clone()),
            Source::File(provider) => provider.clone(),
            Source::Chain => {
                let found = self.chain().await?.credentials_provider();
                found.ok_or_else(|| "AWS's credential chain is empty".to_owned())?
            }
        };
        if let Some(kept) = self.kept.load_full() {
            if !expires_within(&kept, REFRESH_BEFORE, clock::wall()) {
                return Ok(Authority::Signature(kept.as_ref().clone()));
            }
            if !expires_within(&kept, UNUSABLE_BEFORE, clock::wall()) {
                self.refresh_behind(provider);
                return Ok(Authority::Signature(kept.as_ref().clone()));
            }
        }
        let mut failed = self.fetching.lock().await;
        if let Some(kept) = self.kept.load_full().filter(|it| !expires_within(it, UNUSABLE_BEFORE, clock::wall())) {
            return Ok(Authority::Signature(kept.as_ref().clone()));
        }
        if let Some(Failure { at, why }) = failed.as_ref()
            && clock::now().saturating_duration_since(*at) < FAILURE_KEPT
        {
            return Err(why.clone());
        }
        let fetched = fetch(&provider, &self.kept).await;
        *failed = fetched.as_ref().err().map(|why| Failure { at: clock::now(), why: why.clone() });
        fetched.map(Authority::Signature)
    }

    /// Fetches anew while calls go on; does nothing while another fetch is under way.
    fn refresh_behind(&self, provider: SharedCredentialsProvider) {
        let Ok(alone) = Arc::clone(&self.fetching).try_lock_owned() else { return };
        let kept = Arc::clone(&self.kept);
        tokio::spawn(async move {
            if let Err(error) = fetch(&provider, &kept).await {
                tracing::warn!(%error, "AWS credentials were not refreshed; the old ones are used until they expire");
            }
            drop(alone);
        });
    }

    async fn chain(&self) -> Result<&SdkConfig, String> {
        let load = async {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            if let Some(region) = &self.region {
                loader = loader.region(Region::new(region.clone()));
            }
            loader.load().await
        };
        let timed = tokio::time::timeout(FETCH_TIMEOUT, self.chain.get_or_init(|| load)).await;
        timed.map_err(|_| "AWS's settings were not found in time".to_owned())
    }
}

/// Fetches credentials and keeps them; those without an expiry are kept for a quarter of an hour.
async fn fetch(provider: &SharedCredentialsProvider, kept: &ArcSwapOption<Credentials>) -> Result<Credentials, String> {
    let fetched = tokio::time::timeout(FETCH_TIMEOUT, provider.provide_credentials()).await;
    let mut credentials = fetched
        .map_err(|_| format!("none within {} s", FETCH_TIMEOUT.as_secs()))?
        .map_err(|error| format!("{}; looked in AWS's usual places", told(&error)))?;
    if credentials.expiry().is_none() {
        *credentials.expiry_mut() = Some(clock::wall() + Duration::from_secs(900));
    }
    kept.store(Some(Arc::new(credentials.clone())));
    Ok(credentials)
}

fn expires_within(credentials: &Credentials, margin: Duration, now: SystemTime) -> bool {
    credentials.expiry().is_some_and(|expiry| expiry <= now + margin)
}

/// An error with its causes, which name files and services but never keys.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let line = inner.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        cause = inner.source();
    }
    text
}

fn file_provider(text: &Secret, profile: &str) -> SharedCredentialsProvider {
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Credentials, text.expose()).build();
    let provider = ProfileFileCredentialsProvider::builder().profile_files(files).profile_name(profile).build();
    SharedCredentialsProvider::new(provider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn bedrock(credentials: config::Credentials) -> config::Bedrock {
        config::Bedrock { region: Some("us-east-1".to_owned()), credentials, ..config::Bedrock::default() }
    }

    #[derive(Debug)]
    struct Expiring {
        calls: Arc<AtomicUsize>,
        life: Duration,
    }

    impl ProvideCredentials for Expiring {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            let expiry = Some(clock::wall() + self.life);
            let made = Credentials::new(format!("key{call}"), "secret", None, expiry, "test");
            aws_credential_types::provider::future::ProvideCredentials::ready(Ok(made))
        }
    }

    fn expiring(life: Duration) -> (Signer, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let provider = Expiring { calls: Arc::clone(&calls), life };
        let default = bedrock(config::Credentials::Default);
        let mut signer = Signer::new(&default, &Environment::default());
        signer.source = Source::File(SharedCredentialsProvider::new(provider));
        (signer, calls)
    }

    async fn key(signer: &Signer) -> String {
        match signer.authority().await.unwrap() {
            Authority::Signature(credentials) => credentials.access_key_id().to_owned(),
            Authority::Bearer(_) => panic!("a signature was expected"),
        }
    }

    #[tokio::test]
    async fn a_file_given_as_text() {
        let text = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n[other]\naws_access_key_id=C\n\
                    aws_secret_access_key=D\n";
        for (profile, expected) in [("default", "A"), ("other", "C")] {
            let from_file =
                config::Credentials::File { text: Secret::new(text.to_owned()), profile: profile.to_owned() };
            assert_eq!(key(&Signer::new(&bedrock(from_file), &Environment::default())).await, expected);
        }
    }

    #[tokio::test]
    async fn the_bearer_token_of_the_environment_wins_over_the_chain_only() {
        let environment = Environment::from([("AWS_BEARER_TOKEN_BEDROCK", "token")]);
        let signer = Signer::new(&bedrock(config::Credentials::Default), &environment);
        assert!(matches!(signer.authority().await, Ok(Authority::Bearer(key)) if key.expose() == "token"));
        let own = bedrock(config::Credentials::ApiKey(Secret::new("own".to_owned())));
        let signer = Signer::new(&own, &environment);
        assert!(matches!(signer.authority().await, Ok(Authority::Bearer(key)) if key.expose() == "own"));
    }

    #[tokio::test]
    async fn fresh_ones_are_kept() {
        let (signer, calls) = expiring(Duration::from_secs(3600));
        assert_eq!(key(&signer).await, "key0");
        assert_eq!(key(&signer).await, "key0");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn old_ones_are_used_while_new_ones_are_fetched() {
        let (signer, calls) = expiring(Duration::from_secs(60));
        assert_eq!(key(&signer).await, "key0");
        assert_eq!(key(&signer).await, "key0");
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while calls.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap();
    }

    #[derive(Debug, Default)]
    struct Failing(Arc<AtomicUsize>);

    impl ProvideCredentials for Failing {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::SeqCst);
            let nothing = aws_credential_types::provider::error::CredentialsError::not_loaded("nothing here");
            aws_credential_types::provider::future::ProvideCredentials::ready(Err(nothing))
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_again_without_another_walk() {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut signer = Signer::new(&bedrock(config::Credentials::Default), &Environment::default());
        signer.source = Source::File(SharedCredentialsProvider::new(Failing(Arc::clone(&calls))));
        for _ in 0..5 {
            let why = signer.authority().await.err().unwrap();
            assert!(why.contains("nothing here"), "{why}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn expired_ones_are_never_used() {
        let (signer, _) = expiring(Duration::from_secs(1));
        assert_eq!(key(&signer).await, "key0");
        assert_eq!(key(&signer).await, "key1");
    }

    #[tokio::test]
    async fn the_region_of_the_configuration_wins() {
        let environment = Environment::from([("AWS_REGION", "eu-west-1")]);
        let mut backend = bedrock(config::Credentials::Default);
        assert_eq!(Signer::new(&backend, &environment).region().await, Ok("us-east-1"));
        backend.region = None;
        assert_eq!(Signer::new(&backend, &environment).region().await, Ok("eu-west-1"));
    }
}

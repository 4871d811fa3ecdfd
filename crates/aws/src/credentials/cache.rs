//! The cache of one credential source: refreshes ahead of expiry, and shares one fetch among all calls (single flight).

use crate::clock;
use crate::sign::from_aws;
use aquifer_sign::{SigningCredentials, SigningIdentity};
use arc_swap::ArcSwapOption;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// The refresh ahead of expiry: calls use the old credentials meanwhile.
const REFRESH_BEFORE: Duration = Duration::from_secs(300);
/// Credentials that expire within this time are not used for a new call.
const UNUSABLE_BEFORE: Duration = Duration::from_secs(10);
/// The assumed lifetime of credentials without an expiry, so that rotated keys are picked up.
const WITHOUT_EXPIRY: Duration = Duration::from_secs(900);
/// The time for which a failed fetch is remembered, so that calls fail at once instead of fetching one by one.
const FAILURE_KEPT: Duration = Duration::from_secs(3);
/// The timeout of one fetch.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Refused credentials are not refreshed sooner than this after they were fetched.
const REFUSED_AFTER: Duration = Duration::from_secs(30);

/// The cache of one credential source. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Cache {
    fetching: Arc<Mutex<Fetching>>,
    kept: Arc<ArcSwapOption<Kept>>,
}

/// Cached credentials, and when they were fetched.
struct Kept {
    identity: Arc<SigningIdentity>,
    at: Instant,
    /// When they expire, where their source says so.
    expiry: Option<SystemTime>,
}

/// The result of a fetch.
type Fetched = Result<Arc<SigningIdentity>, String>;

/// The state of fetching. A fetch runs in a task of its own, so that a call which is cancelled does not cancel it for
/// others.
#[derive(Default)]
struct Fetching {
    under_way: Option<watch::Receiver<Option<Fetched>>>,
    failure: Option<Failure>,
}

/// A fetch that failed.
struct Failure {
    at: Instant,
    why: String,
}

impl Cache {
    /// When the cached credentials expire, where their source says so.
    pub(super) fn expiry(&self) -> Option<SystemTime> {
        self.kept.load().as_ref()?.expiry
    }

    /// The cached credentials, unless they need a refresh.
    pub(super) fn fresh(&self) -> Option<Arc<SigningIdentity>> {
        self.kept_for(REFRESH_BEFORE)
    }

    /// Usable credentials: cached, or fetched now.
    pub(super) async fn identity(&self, provider: &SharedCredentialsProvider) -> Fetched {
        if let Some(kept) = self.usable() {
            if expires_within(kept.credentials(), REFRESH_BEFORE, clock::wall()) {
                self.refresh_behind(provider.clone());
            }
            return Ok(kept);
        }
        let under_way = {
            let mut fetching = self.fetching();
            // Another call's fetch may have ended between the check above and the lock.
            if let Some(kept) = self.usable() {
                return Ok(kept);
            }
            self.under_way(&mut fetching, provider)?
        };
        come(under_way).await
    }

    /// Joins the fetch under way, or starts one.
    ///
    /// # Errors
    /// The last one has just failed.
    fn under_way(
        &self,
        fetching: &mut Fetching,
        provider: &SharedCredentialsProvider,
    ) -> Result<watch::Receiver<Option<Fetched>>, String> {
        // A fetch whose task is gone (the runtime ended) would never complete.
        if let Some(under_way) = fetching.under_way.as_ref().filter(|it| it.has_changed().is_ok()) {
            return Ok(under_way.clone());
        }
        if let Some(Failure { at, why }) = &fetching.failure
            && clock::now().saturating_duration_since(*at) < FAILURE_KEPT
        {
            return Err(why.clone());
        }
        let (told, under_way) = watch::channel(None);
        fetching.under_way = Some(under_way.clone());
        let (cache, provider) = (self.clone(), provider.clone());
        tokio::spawn(async move {
            let fetched = cache.fetch(&provider).await;
            let failure = fetched.as_ref().err().map(|why| Failure { at: clock::now(), why: why.clone() });
            if let (Some(failure), Some(_)) = (&failure, cache.usable()) {
                tracing::warn!(
                    error = failure.why,
                    "AWS credentials were not refreshed; the old ones are used until they expire"
                );
            }
            *cache.fetching() = Fetching { under_way: None, failure };
            told.send_replace(Some(fetched));
        });
        Ok(under_way)
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Option<Arc<SigningIdentity>> {
        self.kept_for(UNUSABLE_BEFORE)
    }

    /// The cached credentials, if they do not expire within this time.
    fn kept_for(&self, margin: Duration) -> Option<Arc<SigningIdentity>> {
        let kept = Arc::clone(&self.kept.load().as_ref()?.identity);
        (!expires_within(kept.credentials(), margin, clock::wall())).then_some(kept)
    }

    /// Refreshes credentials that Bedrock refused, in the background, unless they were fetched just now.
    pub(super) fn distrust(&self, refused: &Arc<SigningIdentity>, provider: SharedCredentialsProvider) {
        let is_doubtful = self.kept.load().as_ref().is_some_and(|kept| {
            Arc::ptr_eq(&kept.identity, refused) && clock::now().saturating_duration_since(kept.at) >= REFUSED_AFTER
        });
        if is_doubtful {
            self.refresh_behind(provider);
        }
    }

    /// Starts a refresh in the background; does nothing while a fetch is under way or has just failed.
    fn refresh_behind(&self, provider: SharedCredentialsProvider) {
        drop(self.under_way(&mut self.fetching(), &provider));
    }

    async fn fetch(&self, provider: &SharedCredentialsProvider) -> Fetched {
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, provider.provide_credentials()).await;
        let mut credentials =
            fetched.map_err(|_| format!("none within {} s", FETCH_TIMEOUT.as_secs()))?.map_err(|error| told(&error))?;
        let expiry = credentials.expiry();
        if expiry.is_none() {
            *credentials.expiry_mut() = Some(clock::wall() + WITHOUT_EXPIRY);
        }
        let identity = Arc::new(SigningIdentity::new(from_aws(&credentials)));
        self.kept.store(Some(Arc::new(Kept { identity: Arc::clone(&identity), at: clock::now(), expiry })));
        Ok(identity)
    }
}

/// Waits for the result of a fetch.
async fn come(mut under_way: watch::Receiver<Option<Fetched>>) -> Fetched {
    let gone = || Err("the fetch of credentials was broken off".to_owned());
    match under_way.wait_for(Option::is_some).await {
        Ok(fetched) => fetched.clone().unwrap_or_else(gone),
        Err(_) => gone(),
    }
}

fn expires_within(credentials: &SigningCredentials, margin: Duration, now: SystemTime) -> bool {
    credentials.expiry.is_some_and(|expiry| expiry <= now + margin)
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Debug)]
    struct Expiring {
        calls: Arc<AtomicUsize>,
        life: Duration,
    }

    impl ProvideCredentials for Expiring {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            let expiry = Some(clock::wall() + self.life);
            let made = Credentials::new(format!("key{call}"), "secret", None, expiry, "test");
            future::ProvideCredentials::ready(Ok(made))
        }
    }

    #[derive(Debug, Default)]
    struct Failing(Arc<AtomicUsize>);

    impl ProvideCredentials for Failing {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::SeqCst);
            let nothing = CredentialsError::not_loaded("nothing here");
            future::ProvideCredentials::ready(Err(nothing))
        }
    }

    /// A cache, its source, and how often that was asked.
    struct Fixture {
        cache: Cache,
        provider: SharedCredentialsProvider,
        calls: Arc<AtomicUsize>,
    }

    impl Fixture {
        fn expiring(life: Duration) -> Self {
            let calls = Arc::new(AtomicUsize::new(0));
            let provider = SharedCredentialsProvider::new(Expiring { calls: Arc::clone(&calls), life });
            Self { cache: Cache::default(), provider, calls }
        }

        async fn key(&self) -> String {
            self.cache.identity(&self.provider).await.unwrap().credentials().access_key_id.clone()
        }
    }

    #[tokio::test]
    async fn fresh_ones_are_kept() {
        let kept = Fixture::expiring(Duration::from_secs(3600));
        assert_eq!(kept.key().await, "key0");
        assert_eq!(kept.key().await, "key0");
        assert_eq!(kept.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn many_calls_at_once_fetch_once() {
        let kept = Arc::new(Fixture::expiring(Duration::from_secs(3600)));
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let kept = Arc::clone(&kept);
            calls.spawn(async move { kept.key().await });
        }
        assert!(calls.join_all().await.iter().all(|key| key == "key0"));
        assert_eq!(kept.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn old_ones_are_used_while_new_ones_are_fetched() {
        let kept = Fixture::expiring(Duration::from_secs(60));
        assert_eq!(kept.key().await, "key0");
        assert_eq!(kept.key().await, "key0");
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while kept.calls.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap();
    }

    #[tokio::test]
    async fn expired_ones_are_never_used() {
        let kept = Fixture::expiring(Duration::from_secs(1));
        assert_eq!(kept.key().await, "key0");
        assert_eq!(kept.key().await, "key1");
    }

    #[tokio::test]
    async fn refused_ones_are_fetched_anew_but_not_at_once() {
        let kept = Fixture::expiring(Duration::from_secs(3600));
        let refused = kept.cache.identity(&kept.provider).await.unwrap();
        kept.cache.distrust(&refused, kept.provider.clone());
        tokio::task::yield_now().await;
        assert_eq!(kept.calls.load(Ordering::SeqCst), 1, "they have just come");
        let at = clock::now() - REFUSED_AFTER;
        kept.cache.kept.store(Some(Arc::new(Kept { identity: Arc::clone(&refused), at, expiry: None })));
        kept.cache.distrust(&refused, kept.provider.clone());
        let anew = async {
            while kept.key().await == "key0" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), anew).await.unwrap();
        kept.cache.distrust(&refused, kept.provider.clone());
        tokio::task::yield_now().await;
        assert_eq!(kept.calls.load(Ordering::SeqCst), 2, "those that are refused are kept no longer");
    }

    /// A source that takes its time.
    #[derive(Debug)]
    struct Slow(Arc<AtomicUsize>);

    impl ProvideCredentials for Slow {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::new(async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok(Credentials::new("slow", "secret", None, None, "test"))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_ends_no_fetch() {
        let calls = Arc::new(AtomicUsize::new(0));
        let provider = SharedCredentialsProvider::new(Slow(Arc::clone(&calls)));
        let cache = Cache::default();
        for call in 0..20 {
            let identity = cache.identity(&provider);
            let in_time = tokio::time::timeout(Duration::from_millis(200), identity).await;
            assert_eq!(in_time.is_ok(), call >= 2, "those that come after half a second have them");
        }
        assert!(cache.identity(&provider).await.is_ok());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_told_again_without_another_fetch() {
        let calls = Arc::new(AtomicUsize::new(0));
        let provider = SharedCredentialsProvider::new(Failing(Arc::clone(&calls)));
        let cache = Cache::default();
        for _ in 0..5 {
            let why = cache.identity(&provider).await.err().unwrap();
            assert!(why.contains("nothing here"), "{why}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

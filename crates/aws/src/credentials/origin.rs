//! The report about credentials at start: the source that was found, or every source that was tried and its error.

use super::{Authorization, Chain, Signer, Source};
use crate::environment::Environment;
use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// The timeout of each source that is tried for the report.
const PATIENCE: Duration = Duration::from_secs(5);

/// The source of the credentials of one or more backends, for the log at start.
#[derive(Debug, PartialEq, Eq)]
pub enum CredentialOrigin {
    /// Credentials were found; the source in words.
    Found(String),
    /// There are no credentials; the reason.
    Missing(String),
    /// The backend wants none.
    Unneeded,
}

impl Signer {
    /// Whether two backends share their credentials.
    pub fn shares_source(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::Chain, Source::Chain) => Arc::ptr_eq(&self.chain, &other.chain),
            _ => false,
        }
    }

    /// Fetches the credentials, which are cached for the first call, and reports their source.
    pub async fn origin(&self, environment: &Environment) -> CredentialOrigin {
        let authority = match self.given_authority().await {
            Ok(authority) => authority,
            Err(_) if matches!(self.source, Source::Chain) => {
                return CredentialOrigin::Missing(format!("tried {}", self.chain.tried(environment).await));
            }
            Err(why) => return CredentialOrigin::Missing(why),
        };
        CredentialOrigin::Found(match (&self.source, authority) {
            (Source::Nobody, _) => return CredentialOrigin::Unneeded,
            (Source::BearerFile(_), _) => "an API key from a file".to_owned(),
            (Source::File(..), _) => "the credentials file of the configuration".to_owned(),
            (Source::Chain, Authorization::Signature(identity)) => named(&identity.credentials().provider),
            _ => "an API key".to_owned(),
        })
    }
}

impl Chain {
    /// Every source of AWS's default chain with its error.
    async fn tried(&self, environment: &Environment) -> String {
        let region = self.region.clone().map(Region::new);
        let config = ProviderConfig::default().with_region(region);
        let profile = ProfileFileCredentialsProvider::builder().configure(&config).build();
        let identity = WebIdentityTokenCredentialsProvider::builder().configure(&config).build();
        let container = EcsCredentialsProvider::builder().configure(&config).build();
        let machine = ImdsCredentialsProvider::builder().configure(&config).build();
        let chosen = environment.get("AWS_PROFILE").unwrap_or("default");
        let [profile, identity, container, machine]: [String; 4] = tokio::join!(
            why(format!("the profile {chosen:?}"), &profile),
            why("web identity".to_owned(), &identity),
            why("the container".to_owned(), &container),
            why("the machine's role".to_owned(), &machine),
        )
        .into();
        [format!("the environment ({})", lacking(environment)), profile, identity, container, machine].join("; ")
    }
}

/// The error of one source of the chain.
async fn why(source: String, provider: &impl ProvideCredentials) -> String {
    match tokio::time::timeout(PATIENCE, provider.provide_credentials()).await {
        Ok(Ok(_)) => format!("{source} (it has some now)"),
        Ok(Err(error)) => format!("{source} ({})", innermost(&error)),
        Err(_) => format!("{source} (no answer in {PATIENCE:?})"),
    }
}

/// Which of the two access key variables are not set.
fn lacking(environment: &Environment) -> String {
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let lacking: Vec<&str> = names.into_iter().filter(|name| environment.get(name).is_none()).collect();
    match lacking.as_slice() {
        [] => "AWS's library does not take its keys".to_owned(),
        [one] => format!("{one} is not set"),
        all => format!("{} are not set", all.join(" and ")),
    }
}

/// The root cause of a credentials error: the errors around it only say that there were no credentials.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    match inner.to_string() {
        // The library gives no better reason for profiles.
        nothing if nothing == "the credential provider was not enabled" => {
            "not in AWS's files, or without credentials".to_owned()
        }
        said => said,
    }
}

/// The source of credentials in words, as AWS's library names its provider where its users know it by no other name.
fn named(provider: &str) -> String {
    let known = match provider {
        "EnvironmentVariable" => "the environment (AWS_ACCESS_KEY_ID)",
        "ProfileFile" => "a profile of AWS's files",
        "CredentialProcess" => "a profile's credential_process",
        "WebIdentityToken" => "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)",
        "EcsContainer" => "the container",
        "IMDSv2" => "the machine's role",
        "SSO" => "a profile's SSO session",
        "AssumeRoleProvider" => "a role that a profile assumes",
        other => return format!("AWS's credential chain ({other})"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::from_aws;
    use aws_credential_types::Credentials;

    #[test]
    fn sources_have_names_and_nothing_of_the_keys_is_told() {
        let of = |name| {
            named(&from_aws(&Credentials::new("AKIDXYZZY", "xyzzy", Some("xyzzy".to_owned()), None, name)).provider)
        };
        assert_eq!(of("EnvironmentVariable"), "the environment (AWS_ACCESS_KEY_ID)");
        assert_eq!(of("Newer"), "AWS's credential chain (Newer)");
    }
}

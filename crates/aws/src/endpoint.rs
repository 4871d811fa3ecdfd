//! The endpoint of a backend: its own, the environment's, or AWS's regional one.

use crate::environment::Environment;
use aquifer_gateway::config::Service;

/// An endpoint, as far as it is known before the region is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A fixed base URL: scheme, host, port and perhaps a path, without a slash at the end.
    Fixed(String),
    /// AWS's endpoint in the region that calls are signed for.
    Regional {
        /// The first label of its host.
        service: &'static str,
        /// FIPS-validated cryptography.
        fips: bool,
        /// IPv6 as well as IPv4.
        dual_stack: bool,
    },
}

impl Endpoint {
    /// The runtime endpoint of a backend: its own, else the environment's, else AWS's.
    ///
    /// # Errors
    /// The environment's endpoint is no `http` or `https` URL, or excludes another setting.
    pub fn of(bedrock: &Service, environment: &Environment) -> Result<Self, String> {
        match &bedrock.endpoint {
            Some(url) => fixed(url.as_str()).map(Self::Fixed),
            None => Self::named("bedrock-runtime", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", environment),
        }
    }

    /// The endpoint of Bedrock's control plane (models, inference profiles): the environment's, else AWS's.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn control(environment: &Environment) -> Result<Self, String> {
        Self::named("bedrock", "AWS_ENDPOINT_URL_BEDROCK", environment)
    }

    fn named(service: &'static str, variable: &str, environment: &Environment) -> Result<Self, String> {
        if !environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            for name in [variable, "AWS_ENDPOINT_URL"] {
                if let Some(url) = environment.get(name) {
                    return fixed(url).map(Self::Fixed).map_err(|why| format!("{name}: {why}"));
                }
            }
        }
        let fips = environment.is_true("AWS_USE_FIPS_ENDPOINT");
        let dual_stack = environment.is_true("AWS_USE_DUALSTACK_ENDPOINT");
        Ok(Self::Regional { service, fips, dual_stack })
    }

    /// The base URL in a region: all of it before the path of a call.
    pub fn base(&self, region: &str) -> String {
        match self {
            Self::Fixed(base) => base.clone(),
            Self::Regional { service, fips, dual_stack } => {
                let fips = if *fips { "-fips" } else { "" };
                format!("https://{service}{fips}.{region}.{}", suffix(region, *dual_stack))
            }
        }
    }
}

fn fixed(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|_| "expected a URL like https://host:port".to_owned())?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err("expected a URL like https://host:port".to_owned());
    }
    Ok(text.split(['?', '#']).next().unwrap_or(text).trim_end_matches('/').to_owned())
}

/// The DNS suffix of the region's partition.
fn suffix(region: &str, dual_stack: bool) -> &'static str {
    let partitions = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ];
    let found = partitions.into_iter().find(|(prefix, ..)| region.starts_with(prefix));
    match (found, dual_stack) {
        (Some((_, plain, _)), false) => plain,
        (Some((_, _, dual)), true) => dual,
        (None, false) => "amazonaws.com",
        (None, true) => "api.aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bedrock(endpoint: Option<&str>) -> Service {
        Service { endpoint: endpoint.map(|text| text.parse().unwrap()), ..Service::default() }
    }

    fn base(endpoint: Option<&str>, environment: Environment, region: &str) -> String {
        Endpoint::of(&bedrock(endpoint), &environment).unwrap().base(region)
    }

    #[test]
    fn the_regions_own() {
        let plain = |region| base(None, Environment::default(), region);
        assert_eq!(plain("us-east-1"), "https://bedrock-runtime.us-east-1.amazonaws.com");
        assert_eq!(plain("cn-north-1"), "https://bedrock-runtime.cn-north-1.amazonaws.com.cn");
        assert_eq!(plain("eusc-de-east-1"), "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu");
        let both = Environment::from([("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE")]);
        assert_eq!(base(None, both, "us-gov-west-1"), "https://bedrock-runtime-fips.us-gov-west-1.api.aws");
    }

    #[test]
    fn the_control_plane_has_its_own() {
        let control = |environment: Environment| Endpoint::control(&environment).unwrap().base("us-east-1");
        assert_eq!(control(Environment::default()), "https://bedrock.us-east-1.amazonaws.com");
        let fips = Environment::from([("AWS_USE_FIPS_ENDPOINT", "true")]);
        assert_eq!(control(fips), "https://bedrock-fips.us-east-1.amazonaws.com");
        let runtime = Environment::from([("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:1")]);
        assert_eq!(control(runtime), "https://bedrock.us-east-1.amazonaws.com");
        let own = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:2")];
        assert_eq!(control(Environment::from(own)), "http://127.0.0.1:2");
    }

    #[test]
    fn overrides_in_order() {
        let both = || {
            Environment::from([
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/"),
                ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:2/base/"),
            ])
        };
        assert_eq!(base(Some("http://127.0.0.1:3"), both(), "x"), "http://127.0.0.1:3");
        assert_eq!(base(None, both(), "x"), "http://127.0.0.1:2/base");
        assert_eq!(base(None, Environment::from([("AWS_ENDPOINT_URL", "https://h")]), "x"), "https://h");
        let off =
            Environment::from([("AWS_ENDPOINT_URL", "https://h"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]);
        assert_eq!(base(None, off, "eu-west-1"), "https://bedrock-runtime.eu-west-1.amazonaws.com");
    }

    #[test]
    fn a_wrong_one_names_the_variable() {
        for wrong in ["not a url", "127.0.0.1:80", "ftp://host", "/path"] {
            let environment = Environment::from([("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", wrong)]);
            let error = Endpoint::of(&bedrock(None), &environment).unwrap_err();
            assert!(error.starts_with("AWS_ENDPOINT_URL_BEDROCK_RUNTIME: "), "{error}");
        }
    }
}

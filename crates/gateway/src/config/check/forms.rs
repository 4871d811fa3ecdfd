//! The forms of text in resources: names, hostnames, durations, points in time, endpoints.

use regex::Regex;
use std::sync::LazyLock;
use std::time::Duration;

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Form {
    /// Any text.
    Free,
    /// A resource's name.
    Subdomain,
    /// An API group.
    Group,
    /// A kind.
    Kind,
    /// A namespace.
    Label,
    /// A hostname, perhaps with `*.` in front.
    Hostname,
    /// A header's name.
    HeaderName,
    /// A Gateway API duration, as `1m30s`.
    Duration,
    /// An AWS region.
    Region,
    /// A point in time, RFC 3339.
    Time,
    /// `http://` or `https://` with a host and perhaps a port.
    Endpoint,
}

static SUBDOMAIN: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Subdomain.compiled());
static GROUP: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Group.compiled());
static KIND: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Kind.compiled());
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Label.compiled());
static HOSTNAME: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Hostname.compiled());
static HEADER_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Form::HeaderName.compiled());
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Duration.compiled());
static REGION: LazyLock<Option<Regex>> = LazyLock::new(|| Form::Region.compiled());

impl Form {
    /// The regular expression that text of this form matches, where there is one.
    pub(in crate::config) fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Self::Subdomain => r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            Self::Group => r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            Self::Kind => r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
            Self::Label => r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            Self::Hostname => r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            Self::HeaderName => r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$",
            Self::Duration => r"^([0-9]{1,5}(h|m|s|ms)){1,4}$",
            Self::Region => r"^[a-z0-9]+(-[a-z0-9]+)*$",
            Self::Free | Self::Time | Self::Endpoint => return None,
        })
    }

    /// The name of the form in JSON schemas, where it has no pattern.
    pub(in crate::config) fn format(self) -> Option<&'static str> {
        if self == Self::Time {
            return Some("date-time");
        }
        (self == Self::Endpoint).then_some("uri")
    }

    /// The form of a JSON schema's pattern and format.
    pub(in crate::config) fn of(pattern: Option<&str>, format: Option<&str>) -> Option<Self> {
        const ALL: [Form; 11] = [
            Form::Free,
            Form::Subdomain,
            Form::Group,
            Form::Kind,
            Form::Label,
            Form::Hostname,
            Form::HeaderName,
            Form::Duration,
            Form::Region,
            Form::Time,
            Form::Endpoint,
        ];
        ALL.into_iter().find(|form| form.pattern() == pattern && form.format() == format)
    }

    fn compiled(self) -> Option<Regex> {
        Regex::new(self.pattern()?).ok()
    }

    fn regex(self) -> Option<&'static Regex> {
        match self {
            Self::Subdomain => SUBDOMAIN.as_ref(),
            Self::Group => GROUP.as_ref(),
            Self::Kind => KIND.as_ref(),
            Self::Label => LABEL.as_ref(),
            Self::Hostname => HOSTNAME.as_ref(),
            Self::HeaderName => HEADER_NAME.as_ref(),
            Self::Duration => DURATION.as_ref(),
            Self::Region => REGION.as_ref(),
            Self::Free | Self::Time | Self::Endpoint => None,
        }
    }

    /// Whether `text` has this form.
    pub(in crate::config) fn fits(self, text: &str) -> bool {
        self.complaint(text, "").is_none()
    }

    /// The message about text that does not have this form; `None`: it has.
    pub(in crate::config) fn complaint(self, text: &str, path: &str) -> Option<String> {
        match self {
            Self::Time => seconds_since_epoch(text)
                .is_none()
                .then(|| format!("{path} in body must be of type date-time: \"2006-01-02T15:04:05Z\" is an example")),
            Self::Endpoint => endpoint(text).err().map(str::to_owned),
            other @ (Self::Free
            | Self::Subdomain
            | Self::Group
            | Self::Kind
            | Self::Label
            | Self::Hostname
            | Self::HeaderName
            | Self::Duration
            | Self::Region) => {
                let (pattern, regex) = (other.pattern()?, other.regex()?);
                let hint = if other != Self::Hostname {
                    ""
                } else if text.contains("://") {
                    "; a hostname has no scheme such as https://"
                } else if text.contains(':') {
                    "; a hostname has no port"
                } else {
                    ""
                };
                (!regex.is_match(text)).then(|| format!("{path} in body should match '{pattern}'{hint}"))
            }
        }
    }
}

/// Reads `1h2m3s4ms`, the Gateway API's form of a duration (GEP-2257), but with any number of any size; of a resource the
/// form was checked before.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let milliseconds = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(milliseconds)?))?;
        rest = after;
    }
    Some(total)
}

/// Reads a point in time, RFC 3339, not before 1970.
pub(in crate::config) fn seconds_since_epoch(text: &str) -> Option<u64> {
    let format = &time::format_description::well_known::Rfc3339;
    u64::try_from(time::OffsetDateTime::parse(text, format).ok()?.unix_timestamp()).ok()
}

/// Reads an endpoint: scheme, host and port.
pub(in crate::config) fn endpoint(text: &str) -> Result<url::Url, &'static str> {
    let url = url::Url::parse(text).map_err(|_| "expected a URL such as \"http://localhost:8080\"")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("expected a URL that begins with http:// or https:// and names a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without a user and a password");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("expected a URL of scheme, host and port, without a path");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (form, good, bad) in [
            (Form::Subdomain, vec!["a", "a-b.c0"], vec!["", "A", "-a", "a.", "a_b", "a\n"]),
            (Form::Group, vec!["", "a.b"], vec!["A", "."]),
            (Form::Kind, vec!["Backend", "x1"], vec!["", "1x", "a.b"]),
            (Form::Label, vec!["default"], vec!["a.b", ""]),
            (Form::Hostname, vec!["a.b", "*.a.b"], vec!["*", "a.*", "A", "a:80"]),
            (Form::HeaderName, vec!["X-Ai_eg!"], vec!["", "a b", "a:"]),
            (
                Form::Duration,
                vec!["1h2m3s4ms", "0s", "99999h"],
                vec!["", "1", "s", "100000h", "1s1s1s1s1s", "1d", "-1s"],
            ),
            (Form::Region, vec!["us-east-1", "us-gov-west-1"], vec!["", "us-east-1å", "us--1", "a/b", "US-EAST-1"]),
            (
                Form::Time,
                vec!["2025-01-01T00:00:00Z", "2025-01-01T00:00:00.5+01:00"],
                vec!["", "2025-01-01", "1960-01-01T00:00:00Z"],
            ),
            (
                Form::Endpoint,
                vec!["http://a", "https://[::1]:8443/", "http://127.0.0.1:1"],
                vec!["", "a", "a:1", "ftp://a", "http://", "http://u@a", "http://a/b", "http://a?b", "http://a#b"],
            ),
            (Form::Free, vec!["", "anything"], vec![]),
        ] {
            assert!(good.iter().all(|text| form.fits(text)), "{form:?}");
            for text in bad {
                assert!(!form.fits(text), "{form:?} {text:?}");
            }
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("1h2m3s4ms"), Some(Duration::from_millis(3_723_004)));
        assert_eq!(duration("1m1m"), Some(Duration::from_secs(120)));
        assert_eq!(duration(""), Some(Duration::ZERO));
        for wrong in ["5", "m", "5x", "99999999999999999999h", "18446744073709551615h"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn points_in_time() {
        assert_eq!(seconds_since_epoch("1970-01-01T00:00:01Z"), Some(1));
        assert_eq!(seconds_since_epoch("1969-12-31T23:59:59Z"), None);
    }
}

//! `Retry-After` and its relatives: the time after which a service may be called again.

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use std::time::Duration;

/// Headers that say it in milliseconds: AWS's own, and that of services with OpenAI's API.
const IN_MILLISECONDS: [&str; 2] = ["x-amz-retry-after", "retry-after-ms"];

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The longest pause that these headers ask for, if they ask for any.
///
/// A date in `Retry-After` counts from the answer's own `Date`: no clock but the service's is needed.
#[must_use]
pub fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<u64>().ok();
    let exact = IN_MILLISECONDS.iter().filter_map(|name| text(name).and_then(number).map(Duration::from_millis));
    let usual = text(RETRY_AFTER.as_str()).and_then(|said| {
        let until = || seconds(said)?.checked_sub(seconds(text(DATE.as_str())?)?);
        number(said).or_else(until).map(Duration::from_secs)
    });
    exact.chain(usual).max()
}

/// The seconds from the year 1 to an HTTP date, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn seconds(date: &str) -> Option<u64> {
    let (_, rest) = date.split_once(", ")?;
    let mut parts = rest.strip_suffix(" GMT")?.splitn(4, ' ');
    let mut next = || parts.next();
    let day: u64 = next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = next()?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year: u64 = next()?.parse().ok().filter(|year| (1..=9999).contains(year))?;
    let mut time = next()?.splitn(3, ':').map(|part| part.parse::<u64>().ok().filter(|part| *part <= 60));
    let mut clock = || time.next()?;
    let (hours, minutes, seconds) = (clock()?, clock()?, clock()?);
    // The year begins in March, so that the day that comes and goes is its last.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month as u64 + 2) / 5 + day;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn asked(said: &[(&'static str, &'static str)]) -> Option<Duration> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), http::HeaderValue::from_static(value))
        };
        asked_for(&said.iter().map(header).collect())
    }

    #[test]
    fn seconds_and_milliseconds() {
        assert_eq!(asked(&[("retry-after", " 7 ")]), Some(Duration::from_secs(7)));
        assert_eq!(asked(&[("x-amz-retry-after", "1500")]), Some(Duration::from_millis(1500)));
        assert_eq!(asked(&[("retry-after-ms", "20")]), Some(Duration::from_millis(20)));
        let both = [("retry-after", "2"), ("x-amz-retry-after", "1500")];
        assert_eq!(asked(&both), Some(Duration::from_secs(2)), "the longer one");
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_date_counts_from_the_answers_own() {
        let until = |date, until| asked(&[("date", date), ("retry-after", until)]);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(until("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT"), seconds(30));
        assert_eq!(until("Wed, 28 Feb 2024 23:59:59 GMT", "Fri, 01 Mar 2024 00:00:00 GMT"), seconds(86401));
        assert_eq!(until("Sat, 31 Dec 2022 23:59:59 GMT", "Sun, 01 Jan 2023 00:00:04 GMT"), seconds(5));
        assert_eq!(until("Tue, 28 Feb 2023 12:00:00 GMT", "Wed, 01 Mar 2023 12:00:00 GMT"), seconds(86400));
        assert_eq!(until("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:00 GMT"), None, "it is over");
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), None, "from when on?");
    }

    #[test]
    fn what_is_neither_asks_for_nothing() {
        for wrong in
            ["", "-1", "soon", "1.5", ", GMT", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT"]
        {
            assert_eq!(asked(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", wrong)]), None, "{wrong}");
            assert_eq!(asked(&[("x-amz-retry-after", wrong)]), None, "{wrong}");
        }
        let most =
            asked(&[("date", "Mon, 01 Jan 0001 00:00:00 GMT"), ("retry-after", "Fri, 31 Dec 9999 23:59:60 GMT")]);
        assert!(most.is_some_and(|most| most > Duration::from_secs(1 << 37)));
    }
}

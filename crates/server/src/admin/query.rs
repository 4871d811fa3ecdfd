//! The query of a request: names and values, percent-decoded.

use percent_encoding::percent_decode_str;

/// The query of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Query<'q>(&'q str);

impl<'q> Query<'q> {
    /// The query as it stands in the target, without the question mark.
    pub(super) fn new(text: Option<&'q str>) -> Self {
        Self(text.unwrap_or_default())
    }

    /// The first value of this name.
    pub(super) fn get(self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    /// Every value of this name.
    pub(super) fn all(self, name: &str) -> impl Iterator<Item = String> {
        let pairs = self.0.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(move |pair| decoded(pair.0) == name).map(|pair| decoded(pair.1))
    }
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_may_come_again() {
        let query = Query::new(Some("q=a%3Ab+c&x=%2B&x=&%71=d&y&z=%zz%FF"));
        assert_eq!(query.get("q").as_deref(), Some("a:b c"));
        assert_eq!(query.all("x").collect::<Vec<_>>(), ["+", ""]);
        assert_eq!(query.all("q").count(), 2);
        assert_eq!(query.get("y").as_deref(), Some(""));
        assert_eq!(query.get("z").as_deref(), Some("%zz\u{fffd}"));
        assert!(query.get("n").is_none() && Query::new(None).get("q").is_none());
    }

    #[test]
    fn any_text_is_a_query() {
        arbtest::arbtest(|bytes| {
            let text: String = bytes.arbitrary()?;
            let query = Query::new(Some(&text));
            assert!(query.all("q").count() <= text.len() + 1);
            Ok(())
        });
    }
}

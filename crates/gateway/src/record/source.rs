//! Where a request came from.

/// Where a request came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RequestSource {
    /// A listener for clients.
    #[default]
    Client,
    /// The playground of the admin page.
    Playground,
}

impl RequestSource {
    /// Its word, in the admin API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Playground => "playground",
        }
    }
}

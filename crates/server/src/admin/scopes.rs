//! Scopes: what a holder of the admin token may do.

/// A scope of the admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// See everything but texts.
    Observe,
    /// See texts of exchanges, where their policy lets them be seen.
    ObserveText,
    /// Send requests from the playground, which costs money.
    Play,
    /// Change the state of the process.
    Operate,
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scopes(u8);

impl Scope {
    /// Every scope.
    pub(crate) const ALL: [Self; 4] = [Self::Observe, Self::ObserveText, Self::Play, Self::Operate];

    /// Its word, in the command line and the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::ObserveText => "observe:text",
            Self::Play => "play",
            Self::Operate => "operate",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Observe => 1,
            Self::ObserveText => 2,
            Self::Play => 4,
            Self::Operate => 8,
        }
    }
}

impl Scopes {
    /// Every scope.
    pub(crate) fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether a scope is among them.
    pub(crate) fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Their words.
    pub(crate) fn words(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).map(Scope::word).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let some: Scopes = [Scope::Play, Scope::Observe].into_iter().collect();
        assert!(some.has(Scope::Observe) && !some.has(Scope::ObserveText));
        assert_eq!(some.words(), ["observe", "play"]);
        assert_eq!(Scopes::all().words().len(), 4);
    }
}

//! What was asked on the command line.

/// The help text.
pub(crate) const HELP: &str = "\
Usage: cargo xtask <chore>

  test                    every test: unit, fixtures, corpus when it is there, then the real clients
  test --only unit        `cargo test --workspace` alone
  test --only interop     the real clients alone (openai in Python and Node, agents, Vercel's SDK, curl, boto3)
  interop [SUITE...]      the same, or only the suites whose names begin so
  soak [--minutes N]      every fault and restart in turn under load, for 5 minutes or so many
  fuzz [--seconds N]      every fuzz target for 60 seconds or so many; needs a nightly compiler and cargo-fuzz
  fuzz --stable [--seconds N]
                          the same bodies on generated inputs, for so long each, with the stable compiler
  web                     the admin page: `web/src` bundled into what the binary embeds; needs Node and npm
  web --check             is what is embedded what `web/src` builds?
  advisories              does an advisory of RustSec concern a dependency? Says so loudly where its database cannot be had
  fmt                     is every file formatted?
  lint                    clippy on every target, warnings are errors

Exit codes: 0 all went well, 1 it did not, 2 the command line is wrong.";

/// One chore.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Show the help text.
    Help,
    /// Check the form of every file.
    Fmt,
    /// Run clippy.
    Lint,
    /// Look for advisories about dependencies.
    Advisories,
    /// Run the tests of these parts, in this order.
    Test(Vec<Part>),
    /// Run the suites of real clients whose names begin with one of these; all of them when there is none.
    Interop(Vec<String>),
    /// Build the admin page, or compare it with what is embedded.
    Web(Page),
    /// Let everything go wrong under load for so many minutes.
    Soak(u32),
    /// Give each fuzz target so many seconds.
    Fuzz(u32),
    /// Give each fuzz body so many seconds of generated inputs.
    FuzzStable(u32),
}

/// What is done with the admin page that was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// It takes the place of what is embedded.
    Write,
    /// It is compared with what is embedded.
    Check,
}

/// One part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What cargo runs.
    Unit,
    /// What real clients say of the binary.
    Interop,
}

/// Reads the arguments after `cargo xtask`; an error says what is wrong in one line.
pub(crate) fn read(arguments: &[String]) -> Result<Chore, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => Ok(Chore::Help),
        ["fmt"] => Ok(Chore::Fmt),
        ["lint"] => Ok(Chore::Lint),
        ["advisories"] => Ok(Chore::Advisories),
        ["interop", suites @ ..] => Ok(Chore::Interop(suites.iter().map(|&suite| suite.to_owned()).collect())),
        ["web"] => Ok(Chore::Web(Page::Write)),
        ["web", "--check"] => Ok(Chore::Web(Page::Check)),
        ["soak"] => Ok(Chore::Soak(5)),
        ["soak", "--minutes", minutes] => number(minutes).map(Chore::Soak),
        ["fuzz"] => Ok(Chore::Fuzz(60)),
        ["fuzz", "--seconds", seconds] => number(seconds).map(Chore::Fuzz),
        ["fuzz", "--stable"] => Ok(Chore::FuzzStable(60)),
        ["fuzz", "--stable", "--seconds", seconds] => number(seconds).map(Chore::FuzzStable),
        ["test"] => Ok(Chore::Test(vec![Part::Unit, Part::Interop])),
        ["test", "--only", "unit"] => Ok(Chore::Test(vec![Part::Unit])),
        ["test", "--only", "interop"] => Ok(Chore::Test(vec![Part::Interop])),
        ["test", "--only", ..] => Err("`--only` takes `unit` or `interop`".to_owned()),
        [chore, ..] => Err(format!("unknown chore or argument: `{chore}` ...")),
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("expected a whole number instead of `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Result<Chore, String> {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn chores_are_understood() {
        assert_eq!(said(""), Ok(Chore::Help));
        assert_eq!(said("test"), Ok(Chore::Test(vec![Part::Unit, Part::Interop])));
        assert_eq!(said("test --only interop"), Ok(Chore::Test(vec![Part::Interop])));
        assert_eq!(said("soak --minutes 2"), Ok(Chore::Soak(2)));
        assert_eq!(said("web"), Ok(Chore::Web(Page::Write)));
        assert_eq!(said("web --check"), Ok(Chore::Web(Page::Check)));
        assert_eq!(said("fuzz"), Ok(Chore::Fuzz(60)));
        assert_eq!(said("interop openai"), Ok(Chore::Interop(vec!["openai".to_owned()])));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(said("test --only some").is_err_and(|said| said.contains("interop")));
        assert!(said("test --twice").is_err());
        assert!(said("soak --minutes many").is_err_and(|said| said.contains("many")));
        assert!(said("dance").is_err_and(|said| said.contains("dance")));
    }
}

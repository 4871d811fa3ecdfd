//! The configuration files: read, checked, and fingerprinted so that changes are noticed.

use anyhow::{Context, bail, ensure};
use aquifer_aws::Environment;
use aquifer_gateway::config::{BackendKind, Config, ConfigError, MAX_BYTES, Source, load};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The fingerprint of a configuration: a hash over its files and over the files that they name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    number: u64,
    named: BTreeSet<PathBuf>,
}

/// The location of the configuration.
#[derive(Clone)]
pub(crate) struct ConfigFiles {
    /// A file or a folder.
    pub(crate) path: PathBuf,
    /// The values of `${NAME}` in it.
    pub(crate) environment: Environment,
}

impl ConfigFiles {
    /// Reads everything anew.
    ///
    /// # Errors
    /// The path cannot be read, or all the mistakes in it, one a line.
    pub(crate) fn load(&self) -> (Fingerprint, anyhow::Result<Result<Config, Vec<ConfigError>>>) {
        let sources = match sources(&self.path) {
            Ok(sources) => sources,
            Err(error) => return (self.fingerprint(&BTreeSet::new()), Err(error)),
        };
        let named = RefCell::new(BTreeSet::new());
        let read_file = |name: &str| {
            named.borrow_mut().insert(PathBuf::from(name));
            read_bounded(Path::new(name))
        };
        let env = |name: &str| self.environment.get(name).map(str::to_owned);
        let loaded = load(&sources, &env, &read_file);
        (fingerprint_of(&sources, named.into_inner()), Ok(loaded))
    }

    /// The fingerprint of the files as they are now, given the files that the configuration names.
    pub(crate) fn fingerprint(&self, named: &BTreeSet<PathBuf>) -> Fingerprint {
        fingerprint_of(&sources(&self.path).unwrap_or_default(), named.clone())
    }

    /// Whether any file has changed since that fingerprint.
    pub(crate) fn changed_since(&self, before: &Fingerprint) -> bool {
        self.fingerprint(&before.named) != *before
    }
}

fn fingerprint_of(sources: &[Source], named: BTreeSet<PathBuf>) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        (&source.name, &source.text).hash(&mut hasher);
    }
    for path in &named {
        (path, read_bounded(path).ok()).hash(&mut hasher);
    }
    Fingerprint { number: hasher.finish(), named }
}

/// The file, or the `.yaml`, `.yml` and `.json` files of the folder in the order of their names.
fn sources(path: &Path) -> anyhow::Result<Vec<Source>> {
    let about = || format!("cannot read the configuration {}", path.display());
    if !std::fs::metadata(path).with_context(about)?.is_dir() {
        let text = read_bounded(path).with_context(about)?;
        return Ok(vec![Source { name: path.display().to_string(), text }]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(about)? {
        let file = entry.with_context(about)?.path();
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let extension = file.extension().unwrap_or_default();
        let known = ["yaml", "yml", "json"].iter().any(|known| extension == *known);
        if known && !hidden && file.is_file() {
            files.push(file);
        }
    }
    ensure!(!files.is_empty(), "the folder {} holds no .yaml, .yml or .json file", path.display());
    files.sort();
    let read = |file: PathBuf| {
        let text = read_bounded(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Source { name: file.display().to_string(), text })
    };
    files.into_iter().map(read).collect()
}

/// The configuration at start: that of the files, or without any that of the environment variables.
///
/// # Errors
/// The configuration cannot be read, or its mistakes, one a line.
pub(crate) fn first_config(
    settings: Option<&ConfigFiles>,
    environment: &Environment,
) -> anyhow::Result<(Option<Fingerprint>, Config)> {
    let Some(settings) = settings else {
        let config = Config::from_environment(&|name| environment.get(name).map(str::to_owned));
        if let Some(BackendKind::NotServed { why, .. }) = config.backends.first().map(|backend| &backend.kind) {
            bail!("the environment is wrong: {why}");
        }
        return Ok((None, config));
    };
    let (fingerprint, loaded) = settings.load();
    match loaded? {
        Ok(config) => Ok((Some(fingerprint), config)),
        Err(mistakes) => {
            let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            bail!("the configuration is wrong:\n{}", lines.join("\n"))
        }
    }
}

/// Reads no more than the loader would take. What is no file may never end, or never begin, and is not opened.
pub(crate) fn read_bounded(path: &Path) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    if text.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::write;

    fn settings(path: &Path) -> ConfigFiles {
        ConfigFiles { path: path.to_owned(), environment: Environment::default() }
    }

    #[test]
    fn a_folder_is_read_in_order_without_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "c.json", ".hidden.yaml", "notes.txt"] {
            write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = sources(folder.path()).unwrap().into_iter().map(|source| source.name).collect();
        assert_eq!(names.len(), 3);
        assert!(names[0].ends_with("a.yml") && names[1].ends_with("b.yaml") && names[2].ends_with("c.json"));
    }

    #[test]
    fn nothing_to_read_is_an_error_that_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sources(folder.path()).is_err_and(|error| error.to_string().contains("holds no .yaml")));
        let missing = folder.path().join("missing.yaml");
        assert!(sources(&missing).is_err_and(|error| error.to_string().contains("missing.yaml")));
    }

    #[test]
    fn a_change_is_noticed_and_a_touch_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        write(&file, "one").unwrap();
        let settings = settings(folder.path());
        let before = settings.fingerprint(&BTreeSet::new());
        write(&file, "one").unwrap();
        assert!(!settings.changed_since(&before));
        write(&file, "two").unwrap();
        assert!(settings.changed_since(&before));
    }

    #[test]
    fn no_more_is_read_than_the_loader_takes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        write(&file, "#".repeat(MAX_BYTES)).unwrap();
        assert!(read_bounded(&file).is_ok());
        write(&file, "#".repeat(MAX_BYTES + 1)).unwrap();
        assert!(read_bounded(&file).is_err_and(|error| error.kind() == io::ErrorKind::FileTooLarge));
        assert!(read_bounded(Path::new("/dev/zero")).is_err());
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("a.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert!(read_bounded(&fifo).is_err_and(|error| error.to_string().contains("no regular file")));
        assert!(sources(&fifo).is_err());
        assert!(sources(folder.path()).is_err(), "there is nothing else in it");
    }

    #[test]
    fn a_file_named_by_the_configuration_is_watched_too() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("key");
        write(&named, "one").unwrap();
        write(folder.path().join("a.yaml"), "").unwrap();
        let settings = settings(folder.path());
        let before = settings.fingerprint(&BTreeSet::from([named.clone()]));
        write(&named, "two").unwrap();
        assert!(settings.changed_since(&before));
    }
}

//! The file with the API keys of clients, read at the start and whenever it changes.

use crate::process::config_files::read_bounded;
use anyhow::{Context as _, bail};
use aquifer_gateway::auth::KeyRing;
use aquifer_gateway::auth::file::parse;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads the file with the clients' API keys.
///
/// # Errors
/// The file cannot be read, or a line of it is wrong. No message quotes a key.
pub(crate) fn read(path: &Path) -> anyhow::Result<KeyRing> {
    let text = read_bounded(path).with_context(|| format!("cannot read the API keys {}", path.display()))?;
    let text = Zeroizing::new(text);
    match parse(&text) {
        Ok(ring) if ring.is_empty() => bail!("{} holds no API key", path.display()),
        Ok(ring) => Ok(ring),
        Err(bad) => {
            let lines: Vec<String> = bad.iter().map(|bad| format!("{}:{bad}", path.display())).collect();
            bail!("the API keys are wrong:\n{}", lines.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::write;

    #[test]
    fn every_wrong_line_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        write(&file, "alice: 0123456789abcdef\nbob\ncarol: short\n").unwrap();
        let told = format!("{:#}", read(&file).unwrap_err());
        assert!(told.contains("keys:2: expected") && told.contains("keys:3: the key is too short"), "{told}");
        write(&file, "# nobody\n").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("holds no API key"));
        write(&file, "alice: 0123456789abcdef\n").unwrap();
        assert_eq!(read(&file).unwrap().len(), 1);
        assert!(read(&folder.path().join("missing")).is_err());
    }
}

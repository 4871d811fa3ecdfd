//! What tests of this machine's surroundings need and no package manager of ours has: unpacked under `target`, not
//! installed.

use crate::workspace::{root, run};
use anyhow::Context as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Debian's packages whose files are needed, and one file of each.
const PACKAGES: [(&str, &str); 1] = [("libfaketime", "faketime/libfaketimeMT.so.1")];

/// Unpacks what is not there. Without Debian's tools or its archive the tests that need it say that they skip.
#[expect(clippy::print_stderr, reason = "a chore speaks to the person who started it")]
pub(crate) fn unpack() {
    for (package, file) in PACKAGES {
        if let Err(error) = of_debian(package, file) {
            eprintln!("xtask: there is no {package}, its tests are skipped: {error:#}");
        }
    }
}

fn of_debian(package: &str, file: &str) -> anyhow::Result<()> {
    let aids = root().join("target/aids");
    let is_in = |place: &str| {
        let folders = fs::read_dir(aids.join(place)).into_iter().flatten().filter_map(Result::ok);
        folders.map(|folder| folder.path().join(file)).any(|path| path.is_file())
    };
    if is_in("/usr/lib") || is_in("usr/lib") {
        return Ok(());
    }
    unpack_debian(package, &aids)
}

/// Downloads a package of Debian's release and unpacks it in a folder, which needs no rights.
pub(crate) fn unpack_debian(package: &str, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).context("no folder for it")?;
    let download = || run(Command::new("apt-get").current_dir(folder).args(["-qq", "download", package]));
    download().or_else(|_| {
        run(Command::new("apt-get").args(["-qq", "update"]))?;
        download()
    })?;
    let archives = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.file_name());
    let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with(&format!("{package}_"));
    let archive = archives.into_iter().find(ours).context("nothing was downloaded")?;
    run(Command::new("dpkg-deb").current_dir(folder).arg("-x").arg(archive).arg("."))
}

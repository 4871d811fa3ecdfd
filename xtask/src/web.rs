//! The admin page, built from `web/src` by Node into what the binary embeds.

use crate::command_line::Page;
use crate::workspace::{root, run};
use std::process::Command;

/// Installs what the build needs, at the versions of the lock file and without running scripts of packages, and builds.
pub(crate) fn build(page: Page) -> anyhow::Result<()> {
    let folder = root().join("web");
    let mut npm = Command::new("npm");
    run(npm.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]))?;
    let mut node = Command::new("node");
    node.current_dir(&folder).arg("build.mjs");
    if page == Page::Check {
        node.arg("--check");
    }
    run(&mut node)
}

//! The clients from their registries, each at the version that the suites were written for.

use crate::aids::unpack_debian;
use crate::workspace::{root, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages for Python that live together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Python {
    /// Their folder below that of all clients.
    folder: &'static str,
    names: &'static [&'static str],
}

/// AWS's own clients, the second major version of OpenAI's, and a LiteLLM of its time.
pub(super) const PYTHON: Python = Python {
    folder: "python",
    // Without its `mcp` part LiteLLM cannot be given tools.
    names: &["openai==2.54.0", "boto3==1.43.11", "botocore==1.43.11", "litellm[mcp]==1.106.2"],
};

/// Agents and chat models, with the third.
pub(super) const PYTHON_AGENTS: Python = Python {
    folder: "python-agents",
    names: &[
        "openai==3.57.0",
        "langchain-core==1.8.3",
        "langchain-openai==1.7.4",
        "langchain-deepseek==1.1.1",
        "pydantic-ai-slim[openai]==2.68.0",
        "litellm[mcp]==1.110.2",
        "openai-agents==0.24.0",
    ],
};

/// Anthropic's own client, and LangChain with it.
pub(super) const PYTHON_ANTHROPIC: Python = Python {
    folder: "python-anthropic",
    names: &["anthropic==2.14.0", "langchain-anthropic==1.7.10", "langchain-core==1.8.3"],
};

/// Anthropic's own client one version back, and agents that want that one.
pub(super) const PYTHON_ANTHROPIC_1: Python =
    Python { folder: "python-anthropic-1", names: &["anthropic==1.17.0", "pydantic-ai-slim[anthropic]==2.38.0"] };

/// Claude Code as a library, which brings the program with it.
pub(super) const PYTHON_CLAUDE_AGENT: Python =
    Python { folder: "python-claude-agent", names: &["claude-agent-sdk==0.2.189"] };

/// aider, which pins all that it needs.
pub(super) const PYTHON_AIDER: Python = Python { folder: "python-aider", names: &["aider-chat==0.86.2"] };

/// AWS's own, Anthropic's and LangChain's clients of Bedrock.
pub(super) const PYTHON_BEDROCK: Python = Python {
    folder: "python-bedrock",
    names: &["boto3==1.44.8", "anthropic[bedrock]==2.14.0", "langchain-aws==1.9.1"],
};

/// One client of each dialect, for conversations that go from one to another.
pub(super) const PYTHON_DIALECTS: Python =
    Python { folder: "python-dialects", names: &["openai==3.57.0", "anthropic==2.14.0", "boto3==1.44.8"] };

/// The clients of models that embed or rank.
pub(super) const PYTHON_ENCODERS: Python = Python {
    folder: "python-encoders",
    names: &["openai==3.57.0", "langchain-openai==1.7.4", "cohere==7.3.1", "boto3==1.43.11", "botocore==1.43.11"],
};

/// Packages for Node that live together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Their folder below that of all clients.
    folder: &'static str,
    names: &'static [&'static str],
}

/// The clients for Node.
pub(super) const NODE: Node = Node {
    folder: "node",
    names: &[
        "openai@6.10.0",
        "ai@6.0.325",
        "@ai-sdk/openai-compatible@2.0.92",
        "@openrouter/ai-sdk-provider@2.10.0",
        "zod@4.6.7",
    ],
};

/// Vercel's SDK one version back, with the providers of its time.
pub(super) const NODE_VERCEL_5: Node = Node {
    folder: "node-vercel-5",
    names: &["ai@5.0.277", "@ai-sdk/openai-compatible@1.0.61", "@openrouter/ai-sdk-provider@1.5.4", "zod@4.6.7"],
};

/// Anthropic's own client for Node, and Vercel's SDK with its provider for it.
pub(super) const NODE_ANTHROPIC: Node = Node {
    folder: "node-anthropic",
    names: &["@anthropic-ai/sdk@1.14.0", "ai@6.0.326", "@ai-sdk/anthropic@3.0.140", "zod@4.6.7"],
};

/// Claude Code, which is a program of its own for each system.
pub(super) const NODE_CLAUDE_CODE: Node = Node {
    folder: "claude-code",
    names: &["@anthropic-ai/claude-code@2.1.332", "@anthropic-ai/claude-code-linux-x64@2.1.332"],
};

/// Codex.
pub(super) const NODE_CODEX: Node = Node { folder: "codex", names: &["@openai/codex@0.171.0"] };

/// OpenAI's client for Node and Vercel's SDK with OpenAI's own provider, which speak Responses.
pub(super) const NODE_RESPONSES: Node =
    Node { folder: "node-responses", names: &["openai@6.49.0", "ai@6.0.326", "@ai-sdk/openai@3.0.141", "zod@4.6.7"] };

/// AWS's own client of Bedrock for Node.
pub(super) const NODE_BEDROCK: Node =
    Node { folder: "node-bedrock", names: &["@aws-sdk/client-bedrock-runtime@3.1164.0"] };

/// What drives a browser, and what looks for barriers in a page. Chromium is the system's.
pub(super) const NODE_BROWSER: Node =
    Node { folder: "node-browser", names: &["playwright-core@1.64.1", "axe-core@4.14.1"] };
/// A package of Debian's release, unpacked and not installed: the release pins its version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Debian {
    /// Its name, and that of its folder below that of all clients.
    package: &'static str,
    /// One of its programs.
    program: &'static str,
}

/// Prometheus with promtool.
pub(super) const PROMETHEUS: Debian = Debian { package: "prometheus", program: "prometheus" };

impl Debian {
    /// The folder of its programs.
    pub(super) fn programs(&self, clients: &Path) -> PathBuf {
        clients.join("debian").join(self.package).join("usr/bin")
    }

    /// Unpacks it, unless it is there. Where there is no archive of Debian's, its suite says that it is skipped.
    #[expect(clippy::print_stderr, reason = "a chore speaks to the person who started it")]
    pub(super) fn install(&self, clients: &Path) {
        if !self.is_there(clients)
            && let Err(error) = unpack_debian(self.package, &clients.join("debian").join(self.package))
        {
            eprintln!("xtask: there is no {}: {error:#}", self.package);
        }
    }

    /// Whether it is unpacked.
    pub(super) fn is_there(&self, clients: &Path) -> bool {
        self.programs(clients).join(self.program).is_file()
    }
}

impl Python {
    /// The interpreter that has them.
    pub(super) fn interpreter(&self, clients: &Path) -> PathBuf {
        clients.join(self.folder).join("bin/python")
    }

    /// Installs them, unless they are there in these versions.
    pub(super) fn install(&self, clients: &Path) -> anyhow::Result<()> {
        let (folder, python) = (clients.join(self.folder), self.interpreter(clients));
        let stamp = folder.join("stamp");
        if stamped(&stamp, self.names) && python.exists() {
            return Ok(());
        }
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut pip = Command::new(&python);
        run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(self.names))?;
        Ok(fs::write(stamp, self.names.join(" "))?)
    }
}

impl Node {
    /// Installs them, unless they are there in these versions.
    pub(super) fn install(&self, clients: &Path) -> anyhow::Result<()> {
        let folder = clients.join(self.folder);
        let stamp = folder.join("stamp");
        if stamped(&stamp, self.names) {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("package.json"), r#"{"private": true, "type": "module"}"#)?;
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"]);
        run(npm.args(self.names))?;
        Ok(fs::write(stamp, self.names.join(" "))?)
    }

    /// Puts a script, and what scripts share, where Node finds the packages: beside them.
    pub(super) fn lay(&self, clients: &Path, script: &str) -> anyhow::Result<PathBuf> {
        let folder = clients.join(self.folder);
        for name in ["loops.mjs", "corpus.mjs", "loops_messages.mjs", "loops_claude_code.mjs", script] {
            fs::copy(root().join("interop").join(name), folder.join(name))?;
        }
        Ok(folder.join(script))
    }
}

fn stamped(stamp: &Path, versions: &[&str]) -> bool {
    fs::read_to_string(stamp).is_ok_and(|made| made == versions.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_named() {
        for packages in [PYTHON, PYTHON_AGENTS, PYTHON_ENCODERS] {
            assert!(packages.names.iter().all(|name| name.contains("==")), "{packages:?}");
        }
        for packages in [NODE, NODE_VERCEL_5] {
            assert!(packages.names.iter().all(|name| name.rfind('@').is_some_and(|at| at > 0)), "{packages:?}");
        }
    }

    #[test]
    fn a_stamp_is_good_for_its_versions_only() {
        let folder = std::env::temp_dir().join(format!("aquifer-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let stamp = folder.join("stamp");
        assert!(!stamped(&stamp, &["a==1"]));
        fs::write(&stamp, "a==1 b==2").expect("a stamp");
        assert!(stamped(&stamp, &["a==1", "b==2"]));
        assert!(!stamped(&stamp, &["a==1", "b==3"]));
        fs::remove_dir_all(folder).expect("it goes away");
    }
}

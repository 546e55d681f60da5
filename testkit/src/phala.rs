//! The command `phala`, as a person would type it.

use crate::{Network, binary};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::process::Command;

/// The command, pointed at a network.
pub struct Phala {
    node: String,
}

impl Phala {
    /// For the users of `network`.
    pub fn of(network: &Network) -> Self {
        Self { node: network.node_url() }
    }

    /// Runs it with `--json`, in the name of a development account, and gives back what it printed.
    pub fn run(&self, suri: &str, arguments: &[&str]) -> Result<Value> {
        match self.try_run(suri, arguments)? {
            Ok(value) => Ok(value),
            Err(text) => anyhow::bail!("phala {} failed: {text}", arguments.join(" ")),
        }
    }

    /// Runs it where failing is one of the outcomes: the inner error is what it said.
    pub fn try_run(&self, suri: &str, arguments: &[&str]) -> Result<Result<Value, String>> {
        let output = Command::new(binary("phala")?)
            .args(["--json", "--node", &self.node, "--suri", suri])
            .args(arguments)
            .output()
            .context("phala does not start")?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Ok(Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr))));
        }
        let value =
            serde_json::from_str(&said).with_context(|| format!("phala did not print JSON: {said}"))?;
        Ok(Ok(value))
    }
}

/// Whether contracts in a language can be built on this machine: if not, says so. Continuous integration installs all
/// compilers, and there a missing one is an error.
pub fn has_compiler(language: &str) -> Result<bool> {
    let output = Command::new(binary("phala")?)
        .args(["--json", "contract", "toolchain", "list"])
        .output()
        .context("phala does not start")?;
    let list: Value = serde_json::from_slice(&output.stdout).context("phala did not print JSON")?;
    let Some(missing) = list[language]["missing"].as_str() else { return Ok(true) };
    anyhow::ensure!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("left out: {missing}");
    Ok(false)
}

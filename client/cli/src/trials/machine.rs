//! The program `phala-trial`, as a thing that answers.

use crate::failure::advise;
use anyhow::{Context as _, Result};
use phala_types::AccountId;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Runs until it is dropped.
pub struct Machine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Who has a balance in the present test.
    endowed: BTreeSet<AccountId>,
}

impl Machine {
    pub fn start(program: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let input = child.stdin.take().context("the program takes no input")?;
        let output = child.stdout.take().context("the program has no output")?;
        Ok(Self { child, input, output: BufReader::new(output), endowed: BTreeSet::new() })
    }

    /// Asks one thing, and waits for the answer.
    pub fn ask(&mut self, request: &Value) -> Result<Value> {
        if request["do"] == "fresh" {
            self.endowed.clear();
        }
        writeln!(self.input, "{request}").context("the program that runs contracts has ended")?;
        let mut line = String::new();
        self.output.read_line(&mut line).context("the program that runs contracts has ended")?;
        serde_json::from_str(&line).map_err(|_| {
            advise(
                "the program that runs contracts has ended",
                "build all programs of one version with ./x build",
            )
        })
    }

    /// Whether an account appears for the first time in this test.
    pub fn is_new(&mut self, account: &AccountId) -> bool {
        self.endowed.insert(*account)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only for a program that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! `phala contract test`: an author's own tests.
//!
//! A Rust contract is tested by cargo. The others are tested from outside, by calls and what must come of them, which are
//! in `tests.toml`. They run on the engine of workers, in the program `phala-trial`: this one links nothing of a worker,
//! and encodes and decodes by the contract's metadata, as it does for the network (docs/adr/0014).

mod file;
mod machine;

pub use file::Tests;

use crate::{context::Context, contracts::build_project, dev, failure::advise};
use anyhow::{Context as _, Result};
use phala_sdk::build::{Language, language};
use serde_json::json;
use std::{
    path::Path,
    process::{Command, ExitCode},
};

pub fn run(context: &Context, project: &Path) -> Result<ExitCode> {
    if language(project)? == Language::Rust {
        return run_cargo(context, project);
    }
    let tests = Tests::open(project)?;
    let program = dev::binary("phala-trial")?;
    let bundle = build_project(context, project)?;
    let results = tests.run(&program, &bundle)?;
    let (mut lines, mut failed) = (Vec::new(), 0usize);
    for result in &results {
        match &result.failure {
            None => lines.push(format!("ok      {}", result.name)),
            Some(failure) => {
                failed += 1;
                lines.push(format!("FAILED  {}\n        {failure}", result.name));
            }
        }
    }
    lines.push(format!("{} passed, {failed} failed", results.len() - failed));
    let json: Vec<_> =
        results.iter().map(|result| json!({ "name": result.name, "failure": result.failure })).collect();
    context.print(lines.join("\n"), json!({ "tests": json, "failed": failed }));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_cargo(context: &Context, project: &Path) -> Result<ExitCode> {
    let mut cargo = Command::new("cargo");
    cargo.arg("test").current_dir(project);
    if !context.options.json {
        let status = cargo.status().context("cannot run cargo")?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let output = cargo.output().context("cannot run cargo")?;
    let said = [output.stdout, output.stderr].concat();
    let success = output.status.success();
    context.print("", json!({ "success": success, "output": String::from_utf8_lossy(&said) }));
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A test that does not hold is a result; this is for tests that make no sense.
fn nonsense(test: &str, step: usize, what: impl std::fmt::Display) -> anyhow::Error {
    advise(format!("the test {test:?} is wrong at its step {step}: {what}"), "correct tests.toml")
}

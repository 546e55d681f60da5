//! `phala contract test`: an author's own tests.
//!
//! A Rust contract is tested by cargo. The others are tested from outside, by calls and what must come of them, which are
//! in `tests.toml`. They run on the engine of workers, in the program `phala-trial`: this one links nothing of a worker,
//! and encodes and decodes by the contract's metadata, as it does for the network (docs/adr/0014). Or they run on a real
//! network, where they take as long as its blocks do.
//!
//! `file` has the tests and judges, `stage` is where they run: `machine` or `network`.

mod file;
mod machine;
mod network;
mod stage;

use file::{TestResult, Tests, Verdict};
use stage::Stage;

use crate::{args::TestArgs, context::Context, contracts::build_project, dev, failure::advise};
use anyhow::{Context as _, Result};
use phala_sdk::build::{Language, language};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, ExitCode},
};

pub async fn run(context: &Context, args: &TestArgs) -> Result<ExitCode> {
    let project = &args.project;
    if language(project)? == Language::Rust {
        if args.network {
            return Err(advise(
                "a Rust contract's tests are cargo's, off chain",
                "the command without --network",
            ));
        }
        return run_cargo(context, project);
    }
    let tests = Tests::open(project)?;
    // What is missing is said before anything is built.
    let mut stage = match args.network {
        true => Stage::Network(network::Network::connect(context, args.cluster).await?),
        false => Stage::Machine(machine::Machine::start(&dev::binary("phala-trial")?)?),
    };
    let bundle = build_project(context, project)?;
    let mut say = |result: &TestResult| {
        if !context.options.json {
            println!("{}", line(result));
        }
    };
    let results = tests.run(&mut stage, &bundle, &mut say).await?;
    let count = |is: fn(&Verdict) -> bool| results.iter().filter(|result| is(&result.verdict)).count();
    let failed = count(|verdict| matches!(verdict, Verdict::Fails(_)));
    let left_out = count(|verdict| matches!(verdict, Verdict::LeftOut(_)));
    let passed = count(|verdict| *verdict == Verdict::Holds);
    let mut text = format!("{passed} passed, {failed} failed");
    if left_out > 0 {
        text.push_str(&format!(", {left_out} left out"));
    }
    let json: Vec<_> = results.iter().map(json_of).collect();
    context.print(text, json!({ "tests": json, "passed": passed, "failed": failed, "left_out": left_out }));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(result: &TestResult) -> String {
    let name = &result.name;
    match &result.verdict {
        Verdict::Holds => format!("ok        {name}"),
        Verdict::Fails(what) => format!("FAILED    {name}\n          {what}"),
        Verdict::LeftOut(why) => format!("left out  {name}\n          {why}"),
    }
}

fn json_of(result: &TestResult) -> Value {
    let (failure, left_out) = match &result.verdict {
        Verdict::Holds => (None, None),
        Verdict::Fails(what) => (Some(what), None),
        Verdict::LeftOut(why) => (None, Some(why)),
    };
    json!({ "name": result.name, "failure": failure, "left_out": left_out })
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

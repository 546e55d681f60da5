//! Fuzzes each target of `fuzz/` with libFuzzer, on the stable compiler.
//!
//! What needs a nightly compiler elsewhere is the address sanitizer. Our code has no `unsafe` for it to look at; the
//! coverage that guides libFuzzer is a pass of LLVM, which every compiler runs when asked.

use crate::repo;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Coverage as libFuzzer reads it: counters per edge, a table of their places, and the operands of comparisons.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// The longest input: enough for a header, a justification or a small contract; longer ones are slow to explore.
const INPUT_BYTES_MAX: u32 = 64 * 1024;

/// What one input may take before it counts as a hang.
const INPUT_TIMEOUT_S: u32 = 10;

/// Memory that no input may exceed.
const MEMORY_MB_MAX: u32 = 2048;

/// Builds all targets, and runs each (or the one named) for so many seconds.
pub fn run(seconds: u32, only: Option<&str>) -> Result<()> {
    let targets = targets()?;
    if let Some(name) = only {
        ensure!(
            targets.iter().any(|it| it == name),
            "there is no target {name}; there are: {}",
            targets.join(", ")
        );
    }
    ensure!(build_command()?.status()?.success(), "the fuzz targets do not build");
    let work = folder();
    let programs = work.join(host()?).join("release");
    run_quietly(Command::new(programs.join("seed")).arg(work.join("corpus")))?;
    let mut failed = Vec::new();
    for name in targets.iter().filter(|name| only.is_none_or(|it| it == *name)) {
        match fuzz(&programs.join(name), name, seconds, &work) {
            Ok(summary) => println!("fuzz {name}: {summary}"),
            Err(error) => {
                println!("fuzz {name}: FAILED\n{error:#}");
                failed.push(name.as_str());
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("fuzzing found something in: {}", failed.join(", ")) }
}

/// The names of the targets: every program of the workspace but the one that writes the seeds.
pub fn targets() -> Result<Vec<String>> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1", "--manifest-path", "fuzz/Cargo.toml"];
    let output = repo::cargo(&arguments).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let programs = metadata["packages"][0]["targets"].as_array().context("fuzz/ has no targets")?;
    let is_program = |it: &&Value| it["kind"][0] == "bin" && it["name"] != "seed";
    Ok(programs.iter().filter(is_program).filter_map(|it| it["name"].as_str().map(str::to_owned)).collect())
}

/// Where everything of fuzzing is.
fn folder() -> PathBuf {
    repo::target_dir().join("fuzz")
}

/// The command that builds all targets. Given a platform by name, cargo names it for all but build scripts and macros,
/// by which `fuzz/rustc` tells them apart.
pub fn build_command() -> Result<Command> {
    let mut command =
        repo::cargo(&["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target"]);
    command.arg(host()?).env("CARGO_TARGET_DIR", folder());
    command.env("RUSTC_WRAPPER", repo::root().join("fuzz/rustc")).env("FUZZ_COVERAGE", COVERAGE);
    Ok(command)
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc names no host")
}

/// One line on what was done, or what was found and how to see it again.
fn fuzz(program: &Path, name: &str, seconds: u32, work: &Path) -> Result<String> {
    let corpus = work.join("corpus").join(name);
    let artifacts = work.join("artifacts").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_TIMEOUT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB_MAX}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        // What was found once is tried again, until it is mended.
        .args([&corpus, &artifacts]);
    let output = command.output().with_context(|| format!("cannot run {}", program.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(summary(&log)) } else { bail!(finding(program, &log)) }
}

/// The inputs tried, the edges covered and the inputs kept, from libFuzzer's log.
fn summary(log: &str) -> String {
    let statistic = |name: &str| {
        log.lines().rev().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim).to_owned()
    };
    let mut words =
        log.lines().rev().find(|line| line.contains(" cov: ")).unwrap_or_default().split_whitespace();
    let mut after =
        |name: &str| words.by_ref().skip_while(|&word| word != name).nth(1).unwrap_or("?").to_owned();
    let (edges, kept) = (after("cov:"), after("corp:"));
    let runs = statistic("stat::number_of_executed_units:");
    format!("{runs} inputs, {edges} edges covered, corpus {kept}")
}

/// The end of the log, and the command that runs the bad input again.
fn finding(program: &Path, log: &str) -> String {
    let lines = log.lines().collect::<Vec<_>>();
    let end = lines[lines.len().saturating_sub(40)..].join("\n");
    let input =
        log.lines().rev().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
    match input {
        Some(path) => format!("{end}\nto see it again: {} {path}", program.display()),
        None => end,
    }
}

fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {}", repo::shown(command)))?;
    ensure!(output.status.success(), "{}: {}", repo::shown(command), String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #900\tDONE   cov: 210 ft: 300 corp: 25/1Kb lim: 4096 exec/s: 450 rss: 40Mb\n\
        stat::number_of_executed_units: 900\n";

    #[test]
    fn summary_tells_inputs_edges_and_corpus() {
        assert_eq!(summary(LOG), "900 inputs, 210 edges covered, corpus 25/1Kb");
        assert_eq!(summary(""), "? inputs, ? edges covered, corpus ?");
    }

    #[test]
    fn finding_ends_with_the_command_that_replays_it() {
        let log = "thread panicked\nartifact_prefix='x/'; Test unit written to x/crash-1\n";
        assert!(finding(Path::new("decode"), log).ends_with("to see it again: decode x/crash-1"));
    }
}

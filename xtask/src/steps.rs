//! What CI runs, step by step: each command is printed before it runs, all run even if one fails, and the last line
//! adds up what passed and what failed.

use crate::{fuzz, repo};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A command, under a name for the table at the end.
pub struct Step {
    name: String,
    command: Command,
}

/// Tests that passed, failed and were left out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

fn cargo(name: &str, arguments: &[&str]) -> Step {
    Step { name: name.into(), command: repo::cargo(arguments) }
}

/// Format, lints, floors and dependencies.
pub fn check() -> Vec<Step> {
    let mut steps = vec![
        cargo("format", &["fmt", "--all", "--check"]),
        cargo("format of contracts", &["fmt", "--all", "--check", "--manifest-path", "contract/Cargo.toml"]),
        cargo("format of fuzz", &["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"]),
        cargo(
            "format of the oracle",
            &["fmt", "--all", "--check", "--manifest-path", "testkit/oracle/Cargo.toml"],
        ),
        lints("lints of the chain", &on_chain("clippy", LINTS)),
        lints("lints of the rest", &off_chain("clippy", LINTS)),
        cargo("floors", &["test", "--release", "--locked", "--package", "xtask"]),
    ];
    // The two below look at nothing that a build does not, so a machine may lack them.
    if repo::has("cargo-deny") {
        steps.push(cargo("dependencies", &["deny", "check", "bans", "licenses", "sources"]));
    }
    if repo::has("shellcheck") {
        steps.push(Step {
            name: "scripts".into(),
            command: repo::program("shellcheck", &["x", ".ci/run", "fuzz/rustc"]),
        });
    }
    steps
}

/// What is linted, and how strictly.
const LINTS: &[&str] = &["--all-targets", "--", "--deny", "warnings"];

/// Lints look at code that is never run, so the runtime's WebAssembly is not built for them. That leaves a runtime
/// without it behind, which must not get into a program: they have a folder of their own.
fn lints(name: &str, arguments: &[&str]) -> Step {
    let mut step = cargo(name, arguments);
    step.command.env("SKIP_WASM_BUILD", "1").env("CARGO_TARGET_DIR", repo::target_dir().join("lints"));
    step
}

/// The chain's own packages. They are built apart from the others: a dependency that both have is compiled with the
/// features that each needs, so that the worker's binary has none of the node's.
const CHAIN: [&str; 6] = [
    "pallet-attestation",
    "pallet-mailbox",
    "pallet-workers",
    "pallet-clusters",
    "phala-runtime",
    "phala-node",
];

/// `cargo VERB` on the chain's packages.
fn on_chain<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let packages = CHAIN.into_iter().flat_map(|package| ["--package", package]);
    [verb, "--release", "--locked"].into_iter().chain(packages).chain(more.iter().copied()).collect()
}

/// `cargo VERB` on all other packages.
fn off_chain<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let packages = CHAIN.into_iter().flat_map(|package| ["--exclude", package]);
    [verb, "--release", "--locked", "--workspace"]
        .into_iter()
        .chain(packages)
        .chain(more.iter().copied())
        .collect()
}

/// Builds all programs.
pub fn build() -> Result<()> {
    for mut command in [repo::cargo(&on_chain("build", &[])), repo::cargo(&off_chain("build", &[]))] {
        ensure!(command.status()?.success(), "the programs do not build: {}", repo::shown(&command));
    }
    Ok(())
}

/// Compilers of contracts, which tests build contracts by. What is installed already takes no time; Solidity's is compiled,
/// for five minutes, once for a user.
fn compilers() -> impl Iterator<Item = Step> {
    ["c", "assemblyscript", "solidity"].into_iter().map(|language| {
        let mut command = Command::new(repo::target_dir().join("release/phala"));
        command.args(["contract", "toolchain", "install", language]);
        Step { name: format!("compiler of {language}"), command }
    })
}

/// For how long CI fuzzes each target.
const FUZZ_SECONDS: &str = "5";

/// Everything but lints, for which CI has no time when it builds all anew: `./x check` has them.
pub fn test() -> Result<Vec<Step>> {
    let mut steps = check();
    // The tests of the workspace run those of the floors too, and lints look at every dependency once more.
    steps.retain(|step| step.name != "floors" && !step.name.starts_with("lints"));
    // Real processes are tested, so programs are built before the tests run; and together with the tests, since what tests
    // depend on changes the features of what both depend on, and all of that would be built twice.
    steps.push(cargo("build the chain", &on_chain("build", &["--lib", "--bins", "--tests"])));
    steps.push(cargo("build the rest", &off_chain("build", &["--lib", "--bins", "--tests", "--examples"])));
    steps.extend(compilers());
    steps.push(cargo("tests of the chain", &on_chain("test", &["--no-fail-fast"])));
    steps.push(cargo("tests of the rest", &off_chain("test", &["--no-fail-fast"])));
    let contracts =
        ["test", "--release", "--locked", "--workspace", "--manifest-path", "contract/Cargo.toml"];
    let mut step = cargo("contracts", &contracts);
    step.command.env("CARGO_TARGET_DIR", repo::target_dir().join("contract"));
    steps.push(step);
    steps.push(oracle());
    steps.push(Step { name: "build the fuzz targets".into(), command: fuzz::build_command()? });
    for target in fuzz::targets()? {
        let mut command = Command::new(env::current_exe()?);
        command.args(["fuzz", FUZZ_SECONDS, "--target", &target]);
        steps.push(Step { name: format!("fuzz {target}"), command });
    }
    Ok(steps)
}

/// Our engine and pallet-contracts, call by call.
fn oracle() -> Step {
    let package = "phala-oracle-conformance";
    let manifest = "testkit/oracle/Cargo.toml";
    let mut step = cargo(
        "conformance",
        &["test", "--release", "--locked", "--package", package, "--manifest-path", manifest],
    );
    // It builds the examples with the program that authors build theirs with.
    step.command.env("PHALA", repo::target_dir().join("release/phala"));
    step
}

/// Holds the messages to their vectors, or writes the vectors anew.
pub fn vectors(write: bool) -> Result<()> {
    let mut command = repo::cargo(&["test", "--release", "--package", "phala-types", "--test", "vectors"]);
    if write {
        command.env("PHALA_VECTORS_WRITE", "1");
    }
    ensure!(command.status()?.success(), "the messages are not what vectors/messages.json says");
    Ok(())
}

/// Runs all steps, and fails if any did.
pub fn run(steps: Vec<Step>) -> Result<()> {
    let mut lines = Vec::new();
    let mut total = Count::default();
    for mut step in steps {
        println!("\n==> {}: {}", step.name, repo::shown(&step.command));
        let (count, took) = run_one(&mut step.command)?;
        total = total.plus(count);
        lines.push(format!("{:<28} {:>6.1} s  {}", step.name, took.as_secs_f64(), count.line()));
    }
    println!("\n{}\n\n{}", lines.join("\n"), total.line());
    if total.failed == 0 { Ok(()) } else { bail!("{} failed", total.failed) }
}

/// Runs one command, shows what it prints, and counts the tests that it reports.
fn run_one(command: &mut Command) -> Result<(Count, Duration)> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", repo::shown(command)))?;
    let mut count = Count::default();
    for line in BufReader::new(child.stdout.take().context("no output")?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count = count.plus(Count::reported(&line));
    }
    Ok((count.closed(child.wait()?.success()), start.elapsed()))
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            skipped: self.skipped.saturating_add(other.skipped),
        }
    }

    /// What a line of a test program says: `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
    fn reported(line: &str) -> Self {
        let Some(result) = line.strip_prefix("test result: ") else { return Self::default() };
        let number = |name: &str| {
            result
                .split(['.', ';'])
                .find_map(|part| part.trim().strip_suffix(name)?.trim().parse().ok())
                .unwrap_or_default()
        };
        Self { passed: number("passed"), failed: number("failed"), skipped: number("ignored") }
    }

    /// With the command's own success: one that reported no test counts as one, and so does a failure that no test
    /// reported, such as code that does not compile.
    fn closed(mut self, success: bool) -> Self {
        match success {
            true if self == Self::default() => self.passed = 1,
            false if self.failed == 0 => self.failed = 1,
            _ => {}
        }
        self
    }

    fn line(self) -> String {
        let skipped = if self.skipped == 0 { String::new() } else { format!(", {} skipped", self.skipped) };
        format!("{} passed, {} failed{skipped}", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_test_programs_are_added_up() {
        let one =
            Count::reported("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        let two =
            Count::reported("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(one.plus(two).line(), "7 passed, 2 failed, 1 skipped");
        assert_eq!(Count::reported("running 3 tests"), Count::default());
    }

    #[test]
    fn command_without_tests_counts_as_one() {
        assert_eq!(Count::default().closed(true).line(), "1 passed, 0 failed");
        assert_eq!(Count::default().closed(false).line(), "0 passed, 1 failed");
    }

    #[test]
    fn failure_that_no_test_reported_still_counts() {
        let passed = Count { passed: 5, ..Count::default() };
        assert_eq!(passed.closed(false).line(), "5 passed, 1 failed");
        assert_eq!(passed.closed(true).line(), "5 passed, 0 failed");
    }

    #[test]
    fn failing_command_is_counted_and_a_missing_one_is_an_error() {
        let (count, _) = run_one(&mut repo::program("false", &[])).unwrap();
        assert_eq!(count.failed, 1);
        assert!(run_one(&mut repo::program("no-such-program", &[])).is_err());
    }
}

//! The repository's chores, as `cargo xtask COMMAND`. `./x` calls the ones that people need every day.
//!
//! Nothing here is part of a shipped program. Start with [`floors`], which holds the house to its plan, and
//! [`steps`], which is what CI runs.
#![forbid(unsafe_code)]

mod bench;
#[cfg(test)]
mod docs;
mod floors;
mod fuzz;
mod held;
#[cfg(test)]
mod licences;
mod packages;
mod repo;
mod steps;

use clap::Parser;
use std::process::ExitCode;

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Build all programs.
    Build,
    /// Print which crate imports which, floor by floor, and fail where an import goes up or across.
    Floors {
        /// Write it to docs/floors.txt.
        #[arg(long)]
        write: bool,
    },
    /// Print the packages inside the worker's binary.
    Packages {
        /// Write them to docs/worker-packages.txt.
        #[arg(long)]
        write: bool,
    },
    /// Hold the messages' encodings to vectors/messages.json.
    Vectors {
        /// Write the file anew instead.
        #[arg(long)]
        write: bool,
    },
    /// Write docs/benchmarks.md from docs/benchmarks.json.
    BenchRender,
    /// Fuzz each decoder and verifier for some seconds.
    Fuzz {
        /// For how long, each.
        #[arg(default_value_t = 10)]
        seconds: u32,
        /// Only this target.
        #[arg(long)]
        target: Option<String>,
    },
    /// Format, lints, floors and dependencies.
    Check,
    /// Everything that CI runs.
    Test,
}

fn main() -> ExitCode {
    match do_chore(Chore::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn do_chore(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Build => steps::build(),
        Chore::Floors { write } => held::show(&floors::FLOORS, write),
        Chore::Packages { write } => held::show(&packages::WORKER, write),
        Chore::Vectors { write } => steps::vectors(write),
        Chore::BenchRender => bench::render_file(),
        Chore::Fuzz { seconds, target } => fuzz::run(seconds, target.as_deref()),
        Chore::Check => steps::run(steps::check()),
        Chore::Test => steps::run(steps::test()?),
    }
}

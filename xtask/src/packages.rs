//! The packages whose code is inside the worker: what a reader of its measurement has to trust.

use crate::{held::Held, repo};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;

/// Held to docs/worker-packages.txt.
pub const WORKER: Held = Held {
    chore: "packages",
    file: "docs/worker-packages.txt",
    about: "Every package whose code is linked into phala-worker-sim, ours included. Build scripts and procedural\n\
            macros run when it is built and are not here. Trusted code adds a package rarely, and says why.",
    compute: worker,
};

fn worker() -> Result<Vec<String>> {
    let mut tree = repo::cargo(&["tree", "--locked", "--package", "phala-worker-sim"]);
    // The list would differ between systems. This is the one that TEEs run.
    tree.args(["--target", "x86_64-unknown-linux-gnu"]);
    tree.args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]);
    let output = tree.output()?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(unique(&String::from_utf8(output.stdout)?))
}

/// The name and version of each line, once, sorted. A line is `name vVERSION`, then perhaps `(path)`.
fn unique(tree: &str) -> Vec<String> {
    let lines = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?.trim_start_matches('v')))
    });
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_listed_once_without_its_path() {
        let tree = "b v0.1.0 (/some/where)\na v1.2.3\nb v0.1.0 (/some/where)\n\n";
        assert_eq!(unique(tree), ["a 1.2.3", "b 0.1.0"]);
    }

    #[test]
    fn worker_contains_only_the_packages_that_were_reviewed() {
        if let Err(error) = crate::held::verify(&WORKER) {
            panic!("{error:#}");
        }
    }
}

//! The packages whose code is inside the worker: what a reader of its measurement has to trust.

use crate::{held::Held, repo};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;

/// Held to docs/worker-packages.txt.
pub const WORKER: Held = Held {
    chore: "packages",
    file: "docs/worker-packages.txt",
    about: "Every package whose code is linked into phala-worker-sim, ours included, and its licence. Build scripts\n\
            and procedural macros run when it is built and are not here. Trusted code adds a package rarely, and\n\
            says why.",
    compute: worker,
};

fn worker() -> Result<Vec<String>> {
    tree("phala-worker-sim", "{p} = {l}").map(|text| unique(&text))
}

/// What cargo says is linked into `package`.
fn tree(package: &str, format: &str) -> Result<String> {
    let mut tree = repo::cargo(&["tree", "--locked", "--package", package, "--format", format]);
    // The list would differ between systems. This is the one that TEEs run.
    tree.args([
        "--target",
        "x86_64-unknown-linux-gnu",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ]);
    let output = tree.output()?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The name, version and licence of each line, once, sorted. A line is `name vVERSION`, perhaps `(path)`, and
/// `= LICENCE`.
fn unique(tree: &str) -> Vec<String> {
    let lines = tree.lines().filter_map(|line| {
        let (package, licence) = line.split_once(" = ")?;
        let mut words = package.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.trim_start_matches('v'));
        // Cargo marks what it has shown above.
        Some(format!("{name} {version} {}", licence.trim_end_matches(" (*)")))
    });
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs that no development key may be in, or near.
    const WITHOUT_DEVELOPMENT_KEYS: [&str; 5] =
        ["phala-runtime", "phala-node", "phala-worker", "phala-relay", "phala-cli"];

    #[test]
    fn each_package_is_listed_once_without_its_path() {
        let tree = "b v0.1.0 (/some/where) = MIT\na v1.2.3 = MIT OR Apache-2.0\nb v0.1.0 (/some/where) = MIT (*)\n\n";
        assert_eq!(unique(tree), ["a 1.2.3 MIT OR Apache-2.0", "b 0.1.0 MIT"]);
    }

    #[test]
    fn worker_contains_only_the_packages_that_were_reviewed() {
        if let Err(error) = crate::held::verify(&WORKER) {
            panic!("{error:#}");
        }
    }

    #[test]
    fn worker_can_be_given_away_under_its_own_licence() {
        // Older packages write a choice of licences with a slash.
        let copyleft =
            |line: &String| line.replace('/', " OR ").split(" OR ").all(|choice| choice.contains("GPL"));
        let found = worker().unwrap().into_iter().filter(copyleft).collect::<Vec<_>>();
        assert!(found.is_empty(), "under a licence that asks for more than ours: {}", found.join(", "));
    }

    #[test]
    fn nothing_but_the_simulated_worker_asks_for_the_development_keys() {
        let asks = |package| tree(package, "{p} {f}").unwrap().contains("danger_simulated_keys");
        assert!(asks("phala-worker-sim"), "the simulated worker makes no evidence");
        for package in WITHOUT_DEVELOPMENT_KEYS {
            assert!(!asks(package), "{package} links the keys that forge simulated workers");
        }
    }
}

//! Tests that every package is from crates.io and under a licence that deny.toml allows.
//!
//! `cargo deny` looks at more, and takes minutes to install: this much is looked at everywhere.

use crate::repo;
use anyhow::{Context as _, Result, bail, ensure};
use std::{collections::BTreeSet, fs, path::Path};

/// What is built by us. Contracts are built by their authors.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

/// The licences that deny.toml allows.
fn allowed() -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(repo::root().join("deny.toml"))?;
    let table = text.parse::<toml::Table>()?;
    let list = table["licenses"]["allow"].as_array().context("deny.toml allows no licence")?;
    list.iter().map(|it| it.as_str().map(str::to_owned).context("a licence is a text")).collect()
}

/// All packages of a workspace as `name vVERSION`, perhaps where it is from, `= LICENCE`.
fn packages(manifest: &str) -> Result<BTreeSet<String>> {
    let mut tree =
        repo::cargo(&["tree", "--locked", "--workspace", "--manifest-path", manifest, "--prefix", "none"]);
    // What is for other systems is never built.
    tree.args([
        "--target",
        "x86_64-unknown-linux-gnu",
        "--edges",
        "normal,build,dev",
        "--format",
        "{p} = {l}",
    ]);
    let output = tree.output()?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    // Cargo puts an empty line between members, and marks what it has shown above.
    Ok(text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect())
}

/// Why a package may not be linked, if it may not.
fn objection(package: &str, allowed: &BTreeSet<String>) -> Result<Option<&'static str>> {
    let (package, licence) = package.split_once(" = ").context("cargo tree prints a licence")?;
    let from = package.split('(').skip(1).filter_map(|it| it.trim_end().strip_suffix(')'));
    if from.into_iter().any(|it| it != "proc-macro" && !Path::new(it).starts_with(repo::root())) {
        return Ok(Some("is not from crates.io"));
    }
    Ok((!is_admitted(licence, allowed)?).then_some("is under a licence that deny.toml does not allow"))
}

/// Whether an SPDX expression is fulfilled by licences of the list. Older packages write a choice with a slash.
fn is_admitted(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    let admitted = any(&mut words, allowed)?;
    ensure!(words.next().is_none(), "not an SPDX expression: {expression:?}");
    Ok(admitted)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut admitted = all(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        admitted |= all(words, allowed)?;
    }
    Ok(admitted)
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut admitted = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        admitted &= one(words, allowed)?;
    }
    Ok(admitted)
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Result<bool> {
    match words.next() {
        Some("(") => {
            let admitted = any(words, allowed)?;
            ensure!(words.next() == Some(")"), "a bracket of an SPDX expression is not closed");
            Ok(admitted)
        }
        Some(licence) => {
            let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
            let exception = exception.map(|it| format!(" WITH {it}")).unwrap_or_default();
            Ok(allowed.contains(&format!("{licence}{exception}")))
        }
        None => bail!("a package names no licence"),
    }
}

#[test]
fn every_package_is_from_crates_io_and_under_an_allowed_licence() {
    let allowed = allowed().unwrap();
    let mut found = Vec::new();
    for package in WORKSPACES.into_iter().flat_map(|it| packages(it).unwrap()) {
        match objection(&package, &allowed) {
            Ok(None) => {}
            Ok(Some(why)) => found.push(format!("{package}: {why}")),
            Err(error) => found.push(format!("{package}: {error}")),
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn choice_needs_one_allowed_licence_and_a_conjunction_all() {
    let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    let is_admitted = |expression| is_admitted(expression, &allowed).unwrap();
    assert!(is_admitted("MIT") && is_admitted("GPL-3.0/MIT") && is_admitted("(X AND Y) OR MIT"));
    assert!(is_admitted("MIT AND (X OR Apache-2.0 WITH LLVM-exception)"));
    assert!(!is_admitted("Apache-2.0") && !is_admitted("MIT AND X") && !is_admitted("MIT WITH X"));
}

#[test]
fn package_of_another_source_or_without_a_licence_is_not_admitted() {
    let allowed = ["MIT".to_owned()].into();
    let objection = |package: &str| objection(package, &allowed);
    let ours = format!("a v1.0.0 (proc-macro) ({}) = MIT", repo::root().join("a").display());
    assert_eq!(objection(&ours).unwrap(), None);
    assert_eq!(objection("a v1.0.0 = MIT").unwrap(), None);
    assert!(objection("a v1.0.0 (https://example.org/a#0123) = MIT").unwrap().is_some());
    assert!(objection("a v1.0.0 (registry `other`) = MIT").unwrap().is_some());
    assert!(objection("a v1.0.0 = X").unwrap().is_some());
    assert!(objection("a v1.0.0 = ").is_err());
}

//! Tests that the documents speak of what is there.

use crate::repo;
use anyhow::{Context as _, Result};
use std::fs;

/// The documents that are held to the code.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "THREAT_MODEL.md", "CONTRIBUTING.md", "CHANGELOG.md"];

fn read(document: &str) -> Result<String> {
    fs::read_to_string(repo::root().join(document)).with_context(|| format!("cannot read {document}"))
}

/// Every Rust source of the repository, with its path from the top folder.
fn sources() -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![repo::root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let shown = path.strip_prefix(repo::root())?.display().to_string();
                found.push((shown, fs::read_to_string(&path)?));
            }
        }
    }
    Ok(found)
}

/// The pieces of `text` between single back-quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The targets of links inside the repository: `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|it| !it.starts_with("http"))
}

#[test]
fn threat_model_names_tests_that_exist() {
    let (document, sources) = (read("THREAT_MODEL.md").unwrap(), sources().unwrap());
    // A test's name is a sentence; shorter names are of other things.
    let is_test = |name: &&str| {
        name.matches('_').count() >= 3
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let named = quoted(&document).filter(is_test).collect::<Vec<_>>();
    assert!(!named.is_empty(), "the threat model names no test");
    let exists = |name: &&str| sources.iter().any(|(_, text)| text.contains(&format!("fn {name}(")));
    let missing = named.into_iter().filter(|name| !exists(name)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "THREAT_MODEL.md names tests that do not exist: {}", missing.join(", "));
}

#[test]
fn every_crate_has_its_line_in_the_architecture() {
    let document = read("ARCHITECTURE.md").unwrap();
    let missing =
        crate::floors::folders().filter(|it| !document.contains(&format!("| `{it}` |"))).collect::<Vec<_>>();
    assert!(missing.is_empty(), "ARCHITECTURE.md has no line for: {}", missing.join(", "));
}

#[test]
fn links_inside_the_repository_lead_somewhere() {
    for document in DOCUMENTS {
        for link in links(&read(document).unwrap()) {
            assert!(repo::root().join(link).exists(), "{document} links to {link}, which does not exist");
        }
    }
}

#[test]
fn commands_in_the_documents_are_commands_of_x() {
    let script = read("x").unwrap();
    for document in DOCUMENTS {
        for part in read(document).unwrap().split("./x ").skip(1) {
            let command = part.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
            assert!(script.contains(&format!("#   ./x {command} ")), "{document} names ./x {command}");
        }
    }
}

#[test]
fn no_source_file_is_longer_than_a_reader_takes() {
    const LINES_MAX: usize = 600;
    let is_long = |(_, text): &(String, String)| text.lines().count() > LINES_MAX;
    let long = sources().unwrap().into_iter().filter(is_long).map(|(path, _)| path).collect::<Vec<_>>();
    assert!(long.is_empty(), "over {LINES_MAX} lines: {}", long.join(", "));
}

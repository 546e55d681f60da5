//! Facts of the repository that are held to a checked-in text file, so that a change of them shows in a review.

use crate::repo;
use anyhow::{Context as _, Result, bail};
use std::{collections::BTreeSet, fs};

/// A fact and its file.
pub struct Held {
    /// The chore that computes it.
    pub chore: &'static str,
    /// The file, from the top folder.
    pub file: &'static str,
    /// What the file says at its top, each line after a `#`.
    pub about: &'static str,
    /// Computes it, one line each.
    pub compute: fn() -> Result<Vec<String>>,
}

impl Held {
    fn text(&self) -> Result<String> {
        let about = self.about.lines().map(|line| format!("# {line}\n")).collect::<String>();
        let command =
            format!("# Written by `cargo xtask {} --write`, and held to the truth by a test.\n", self.chore);
        let body = (self.compute)()?.into_iter().map(|line| line + "\n").collect::<String>();
        Ok(about + &command + "\n" + &body)
    }
}

/// Prints the fact, or writes it to its file.
pub fn show(held: &Held, write: bool) -> Result<()> {
    let text = held.text()?;
    if write {
        fs::write(repo::root().join(held.file), &text).with_context(|| format!("cannot write {}", held.file))
    } else {
        print!("{text}");
        Ok(())
    }
}

/// Fails, with the lines that differ, if the file does not say the fact.
#[cfg_attr(not(test), allow(dead_code))]
pub fn verify(held: &Held) -> Result<()> {
    let actual = held.text()?;
    let written = fs::read_to_string(repo::root().join(held.file)).unwrap_or_default();
    match difference(&written, &actual) {
        None => Ok(()),
        Some(lines) => bail!(
            "{} is not what is so now (- in the file, + now):\n{lines}\
             if the change is meant, run `cargo xtask {} --write` and say why in the commit",
            held.file,
            held.chore
        ),
    }
}

/// The lines that only one of two texts has, or `None` if the texts are equal.
fn difference(written: &str, actual: &str) -> Option<String> {
    if written == actual {
        return None;
    }
    let (old, new) = (written.lines().collect::<BTreeSet<_>>(), actual.lines().collect::<BTreeSet<_>>());
    let gone = old.difference(&new).map(|line| format!("- {line}\n"));
    let come = new.difference(&old).map(|line| format!("+ {line}\n"));
    let lines = gone.chain(come).collect::<String>();
    Some(if lines.is_empty() { "  (the same lines in another order or number)\n".into() } else { lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_names_the_lines_that_came_and_went() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n").as_deref(), Some("- b\n+ c\n"));
        assert!(difference("a\nb\n", "b\na\n").is_some_and(|text| text.contains("another order")));
    }

    #[test]
    fn stale_file_is_refused_with_the_command_that_updates_it() {
        let held = Held {
            chore: "floors",
            file: "docs/no-such-file.txt",
            about: "Nothing.",
            compute: || Ok(vec!["one".into()]),
        };
        let error = verify(&held).expect_err("there is no such file").to_string();
        assert!(error.contains("+ one\n") && error.contains("cargo xtask floors --write"), "{error}");
    }
}

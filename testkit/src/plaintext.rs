//! Looks for what should be secret in all that a host can see.

use anyhow::Result;
use std::path::{Path, PathBuf};

/// Bytes that must appear nowhere, and what they are.
#[derive(Clone, Debug)]
pub struct Canary {
    /// What it is, for the report.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Canary {
    /// Bytes under a name.
    pub fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into() }
    }

    /// The forms in which bytes can be written down: raw, and as hexadecimal in both cases.
    fn forms(&self) -> [Vec<u8>; 3] {
        let hex: String = self.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        [self.bytes.clone(), hex.to_uppercase().into_bytes(), hex.into_bytes()]
    }

    /// Whether it is in `haystack`, in any of its forms.
    pub fn is_in(&self, haystack: &[u8]) -> bool {
        self.forms().iter().any(|form| contains(haystack, form))
    }
}

/// All files below `dir` in which a canary appears, each with the canary's name.
pub fn find_in_files(dir: &Path, canaries: &[Canary]) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path)?;
            for canary in canaries.iter().filter(|canary| canary.is_in(&content)) {
                found.push((path.clone(), canary.name.clone()));
            }
        }
    }
    Ok(found)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_are_found_raw_and_as_hexadecimal() {
        let canary = Canary::new("amount", [0xde, 0xad, 0xbe, 0xef]);
        for text in [&b"..\xde\xad\xbe\xef.."[..], b"0xdeadbeef", b"DEADBEEF"] {
            assert!(canary.is_in(text));
        }
        assert!(!canary.is_in(b"\xde\xad\xbe\xee dead beef"));
    }

    #[test]
    fn files_are_searched_at_any_depth() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/log"), "account deadbeef").unwrap();
        let canaries =
            [Canary::new("account", [0xde, 0xad, 0xbe, 0xef]), Canary::new("amount", [1, 2, 3, 4])];
        let found = find_in_files(dir.path(), &canaries).unwrap();
        assert_eq!(found, [(dir.path().join("a/b/log"), "account".to_owned())]);
    }
}

//! The house's floors: which crate is where, and what it may import.
//!
//! An import points down a floor, or up the list of rooms inside one, in its own side or into what all share. Sides
//! never import each other: what two of them say to each other is a message, and lives in `protocol/types`.

use crate::{held::Held, repo};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::{cmp::Reverse, collections::BTreeMap};

/// Held to docs/floors.txt.
pub const FLOORS: Held = Held {
    chore: "floors",
    file: "docs/floors.txt",
    about: "Which of our crates imports which, floor by floor. An import points down, inside its own side or into\n\
            what all share; tools import anything. What only tests import is in brackets.",
    compute,
};

/// Who must trust a crate, and so who may import it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Shared,
    Chain,
    Enclave,
    Host,
    Client,
    Tools,
}

/// A crate's folder and its place.
struct Room(&'static str, Side, u8);

/// The plan. Inside a side and a floor, a crate may import those above it in this list.
const ROOMS: &[Room] = &[
    Room("protocol/types", Side::Shared, 0),
    Room("protocol/crypto", Side::Shared, 1),
    Room("protocol/attest", Side::Shared, 2),
    Room("protocol/light", Side::Shared, 2),
    // How programs outside the chain speak to a node: docs/adr/0002.
    Room("chain/api", Side::Shared, 2),
    // How untrusted programs come by the vendors' documents: docs/adr/0019.
    Room("host/collateral", Side::Shared, 2),
    Room("chain/pallets/attestation", Side::Chain, 3),
    Room("chain/pallets/workers", Side::Chain, 3),
    Room("chain/pallets/mailbox", Side::Chain, 3),
    Room("chain/pallets/clusters", Side::Chain, 3),
    Room("chain/runtime", Side::Chain, 3),
    Room("chain/node", Side::Chain, 4),
    Room("enclave/vm", Side::Enclave, 3),
    Room("enclave/platform", Side::Enclave, 3),
    Room("enclave/core", Side::Enclave, 3),
    Room("enclave/worker", Side::Enclave, 3),
    Room("enclave/worker-sim", Side::Enclave, 4),
    // A tool that links the engine, and for that is on its side: docs/adr/0014.
    Room("enclave/trial", Side::Enclave, 4),
    Room("host/relay", Side::Host, 4),
    Room("client/sdk", Side::Client, 3),
    Room("client/cli", Side::Client, 4),
    // Above the testkit, since tests of all sides are held against what it forges.
    Room("testkit/evidence", Side::Tools, 5),
    Room("testkit", Side::Tools, 5),
    Room("xtask", Side::Tools, 5),
    Room("fuzz", Side::Tools, 5),
];

/// The folders of all crates that have a place.
#[cfg(test)]
pub fn folders() -> impl Iterator<Item = &'static str> {
    ROOMS.iter().map(|Room(folder, ..)| *folder)
}

/// Whether the room at `from` may import the room at `to`, both as places in [`ROOMS`].
fn may_import(from: usize, to: usize) -> bool {
    let (Room(_, from_side, from_floor), Room(_, to_side, to_floor)) = (&ROOMS[from], &ROOMS[to]);
    let is_down = to_floor < from_floor;
    match (from_side, to_side) {
        (a, b) if a == b => is_down || (to_floor == from_floor && to < from),
        (_, Side::Shared) | (Side::Tools, _) => is_down,
        _ => false,
    }
}

/// One of our crates as cargo sees it.
struct Crate {
    name: String,
    folder: String,
    /// Folders of our crates that it imports.
    imports: Vec<String>,
    /// Folders of our crates that only its tests import.
    test_imports: Vec<String>,
}

fn compute() -> Result<Vec<String>> {
    let mut crates = crates_of("Cargo.toml")?;
    if repo::root().join("fuzz/Cargo.toml").exists() {
        crates.extend(crates_of("fuzz/Cargo.toml")?);
    }
    graph(&crates)
}

/// The crates of the workspace with this manifest.
fn crates_of(manifest: &str) -> Result<Vec<Crate>> {
    let output =
        repo::cargo(&["metadata", "--no-deps", "--format-version", "1", "--manifest-path", manifest])
            .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    metadata["packages"].as_array().context("metadata without packages")?.iter().map(parse).collect()
}

fn parse(package: &Value) -> Result<Crate> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("metadata without a text");
    let manifest = text(&package["manifest_path"])?;
    let here = folder(manifest.trim_end_matches("/Cargo.toml"))?;
    let (mut imports, mut test_imports) = (Vec::new(), Vec::new());
    for dependency in package["dependencies"].as_array().context("metadata without dependencies")? {
        let Some(path) = dependency["path"].as_str() else { continue };
        // A crate may import itself in order to switch on its own features in its tests.
        if folder(path)? == here {
            continue;
        }
        let list = if dependency["kind"] == "dev" { &mut test_imports } else { &mut imports };
        list.push(folder(path)?);
    }
    Ok(Crate { name: text(&package["name"])?, folder: here, imports, test_imports })
}

/// A path from the top folder.
fn folder(path: &str) -> Result<String> {
    let path = std::path::Path::new(path);
    let inside =
        path.strip_prefix(repo::root()).with_context(|| format!("{} is not ours", path.display()))?;
    Ok(inside.to_string_lossy().into_owned())
}

/// The graph as lines, top floor first, or every import that breaks the rule.
fn graph(crates: &[Crate]) -> Result<Vec<String>> {
    let place = |folder: &str| ROOMS.iter().position(|Room(path, ..)| *path == folder);
    let names = crates.iter().map(|it| (it.folder.as_str(), it.name.as_str())).collect::<BTreeMap<_, _>>();
    let (mut wrong, mut placed) = (Vec::new(), BTreeMap::new());
    for it in crates {
        let Some(from) = place(&it.folder) else {
            wrong.push(format!("{} has no floor: give it one in xtask/src/floors.rs", it.folder));
            continue;
        };
        for import in it.imports.iter().chain(&it.test_imports) {
            if !place(import).is_some_and(|to| may_import(from, to)) {
                wrong.push(format!("{} may not import {import}", it.folder));
            }
        }
        placed.insert(from, it);
    }
    if !wrong.is_empty() {
        bail!("the floors do not hold:\n  {}", wrong.join("\n  "));
    }
    let named = |folders: &[String]| {
        let mut list = folders.iter().filter_map(|it| names.get(it.as_str()).copied()).collect::<Vec<_>>();
        list.sort_unstable();
        list.dedup();
        list.join(", ")
    };
    let mut placed = placed.into_iter().collect::<Vec<_>>();
    placed.sort_by_key(|(at, _)| (Reverse(ROOMS[*at].2), *at));
    let mut lines = Vec::new();
    let mut above = None;
    for (at, it) in placed {
        let Room(path, side, floor) = &ROOMS[at];
        if above != Some(floor) {
            lines.push(format!("floor {floor}"));
            above = Some(floor);
        }
        let mut line = format!("  {:<7} {:<23} {:<17}", format!("{side:?}").to_lowercase(), path, it.name);
        if !it.imports.is_empty() {
            line += &format!(" -> {}", named(&it.imports));
        }
        if !it.test_imports.is_empty() {
            line += &format!(" [{}]", named(&it.test_imports));
        }
        lines.push(line.trim_end().to_owned());
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(folder: &str, imports: &[&str], test_imports: &[&str]) -> Crate {
        let owned = |list: &[&str]| list.iter().map(|&it| it.to_owned()).collect();
        Crate {
            name: folder.replace('/', "-"),
            folder: folder.into(),
            imports: owned(imports),
            test_imports: owned(test_imports),
        }
    }

    fn refusal(crates: &[Crate]) -> String {
        graph(crates).expect_err("an import that breaks the rule").to_string()
    }

    #[test]
    fn repository_is_as_its_floors_say() {
        if let Err(error) = crate::held::verify(&FLOORS) {
            panic!("{error:#}");
        }
    }

    #[test]
    fn imports_down_a_floor_are_listed() {
        let lines =
            graph(&[room("protocol/types", &[], &[]), room("protocol/crypto", &["protocol/types"], &[])])
                .unwrap();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].ends_with("-> protocol-types"), "{lines:?}");
    }

    #[test]
    fn sides_may_not_import_each_other_even_in_tests() {
        let crates = [room("enclave/vm", &[], &[]), room("chain/runtime", &[], &["enclave/vm"])];
        assert!(refusal(&crates).contains("chain/runtime may not import enclave/vm"));
    }

    #[test]
    fn import_may_not_point_up() {
        let crates = [room("protocol/types", &["protocol/crypto"], &[]), room("protocol/crypto", &[], &[])];
        assert!(refusal(&crates).contains("protocol/types may not import protocol/crypto"));
        let crates = [room("enclave/vm", &["enclave/core"], &[]), room("enclave/core", &[], &[])];
        assert!(refusal(&crates).contains("enclave/vm may not import enclave/core"));
    }

    #[test]
    fn import_inside_a_floor_points_up_the_list_of_rooms() {
        let crates = [room("protocol/light", &[], &[]), room("chain/api", &["protocol/light"], &[])];
        assert!(graph(&crates).is_ok());
        let crates = [room("chain/api", &[], &[]), room("protocol/light", &["chain/api"], &[])];
        assert!(refusal(&crates).contains("protocol/light may not import chain/api"));
    }

    #[test]
    fn crate_without_a_floor_is_refused() {
        assert!(refusal(&[room("enclave/new", &[], &[])]).contains("enclave/new has no floor"));
    }

    #[test]
    fn crate_may_not_import_one_of_ours_that_has_no_floor() {
        assert!(refusal(&[room("xtask", &["elsewhere"], &[])]).contains("xtask may not import elsewhere"));
    }
}

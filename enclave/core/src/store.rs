//! A cluster's state: entries by name, and the Merkle trie over them.
//!
//! Both are in memory; the disk holds the entries. The trie is Substrate's, since the chain's is, with BLAKE2b-256.

use phala_vm::world::State;
use sp_core::{Blake2Hasher, H256};
use sp_trie::{LayoutV1, MemoryDB, TrieDBMutBuilder, TrieMut};
use std::collections::BTreeMap;

pub use phala_vm::world::Changes;

/// The trie's nodes do not fit together: memory is broken, or we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BrokenTrie;

/// The state.
pub struct Store {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    nodes: MemoryDB<Blake2Hasher>,
    root: H256,
    uncommitted: Changes,
}

impl Default for Store {
    fn default() -> Self {
        let (nodes, root) = MemoryDB::default_with_root();
        Self { entries: BTreeMap::new(), nodes, root, uncommitted: Changes::new() }
    }
}

impl Store {
    /// Makes changes. The root follows with [`Self::commit`].
    pub fn change(&mut self, changes: Changes) {
        for (key, value) in changes {
            match &value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(&key),
            };
            self.uncommitted.insert(key, value);
        }
    }

    /// Brings the root up to date. Returns what has changed since the last time.
    pub fn commit(&mut self) -> Result<Changes, BrokenTrie> {
        let changes = core::mem::take(&mut self.uncommitted);
        let mut trie = match changes.is_empty() {
            true => return Ok(changes),
            false => {
                TrieDBMutBuilder::<LayoutV1<Blake2Hasher>>::from_existing(&mut self.nodes, &mut self.root)
                    .build()
            }
        };
        for (key, value) in &changes {
            match value {
                Some(value) => trie.insert(key, value),
                None => trie.remove(key),
            }
            .map_err(|_| BrokenTrie)?;
        }
        trie.commit();
        drop(trie);
        Ok(changes)
    }

    /// The Merkle root after the last commit. Secret: it lets anyone check a guess of the state.
    pub fn root(&self) -> [u8; 32] {
        self.root.0
    }
}

impl State for Store {
    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.entries.get(name).map(Vec::as_slice)
    }

    fn names<'s>(&'s self, prefix: &'s [u8]) -> Box<dyn Iterator<Item = &'s [u8]> + 's> {
        State::names(&self.entries, prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(list: &[(&str, Option<&str>)]) -> Changes {
        list.iter()
            .map(|(key, value)| (key.as_bytes().to_vec(), value.map(|v| v.as_bytes().to_vec())))
            .collect()
    }

    #[test]
    fn root_depends_on_the_entries_and_on_nothing_else() {
        let mut straight = Store::default();
        straight.change(changes(&[("alice", Some("10")), ("bob", Some("5"))]));
        straight.commit().unwrap();
        let mut winding = Store::default();
        for step in [
            ("bob", Some("1")),
            ("carol", Some("9")),
            ("bob", Some("5")),
            ("alice", Some("10")),
            ("carol", None),
        ] {
            winding.change(changes(&[step]));
            winding.commit().unwrap();
        }
        assert_eq!(straight.root(), winding.root());
        winding.change(changes(&[("bob", Some("6"))]));
        winding.commit().unwrap();
        assert_ne!(straight.root(), winding.root());
    }

    #[test]
    fn removing_all_leaves_the_empty_root() {
        let mut store = Store::default();
        let empty = store.root();
        store.change(changes(&[("alice", Some("10"))]));
        store.commit().unwrap();
        assert_ne!(store.root(), empty);
        store.change(changes(&[("alice", None)]));
        store.commit().unwrap();
        assert_eq!(store.root(), empty);
    }

    #[test]
    fn commit_tells_what_changed() {
        let mut store = Store::default();
        store.change(changes(&[("alice", Some("10"))]));
        store.change(changes(&[("alice", Some("11")), ("bob", None)]));
        assert_eq!(store.commit().unwrap(), changes(&[("alice", Some("11")), ("bob", None)]));
        assert_eq!(store.commit().unwrap(), Changes::new());
        assert_eq!(store.get(b"alice"), Some(&b"11"[..]));
    }

    #[test]
    fn names_are_those_with_the_prefix() {
        let mut store = Store::default();
        store.change(changes(&[("a1", Some("")), ("a2", Some("")), ("b1", Some(""))]));
        assert_eq!(State::names(&store, b"a").count(), 2);
    }
}

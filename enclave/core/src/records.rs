//! What the worker keeps on a disk that belongs to somebody else.
//!
//! Three kinds of record: the seed, the root, and one per entry of the cluster's state. The root says where the worker
//! stands and what Merkle root the entries must add up to. So an edited, exchanged, missing or partly old record is
//! noticed when the worker starts; a wholly old disk is noticed when the worker sees, on the chain, a later
//! checkpoint of its own.

use crate::{
    Write,
    entropy::Entropy,
    store::{Changes, Store},
};
use codec::{Decode, Encode};
use phala_crypto::{Secret, record::RecordKey};
use phala_light::Light;
use phala_types::{ClusterId, cluster::Checkpoint, decode_exact, mailbox::Tip, tag::Tag};

/// A record as the disk gives it back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its name.
    pub name: [u8; 32],
    /// Its sealed value.
    pub value: Vec<u8>,
}

/// Why a worker does not start from its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// There are records, but none that this worker can open: they are another machine's, or the platform's secret
    /// changed.
    Foreign,
    /// A record was edited, or stands under another's name.
    Edited,
    /// The records do not add up to the root: some are missing, or older than others.
    Inconsistent,
    /// The platform gave no randomness for a new worker's seed, or the cipher failed.
    Unavailable,
}

impl core::fmt::Display for BootError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Foreign => {
                "the worker's records were not sealed by this worker on this machine. \
                 Start it where they were written, or start a new worker with an empty folder"
            }
            Self::Edited => {
                "a record of the worker was edited on disk, so none of them is trusted. \
                 Put an unedited copy back, or start a new worker with an empty folder"
            }
            Self::Inconsistent => {
                "the worker's records do not belong together: some are missing or older than others. \
                 Put a complete copy back, or start a new worker with an empty folder"
            }
            Self::Unavailable => "the platform gave no randomness or sealing; see its own error",
        })
    }
}

impl std::error::Error for BootError {}

/// Where the worker stands.
#[derive(Decode, Default)]
pub struct Root {
    /// The chain as it was last verified.
    pub light: Option<Light>,
    /// The worker's cluster and the last executed message of its topic.
    pub cluster: Option<(ClusterId, Tip)>,
    /// The Merkle root of the entries.
    pub merkle_root: [u8; 32],
    /// The checkpoints that it signed last, oldest first.
    pub signed: Vec<Checkpoint>,
}

/// A [`Root`] to be written, field by field the same.
#[derive(Encode)]
pub struct RootRef<'a> {
    pub light: Option<&'a Light>,
    pub cluster: Option<(ClusterId, Tip)>,
    pub merkle_root: [u8; 32],
    pub signed: &'a [Checkpoint],
}

/// Seals and opens records.
pub struct Disk {
    key: RecordKey,
    seed_name: [u8; 32],
    root_name: [u8; 32],
}

/// What the disk held.
pub struct Loaded {
    pub seed: Secret<[u8; 32]>,
    pub root: Root,
    pub store: Store,
}

impl Disk {
    /// With the platform's sealing key.
    pub fn new(sealing_key: &Secret<[u8; 32]>) -> Self {
        let key = RecordKey::derive(sealing_key);
        let (seed_name, root_name) =
            (key.name(&Tag::RECORD_SEED.bytes()), key.name(&Tag::RECORD_ROOT.bytes()));
        Self { key, seed_name, root_name }
    }

    fn entry_name(&self, key: &[u8]) -> [u8; 32] {
        self.key.name(&(Tag::RECORD_ENTRY.bytes(), key))
    }

    fn write(&self, name: [u8; 32], value: &[u8], entropy: &mut Entropy) -> Option<Write> {
        let value = Some(self.key.seal(&name, entropy.draw_nonce(), value)?);
        Some(Write { name, value })
    }

    /// The seed's record.
    pub fn seal_seed(&self, seed: &Secret<[u8; 32]>, entropy: &mut Entropy) -> Option<Write> {
        seed.expose(|seed| self.write(self.seed_name, seed, entropy))
    }

    /// The root's record.
    pub fn seal_root(&self, root: &RootRef<'_>, entropy: &mut Entropy) -> Option<Write> {
        self.write(self.root_name, &root.encode(), entropy)
    }

    /// The records of changed entries.
    pub fn seal_entries(&self, changes: &Changes, entropy: &mut Entropy) -> Option<Vec<Write>> {
        changes
            .iter()
            .map(|(key, value)| match value {
                Some(value) => self.write(self.entry_name(key), &(key, value).encode(), entropy),
                None => Some(Write { name: self.entry_name(key), value: None }),
            })
            .collect()
    }

    /// Opens all records, or `None` if there are none.
    pub fn load(&self, records: Vec<Record>) -> Result<Option<Loaded>, BootError> {
        if records.is_empty() {
            return Ok(None);
        }
        let (mut seed, mut root, mut entries) = (None, None, Changes::new());
        for Record { name, value } in records {
            let opened = self.key.open(&name, &value).map_err(|_| BootError::Edited);
            if name == self.seed_name {
                let bytes = <[u8; 32]>::try_from(opened?).map_err(|_| BootError::Edited)?;
                seed = Some(Secret::new(bytes));
            } else if name == self.root_name {
                root = Some(decode_exact::<Root>(&opened?).map_err(|_| BootError::Edited)?);
            } else {
                // Without a seed of ours among the records, the rest is not edited but foreign: told apart below.
                let Ok(opened) = opened else {
                    entries.insert(name.to_vec(), None);
                    continue;
                };
                let (key, value) =
                    decode_exact::<(Vec<u8>, Vec<u8>)>(&opened).map_err(|_| BootError::Edited)?;
                entries.insert(key, Some(value));
            }
        }
        let seed = seed.ok_or(BootError::Foreign)?;
        if entries.values().any(Option::is_none) {
            return Err(BootError::Edited);
        }
        let root = root.unwrap_or_default();
        let mut store = Store::default();
        store.change(entries);
        store.commit().map_err(|_| BootError::Inconsistent)?;
        let expected = match root.light {
            Some(_) => root.merkle_root,
            None => Store::default().root(),
        };
        match store.root() == expected {
            true => Ok(Some(Loaded { seed, root, store })),
            false => Err(BootError::Inconsistent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy() -> Entropy {
        Entropy::new(Secret::new([3; 32]))
    }

    fn disk() -> Disk {
        Disk::new(&Secret::new([1; 32]))
    }

    fn record(write: Write) -> Record {
        Record { name: write.name, value: write.value.unwrap() }
    }

    /// The records of a worker that has no network yet.
    fn new_worker() -> Vec<Record> {
        vec![record(disk().seal_seed(&Secret::new([2; 32]), &mut entropy()).unwrap())]
    }

    fn entries(list: &[(&str, &str)]) -> Vec<Record> {
        let changes =
            list.iter().map(|(k, v)| (k.as_bytes().to_vec(), Some(v.as_bytes().to_vec()))).collect();
        disk().seal_entries(&changes, &mut entropy()).unwrap().into_iter().map(record).collect()
    }

    #[test]
    fn no_records_are_a_new_worker() {
        assert!(disk().load(vec![]).unwrap().is_none());
    }

    #[test]
    fn a_seed_comes_back() {
        let loaded = disk().load(new_worker()).unwrap().unwrap();
        assert!(loaded.seed == Secret::new([2; 32]));
    }

    #[test]
    fn records_of_another_machine_are_foreign() {
        let other = Disk::new(&Secret::new([9; 32]));
        assert_eq!(other.load(new_worker()).err(), Some(BootError::Foreign));
        assert_eq!(disk().load(entries(&[("a", "1")])).err(), Some(BootError::Foreign));
    }

    #[test]
    fn an_edited_or_exchanged_record_is_noticed() {
        let mut edited = new_worker();
        edited[0].value[30] ^= 1;
        assert_eq!(disk().load(edited).err(), Some(BootError::Edited));
        let mut exchanged = [new_worker(), entries(&[("a", "1"), ("b", "2")])].concat();
        let value = exchanged[1].value.clone();
        exchanged[2].value = value;
        assert_eq!(disk().load(exchanged).err(), Some(BootError::Edited));
    }

    #[test]
    fn entries_that_do_not_add_up_to_the_root_are_noticed() {
        let added = [new_worker(), entries(&[("a", "1")])].concat();
        assert_eq!(disk().load(added).err(), Some(BootError::Inconsistent));
    }
}

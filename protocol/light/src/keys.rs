//! Where things are in the chain's storage, and what a worker reads there of itself.
//!
//! A key is the pallet's and the item's name, each hashed by TwoX-128, then for a map the hashed key with the key itself
//! behind the hash, as FRAME's `StorageHasher`s make it.

use crate::{ProofError, Values};
use alloc::vec::Vec;
use codec::Encode;
use phala_types::{
    ClusterId, ContractId, MessageNumber, Millis, WorkerId,
    cluster::Checkpoint,
    mailbox::{Tip, Topic},
    storage::{
        CHECKPOINTS, CONTRACTS, GRANDPA_AUTHORITIES, Item, MAILBOX_MESSAGES, MAILBOX_TIPS, MEMBERSHIPS,
        TIMESTAMP_NOW, WORKERS,
    },
    worker::WorkerRecord,
};
use sp_crypto_hashing::{blake2_128, twox_64, twox_128};

/// The GRANDPA authorities.
pub fn grandpa_authorities() -> Vec<u8> {
    item(GRANDPA_AUTHORITIES)
}

/// The block's time.
pub fn timestamp_now() -> Vec<u8> {
    item(TIMESTAMP_NOW)
}

/// The tip of a topic.
pub fn tip(topic: Topic) -> Vec<u8> {
    blake2_128_concat(item(MAILBOX_TIPS), &topic)
}

/// A message of a topic.
pub fn message(topic: Topic, number: MessageNumber) -> Vec<u8> {
    twox_64_concat(blake2_128_concat(item(MAILBOX_MESSAGES), &topic), &number)
}

/// What the chain records of a worker.
pub fn worker(worker: WorkerId) -> Vec<u8> {
    blake2_128_concat(item(WORKERS), &worker)
}

/// What the chain records of a contract.
pub fn contract(contract: ContractId) -> Vec<u8> {
    blake2_128_concat(item(CONTRACTS), &contract)
}

/// The checkpoint that a cluster certified last.
pub fn checkpoint(cluster: ClusterId) -> Vec<u8> {
    blake2_128_concat(item(CHECKPOINTS), &cluster)
}

/// The cluster in which a worker works.
pub fn membership(worker: WorkerId) -> Vec<u8> {
    blake2_128_concat(item(MEMBERSHIPS), &worker)
}

/// The keys of a [`WorkerView`]: those of the worker, and of `cluster` if it is given.
pub fn worker_view(worker: WorkerId, cluster: Option<ClusterId>) -> Vec<Vec<u8>> {
    let mut keys = alloc::vec![timestamp_now(), self::worker(worker), membership(worker)];
    if let Some(cluster) = cluster {
        keys.extend([tip(Topic::Cluster(cluster)), checkpoint(cluster)]);
    }
    keys
}

/// What a worker has to know of itself and of a cluster, at one block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerView {
    /// The block's time.
    pub now: Millis,
    /// What the chain records of the worker, if it is registered.
    pub record: Option<WorkerRecord>,
    /// The cluster in which it works.
    pub membership: Option<ClusterId>,
    /// The tip of the cluster that was asked for, if it has messages. `None` also if none was asked for.
    pub tip: Option<Tip>,
    /// The checkpoint that this cluster certified last. `None` also if none was asked for.
    pub checkpoint: Option<Checkpoint>,
}

impl WorkerView {
    pub(crate) fn read(
        values: &Values,
        worker: WorkerId,
        cluster: Option<ClusterId>,
    ) -> Result<Self, ProofError> {
        let (tip, checkpoint) = match cluster {
            Some(cluster) => {
                (values.decode(&tip(Topic::Cluster(cluster)))?, values.decode(&checkpoint(cluster))?)
            }
            None => (None, None),
        };
        Ok(Self {
            now: values.decode_present(&timestamp_now())?,
            record: values.decode(&self::worker(worker))?,
            membership: values.decode(&membership(worker))?,
            tip,
            checkpoint,
        })
    }
}

fn item(item: Item) -> Vec<u8> {
    [twox_128(item.pallet.as_bytes()), twox_128(item.name.as_bytes())].concat()
}

fn blake2_128_concat(mut prefix: Vec<u8>, key: &impl Encode) -> Vec<u8> {
    let key = key.encode();
    prefix.extend(blake2_128(&key));
    prefix.extend(key);
    prefix
}

fn twox_64_concat(mut prefix: Vec<u8>, key: &impl Encode) -> Vec<u8> {
    let key = key.encode();
    prefix.extend(twox_64(&key));
    prefix.extend(key);
    prefix
}

//! Executes a cluster's messages again, from nothing: for audits and tests, never in a worker.
//!
//! It needs the platform's sealing key and the worker's records for their seed. What comes out is public.

use crate::{
    execute::Executor,
    keys::Keys,
    records::{BootError, Disk, Record},
    store::Store,
};
use phala_crypto::Secret;
use phala_types::{
    ClusterId, GenesisHash, StateRoot,
    mailbox::{Message, Tip, Topic},
};
use phala_vm::{Engine, world::Codes};

/// Why there is no root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// The records give no seed.
    Records(BootError),
    /// The messages are not a topic's from its beginning.
    Messages,
    /// The world broke.
    Fault,
}

/// The state root after `messages`, which begin with the topic's first.
pub fn state_root<E: Engine>(
    engine: &E,
    sealing_key: &Secret<[u8; 32]>,
    records: Vec<Record>,
    genesis: GenesisHash,
    cluster: ClusterId,
    messages: &[Message],
) -> Result<StateRoot, ReplayError> {
    let loaded = Disk::new(sealing_key).load(records).map_err(ReplayError::Records)?;
    let seed = loaded.ok_or(ReplayError::Records(BootError::Foreign))?.seed;
    let keys = Keys::derive(seed);
    let (mut codes, mut store) = (Codes::default(), Store::default());
    let mut executor =
        Executor { engine, codes: &mut codes, store: &mut store, keys: &keys, genesis, cluster };
    let mut tip = Tip::empty(Topic::Cluster(cluster));
    for message in messages {
        tip = tip.link(message).ok_or(ReplayError::Messages)?;
        executor.execute(message, tip.hash).map_err(|_| ReplayError::Fault)?;
    }
    store.commit().map_err(|_| ReplayError::Fault)?;
    Ok(keys.commit(&genesis, cluster, &store.root()))
}

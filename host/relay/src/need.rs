//! What a worker needs next, as far as its status tells.

use phala_types::{
    BlockHash, GenesisHash, MessageNumber,
    mailbox::Topic,
    relay::{HaltReason, Phase, WorkerStatus},
};

/// Messages that a worker wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Of which topic.
    pub topic: Topic,
    /// The number of the first.
    pub from: MessageNumber,
    /// How many.
    pub count: u64,
    /// The block whose storage has them.
    pub at: BlockHash,
}

/// What stands in the way of feeding a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Obstacle {
    /// The worker stopped itself for good.
    #[error("the worker has halted: {0}")]
    Halted(HaltReason),
    /// The worker belongs to another network.
    #[error(
        "the worker follows the network {worker}, and the node {node}: give the relay a node of the worker's network, \
         or start the worker with an empty folder"
    )]
    OtherNetwork {
        /// The worker's.
        worker: GenesisHash,
        /// The node's.
        node: GenesisHash,
    },
}

/// Whether the worker can be fed from a node of this network, and whether it has to be told of the network first.
pub fn needs_genesis(status: &WorkerStatus, node: GenesisHash) -> Result<bool, Obstacle> {
    if let Phase::Halted(reason) = status.phase {
        return Err(Obstacle::Halted(reason));
    }
    match status.genesis {
        None => Ok(true),
        Some(worker) if worker == node => Ok(false),
        Some(worker) => Err(Obstacle::OtherNetwork { worker, node }),
    }
}

/// The messages that the worker does not have yet, up to the tip that it has verified.
pub fn wanted_messages(status: &WorkerStatus) -> Option<Wanted> {
    let (cluster, target, head) = (status.cluster?, status.target?, status.head?);
    let count = target.count.value().checked_sub(status.wanted.value()).filter(|count| *count > 0)?;
    Some(Wanted { topic: Topic::Cluster(cluster), from: status.wanted, count, at: head.hash })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use phala_types::{BlockNumber, BlockRef, ClusterId, Digest, WorkerId, mailbox::Tip, worker::Tier};

    pub(crate) const GENESIS: GenesisHash = GenesisHash::new([1; 32]);

    pub(crate) fn status() -> WorkerStatus {
        WorkerStatus {
            worker: WorkerId::new([2; 32]),
            tier: Tier::Simulated,
            phase: Phase::Serving,
            genesis: Some(GENESIS),
            head: Some(BlockRef { number: BlockNumber::new(9), hash: BlockHash::new([9; 32]) }),
            registered: true,
            cluster: Some(ClusterId::new(0)),
            target: Some(Tip { count: MessageNumber::new(5), hash: Digest::new([5; 32]) }),
            position: MessageNumber::new(2),
            wanted: MessageNumber::new(3),
            refused_inputs: 0,
        }
    }

    #[test]
    fn new_worker_is_told_of_the_network_once() {
        let new = WorkerStatus { phase: Phase::New, genesis: None, head: None, ..status() };
        assert_eq!(needs_genesis(&new, GENESIS), Ok(true));
        assert_eq!(needs_genesis(&status(), GENESIS), Ok(false));
    }

    #[test]
    fn worker_of_another_network_or_halted_is_not_fed() {
        let node = GenesisHash::new([7; 32]);
        assert_eq!(needs_genesis(&status(), node), Err(Obstacle::OtherNetwork { worker: GENESIS, node }));
        for reason in [HaltReason::RolledBack, HaltReason::Diverged, HaltReason::Bug] {
            let halted = WorkerStatus { phase: Phase::Halted(reason), ..status() };
            assert_eq!(needs_genesis(&halted, GENESIS), Err(Obstacle::Halted(reason)));
        }
    }

    #[test]
    fn worker_is_sent_what_it_lacks_before_the_tip_that_it_verified() {
        let wanted = wanted_messages(&status()).unwrap();
        assert_eq!((wanted.from, wanted.count), (MessageNumber::new(3), 2));
        assert_eq!(wanted.at, BlockHash::new([9; 32]));
        let done = WorkerStatus { wanted: MessageNumber::new(5), ..status() };
        assert_eq!(wanted_messages(&done), None);
        for nothing in [
            WorkerStatus { cluster: None, ..status() },
            WorkerStatus { target: None, ..status() },
            WorkerStatus { wanted: MessageNumber::new(6), ..status() },
        ] {
            assert_eq!(wanted_messages(&nothing), None);
        }
    }
}

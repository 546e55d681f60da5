//! Which workers a user sends secrets to.

use phala_types::{
    BlockNumber, BlockRef, ClusterId, WorkerId,
    worker::{Tier, WorkerRecord},
};
use std::collections::BTreeSet;

/// The tiers of attestation that a user accepts. An empty one accepts nobody.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trust {
    tiers: BTreeSet<Tier>,
}

impl Trust {
    /// Accepts these tiers. Each must be named: none includes another.
    pub fn tiers(tiers: impl IntoIterator<Item = Tier>) -> Self {
        Self { tiers: tiers.into_iter().collect() }
    }

    /// Accepts simulated workers too, whose operators can read everything: for development networks.
    pub fn insecure_simulated() -> Self {
        Self::tiers([Tier::Simulated])
    }

    /// Whether a tier is among those that were named.
    pub fn accepts(&self, tier: Tier) -> bool {
        self.tiers.contains(&tier)
    }
}

/// A worker whose record, membership and registration time were proven at a final block. Only [`crate::Client`] makes
/// it. Whether its tier is acceptable is for [`Trust`] to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedWorker {
    id: WorkerId,
    record: WorkerRecord,
    cluster: Option<ClusterId>,
    at: BlockRef,
}

impl VerifiedWorker {
    pub(crate) fn new(id: WorkerId, record: WorkerRecord, cluster: Option<ClusterId>, at: BlockRef) -> Self {
        Self { id, record, cluster, at }
    }

    /// Its id, which is its signing key.
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// What the chain records of it.
    pub fn record(&self) -> &WorkerRecord {
        &self.record
    }

    /// Where it works.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.cluster
    }

    /// The block at which this was proven.
    pub fn at(&self) -> BlockRef {
        self.at
    }

    /// Whether its registration is still valid at a block.
    pub fn is_live_at(&self, block: BlockNumber) -> bool {
        block <= self.record.expires_at
    }

    /// Its public address.
    pub fn endpoint(&self) -> String {
        String::from_utf8_lossy(&self.record.endpoint).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_trust_accepts_nobody() {
        assert!(!Trust::default().accepts(Tier::Simulated));
        assert!(Trust::insecure_simulated().accepts(Tier::Simulated));
    }
}

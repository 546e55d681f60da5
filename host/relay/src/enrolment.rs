//! When a worker is to be registered, to join its cluster, and to be registered again before its time is over.

use phala_types::{BlockNumber, relay::WorkerStatus, worker::WorkerRecord};

/// What the operator is to submit for a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enrolment {
    /// A registration: the worker has none, or half of its time is over.
    Register,
    /// Membership of the cluster.
    Join,
}

/// How long a registration is valid, as the chain says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// When it began.
    pub registered_at: BlockNumber,
    /// The last block at which it is valid.
    pub expires_at: BlockNumber,
}

impl Lease {
    /// Of a record.
    pub fn of(record: &WorkerRecord) -> Self {
        Self { registered_at: record.registered_at, expires_at: record.expires_at }
    }

    /// The block from which it is to be renewed: at half its life, so that days are left if that fails.
    pub fn renewal(&self) -> BlockNumber {
        let life = self.expires_at.value().saturating_sub(self.registered_at.value());
        BlockNumber::new(self.registered_at.value().saturating_add(life / 2))
    }
}

/// What the worker needs, by its own status and its registration's time. `lease` is `None` while it is not known.
pub fn enrolment(status: &WorkerStatus, lease: Option<Lease>) -> Option<Enrolment> {
    let head = status.head?;
    if !status.registered || lease.is_some_and(|lease| head.number >= lease.renewal()) {
        return Some(Enrolment::Register);
    }
    status.cluster.is_none().then_some(Enrolment::Join)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::need::tests::status;

    fn lease(registered_at: u32, expires_at: u32) -> Option<Lease> {
        Some(Lease {
            registered_at: BlockNumber::new(registered_at),
            expires_at: BlockNumber::new(expires_at),
        })
    }

    #[test]
    fn worker_is_registered_first_and_then_joins() {
        let unknown = WorkerStatus { registered: false, cluster: None, ..status() };
        assert_eq!(enrolment(&unknown, None), Some(Enrolment::Register));
        let outside = WorkerStatus { cluster: None, ..status() };
        assert_eq!(enrolment(&outside, None), Some(Enrolment::Join));
        assert_eq!(enrolment(&status(), None), None);
    }

    #[test]
    fn worker_without_a_verified_block_cannot_register() {
        let unknown = WorkerStatus { registered: false, head: None, ..status() };
        assert_eq!(enrolment(&unknown, None), None);
    }

    #[test]
    fn registration_is_renewed_at_half_its_life() {
        // The status is at block 9.
        assert_eq!(enrolment(&status(), lease(0, 20)), None);
        assert_eq!(enrolment(&status(), lease(0, 18)), Some(Enrolment::Register));
        assert_eq!(enrolment(&status(), lease(4, 14)), Some(Enrolment::Register));
        assert_eq!(lease(4, 14).unwrap().renewal(), BlockNumber::new(9));
        assert_eq!(lease(u32::MAX - 1, 0).unwrap().renewal(), BlockNumber::new(u32::MAX - 1));
    }
}

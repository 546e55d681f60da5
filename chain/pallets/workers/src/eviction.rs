//! How a registration ends before its time.
//!
//! Whether a registration stands is asked whenever another pallet asks for its worker, so that one that has fallen counts for
//! nothing from that block on. Whoever reads records by proof cannot ask. For them a round goes over all live
//! registrations, a few in each block and each once a session, and writes into the record what the answer is. It goes at the
//! beginning of a block, before that block's time is known, so that it goes by the time of the block before.

use crate::{Config, Event, Live, LiveWorker, Pallet, Round, Workers};
use alloc::vec::Vec;
use frame_support::traits::Get as _;
use pallet_attestation::{Attestation as _, Reason, Verdict};
use phala_types::{BlockNumber, Digest, WorkerId, worker::WorkerRecord};
use polkadot_sdk::*;

impl<T: Config> Pallet<T> {
    /// How many workers can be live: as many as a round looks at within a session, one block of which it may take to see that
    /// it is at its end.
    pub(crate) fn capacity() -> u32 {
        T::RoundPerBlock::get().saturating_mul(T::SessionBlocks::get().saturating_sub(1))
    }

    /// The record of a worker whose registration is valid in this block.
    pub(crate) fn standing(worker: &WorkerId) -> Option<WorkerRecord> {
        let mut record = Workers::<T>::get(worker)?;
        let now = Self::now();
        if now > record.expires_at {
            return None;
        }
        let live = Live::<T>::get(record.machine).filter(|live| live.worker == *worker)?;
        match T::Attestation::verdict(&record, &live.basis) {
            Verdict::Stands => Some(record),
            // Whoever reads the record by proof sees the same once the round has been there.
            Verdict::StandsUntil(until) => {
                record.expires_at = record.expires_at.min(until);
                Some(record)
            }
            Verdict::Fallen(_) => None,
        }
    }

    /// Looks at the next live registrations, and ends or shortens what does not stand. Returns how many it looked at.
    pub(crate) fn go_round() -> u32 {
        let entries = match Round::<T>::get() {
            Some(last) => Live::<T>::iter_from(Live::<T>::hashed_key_for(last)),
            None => Live::<T>::iter(),
        };
        let limit = T::RoundPerBlock::get();
        let entries: Vec<(Digest, LiveWorker)> = entries.take(limit as usize).collect();
        let looked_at = entries.len() as u32;
        // At the end the round begins anew, with the next block.
        Round::<T>::set(entries.last().filter(|_| looked_at == limit).map(|(machine, _)| *machine));
        for (machine, live) in entries {
            Self::look_at(machine, live);
        }
        looked_at
    }

    /// Ends or shortens one registration, if it does not stand.
    pub(crate) fn look_at(machine: Digest, LiveWorker { worker, basis }: LiveWorker) {
        let now = Self::now();
        let Some(record) = Workers::<T>::get(worker).filter(|record| now <= record.expires_at) else {
            Live::<T>::remove(machine);
            return;
        };
        match T::Attestation::verdict(&record, &basis) {
            Verdict::Stands => {}
            Verdict::StandsUntil(until) if until < record.expires_at => {
                Workers::<T>::insert(worker, WorkerRecord { expires_at: until, ..record });
                Self::deposit_event(Event::MustAttestAgain { worker, expires_at: until });
            }
            Verdict::StandsUntil(_) => {}
            Verdict::Fallen(reason) => Self::evict(worker, record, reason),
        }
    }

    fn evict(worker: WorkerId, record: WorkerRecord, reason: Reason) {
        Self::end(worker, record);
        Self::deposit_event(Event::Evicted { worker, reason });
    }

    /// Ends a registration with the block before this one. The record stays, so that old receipts can be traced to it.
    pub(crate) fn end(worker: WorkerId, record: WorkerRecord) {
        Live::<T>::remove(record.machine);
        // Saturating: nobody registers in the genesis block.
        let before = BlockNumber::new(Self::now().value().saturating_sub(1));
        let expires_at = record.expires_at.min(before);
        Workers::<T>::insert(worker, WorkerRecord { expires_at, ..record });
    }
}

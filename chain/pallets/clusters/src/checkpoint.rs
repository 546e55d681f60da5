//! The rules by which a checkpoint becomes a cluster's.

use crate::{CheckpointSignatures, Checkpoints, Clusters, Config, Error, Event, Pallet, SignedCheckpoint};
use frame_support::{dispatch::DispatchResult, ensure};
use frame_system::pallet_prelude::BlockNumberFor;
use pallet_mailbox::MessageSink as _;
use pallet_workers::WorkerRegistry as _;
use phala_types::{BlockNumber, GenesisHash, WorkerId, mailbox::Topic, tag::Tag};
use polkadot_sdk::*;
use sp_core::ed25519;
use sp_runtime::SaturatedConversion as _;

impl<T: Config> Pallet<T> {
    /// Verifies a checkpoint, then certifies it, or reports that it contradicts the certified one.
    pub(crate) fn take_checkpoint(signed: SignedCheckpoint) -> DispatchResult {
        let SignedCheckpoint { checkpoint, signature } = signed.clone();
        let cluster = checkpoint.cluster;
        let record = Clusters::<T>::get(cluster).ok_or(Error::<T>::UnknownCluster)?;
        let worker = record.worker.ok_or(Error::<T>::NoWorker)?;
        ensure!(T::Workers::live(&worker).is_some(), Error::<T>::WorkerNotRegistered);
        ensure!(is_signed_by::<T>(&worker, &signed), Error::<T>::InvalidSignature);
        ensure!(
            checkpoint.position <= T::Mailbox::tip(Topic::Cluster(cluster)).count,
            Error::<T>::AheadOfMailbox
        );
        let now = BlockNumber::new(frame_system::Pallet::<T>::block_number().saturated_into());
        ensure!(checkpoint.block <= now, Error::<T>::FutureBlock);

        if let Some(certified) = Checkpoints::<T>::get(cluster) {
            ensure!(checkpoint.position >= certified.position, Error::<T>::BehindCertified);
            if checkpoint.position == certified.position {
                // The same state after the same messages is no news, whatever block the worker had read up to.
                ensure!(checkpoint.state_root != certified.state_root, Error::<T>::AlreadyCertified);
                let signature = CheckpointSignatures::<T>::get(cluster).ok_or(Error::<T>::BrokenState)?;
                // Not an error: that would undo the event, which is the evidence.
                Self::deposit_event(Event::Equivocation {
                    worker,
                    certified: SignedCheckpoint { checkpoint: certified, signature },
                    contradicting: signed,
                });
                return Ok(());
            }
        }
        Checkpoints::<T>::insert(cluster, checkpoint);
        CheckpointSignatures::<T>::insert(cluster, signature);
        Self::deposit_event(Event::Certified { checkpoint });
        Ok(())
    }
}

/// Ed25519 over the tag, the genesis hash and the checkpoint.
fn is_signed_by<T: Config>(worker: &WorkerId, signed: &SignedCheckpoint) -> bool {
    let genesis = GenesisHash::new(frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::default()).0);
    let message = Tag::CHECKPOINT.preimage(&genesis, &signed.checkpoint);
    let signature = ed25519::Signature::from_raw(signed.signature.0);
    sp_io::crypto::ed25519_verify(&signature, &message, &ed25519::Public::from_raw(*worker.as_bytes()))
}

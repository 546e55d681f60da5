//! The rules by which a worker is admitted.

use crate::{Config, Error, LifetimeBlocks, Pallet, Policy, Workers};
use frame_support::{
    ensure,
    traits::{Get, Time as _},
};
use phala_attest::{AppraisalError, appraise_registration};
use phala_types::{
    BlockNumber, BlockRef, Bytes, GenesisHash, Millis, Untrusted,
    limits::EVIDENCE_BYTES_MAX,
    relay::Blame,
    worker::{Registration, WorkerRecord},
};
use polkadot_sdk::*;
use sp_runtime::SaturatedConversion as _;

impl<T: Config> Pallet<T> {
    /// The height of this block.
    pub(crate) fn now() -> BlockNumber {
        BlockNumber::new(frame_system::Pallet::<T>::block_number().saturated_into())
    }

    /// The record of a worker, if its evidence vouches for its registration and the policy accepts it.
    ///
    /// Does not check who sent it.
    pub(crate) fn admit(
        registration: Registration,
        evidence: Bytes<EVIDENCE_BYTES_MAX>,
    ) -> Result<WorkerRecord, Error<T>> {
        // What is cheap to check comes first.
        let genesis = frame_system::Pallet::<T>::block_hash(block_number::<T>(BlockNumber::new(0)));
        ensure!(registration.genesis == GenesisHash::new(genesis.0), Error::<T>::WrongGenesis);
        ensure!(core::str::from_utf8(&registration.endpoint).is_ok(), Error::<T>::EndpointNotText);
        check_anchor::<T>(&registration.anchor)?;
        check_record_on_chain::<T>(&registration)?;

        let now = Millis::new(T::Time::now());
        let verified =
            appraise_registration(&registration, Untrusted::new(&evidence), &Policy::<T>::get(), now)
                .map_err(refusal::<T>)?;
        let registered_at = Self::now();
        Ok(WorkerRecord {
            hpke_key: registration.hpke_key,
            operator: registration.operator,
            endpoint: registration.endpoint,
            tier: verified.tier(),
            measurement: verified.measurement(),
            attestation: verified.attestation(),
            registered_at,
            // Saturating: at the last block there is, a registration lasts until that block.
            expires_at: BlockNumber::new(registered_at.value().saturating_add(LifetimeBlocks::<T>::get())),
        })
    }
}

/// The anchor has to be a recent block of this chain. That it is a finalized one is for the worker to see to.
fn check_anchor<T: Config>(anchor: &BlockRef) -> Result<(), Error<T>> {
    let number = block_number::<T>(anchor.number);
    // The hash of a block that is not on record reads as zeros, which anyone can name.
    ensure!(frame_system::BlockHash::<T>::contains_key(number), Error::<T>::UnknownAnchor);
    ensure!(
        frame_system::Pallet::<T>::block_hash(number).0 == *anchor.hash.as_bytes(),
        Error::<T>::UnknownAnchor
    );
    let age_blocks = Pallet::<T>::now().value().saturating_sub(anchor.number.value());
    ensure!(age_blocks <= T::AnchorBlocksMax::get(), Error::<T>::StaleAnchor);
    Ok(())
}

/// While a registration is valid, only the same operator renews it, and only with a newer one.
fn check_record_on_chain<T: Config>(registration: &Registration) -> Result<(), Error<T>> {
    let Some(record) = Workers::<T>::get(registration.worker) else { return Ok(()) };
    ensure!(registration.anchor.number >= record.registered_at, Error::<T>::OlderThanRecord);
    let is_live = Pallet::<T>::now() <= record.expires_at;
    ensure!(!is_live || record.operator == registration.operator, Error::<T>::OperatorIsAnother);
    Ok(())
}

fn block_number<T: Config>(number: BlockNumber) -> frame_system::pallet_prelude::BlockNumberFor<T> {
    number.value().into()
}

/// What the sender is told. The rules in detail are the attestation library's.
fn refusal<T: Config>(error: AppraisalError) -> Error<T> {
    match error {
        AppraisalError::TierNotAdmitted => Error::SimulatedNotAccepted,
        AppraisalError::MeasurementNotAdmitted => Error::NotInPolicy,
        AppraisalError::ReportDataMismatch => Error::EvidenceForOther,
        other => match other.blame() {
            Blame::Malformed => Error::EvidenceMalformed,
            _ => Error::EvidenceNotGenuine,
        },
    }
}

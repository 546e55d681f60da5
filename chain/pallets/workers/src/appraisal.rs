//! The rules by which a worker is admitted.

use crate::{Config, Error, Lifetimes, Live, LiveWorker, Pallet, Workers};
use frame_support::{
    ensure,
    traits::{Get, Time as _},
};
use pallet_attestation::{Appraised, Attestation as _, Refusal};
use phala_attest::AppraisalError;
use phala_types::{
    BlockNumber, BlockRef, Bytes, Digest, GenesisHash, WorkerId,
    limits::EVIDENCE_BYTES_MAX,
    relay::Blame,
    worker::{Registration, Role, WorkerRecord},
};
use polkadot_sdk::*;
use sp_runtime::SaturatedConversion as _;

impl<T: Config> Pallet<T> {
    /// The height of this block.
    pub(crate) fn now() -> BlockNumber {
        BlockNumber::new(frame_system::Pallet::<T>::block_number().saturated_into())
    }

    /// The record of a worker, if its evidence vouches for its registration and the policy of its role accepts it, and what
    /// that rests on.
    ///
    /// Does not check who sent it.
    pub(crate) fn admit(
        registration: Registration,
        evidence: Bytes<EVIDENCE_BYTES_MAX>,
    ) -> Result<(WorkerRecord, LiveWorker), Error<T>> {
        // What is cheap to check comes first.
        let genesis = frame_system::Pallet::<T>::block_hash(block_number::<T>(BlockNumber::new(0)));
        ensure!(registration.genesis == GenesisHash::new(genesis.0), Error::<T>::WrongGenesis);
        ensure!(core::str::from_utf8(&registration.endpoint).is_ok(), Error::<T>::EndpointNotText);
        check_anchor::<T>(&registration.anchor)?;
        check_record_on_chain::<T>(&registration)?;

        let appraised =
            T::Attestation::appraise_registration(&registration, &evidence).map_err(refusal::<T>)?;
        check_machine::<T>(&registration.worker, &appraised.machine())?;
        let verified = appraised.verified();
        let registered_at = Self::now();
        let record = WorkerRecord {
            hpke_key: registration.hpke_key,
            operator: registration.operator,
            endpoint: registration.endpoint,
            role: registration.role,
            tier: verified.tier(),
            measurement: verified.measurement(),
            machine: appraised.machine(),
            attestation: verified.attestation(),
            registered_at,
            expires_at: expiry::<T>(registration.role, &appraised, registered_at),
        };
        Ok((record, LiveWorker { worker: registration.worker, basis: appraised.basis().clone() }))
    }
}

/// The last block of a registration: by its role's lifetime, and no later than its certificates and documents last.
///
/// What vouches for a worker is worth nothing once it has ended: revocation lists and TCB information are no longer renewed
/// from then on, and nobody would learn that a machine was broken. Intel's documents last a month and are issued daily, so
/// this shortens a registration only where they are not posted; AWS's certificates last three hours, so that an enclave of
/// theirs attests again that often. In blocks it is an estimate, since slots may be empty; the exact time is in the
/// basis, and the service looks at that.
fn expiry<T: Config>(role: Role, appraised: &Appraised, registered_at: BlockNumber) -> BlockNumber {
    let left_ms = appraised.basis().valid_until.value().saturating_sub(T::Time::now());
    let left_blocks = left_ms.checked_div(T::SlotMs::get()).unwrap_or_default();
    let blocks = left_blocks.min(Lifetimes::<T>::get(role).into());
    // Fits, as it is at most the lifetime. Saturating: at the last block there is, a registration lasts until that block.
    BlockNumber::new(registered_at.value().saturating_add(blocks as u32))
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
    let is_live = Pallet::<T>::standing(&registration.worker).is_some();
    ensure!(!is_live || record.operator == registration.operator, Error::<T>::OperatorIsAnother);
    Ok(())
}

/// A machine has one live registration, so that nobody counts one machine as many, and there are no more than can be looked
/// at within a session.
fn check_machine<T: Config>(worker: &WorkerId, machine: &Digest) -> Result<(), Error<T>> {
    match Live::<T>::get(machine) {
        Some(LiveWorker { worker: other, .. }) => {
            let is_free = other == *worker || Pallet::<T>::standing(&other).is_none();
            ensure!(is_free, Error::<T>::MachineTaken);
        }
        None => ensure!(Live::<T>::count() < Pallet::<T>::capacity(), Error::<T>::TooManyWorkers),
    }
    Ok(())
}

fn block_number<T: Config>(number: BlockNumber) -> frame_system::pallet_prelude::BlockNumberFor<T> {
    number.value().into()
}

/// What the sender is told. The rules in detail are the attestation library's.
pub(crate) fn refusal<T: Config>(refusal: Refusal) -> Error<T> {
    let error = match refusal {
        Refusal::MachineDenied => return Error::MachineDenied,
        Refusal::MachineNotAllowed => return Error::MachineNotAllowed,
        Refusal::Appraisal(error) => error,
    };
    match error {
        AppraisalError::TierNotAdmitted => Error::TierNotInPolicy,
        AppraisalError::MeasurementNotAdmitted => Error::ProgramNotInPolicy,
        AppraisalError::StatusNotAdmitted
        | AppraisalError::AdvisoryRefused
        | AppraisalError::EvaluationTooOld
        | AppraisalError::MachineKindNotAdmitted
        | AppraisalError::SettingsNotAdmitted
        | AppraisalError::ExtensionsNotAdmitted => Error::PlatformNotInPolicy,
        AppraisalError::CollateralMissing | AppraisalError::CollateralExpired => Error::DocumentsNotPosted,
        AppraisalError::ReportDataMismatch => Error::EvidenceForOther,
        other => match other.blame() {
            Blame::Malformed => Error::EvidenceMalformed,
            _ => Error::EvidenceNotGenuine,
        },
    }
}

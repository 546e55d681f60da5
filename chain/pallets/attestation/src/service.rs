//! The question: is this evidence admitted, and does what was admitted still stand?

use crate::{
    AllowedMachines, Config, DeniedMachines, Pallet, Policies, Source, Versions, collateral::Registry,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_attest::{AppraisalError, Verified, appraise, report_data};
use phala_types::{
    BlockNumber, Digest, GenesisHash, List, Millis, Untrusted,
    worker::{Registration, Role, WorkerRecord, machine_on_chain},
};
use polkadot_sdk::frame_support::traits::Get as _;
use scale_info::TypeInfo;

/// How many sources one appraisal may rest on. Intel's takes four documents, and each its role's rules.
pub const SOURCES_MAX: u32 = 8;

/// The remote attestation service, as the registry of workers asks it.
pub trait Attestation {
    /// Appraises evidence for a registration, by the policy of its role.
    ///
    /// Does not check that the registration is fresh, for this network, and not on record by somebody else.
    fn appraise_registration(registration: &Registration, evidence: &[u8]) -> Result<Appraised, Refusal>;

    /// Whether a registration that was admitted once would be now, as far as that can be said without its evidence.
    ///
    /// Does not look at the record's own expiry.
    fn verdict(record: &WorkerRecord, basis: &Basis) -> Verdict;
}

/// Evidence that was admitted. Only [`Attestation`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appraised {
    pub(crate) verified: Verified,
    pub(crate) machine: Digest,
    pub(crate) basis: Basis,
}

impl Appraised {
    /// What was verified.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The machine, as the chain names it.
    pub fn machine(&self) -> Digest {
        self.machine
    }

    /// What it rests on.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

/// What an appraisal rests on: enough to see later that it has to be done again, and nothing that takes the evidence.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Basis {
    /// The generation of each source.
    pub generations: List<(Source, u32), SOURCES_MAX>,
    /// When the first certificate or document ends.
    pub valid_until: Millis,
}

/// Why evidence is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// By the attestation library.
    Appraisal(AppraisalError),
    /// The machine is denied.
    MachineDenied,
    /// The machine is not one of those on which gatekeepers may run.
    MachineNotAllowed,
}

impl From<AppraisalError> for Refusal {
    fn from(error: AppraisalError) -> Self {
        Self::Appraisal(error)
    }
}

/// Whether a registration stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It does.
    Stands,
    /// It does until this block, this one included: what it rests on has changed, and its worker has to attest again.
    StandsUntil(BlockNumber),
    /// It does not.
    Fallen(Reason),
}

/// Why a registration does not stand any more.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Reason {
    /// The policy of its role does not admit its kind of TEE any more.
    #[codec(index = 0)]
    TierRefused,
    /// The policy of its role does not admit its program any more: it was withdrawn, or its time is over.
    #[codec(index = 1)]
    ProgramNotAdmitted,
    /// Its machine was denied.
    #[codec(index = 2)]
    MachineDenied,
    /// Its machine is not one of those on which gatekeepers may run any more.
    #[codec(index = 3)]
    MachineNotAllowed,
    /// A certificate or document that it rests on has expired.
    #[codec(index = 4)]
    BasisExpired,
    /// A document or the rules that it rests on have changed, and its worker has not attested again in time.
    #[codec(index = 5)]
    BasisChanged,
}

impl<T: Config> Attestation for Pallet<T> {
    fn appraise_registration(registration: &Registration, evidence: &[u8]) -> Result<Appraised, Refusal> {
        let appraised = Self::appraise(&registration.genesis, registration.role, evidence)?;
        if *appraised.verified.report_data() != report_data(registration) {
            return Err(AppraisalError::ReportDataMismatch.into());
        }
        Ok(appraised)
    }

    fn verdict(record: &WorkerRecord, basis: &Basis) -> Verdict {
        let policy = Policies::<T>::get(record.role);
        let now = Self::now_ms();
        let reason = if !policy.names(record.tier) {
            Some(Reason::TierRefused)
        } else if !policy.admits_program(record.tier, &record.measurement, now) {
            Some(Reason::ProgramNotAdmitted)
        } else if now > basis.valid_until {
            Some(Reason::BasisExpired)
        } else {
            Self::check_machine(record.role, &record.machine).err()
        };
        if let Some(reason) = reason {
            return Verdict::Fallen(reason);
        }
        let changes = basis.generations.iter().filter_map(|(source, generation)| {
            let version = Versions::<T>::get(source);
            (version.generation != *generation).then_some(version.since)
        });
        let Some(changed_at) = changes.min() else { return Verdict::Stands };
        // Saturating: a change near the last block there is gives time until that.
        let until = BlockNumber::new(changed_at.value().saturating_add(T::SessionBlocks::get()));
        if Self::now() > until { Verdict::Fallen(Reason::BasisChanged) } else { Verdict::StandsUntil(until) }
    }
}

impl<T: Config> Pallet<T> {
    /// Appraises evidence by the policy of a role, whatever it was made for.
    pub(crate) fn appraise(genesis: &GenesisHash, role: Role, evidence: &[u8]) -> Result<Appraised, Refusal> {
        let registry = Registry::<T>::new();
        let policy = Policies::<T>::get(role);
        let verified = appraise(Untrusted::new(evidence), &registry, &policy, Self::now_ms())?;
        let machine = machine_on_chain(genesis, &verified.machine());
        Self::check_machine(role, &machine).map_err(|reason| match reason {
            Reason::MachineNotAllowed => Refusal::MachineNotAllowed,
            _ => Refusal::MachineDenied,
        })?;
        let sources = registry.into_asked().into_iter().chain([Source::Rules(role)]);
        let generations =
            sources.map(|source| (source, Versions::<T>::get(source).generation)).collect::<Vec<_>>();
        let basis = Basis {
            // More documents than any verifier asks for would be one that looks for the document it likes.
            generations: generations.try_into().map_err(|_| AppraisalError::CollateralMissing)?,
            valid_until: verified.claims().valid_until,
        };
        Ok(Appraised { verified, machine, basis })
    }

    /// Denied machines are admitted for nothing, and gatekeepers run on allowed ones only.
    fn check_machine(role: Role, machine: &Digest) -> Result<(), Reason> {
        if DeniedMachines::<T>::contains_key(machine) {
            return Err(Reason::MachineDenied);
        }
        if role == Role::Gatekeeper && !AllowedMachines::<T>::contains_key(machine) {
            return Err(Reason::MachineNotAllowed);
        }
        Ok(())
    }
}

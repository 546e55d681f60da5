//! How policies change: what gives trust waits, what takes it does not.

use crate::{
    ALLOWED_MAX, Agenda, AllowedMachines, Config, Curator, DelayBlocks, DeniedMachines, Error, Event,
    NextProposal, Pallet, Policies, Proposals, Source,
};
use alloc::{boxed::Box, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{ensure, traits::EnsureOrigin};
use phala_attest::{Measurements, Policy, Reference, amd, intel, nitro};
use phala_types::{
    AccountId, BlockNumber, Digest,
    worker::{Role, Tier},
};
use polkadot_sdk::*;
use scale_info::TypeInfo;
use sp_core::crypto::AccountId32;

/// How many proposals may wait at a time. One release is a proposal for each tier and role.
pub const PROPOSALS_MAX: u32 = 16;

/// The number of a proposal.
pub type ProposalId = u32;

/// A change that gives trust.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Change {
    /// Admits a program, or changes for how long it is admitted.
    #[codec(index = 0)]
    Admit {
        /// For this role.
        role: Role,
        /// The program.
        reference: Reference,
    },
    /// Replaces what a role's policy asks of TEEs. Its reference values stay.
    #[codec(index = 1)]
    SetRules {
        /// For this role.
        role: Role,
        /// The rules.
        rules: Box<Rules>,
    },
    /// Lets gatekeepers run on a machine.
    #[codec(index = 2)]
    AllowMachine(Digest),
    /// Denies a machine no longer.
    #[codec(index = 3)]
    PardonMachine(Digest),
    /// Hands the curator's office to another account, or to nobody.
    #[codec(index = 4)]
    SetCurator(Option<AccountId>),
}

/// What a policy asks of TEEs of hardware. A kind that is `None` is refused.
#[derive(
    Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Rules {
    /// Intel SGX.
    pub intel_sgx: Option<intel::SgxRules>,
    /// Intel TDX.
    pub intel_tdx: Option<intel::TdxRules>,
    /// AMD SEV-SNP.
    pub amd_sev_snp: Option<amd::Rules>,
    /// AWS Nitro.
    pub aws_nitro: Option<nitro::Rules>,
}

/// A proposal and when it takes effect.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Due {
    /// The proposal.
    pub proposal: ProposalId,
    /// The block with which it takes effect.
    pub at: BlockNumber,
}

/// The account that [`Curator`] names. If it names none, nobody passes.
pub struct EnsureCurator<T>(PhantomData<T>);

impl<T: Config> EnsureOrigin<T::RuntimeOrigin> for EnsureCurator<T> {
    type Success = AccountId32;

    fn try_origin(origin: T::RuntimeOrigin) -> Result<Self::Success, T::RuntimeOrigin> {
        match frame_system::ensure_signed(origin.clone()) {
            Ok(who) if Curator::<T>::get() == Some(who.clone()) => Ok(who),
            _ => Err(origin),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin() -> Result<T::RuntimeOrigin, ()> {
        Curator::<T>::get().map(|who| frame_system::RawOrigin::Signed(who).into()).ok_or(())
    }
}

impl<T: Config> Pallet<T> {
    /// Puts a change on the agenda. Returns its number and the block with which it takes effect.
    pub(crate) fn schedule(change: &Change) -> Result<(ProposalId, BlockNumber), Error<T>> {
        if let Change::Admit { reference, .. } = change {
            ensure!(reference.tier != Tier::Simulated, Error::<T>::SimulatedOnlyAtGenesis);
            ensure!(reference.not_before <= reference.not_after, Error::<T>::EmptyPeriod);
        }
        let proposal = NextProposal::<T>::get();
        // Saturating: what is proposed near the last block there is takes effect with that.
        let at = BlockNumber::new(Self::now().value().saturating_add(DelayBlocks::<T>::get()));
        Agenda::<T>::try_mutate(|agenda| agenda.try_push(Due { proposal, at }))
            .map_err(|_| Error::<T>::TooManyProposals)?;
        // Wrapping: a number is free again long before four billion proposals have waited for their delay.
        NextProposal::<T>::put(proposal.wrapping_add(1));
        Proposals::<T>::insert(proposal, change);
        Ok((proposal, at))
    }

    /// Enacts the proposals that are due, at most [`PROPOSALS_MAX`]. Returns how many there were.
    pub(crate) fn enact_due() -> u32 {
        let now = Self::now();
        let agenda = Agenda::<T>::get();
        let due: Vec<ProposalId> =
            agenda.iter().filter(|due| due.at <= now).map(|due| due.proposal).collect();
        if due.is_empty() {
            return 0;
        }
        Agenda::<T>::mutate(|agenda| agenda.retain(|due| due.at > now));
        for proposal in &due {
            let Some(change) = Proposals::<T>::take(proposal) else { continue };
            let event = match Self::enact(change) {
                Ok(()) => Event::Enacted { proposal: *proposal },
                Err(Full) => Event::NotEnacted { proposal: *proposal },
            };
            Self::deposit_event(event);
        }
        due.len() as u32
    }

    fn enact(change: Change) -> Result<(), Full> {
        match change {
            Change::Admit { role, reference } => Policies::<T>::try_mutate(role, |policy| {
                policy.references.retain(|it| !is_same(it, reference.tier, &reference.measurement));
                policy.references.try_push(reference).map_err(|_| Full)
            })?,
            Change::SetRules { role, rules } => {
                let Rules { intel_sgx, intel_tdx, amd_sev_snp, aws_nitro } = *rules;
                Policies::<T>::mutate(role, |policy| {
                    *policy = Policy {
                        simulated: policy.simulated.take(),
                        references: core::mem::take(&mut policy.references),
                        intel_sgx,
                        intel_tdx,
                        amd_sev_snp,
                        aws_nitro,
                    };
                });
                // Whether they are stricter for any worker is not compared: all of the role attest again.
                Self::note_change(Source::Rules(role));
            }
            Change::AllowMachine(machine) => {
                let is_full = AllowedMachines::<T>::count() >= ALLOWED_MAX;
                if is_full && !AllowedMachines::<T>::contains_key(machine) {
                    return Err(Full);
                }
                AllowedMachines::<T>::insert(machine, ());
            }
            Change::PardonMachine(machine) => DeniedMachines::<T>::remove(machine),
            Change::SetCurator(curator) => {
                Curator::<T>::set(curator.map(|who| AccountId32::new(*who.as_bytes())));
            }
        }
        Ok(())
    }

    /// Takes a program from a role's policy.
    pub(crate) fn withdraw(role: Role, tier: Tier, measurement: &Digest) -> Result<(), Error<T>> {
        Policies::<T>::try_mutate(role, |policy| {
            let before = policy.clone();
            policy.references.retain(|it| !is_same(it, tier, measurement));
            if let (Tier::Simulated, Some(simulated)) = (tier, &mut policy.simulated)
                && let Measurements::OneOf(list) = &mut simulated.measurements
            {
                list.retain(|it| it != measurement);
            }
            ensure!(*policy != before, Error::<T>::NotAdmitted);
            Ok(())
        })
    }

    /// Takes a kind of TEE from a role's policy.
    pub(crate) fn refuse(role: Role, tier: Tier) -> Result<(), Error<T>> {
        Policies::<T>::try_mutate(role, |policy| {
            ensure!(policy.names(tier), Error::<T>::NotAdmitted);
            match tier {
                Tier::Simulated => policy.simulated = None,
                Tier::IntelSgx => policy.intel_sgx = None,
                Tier::IntelTdx => policy.intel_tdx = None,
                Tier::AmdSevSnp => policy.amd_sev_snp = None,
                Tier::AwsNitro => policy.aws_nitro = None,
            }
            Ok(())
        })
    }
}

/// The list that a change adds to is full.
struct Full;

fn is_same(reference: &Reference, tier: Tier, measurement: &Digest) -> bool {
    reference.tier == tier && reference.measurement == *measurement
}

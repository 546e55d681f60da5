//! By which documents and policies evidence is appraised, and who may change them.
//!
//! This is the public half of the network's remote attestation service: what vendors say about their machines
//! (`collateral`), which programs and machines each role admits (`policy`), and the question to both (`service`), which the
//! pallet of the workers asks when one registers and again as long as it is registered. `api` answers it to anybody, without
//! a transaction.
//!
//! Anyone may post a vendor's document, since it is verified and only ever replaced by a newer one. Trust is given slowly and
//! taken at once: what admits more is proposed, waits for [`DelayBlocks`], and can be seen and cancelled until then; what
//! admits less takes effect in its block. Who may do that is the curator, until there is governance (docs/adr/0020).
//!
//! Not here: that evidence is fresh and about its registration, and which workers are registered: that is
//! `pallet-workers`'.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

use polkadot_sdk::*;

pub mod api;
mod collateral;
#[cfg(test)]
mod mock;
mod policy;
mod service;
#[cfg(test)]
mod tests;
pub mod weights;

pub use collateral::{KINDS_MAX, Kind, Source, Version};
pub use pallet::*;
pub use policy::{Change, Due, EnsureCurator, PROPOSALS_MAX, ProposalId, Rules};
pub use service::{Appraised, Attestation, Basis, Reason, Refusal, SOURCES_MAX, Verdict};
pub use weights::WeightInfo;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{pallet_prelude::*, traits::Time};
    use frame_system::pallet_prelude::*;
    use phala_attest::{
        Document, Issuer, Policy,
        intel::{Fmspc, QeIdentity, TcbInfo, Tee},
        revocation::RevocationList,
    };
    use phala_types::{
        BlockNumber, Digest, List, Millis,
        worker::{Role, Tier},
    };
    use sp_core::{H256, crypto::AccountId32};

    /// How many machines may be denied: each is a machine whose keys are known to have leaked, or whose operator cheated.
    pub const DENIED_MAX: u32 = 4096;

    /// How many machines may be allowed for gatekeepers: the most validators there are, each with a spare or two.
    pub const ALLOWED_MAX: u32 = 2048;

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// What the pallet needs of the runtime.
    #[pallet::config]
    pub trait Config:
        polkadot_sdk::frame_system::Config<
            RuntimeEvent: From<Event<Self>>,
            AccountId = AccountId32,
            Hash = H256,
        >
    {
        /// The block's time in milliseconds since 1970, against which certificates and documents are checked.
        type Time: Time<Moment = u64>;

        /// Who may change policies: [`EnsureCurator`], until there is governance.
        type CuratorOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// The blocks of a session: for how long a registration stands after a document or the rules that it rests on
        /// have changed. In that time its worker attests again, and is appraised by what is new.
        type SessionBlocks: Get<u32>;

        /// What things weigh.
        type WeightInfo: WeightInfo;
    }

    /// The newest revocation list of each issuer. The issuers are an enumeration, so there are six at most, and nobody
    /// chooses a key: the hasher need not be strong.
    #[pallet::storage]
    pub type RevocationLists<T: Config> = StorageMap<_, Twox64Concat, Issuer, RevocationList>;

    /// The newest TCB information of each kind of machine. At most [`KINDS_MAX`]. Only Intel makes keys, by signing.
    #[pallet::storage]
    pub type TcbInfos<T: Config> = StorageMap<_, Twox64Concat, (Tee, Fmspc), TcbInfo>;

    /// The newest identity of each quoting enclave: two at most.
    #[pallet::storage]
    pub type QeIdentities<T: Config> = StorageMap<_, Twox64Concat, Tee, QeIdentity>;

    /// The kinds of machine in [`TcbInfos`], so that their number is bounded and an expired one can make room.
    #[pallet::storage]
    pub type Kinds<T: Config> = StorageValue<_, List<Kind, KINDS_MAX>, ValueQuery>;

    /// Since when each document and each role's rules say what they say. One for each document that there is, and one for
    /// each role.
    #[pallet::storage]
    pub type Versions<T: Config> = StorageMap<_, Twox64Concat, Source, Version, ValueQuery>;

    /// The generation that was given out last. No generation is given out twice.
    #[pallet::storage]
    pub type LastGeneration<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Which evidence is admitted for each role. An empty policy admits nobody. Two at most.
    #[pallet::storage]
    pub type Policies<T: Config> = StorageMap<_, Twox64Concat, Role, Policy, ValueQuery>;

    /// The account that may change policies, if any. Set at genesis.
    #[pallet::storage]
    pub type Curator<T: Config> = StorageValue<_, AccountId32>;

    /// For how many blocks everybody can see a proposal before it takes effect. Set at genesis.
    #[pallet::storage]
    pub type DelayBlocks<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// When each proposal takes effect.
    #[pallet::storage]
    pub type Agenda<T: Config> = StorageValue<_, List<Due, PROPOSALS_MAX>, ValueQuery>;

    /// What is proposed, for each entry of [`Agenda`]. Its keys are numbers that the pallet gives out.
    #[pallet::storage]
    pub type Proposals<T: Config> = StorageMap<_, Twox64Concat, ProposalId, Change>;

    /// The number of the next proposal.
    #[pallet::storage]
    pub type NextProposal<T: Config> = StorageValue<_, ProposalId, ValueQuery>;

    /// Machines that are admitted for nothing, by [`phala_types::worker::machine_on_chain`]. At most [`DENIED_MAX`]. The
    /// keys are the curator's, and hashes already.
    #[pallet::storage]
    pub type DeniedMachines<T: Config> = CountedStorageMap<_, Identity, Digest, ()>;

    /// The machines on which gatekeepers may run. At most [`ALLOWED_MAX`]; none if it is empty. The keys are as above.
    #[pallet::storage]
    pub type AllowedMachines<T: Config> = CountedStorageMap<_, Identity, Digest, ()>;

    /// What a network begins with.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Which evidence is admitted for miners. Only a development network names the simulated platform.
        pub miners: Policy,
        /// Which evidence is admitted for gatekeepers.
        pub gatekeepers: Policy,
        /// The machines on which gatekeepers may run.
        pub gatekeeper_machines: alloc::vec::Vec<Digest>,
        /// Who may change this. If nobody is named, nobody may.
        pub curator: Option<AccountId32>,
        /// For how many blocks a proposal waits.
        pub delay_blocks: u32,
        /// No value.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        /// Admits nobody, and nobody can change that; a proposal would wait for seven days of 6 s blocks.
        fn default() -> Self {
            Self {
                miners: Policy::default(),
                gatekeepers: Policy::default(),
                gatekeeper_machines: alloc::vec::Vec::new(),
                curator: None,
                delay_blocks: 7 * 24 * 600,
                _config: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(self.delay_blocks > 0, "attestation.delayBlocks must not be zero");
            assert!(
                self.gatekeeper_machines.len() <= ALLOWED_MAX as usize,
                "attestation.gatekeeperMachines has more than {ALLOWED_MAX} machines"
            );
            Policies::<T>::insert(Role::Miner, &self.miners);
            Policies::<T>::insert(Role::Gatekeeper, &self.gatekeepers);
            for machine in &self.gatekeeper_machines {
                AllowedMachines::<T>::insert(machine, ());
            }
            Curator::<T>::set(self.curator.clone());
            DelayBlocks::<T>::put(self.delay_blocks);
        }
    }

    /// What the pallet reports.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A vendor's document took the place of an older one.
        DocumentPosted {
            /// What it is about.
            source: Source,
            /// When it was issued.
            issued: Millis,
            /// By which evaluation of the vendor's. Zero for revocation lists.
            evaluation: u32,
            /// Until when it can be used.
            valid_until: Millis,
            /// Whether it says something else than the one before. If so, the workers that rest on it have to attest again
            /// within a session.
            changed: bool,
        },
        /// A change was proposed that gives trust.
        Proposed {
            /// Its number.
            proposal: ProposalId,
            /// What is to change.
            change: Change,
            /// The block with which it takes effect.
            effective_at: BlockNumber,
        },
        /// A proposal was taken back.
        Cancelled {
            /// Its number.
            proposal: ProposalId,
        },
        /// A proposal took effect.
        Enacted {
            /// Its number.
            proposal: ProposalId,
        },
        /// A proposal was due, and the list that it would have added to is full. Nothing changed.
        NotEnacted {
            /// Its number.
            proposal: ProposalId,
        },
        /// A program is not admitted any more.
        ReferenceWithdrawn {
            /// For this role.
            role: Role,
            /// What attests it.
            tier: Tier,
            /// The program.
            measurement: Digest,
        },
        /// A kind of TEE is not admitted any more.
        TierRefused {
            /// For this role.
            role: Role,
            /// The kind.
            tier: Tier,
        },
        /// A machine is admitted for nothing any more.
        MachineDenied {
            /// The machine.
            machine: Digest,
        },
        /// Gatekeepers may not run on a machine any more.
        MachineDisallowed {
            /// The machine.
            machine: Digest,
        },
    }

    /// Why the pallet refuses.
    #[pallet::error]
    #[derive(PartialEq)]
    pub enum Error<T> {
        /// The document does not parse.
        DocumentMalformed,
        /// The document is not its vendor's: a signature, a certificate or its beginning does not hold.
        DocumentNotGenuine,
        /// The document, or the certificate of who signed it, has expired. Fetch a new one.
        DocumentExpired,
        /// The revocation list of the vendor's root is not on record, by which the document's signer is checked. Post that
        /// first.
        RootListMissing,
        /// The chain has this document already, or one that is newer.
        DocumentNotNewer,
        /// The chain has documents about as many kinds of machine as it can hold, none of which has expired.
        TooManyKinds,
        /// As many proposals wait as may. Cancel one.
        TooManyProposals,
        /// There is no such proposal. It took effect, or was taken back.
        UnknownProposal,
        /// The reference value would be admitted at no time.
        EmptyPeriod,
        /// Only a network's genesis admits the simulated platform, which protects nothing.
        SimulatedOnlyAtGenesis,
        /// The policy does not admit that program or kind of TEE anyway.
        NotAdmitted,
        /// The machine is on that list already.
        AlreadyListed,
        /// The machine is not on that list.
        NotListed,
        /// As many machines are denied as may be.
        TooManyMachines,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
            T::WeightInfo::enact(Self::enact_due())
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_invariants()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Posts what a vendor published about its machines: a revocation list, TCB information, or an enclave identity.
        ///
        /// For anyone: the vendor's signature says what is true, and its date what is newer. The document takes the place of
        /// the one before. If it says something else, the workers that rest on it have to attest again within a session.
        ///
        /// Fails if the document is malformed, not its vendor's, or expired; if the vendor's root's revocation list is not
        /// there to check it by; if the one on record is as new or of a later evaluation; or if it is about a kind of
        /// machine for which there is no room. A failed attempt costs its fee.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::post_document(document.encoded_size() as u32))]
        pub fn post_document(origin: OriginFor<T>, document: Document) -> DispatchResult {
            ensure_signed(origin)?;
            let event = Self::take_document(&document)?;
            Self::deposit_event(event);
            Ok(())
        }

        /// Proposes a change that gives trust: a program, rules, a machine, or who the curator is.
        ///
        /// For the curator. It takes effect by itself after the network's delay, for which everybody can see it. Until then
        /// it can be cancelled.
        ///
        /// Fails if too many proposals wait, or if the change could never admit anything or names the simulated platform.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::propose())]
        pub fn propose(origin: OriginFor<T>, change: Change) -> DispatchResult {
            T::CuratorOrigin::ensure_origin(origin)?;
            let (proposal, effective_at) = Self::schedule(&change)?;
            Self::deposit_event(Event::Proposed { proposal, change, effective_at });
            Ok(())
        }

        /// Takes back a proposal that has not taken effect.
        ///
        /// For the curator. Nothing of it remains.
        ///
        /// Fails if there is no such proposal.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::curate())]
        pub fn cancel(origin: OriginFor<T>, proposal: ProposalId) -> DispatchResult {
            T::CuratorOrigin::ensure_origin(origin)?;
            Proposals::<T>::take(proposal).ok_or(Error::<T>::UnknownProposal)?;
            Agenda::<T>::mutate(|agenda| agenda.retain(|due| due.proposal != proposal));
            Self::deposit_event(Event::Cancelled { proposal });
            Ok(())
        }

        /// Stops admitting a program, at once.
        ///
        /// For the curator. Workers that run it are registered no more from this block on, and each is reported as evicted
        /// within a session. A proposal to admit the program stays: cancel it.
        ///
        /// Fails if the role's policy does not name the program.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::curate())]
        pub fn withdraw_reference(
            origin: OriginFor<T>,
            role: Role,
            tier: Tier,
            measurement: Digest,
        ) -> DispatchResult {
            T::CuratorOrigin::ensure_origin(origin)?;
            Self::withdraw(role, tier, &measurement)?;
            Self::deposit_event(Event::ReferenceWithdrawn { role, tier, measurement });
            Ok(())
        }

        /// Stops admitting a kind of TEE, at once.
        ///
        /// For the curator. Its rules are gone, and its workers as those of a program that was withdrawn.
        ///
        /// Fails if the role's policy does not name the kind.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::curate())]
        pub fn refuse_tier(origin: OriginFor<T>, role: Role, tier: Tier) -> DispatchResult {
            T::CuratorOrigin::ensure_origin(origin)?;
            Self::refuse(role, tier)?;
            Self::deposit_event(Event::TierRefused { role, tier });
            Ok(())
        }

        /// Denies a machine, at once and for every role.
        ///
        /// For the curator. The machine is named as in its worker's record. That worker is registered no more from this
        /// block on.
        ///
        /// Fails if the machine is denied already, or too many are.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::curate())]
        pub fn deny_machine(origin: OriginFor<T>, machine: Digest) -> DispatchResult {
            T::CuratorOrigin::ensure_origin(origin)?;
            ensure!(!DeniedMachines::<T>::contains_key(machine), Error::<T>::AlreadyListed);
            ensure!(DeniedMachines::<T>::count() < DENIED_MAX, Error::<T>::TooManyMachines);
            DeniedMachines::<T>::insert(machine, ());
            Self::deposit_event(Event::MachineDenied { machine });
            Ok(())
        }

        /// Takes a machine from the list of those on which gatekeepers may run, at once.
        ///
        /// For the curator. A gatekeeper on it is registered no more from this block on.
        ///
        /// Fails if the machine is not on the list.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::curate())]
        pub fn disallow_machine(origin: OriginFor<T>, machine: Digest) -> DispatchResult {
            T::CuratorOrigin::ensure_origin(origin)?;
            ensure!(AllowedMachines::<T>::take(machine).is_some(), Error::<T>::NotListed);
            Self::deposit_event(Event::MachineDisallowed { machine });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        /// The height of this block.
        pub(crate) fn now() -> BlockNumber {
            use sp_runtime::SaturatedConversion as _;
            BlockNumber::new(frame_system::Pallet::<T>::block_number().saturated_into())
        }

        /// This block's time.
        pub(crate) fn now_ms() -> Millis {
            Millis::new(T::Time::now())
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Documents lie at their own keys and are counted; every generation was given out; every proposal has its time.
        pub fn check_invariants() -> Result<(), sp_runtime::TryRuntimeError> {
            let mut infos = 0;
            for ((tee, fmspc), info) in TcbInfos::<T>::iter() {
                ensure!((info.tee, info.fmspc) == (tee, fmspc), "TCB information lies at another kind");
                let kinds = Kinds::<T>::get();
                let mut of_it = kinds.iter().filter(|kind| (kind.tee, kind.fmspc) == (tee, fmspc));
                let kind = of_it.next().ok_or("TCB information is not counted")?;
                ensure!(kind.valid_until == info.issue.valid_until, "a kind ends with other information");
                ensure!(of_it.next().is_none(), "a kind is counted twice");
                infos += 1;
            }
            ensure!(Kinds::<T>::get().len() == infos, "a kind is counted that is not there");
            for (tee, identity) in QeIdentities::<T>::iter() {
                ensure!(identity.tee == tee, "an identity lies at another TEE");
            }
            for version in Versions::<T>::iter_values() {
                ensure!(version.generation <= LastGeneration::<T>::get(), "a generation was never given out");
                ensure!(version.since <= Self::now(), "a document changed in the future");
            }
            let agenda = Agenda::<T>::get();
            ensure!(
                agenda.len() == Proposals::<T>::iter().count(),
                "a proposal has no time, or a time no proposal"
            );
            for due in agenda {
                ensure!(Proposals::<T>::contains_key(due.proposal), "a time has no proposal");
                ensure!(due.proposal < NextProposal::<T>::get(), "a proposal's number was never given out");
            }
            ensure!(DeniedMachines::<T>::count() <= DENIED_MAX, "too many machines are denied");
            ensure!(AllowedMachines::<T>::count() <= ALLOWED_MAX, "too many machines are allowed");
            Ok(())
        }
    }
}

//! Which workers are attested, by what evidence, until when.
//!
//! [`Pallet::register`] has the evidence of a worker appraised on the chain, by the public policy of its role
//! (`pallet-attestation`), so that anyone can see why it is trusted. What the evidence vouches for is the
//! [`Registration`](phala_types::worker::Registration), by its hash in the report; the rules are in `appraisal`.
//!
//! A registration ends by itself, and before that when what it rests on falls: its program is withdrawn, its machine denied, or
//! a vendor says something new about it (`eviction`).
//!
//! Not checked: that an endpoint is reachable. An ended registration stays on record, so that an old receipt can be traced
//! to it.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

use polkadot_sdk::*;

mod appraisal;
mod eviction;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use phala_types::{WorkerId, worker::WorkerRecord};

/// Who is registered, as other pallets ask it.
pub trait WorkerRegistry {
    /// A worker's record, if its registration is valid in this block: it has not expired, and what it rests on stands.
    fn live(worker: &WorkerId) -> Option<WorkerRecord>;
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use codec::DecodeWithMemTracking;
    use frame_support::{pallet_prelude::*, traits::Time};
    use frame_system::pallet_prelude::*;
    use pallet_attestation::{Attestation, Basis, Reason};
    use phala_types::{
        AccountId, BlockNumber, Bytes, Digest,
        limits::EVIDENCE_BYTES_MAX,
        worker::{Registration, Role, Tier},
    };
    use scale_info::TypeInfo;
    use sp_core::{H256, crypto::AccountId32};

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
        /// The block's time in milliseconds since 1970, against which certificates are checked.
        type Time: Time<Moment = u64>;

        /// By which documents and policies evidence is appraised.
        type Attestation: Attestation;

        /// Milliseconds of a slot, in which at most one block is made.
        type SlotMs: Get<u64>;

        /// The blocks of a session: within so many, a registration that has fallen is ended on record.
        type SessionBlocks: Get<u32>;

        /// How many live registrations are looked at in each block. With the blocks of a session, this bounds how many there
        /// can be.
        #[pallet::constant]
        type RoundPerBlock: Get<u32>;

        /// How many blocks old the block may be that dates the evidence. Less than the system pallet remembers.
        #[pallet::constant]
        type AnchorBlocksMax: Get<u32>;

        /// What things weigh.
        type WeightInfo: WeightInfo;
    }

    /// What a live registration rests on.
    #[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
    pub struct LiveWorker {
        /// The worker.
        pub worker: WorkerId,
        /// What has to stand for it to stand.
        pub basis: Basis,
    }

    /// For how many blocks a registration for each role is valid. A worker registers again in time. Two entries.
    #[pallet::storage]
    pub type Lifetimes<T: Config> = StorageMap<_, Twox64Concat, Role, u32, ValueQuery>;

    /// The live registration on each machine. As many as [`Config::RoundPerBlock`] allows; the round removes what expired.
    /// The keys are BLAKE2b-256 hashes of what a vendor named, so they need no hashing.
    #[pallet::storage]
    pub type Live<T: Config> = CountedStorageMap<_, Identity, Digest, LiveWorker>;

    /// The machine that the round looked at last. `None` when it begins anew.
    #[pallet::storage]
    pub type Round<T: Config> = StorageValue<_, Digest>;

    /// The workers that ever registered. Each pays a fee; the hasher is safe for keys that anybody chose.
    #[pallet::storage]
    pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, WorkerId, WorkerRecord>;

    /// How long registrations last.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// For how many blocks a miner's registration is valid.
        pub miner_lifetime_blocks: u32,
        /// For how many blocks a gatekeeper's registration is valid.
        pub gatekeeper_lifetime_blocks: u32,
        /// No value.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        /// Seven days and one day of 6 s blocks.
        fn default() -> Self {
            Self {
                miner_lifetime_blocks: 7 * 24 * 600,
                gatekeeper_lifetime_blocks: 24 * 600,
                _config: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(self.miner_lifetime_blocks > 0, "workers.minerLifetimeBlocks must not be zero");
            assert!(self.gatekeeper_lifetime_blocks > 0, "workers.gatekeeperLifetimeBlocks must not be zero");
            Lifetimes::<T>::insert(Role::Miner, self.miner_lifetime_blocks);
            Lifetimes::<T>::insert(Role::Gatekeeper, self.gatekeeper_lifetime_blocks);
        }
    }

    /// What the pallet reports.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker was registered, or its registration was renewed.
        Registered {
            /// The worker.
            worker: WorkerId,
            /// Who answers for it.
            operator: AccountId,
            /// What for.
            role: Role,
            /// How it is attested.
            tier: Tier,
            /// The last block at which the registration is valid.
            expires_at: BlockNumber,
        },
        /// What a worker's registration rests on has changed, so that it ends earlier unless the worker attests again.
        MustAttestAgain {
            /// The worker.
            worker: WorkerId,
            /// The last block at which the registration is valid.
            expires_at: BlockNumber,
        },
        /// A worker's registration has ended before its time, since it would not be admitted any more.
        Evicted {
            /// The worker.
            worker: WorkerId,
            /// Why.
            reason: Reason,
        },
        /// A worker's operator ended its registration.
        Retired {
            /// The worker.
            worker: WorkerId,
        },
    }

    /// Why the pallet refuses.
    #[pallet::error]
    #[derive(PartialEq)]
    pub enum Error<T> {
        /// The registration names another account as the operator. That account has to send it.
        NotOperator,
        /// The registration is for another network.
        WrongGenesis,
        /// The endpoint is not text in UTF-8.
        EndpointNotText,
        /// The registration is anchored at a block that this chain does not have or no longer remembers.
        UnknownAnchor,
        /// The registration is anchored at a block that is too old to date the evidence. Ask the worker for a new one.
        StaleAnchor,
        /// The registration was made before the one on record. Ask the worker for a new one.
        OlderThanRecord,
        /// The worker is registered by another operator until that registration expires.
        OperatorIsAnother,
        /// The evidence does not parse.
        EvidenceMalformed,
        /// The evidence is not genuine: a signature, a certificate or its time does not hold.
        EvidenceNotGenuine,
        /// The evidence vouches for something else than this registration.
        EvidenceForOther,
        /// This network's policy does not accept this kind of TEE for this role. The simulated platform, which protects
        /// nothing, is accepted by development networks alone.
        TierNotInPolicy,
        /// The evidence is genuine, but this network's policy does not accept the program it shows.
        ProgramNotInPolicy,
        /// The evidence is genuine, but this network's policy does not accept the state of the machine it shows: its kind, its
        /// settings, or updates that are missing.
        PlatformNotInPolicy,
        /// The vendor's documents about the machine are not on the chain, or have expired. Post them first.
        DocumentsNotPosted,
        /// The machine is denied.
        MachineDenied,
        /// The machine is not one of those on which gatekeepers may run.
        MachineNotAllowed,
        /// Another worker is registered on this machine. Retire it, or wait until its registration has expired.
        MachineTaken,
        /// As many workers are registered as the network can look after.
        TooManyWorkers,
        /// The worker is not registered, or its registration has ended already.
        NotRegistered,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
            T::WeightInfo::round(Self::go_round())
        }

        /// An anchor that the policy allows must be one that the chain remembers, and each block has to look at somebody.
        fn integrity_test() {
            use sp_runtime::SaturatedConversion as _;
            assert!(T::RoundPerBlock::get() > 0);
            assert!(T::AnchorBlocksMax::get() < T::BlockHashCount::get().saturated_into::<u32>());
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_invariants()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers an attested worker, or renews its registration.
        ///
        /// For the operator that the registration names. Registration and evidence come from the worker itself. The
        /// record says how the worker is attested, until when, and where clients find it.
        ///
        /// Fails if the sender is not the named operator or another operator has the worker; if the registration is for
        /// another network, too old, or older than the one on record; if the evidence is malformed, not genuine, not
        /// about this registration, or not what the network's policy accepts for the role; if the vendor's documents are
        /// missing; if the machine is denied, not allowed for gatekeepers, or another worker's; or if there are too many
        /// workers. A failed attempt costs its fee.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register(evidence.first().copied(), evidence.len() as u32))]
        pub fn register(
            origin: OriginFor<T>,
            registration: Registration,
            evidence: Bytes<EVIDENCE_BYTES_MAX>,
        ) -> DispatchResult {
            let sender = AccountId::new(ensure_signed(origin)?.into());
            ensure!(registration.operator == sender, Error::<T>::NotOperator);
            let worker = registration.worker;
            let (record, live) = Self::admit(registration, evidence)?;
            let WorkerRecord { operator, role, tier, machine, expires_at, .. } = record;
            // A worker that moved leaves its machine to others.
            if let Some(old) = Workers::<T>::get(worker)
                && Live::<T>::get(old.machine).is_some_and(|live| live.worker == worker)
            {
                Live::<T>::remove(old.machine);
            }
            // Whoever had it before has expired or fallen, or this were refused: now its record says so.
            if let Some(other) = Live::<T>::get(machine) {
                Self::look_at(machine, other);
            }
            Live::<T>::insert(machine, live);
            Workers::<T>::insert(worker, record);
            Self::deposit_event(Event::Registered { worker, operator, role, tier, expires_at });
            Ok(())
        }

        /// Ends a worker's registration, and leaves its machine to another worker.
        ///
        /// For the worker's operator. The record stays. The worker may register again.
        ///
        /// Fails if the worker is not registered, or if the sender is not its operator.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::retire())]
        pub fn retire(origin: OriginFor<T>, worker: WorkerId) -> DispatchResult {
            let sender = AccountId::new(ensure_signed(origin)?.into());
            let record = Self::standing(&worker).ok_or(Error::<T>::NotRegistered)?;
            ensure!(record.operator == sender, Error::<T>::NotOperator);
            Self::end(worker, record);
            Self::deposit_event(Event::Retired { worker });
            Ok(())
        }
    }

    impl<T: Config> WorkerRegistry for Pallet<T> {
        fn live(worker: &WorkerId) -> Option<WorkerRecord> {
            Self::standing(worker)
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Every record began no later than now and ended no sooner than the block before; whoever has not expired is live on
        /// its machine, and there are no more of those than a round looks at.
        pub fn check_invariants() -> Result<(), sp_runtime::TryRuntimeError> {
            for (worker, record) in Workers::<T>::iter() {
                let ended = record.expires_at.value().saturating_add(1);
                ensure!(record.registered_at.value() <= ended, "a registration ended before it began");
                ensure!(record.registered_at <= Self::now(), "a registration begins in the future");
                let is_live = Live::<T>::get(record.machine).is_some_and(|live| live.worker == worker);
                ensure!(
                    is_live || record.expires_at < Self::now(),
                    "a valid registration is not its machine's"
                );
            }
            for (machine, live) in Live::<T>::iter() {
                let record = Workers::<T>::get(live.worker).ok_or("a live worker has no record")?;
                ensure!(record.machine == machine, "a worker is live on another machine than its record's");
            }
            ensure!(Live::<T>::count() <= Self::capacity(), "more workers are live than a round looks at");
            Ok(())
        }
    }
}

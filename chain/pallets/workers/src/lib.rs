//! Which workers are attested, by what evidence, until when.
//!
//! This is the remote attestation service of the network: [`Pallet::register`] appraises evidence by the public policy,
//! on the chain, so that anyone can see why a worker is trusted. What the evidence vouches for is the
//! [`Registration`](phala_types::worker::Registration), by its hash in the report; the rules are in `appraisal`.
//!
//! The policy is set at genesis and cannot change. By default it is empty and admits nobody. A development network's
//! admits the simulated platform, which protects nothing, and its records say so in their tier.
//!
//! Not checked: that an endpoint is reachable, and that a worker's machine is not registered twice (the simulated platform
//! has no machine identity). An expired registration stays on record, so that an old receipt can be traced to it.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

use polkadot_sdk::*;

mod appraisal;
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
    /// A worker's record, if its registration is valid in this block.
    fn live(worker: &WorkerId) -> Option<WorkerRecord>;
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{pallet_prelude::*, traits::Time};
    use frame_system::pallet_prelude::*;
    use phala_types::{
        AccountId, BlockNumber, Bytes,
        limits::EVIDENCE_BYTES_MAX,
        worker::{Registration, Tier},
    };
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

        /// How many blocks old the block may be that dates the evidence. Less than the system pallet remembers.
        #[pallet::constant]
        type AnchorBlocksMax: Get<u32>;

        /// What things weigh.
        type WeightInfo: WeightInfo;
    }

    /// Which evidence is admitted. Set at genesis.
    #[pallet::storage]
    pub type Policy<T: Config> = StorageValue<_, phala_attest::Policy, ValueQuery>;

    /// For how many blocks a registration is valid. A worker registers again in time.
    #[pallet::storage]
    pub type LifetimeBlocks<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// The workers that ever registered. Each pays a fee; the hasher is safe for keys that anybody chose.
    #[pallet::storage]
    pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, WorkerId, WorkerRecord>;

    /// The policy of a network.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Which evidence is admitted. Only a development network names the simulated platform.
        pub policy: phala_attest::Policy,
        /// For how many blocks a registration is valid.
        pub lifetime_blocks: u32,
        /// No value.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        /// Admits nobody; a registration would last seven days of 6 s blocks.
        fn default() -> Self {
            Self {
                policy: phala_attest::Policy::default(),
                lifetime_blocks: 7 * 24 * 600,
                _config: PhantomData,
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(self.lifetime_blocks > 0, "workers.lifetimeBlocks must not be zero");
            Policy::<T>::put(&self.policy);
            LifetimeBlocks::<T>::put(self.lifetime_blocks);
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
            /// How it is attested.
            tier: Tier,
            /// The last block at which the registration is valid.
            expires_at: BlockNumber,
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
        /// The evidence comes from the simulated platform, which protects nothing, and this network does not accept it.
        SimulatedNotAccepted,
        /// The evidence is genuine, but this network's policy does not accept the program or platform it shows.
        NotInPolicy,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        /// An anchor that the policy allows must be one that the chain remembers.
        fn integrity_test() {
            use sp_runtime::SaturatedConversion as _;
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
        /// about this registration, or not what the network's policy accepts. A failed attempt costs its fee.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register(evidence.len() as u32))]
        pub fn register(
            origin: OriginFor<T>,
            registration: Registration,
            evidence: Bytes<EVIDENCE_BYTES_MAX>,
        ) -> DispatchResult {
            let sender = AccountId::new(ensure_signed(origin)?.into());
            ensure!(registration.operator == sender, Error::<T>::NotOperator);
            let worker = registration.worker;
            let record = Self::admit(registration, evidence)?;
            let WorkerRecord { operator, tier, expires_at, .. } = record;
            Workers::<T>::insert(worker, record);
            Self::deposit_event(Event::Registered { worker, operator, tier, expires_at });
            Ok(())
        }
    }

    impl<T: Config> WorkerRegistry for Pallet<T> {
        fn live(worker: &WorkerId) -> Option<WorkerRecord> {
            Workers::<T>::get(worker).filter(|record| Self::now() <= record.expires_at)
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Every record ends after it began, began no later than now, and has a tier that the policy allows.
        pub fn check_invariants() -> Result<(), sp_runtime::TryRuntimeError> {
            for record in Workers::<T>::iter_values() {
                ensure!(record.registered_at <= record.expires_at, "a registration ended before it began");
                ensure!(record.registered_at <= Self::now(), "a registration begins in the future");
                ensure!(
                    record.tier != Tier::Simulated || Policy::<T>::get().simulated.is_some(),
                    "a simulated worker is registered where the policy does not accept it"
                );
            }
            Ok(())
        }
    }
}

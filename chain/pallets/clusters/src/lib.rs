//! Clusters of workers, the code and contracts in them, and the checkpoints by which workers say where they stand.
//!
//! The calls record what anyone must be able to check (which code a contract runs, what state its worker signed), and
//! put the rest into the cluster's mailbox topic, sealed. Who may read or change a contract is decided inside it, by
//! the signature in the ciphertext: the account that pays for a command here is not its caller there.
//!
//! Simple for now: one open cluster made at genesis, one worker in it for good, a checkpoint certified by that worker
//! alone. Not checked here: that code is valid WebAssembly, that an envelope opens, that a state root is right. The
//! workers do that, each alike. Contradicting checkpoints are reported, and not punished yet.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

use polkadot_sdk::*;

mod checkpoint;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use codec::DecodeWithMemTracking;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use pallet_mailbox::MessageSink;
    use pallet_workers::WorkerRegistry;
    use phala_types::{
        AccountId, Bytes, ClusterId, CodeHash, ContractId, StateRoot, WorkerId,
        account::WorkerSignature,
        cluster::{Checkpoint, ClusterMessage, ContractRecord, code_hash, contract_id},
        limits::{CODE_BYTES_MAX, ENVELOPE_BYTES_MAX, SALT_BYTES_MAX},
        mailbox::Topic,
        worker::Role,
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
        /// Where messages to workers go.
        type Mailbox: MessageSink;

        /// Which workers are registered.
        type Workers: WorkerRegistry;

        /// What things weigh.
        type WeightInfo: WeightInfo;
    }

    /// What the chain records of a cluster.
    #[derive(
        Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub struct ClusterRecord {
        /// Its worker, once one has joined.
        pub worker: Option<WorkerId>,
    }

    /// What the chain records of code.
    #[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
    pub struct CodeRecord {
        /// Who uploaded it and paid for it. Anyone may deploy it.
        pub owner: AccountId,
        /// How long it is.
        pub size_bytes: u32,
        /// How many contracts were deployed with it. Those that contracts made or changed are known in the cluster only.
        pub deployed: u32,
    }

    /// A checkpoint and who vouches for it.
    #[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
    pub struct SignedCheckpoint {
        /// What was signed.
        pub checkpoint: Checkpoint,
        /// The cluster's worker's signature on it.
        pub signature: WorkerSignature,
    }

    /// The clusters. Only genesis makes one, so there are few. All hashers here are safe for keys that anybody chose.
    #[pallet::storage]
    pub type Clusters<T: Config> = StorageMap<_, Blake2_128Concat, ClusterId, ClusterRecord>;

    /// Where each worker works. At most one entry per cluster.
    #[pallet::storage]
    pub type Memberships<T: Config> = StorageMap<_, Blake2_128Concat, WorkerId, ClusterId>;

    /// The code of each cluster. Grows with what users pay for by the byte, as do the contracts.
    #[pallet::storage]
    pub type Codes<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, ClusterId, Blake2_128Concat, CodeHash, CodeRecord>;

    /// The contracts: where each lives, what it runs and who deployed it.
    #[pallet::storage]
    pub type Contracts<T: Config> = StorageMap<_, Blake2_128Concat, ContractId, ContractRecord>;

    /// The newest checkpoint of each cluster. At most one per cluster.
    #[pallet::storage]
    pub type Checkpoints<T: Config> = StorageMap<_, Blake2_128Concat, ClusterId, Checkpoint>;

    /// The signature on each cluster's newest checkpoint: half of the evidence, should its worker sign another.
    #[pallet::storage]
    pub type CheckpointSignatures<T: Config> = StorageMap<_, Blake2_128Concat, ClusterId, WorkerSignature>;

    /// Which clusters a network begins with.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Their ids.
        pub clusters: alloc::vec::Vec<ClusterId>,
        /// No value.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        /// Cluster 0, open to the first worker that joins.
        fn default() -> Self {
            Self { clusters: alloc::vec![ClusterId::new(0)], _config: PhantomData }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for cluster in &self.clusters {
                Clusters::<T>::insert(cluster, ClusterRecord::default());
            }
        }
    }

    /// What the pallet reports.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker joined a cluster.
        Joined {
            /// The cluster.
            cluster: ClusterId,
            /// The worker.
            worker: WorkerId,
        },
        /// Code was uploaded to a cluster.
        CodeUploaded {
            /// The cluster.
            cluster: ClusterId,
            /// The code's name.
            code_hash: CodeHash,
            /// Who uploaded it.
            owner: AccountId,
        },
        /// Code is to be removed from a cluster. Whether its workers still need it is known inside the cluster only.
        CodeRemoved {
            /// The cluster.
            cluster: ClusterId,
            /// The code's name.
            code_hash: CodeHash,
        },
        /// A contract was deployed. Whether its constructor succeeded is known inside the cluster only.
        Deployed {
            /// The cluster.
            cluster: ClusterId,
            /// The contract.
            contract: ContractId,
            /// Its code.
            code_hash: CodeHash,
            /// Who deployed it.
            owner: AccountId,
        },
        /// A cluster's worker vouched for a state.
        Certified {
            /// What it vouched for.
            checkpoint: Checkpoint,
        },
        /// A cluster's worker signed two different states for the same messages: it is broken or its operator cheats.
        /// Both are here with their signatures, as evidence. The first one stays the cluster's checkpoint.
        Equivocation {
            /// Who signed both.
            worker: WorkerId,
            /// The one that the chain certified.
            certified: SignedCheckpoint,
            /// The one that contradicts it.
            contradicting: SignedCheckpoint,
        },
    }

    /// Why the pallet refuses.
    #[pallet::error]
    #[derive(PartialEq)]
    pub enum Error<T> {
        /// There is no such cluster.
        UnknownCluster,
        /// The worker is not registered, or its registration has expired. Register it again.
        WorkerNotRegistered,
        /// Only the operator named in the worker's registration may do this.
        NotOperator,
        /// The worker is registered as a gatekeeper. Gatekeepers execute no contracts.
        NotMiner,
        /// The cluster has its worker already, and takes no second one yet.
        ClusterIsFull,
        /// The worker is in this or another cluster already.
        AlreadyMember,
        /// The cluster has this code already. Deploy it.
        CodeExists,
        /// The cluster does not have this code. Upload it first.
        UnknownCode,
        /// Only the account that uploaded the code may remove it.
        NotCodeOwner,
        /// Contracts were deployed with this code, and need it.
        CodeInUse,
        /// The same account has deployed the same code with the same salt. Choose another salt.
        ContractExists,
        /// The contract was deployed in another cluster.
        OtherCluster,
        /// The cluster has no worker that could sign a checkpoint.
        NoWorker,
        /// The signature is not the cluster's worker's on this checkpoint.
        InvalidSignature,
        /// The checkpoint covers more messages than the cluster was sent.
        AheadOfMailbox,
        /// The checkpoint names a block that is not there yet.
        FutureBlock,
        /// The chain has this checkpoint already. Nothing is lost: it need not be submitted again.
        AlreadyCertified,
        /// The chain has a checkpoint that covers more messages.
        BehindCertified,
        /// The pallet's own records contradict each other, so it does not guess. This is a bug of the chain.
        BrokenState,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_invariants()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Puts a registered worker into a cluster that has none.
        ///
        /// For the worker's operator, as named in its registration. From now on the worker reads the cluster's
        /// messages from the first one, and stays in the cluster for good.
        ///
        /// Fails if there is no such cluster or it has a worker, if the worker is not registered, is a gatekeeper or is in a
        /// cluster, or if the sender is not its operator.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::join())]
        pub fn join(origin: OriginFor<T>, cluster: ClusterId, worker: WorkerId) -> DispatchResult {
            let sender = account(ensure_signed(origin)?);
            let record = T::Workers::live(&worker).ok_or(Error::<T>::WorkerNotRegistered)?;
            ensure!(record.operator == sender, Error::<T>::NotOperator);
            ensure!(record.role == Role::Miner, Error::<T>::NotMiner);
            ensure!(!Memberships::<T>::contains_key(worker), Error::<T>::AlreadyMember);
            Clusters::<T>::try_mutate(cluster, |entry| -> DispatchResult {
                let entry = entry.as_mut().ok_or(Error::<T>::UnknownCluster)?;
                ensure!(entry.worker.is_none(), Error::<T>::ClusterIsFull);
                entry.worker = Some(worker);
                Ok(())
            })?;
            Memberships::<T>::insert(worker, cluster);
            Self::deposit_event(Event::Joined { cluster, worker });
            Ok(())
        }

        /// Uploads the WebAssembly of contracts to a cluster. The code is public.
        ///
        /// For anyone. The chain stores the code as a message to the cluster's workers, who check it and refuse what
        /// they cannot run; its name is the BLAKE2b-256 hash. The fee grows with the code's length.
        ///
        /// Fails if there is no such cluster or it has the same code already.
        #[pallet::call_index(1)]
        #[pallet::weight(
            T::WeightInfo::upload_code(code.len() as u32).saturating_add(T::Mailbox::push_weight(code.len() as u32))
        )]
        pub fn upload_code(
            origin: OriginFor<T>,
            cluster: ClusterId,
            code: Bytes<CODE_BYTES_MAX>,
        ) -> DispatchResult {
            let owner = account(ensure_signed(origin)?);
            ensure!(Clusters::<T>::contains_key(cluster), Error::<T>::UnknownCluster);
            let code_hash = code_hash(&code);
            ensure!(!Codes::<T>::contains_key(cluster, code_hash), Error::<T>::CodeExists);
            // The bound of `code` is a u32.
            let size_bytes = code.len() as u32;
            Codes::<T>::insert(cluster, code_hash, CodeRecord { owner, size_bytes, deployed: 0 });
            T::Mailbox::push(Topic::Cluster(cluster), ClusterMessage::CodeUploaded { code })?;
            Self::deposit_event(Event::CodeUploaded { cluster, code_hash, owner });
            Ok(())
        }

        /// Deploys a contract: makes its id, records its code, and asks the cluster to run its constructor.
        ///
        /// For anyone; the sender becomes the contract's owner on the chain. The id follows from cluster, sender, code
        /// and salt, so that the envelope with the constructor's call can be sealed to the contract beforehand.
        ///
        /// Fails if the cluster does not have the code, or if the sender has deployed it with this salt before. The
        /// chain cannot see whether the constructor succeeds: the contract's query endpoint tells.
        #[pallet::call_index(2)]
        #[pallet::weight(
            T::WeightInfo::deploy().saturating_add(T::Mailbox::push_weight(envelope.len() as u32))
        )]
        pub fn deploy(
            origin: OriginFor<T>,
            cluster: ClusterId,
            code_hash: CodeHash,
            salt: Bytes<SALT_BYTES_MAX>,
            envelope: Bytes<ENVELOPE_BYTES_MAX>,
        ) -> DispatchResult {
            let owner = account(ensure_signed(origin)?);
            let mut code = Codes::<T>::get(cluster, code_hash).ok_or(Error::<T>::UnknownCode)?;
            let contract = contract_id(cluster, &owner, &code_hash, &salt);
            ensure!(!Contracts::<T>::contains_key(contract), Error::<T>::ContractExists);
            // Saturating: code that so many need is never removed.
            code.deployed = code.deployed.saturating_add(1);
            Codes::<T>::insert(cluster, code_hash, code);
            Contracts::<T>::insert(contract, ContractRecord { cluster, code_hash, owner });
            T::Mailbox::push(
                Topic::Cluster(cluster),
                ClusterMessage::ContractDeployed { contract, code_hash, envelope },
            )?;
            Self::deposit_event(Event::Deployed { cluster, contract, code_hash, owner });
            Ok(())
        }

        /// Sends a sealed command to a contract.
        ///
        /// For anyone: the command's authority is the signature inside the envelope, so the sender only pays and need
        /// not be the one who commands. The mailbox reports the command's place in the cluster's order.
        ///
        /// The chain knows the contracts that were deployed by it. Those that contracts made are known to their cluster
        /// alone, so that a command names its cluster, and a contract that the chain does not know may be there.
        ///
        /// Fails if there is no such cluster, or if the contract was deployed in another one. What cannot be opened, is
        /// not allowed or is for no contract is refused inside the cluster.
        #[pallet::call_index(3)]
        #[pallet::weight(
            T::WeightInfo::submit().saturating_add(T::Mailbox::push_weight(envelope.len() as u32))
        )]
        pub fn submit(
            origin: OriginFor<T>,
            cluster: ClusterId,
            contract: ContractId,
            envelope: Bytes<ENVELOPE_BYTES_MAX>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            ensure!(Clusters::<T>::contains_key(cluster), Error::<T>::UnknownCluster);
            let is_elsewhere = Contracts::<T>::get(contract).is_some_and(|record| record.cluster != cluster);
            ensure!(!is_elsewhere, Error::<T>::OtherCluster);
            T::Mailbox::push(Topic::Cluster(cluster), ClusterMessage::Command { contract, envelope })?;
            Ok(())
        }

        /// Submits what a cluster's worker signed about the cluster's state.
        ///
        /// For anyone who has the worker's signature. The checkpoint becomes the cluster's if it covers more messages
        /// than the one before. If it contradicts the one before (another state after the same messages), the call
        /// succeeds, reports both with their signatures, and keeps the first.
        ///
        /// Fails if the cluster has no registered worker, if the signature is not that worker's, if the checkpoint
        /// covers messages or names a block that do not exist, or if it tells nothing new.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::checkpoint())]
        pub fn checkpoint(
            origin: OriginFor<T>,
            checkpoint: Checkpoint,
            signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::take_checkpoint(SignedCheckpoint { checkpoint, signature })
        }

        /// Removes code that no deployed contract needs.
        ///
        /// For the account that uploaded it. The code's name is free again at once. The cluster's workers keep the code
        /// itself as long as contracts that contracts made need it; the outcome of the message tells.
        ///
        /// Fails if the cluster does not have the code, if somebody else uploaded it, or if a contract was deployed
        /// with it.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::remove_code().saturating_add(T::Mailbox::push_weight(0)))]
        pub fn remove_code(origin: OriginFor<T>, cluster: ClusterId, code_hash: CodeHash) -> DispatchResult {
            let sender = account(ensure_signed(origin)?);
            let code = Codes::<T>::get(cluster, code_hash).ok_or(Error::<T>::UnknownCode)?;
            ensure!(code.owner == sender, Error::<T>::NotCodeOwner);
            ensure!(code.deployed == 0, Error::<T>::CodeInUse);
            Codes::<T>::remove(cluster, code_hash);
            T::Mailbox::push(Topic::Cluster(cluster), ClusterMessage::CodeRemoved { code_hash })?;
            Self::deposit_event(Event::CodeRemoved { cluster, code_hash });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        /// The state that a cluster's worker vouched for last.
        pub fn state_root(cluster: ClusterId) -> Option<StateRoot> {
            Checkpoints::<T>::get(cluster).map(|checkpoint| checkpoint.state_root)
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Clusters and memberships say the same; every contract has its code; every checkpoint is signed and covers
        /// no more than was sent.
        pub fn check_invariants() -> Result<(), sp_runtime::TryRuntimeError> {
            for (cluster, record) in Clusters::<T>::iter() {
                if let Some(worker) = record.worker {
                    ensure!(
                        Memberships::<T>::get(worker) == Some(cluster),
                        "a cluster's worker is not its member"
                    );
                }
            }
            for (worker, cluster) in Memberships::<T>::iter() {
                let record =
                    Clusters::<T>::get(cluster).ok_or("a worker is in a cluster that does not exist")?;
                ensure!(record.worker == Some(worker), "a member is not its cluster's worker");
            }
            let mut deployed = alloc::collections::BTreeMap::<_, u32>::new();
            for record in Contracts::<T>::iter_values() {
                ensure!(Codes::<T>::contains_key(record.cluster, record.code_hash), "a contract has no code");
                let count = deployed.entry((record.cluster, record.code_hash)).or_default();
                *count = count.saturating_add(1);
            }
            for (cluster, code_hash, record) in Codes::<T>::iter() {
                let contracts = deployed.get(&(cluster, code_hash)).copied().unwrap_or_default();
                ensure!(record.deployed == contracts, "code counts other contracts than there are");
            }
            for (cluster, checkpoint) in Checkpoints::<T>::iter() {
                ensure!(checkpoint.cluster == cluster, "a checkpoint lies at another cluster");
                ensure!(CheckpointSignatures::<T>::contains_key(cluster), "a checkpoint has no signature");
                let sent = T::Mailbox::tip(Topic::Cluster(cluster)).count;
                ensure!(checkpoint.position <= sent, "a checkpoint covers more than was sent");
            }
            Ok(())
        }
    }

    fn account(who: AccountId32) -> AccountId {
        AccountId::new(who.into())
    }
}

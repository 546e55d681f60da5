//! The worker's keys, all from one seed that never leaves it.

use phala_crypto::{Secret, kdf, seal::OpeningKey, signature::SigningKey};
use phala_types::{
    ClusterId, ContractId, GenesisHash, KeyVersion, StateRoot, WorkerId, account::WorkerSignature, tag::Tag,
};
use phala_vm::extension::keys::ClusterKey;

/// The only generation of contract keys while one worker's seed makes them: it rises once gatekeepers give them out.
pub const KEY_VERSION: KeyVersion = KeyVersion::new(0);

/// One key per purpose.
pub struct Keys {
    seed: Secret<[u8; 32]>,
    signing: SigningKey,
    hpke: OpeningKey,
}

impl Keys {
    /// Derives them.
    pub fn derive(seed: Secret<[u8; 32]>) -> Self {
        let signing = SigningKey::from_seed(&kdf::derive(&seed, Tag::KEY_WORKER_SIGNING, &()));
        let hpke = OpeningKey::derive(&kdf::derive(&seed, Tag::KEY_WORKER_HPKE, &()));
        Self { seed, signing, hpke }
    }

    /// Who the worker is.
    pub fn worker(&self) -> WorkerId {
        WorkerId::new(self.signing.public_key())
    }

    /// Opens queries.
    pub fn hpke(&self) -> &OpeningKey {
        &self.hpke
    }

    /// Opens a contract's commands.
    pub fn inbox(&self, genesis: &GenesisHash, contract: &ContractId) -> OpeningKey {
        OpeningKey::derive(&kdf::derive(&self.seed, Tag::KEY_INBOX, &(genesis, contract, KEY_VERSION)))
    }

    /// Hides a state's Merkle root: whoever knows the state may guess at it, but cannot check the guess.
    pub fn commit(&self, genesis: &GenesisHash, cluster: ClusterId, merkle_root: &[u8; 32]) -> StateRoot {
        let key = kdf::derive(&self.seed, Tag::KEY_STATE_ROOT, &(genesis, cluster, KEY_VERSION));
        StateRoot::new(kdf::keyed_hash(&key, merkle_root))
    }

    /// The key of a cluster from which its contracts' own keys are derived.
    pub fn contracts(&self, genesis: &GenesisHash, cluster: ClusterId) -> ClusterKey {
        ClusterKey::new(kdf::derive(&self.seed, Tag::KEY_CONTRACTS, &(genesis, cluster, KEY_VERSION)))
    }

    /// Signs as the worker.
    pub fn sign(&self, tag: Tag, genesis: &GenesisHash, payload: &impl codec::Encode) -> WorkerSignature {
        WorkerSignature(self.signing.sign(tag, genesis, payload))
    }
}

//! What a cluster's state consists of. Each entry is a leaf of the Merkle trie and a record on disk.
//!
//! Names begin with a number. 0 to 2 and 6 to 8 are what contracts and accounts own: code, contracts, their storage, balances
//! and deposits. [`phala_vm::world::schema`] has their layout. 3 to 5 are what the worker itself remembers, and are here.

use codec::{Decode, Encode};
use phala_types::{AccountId, CodeHash, ContractId, Digest, MessageNumber, command::Outcome};
use phala_vm::{AccountBytes, world::Terms};

/// What storage costs in a cluster: nothing, since no PHA can enter one yet. For the same reason an account exists without
/// any. What bounds storage until then is gas, the limit of each contract and the chain's fee.
pub const TERMS: Terms = Terms {
    deposit_per_byte: 0,
    deposit_per_item: 0,
    code_lockup_percent: 0,
    default_deposit_limit: 0,
    existential_deposit: 0,
    fee_per_gas: 0,
};

/// Who owns uploaded code: nobody, since the chain holds it to who uploaded it and takes nothing for it in the cluster.
pub const CODE_OWNER: AccountBytes = [0; 32];

/// The name of an entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Key {
    /// The `u64` sequence of an account's last command.
    #[codec(index = 3)]
    Sequence(AccountId),
    /// A [`Record`].
    #[codec(index = 4)]
    Outcome(MessageNumber),
    /// An [`Upload`].
    #[codec(index = 5)]
    Upload(CodeHash),
}

/// What came of a command, and who may read it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Record {
    /// The account that signed the command. Without one the outcome holds nothing confidential.
    pub reader: Option<AccountId>,
    /// The contract that the message was for.
    pub contract: ContractId,
    /// The tip of the topic right after the message.
    pub tip: Digest,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an upload. Everyone may read it, and it is kept as long as the chain keeps the code's name: the chain takes
/// the same code only once.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Upload {
    /// The message's number.
    pub number: MessageNumber,
    /// The tip of the topic right after the message.
    pub tip: Digest,
    /// What came of it.
    pub outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_worker_remembers_and_what_contracts_own_have_different_names() {
        use phala_vm::{StorageKey, world::schema::Key as Owned};
        let hash = [7; 32];
        let owned = [
            Owned::Code(hash).encode(),
            Owned::Contract(hash).encode(),
            Owned::Storage(hash, StorageKey::Fixed(hash)).encode(),
            Owned::Account(hash).encode(),
            Owned::CodeInfo(hash).encode(),
            Owned::Nonce.encode(),
        ];
        let remembered = [
            Key::Sequence(AccountId::new(hash)).encode(),
            Key::Outcome(MessageNumber::new(7)).encode(),
            Key::Upload(CodeHash::new(hash)).encode(),
        ];
        for name in owned {
            assert!(remembered.iter().all(|other| other[0] != name[0]));
        }
    }
}

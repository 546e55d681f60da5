//! What a cluster's state consists of. Each entry is a leaf of the Merkle trie and a record on disk.

use codec::{Decode, Encode};
use phala_types::{AccountId, CodeHash, ContractId, Digest, MessageNumber, command::Outcome};

/// The name of an entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Key {
    /// A code's WebAssembly.
    #[codec(index = 0)]
    Code(CodeHash),
    /// A [`Contract`].
    #[codec(index = 1)]
    Contract(ContractId),
    /// An entry of a contract's own storage.
    #[codec(index = 2)]
    Storage(ContractId, Vec<u8>),
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

impl Key {
    /// What the names of all entries of a contract's storage begin with.
    pub fn storage_prefix(contract: &ContractId) -> Vec<u8> {
        let mut prefix = Self::Storage(*contract, Vec::new()).encode();
        // The last byte is the length of the empty key.
        prefix.pop();
        prefix
    }
}

/// A contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Contract {
    /// What it runs now.
    pub code_hash: CodeHash,
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
    fn storage_of_one_contract_has_one_prefix() {
        let (a, b) = (ContractId::new([1; 32]), ContractId::new([2; 32]));
        let prefix = Key::storage_prefix(&a);
        for key in [vec![], vec![1], vec![7; 128]] {
            assert!(Key::Storage(a, key.clone()).encode().starts_with(&prefix));
            assert!(!Key::Storage(b, key).encode().starts_with(&prefix));
        }
        assert!(!Key::Contract(a).encode().starts_with(&prefix));
    }
}

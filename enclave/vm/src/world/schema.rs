// SPDX-License-Identifier: Apache-2.0
//! What contracts leave in the state: the name and the layout of each entry.
//!
//! The numbers in front are part of the state, which replicas must agree on: never change one, never use one again.
//! Numbers 3 to 5 are the worker's own.

use std::collections::BTreeMap;

use codec::{Decode, Encode};

use crate::host::{AccountBytes, Balance, HashBytes, StorageKey};

/// The name of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Key {
    /// A code's WebAssembly, as it was uploaded.
    #[codec(index = 0)]
    Code(HashBytes),
    /// A [`Contract`].
    #[codec(index = 1)]
    Contract(AccountBytes),
    /// A value of a contract's own storage.
    #[codec(index = 2)]
    Storage(AccountBytes, StorageKey),
    /// An [`Account`]. One without a balance has no entry.
    #[codec(index = 6)]
    Account(AccountBytes),
    /// A [`CodeInfo`].
    #[codec(index = 7)]
    CodeInfo(HashBytes),
    /// The `u64` that counts instantiations.
    #[codec(index = 8)]
    Nonce,
}

impl Key {
    /// What the names of all entries of a contract's storage begin with.
    #[must_use]
    pub fn storage_prefix(contract: &AccountBytes) -> Vec<u8> {
        (STORAGE_INDEX, contract).encode()
    }
}

/// The number of [`Key::Storage`].
const STORAGE_INDEX: u8 = 2;

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Contract {
    /// What it runs, from the next call on.
    pub code_hash: HashBytes,
    /// The bytes of all values in its storage.
    pub storage_bytes: u32,
    /// How many values are in its storage.
    pub storage_items: u32,
    /// What is held for the bytes.
    pub byte_deposit: Balance,
    /// What is held for the values.
    pub item_deposit: Balance,
    /// What is held for the contract itself and for keeping its code in the state.
    pub base_deposit: Balance,
    /// Codes that cannot be removed while this contract depends on them, and what is held for each. At most
    /// [`crate::abi::MAX_DELEGATE_DEPENDENCIES`].
    pub delegate_dependencies: BTreeMap<HashBytes, Balance>,
}

impl Contract {
    /// A contract that has nothing yet.
    #[must_use]
    pub fn new(code_hash: HashBytes) -> Self {
        Self {
            code_hash,
            storage_bytes: 0,
            storage_items: 0,
            byte_deposit: 0,
            item_deposit: 0,
            base_deposit: 0,
            delegate_dependencies: BTreeMap::new(),
        }
    }

    /// What its end gives back, dependencies apart. Saturates: what is held is part of a balance, which fits.
    #[must_use]
    pub fn total_deposit(&self) -> Balance {
        self.base_deposit.saturating_add(self.byte_deposit).saturating_add(self.item_deposit)
    }
}

/// What is known about a code besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CodeInfo {
    /// Who uploaded it: this account paid the deposit and may remove the code.
    pub owner: AccountBytes,
    /// What is held on the owner's account.
    pub deposit: Balance,
    /// How many contracts run it or depend on it. It can be removed at zero only.
    pub references: u64,
    /// The length of the code.
    pub code_bytes: u32,
}

/// What an account has in this cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// What it can spend, of which the existential deposit has to stay.
    pub free: Balance,
    /// What is held: on a contract's account the deposits for its storage, on an uploader's those for its codes.
    pub held: Balance,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_of_one_contract_has_one_prefix() {
        let (a, b) = ([1; 32], [2; 32]);
        let prefix = Key::storage_prefix(&a);
        for key in
            [StorageKey::Fixed([9; 32]), StorageKey::Variable(vec![]), StorageKey::Variable(vec![7; 128])]
        {
            assert!(Key::Storage(a, key.clone()).encode().starts_with(&prefix));
            assert!(!Key::Storage(b, key).encode().starts_with(&prefix));
        }
        assert!(!Key::Contract(a).encode().starts_with(&prefix));
    }

    #[test]
    fn a_fixed_key_and_the_same_bytes_as_a_variable_key_are_two_entries() {
        let fixed = Key::Storage([1; 32], StorageKey::Fixed([3; 32])).encode();
        assert_ne!(fixed, Key::Storage([1; 32], StorageKey::Variable(vec![3; 32])).encode());
    }
}

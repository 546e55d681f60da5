// SPDX-License-Identifier: Apache-2.0
//! The keys of contracts, each from the cluster's: nothing made for one contract, function or name serves another.

use phala_crypto::{Secret, blob::BlobKey, kdf};
use phala_types::tag::Tag;

use super::signing::{self, InvalidKey};
use super::wire::{DerivedKey, KeyKind, SigType};
use crate::host::AccountBytes;

/// The secret of a cluster from which its contracts' keys are derived. Bound to the network and the cluster by whoever
/// derived it.
#[derive(Debug)]
pub struct ClusterKey(Secret<[u8; 32]>);

impl ClusterKey {
    /// Takes charge of a cluster's secret.
    pub fn new(secret: Secret<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The keys of one contract.
    pub fn contract(&self, contract: &AccountBytes) -> ContractKeys {
        ContractKeys(kdf::derive(&self.0, Tag::KEY_CONTRACT, contract))
    }
}

/// The keys of one contract.
#[derive(Debug)]
pub struct ContractKeys(Secret<[u8; 32]>);

impl ContractKeys {
    /// The expanded sr25519 key of Phala's function 4.
    pub fn sr25519(&self, salt: &[u8]) -> Vec<u8> {
        kdf::derive(&self.0, Tag::KEY_CONTRACT_SR25519, &salt).expose(signing::expand_sr25519)
    }

    /// The key for a path. A path's key of one kind is unlike that of another.
    ///
    /// # Errors
    /// No key of secp256k1 is a number beyond the curve's order, as one in 2^127 seeds is.
    pub fn derive(&self, path: &[u8], kind: KeyKind) -> Result<DerivedKey, InvalidKey> {
        let secret = kdf::derive(&self.0, Tag::KEY_CONTRACT_DERIVED, &(kind, path)).expose(|bytes| *bytes);
        let public = match kind {
            KeyKind::Sr25519 => signing::public_key(SigType::Sr25519, &secret)?,
            KeyKind::Ed25519 => signing::public_key(SigType::Ed25519, &secret)?,
            KeyKind::EcdsaSecp256k1 => signing::public_key(SigType::Ecdsa, &secret)?,
            KeyKind::Symmetric => Vec::new(),
        };
        Ok(DerivedKey { secret, public })
    }

    /// A random value of a command: the same wherever it is executed, and nothing to who lacks the cluster's secret.
    pub fn beacon(&self, tip: &[u8; 32], number: u64, subject: &[u8]) -> [u8; 32] {
        kdf::derive(&self.0, Tag::KEY_CONTRACT_BEACON, &(tip, number, subject)).expose(|bytes| *bytes)
    }

    /// Seals for the contract itself.
    pub fn blobs(&self) -> BlobKey {
        BlobKey::derive(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(contract: u8) -> ContractKeys {
        ClusterKey::new(Secret::new([1; 32])).contract(&[contract; 32])
    }

    #[test]
    fn no_two_contracts_paths_kinds_or_purposes_share_a_key() {
        let mut seen = BTreeSet::new();
        for contract in [1, 2] {
            for path in [&b"a"[..], b"b", b""] {
                for kind in [KeyKind::Sr25519, KeyKind::Ed25519, KeyKind::EcdsaSecp256k1, KeyKind::Symmetric]
                {
                    assert!(seen.insert(keys(contract).derive(path, kind).unwrap().secret.to_vec()));
                }
                assert!(seen.insert(keys(contract).sr25519(path)));
                assert!(seen.insert(keys(contract).beacon(&[0; 32], 0, path).to_vec()));
            }
        }
        let other = ClusterKey::new(Secret::new([2; 32])).contract(&[1; 32]);
        assert!(seen.insert(other.derive(b"a", KeyKind::Symmetric).unwrap().secret.to_vec()));
        assert_eq!(keys(1).derive(b"a", KeyKind::Ed25519), keys(1).derive(b"a", KeyKind::Ed25519));
    }

    #[test]
    fn every_command_has_its_own_random_values() {
        let drawn = keys(1).beacon(&[0; 32], 1, b"dice");
        assert_eq!(drawn, keys(1).beacon(&[0; 32], 1, b"dice"));
        assert_ne!(drawn, keys(1).beacon(&[0; 32], 2, b"dice"));
        assert_ne!(drawn, keys(1).beacon(&[1; 32], 1, b"dice"));
        assert_ne!(drawn, keys(2).beacon(&[0; 32], 1, b"dice"));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Signing with a contract's key, and verifying. The worker does the arithmetic, which in WebAssembly would take a thousand
//! times the gas.

use crate::{extension::old, pink::SigType, DerivedKey, KeyKind, Refusal, Result};
use ink::prelude::vec::Vec;

impl KeyKind {
    /// The kind of signature that such a key makes. A symmetric key makes none.
    pub fn signature(self) -> Option<SigType> {
        match self {
            Self::Sr25519 => Some(SigType::Sr25519),
            Self::Ed25519 => Some(SigType::Ed25519),
            Self::EcdsaSecp256k1 => Some(SigType::Ecdsa),
            Self::Symmetric => None,
        }
    }
}

impl DerivedKey {
    /// Signs a message. Say in the message what it is for, so that no signature ever fits another purpose.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] if keys of this kind do not sign, and [`Refusal::NotInCommands`] for Sr25519 in a command,
    /// since its signatures are random.
    pub fn sign(&self, kind: KeyKind, message: &[u8]) -> Result<Vec<u8>> {
        let signature = kind.signature().ok_or(Refusal::Unavailable)?;
        if signature == SigType::Sr25519 && old().is_in_transaction() {
            return Err(Refusal::NotInCommands);
        }
        Ok(old().sign(signature, &self.secret, message))
    }
}

/// Whether a signature is good. Never with a symmetric key.
pub fn verify(kind: KeyKind, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    kind.signature().is_some_and(|kind| old().verify(kind, public, message, signature))
}

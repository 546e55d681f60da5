// SPDX-License-Identifier: Apache-2.0
//! Code: how it comes into the state, and how it leaves it.

use codec::Encode;
use phala_types::cluster::code_hash;
use phala_types::code::CodeRefusal;
use thiserror::Error;

use super::balances::NotPayable;
use super::schema::{CodeInfo, Key};
use super::{Changes, State, World};
use crate::engine::Engine;
use crate::host::{AccountBytes, Balance, HashBytes};
use crate::seal::deprecated;

/// Code that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Its hash.
    pub code_hash: HashBytes,
    /// What is held on the owner's account. Zero if the code was in the state before: then its first owner stays.
    pub deposit: Balance,
    /// What is different now.
    pub changes: Changes,
}

/// Why code was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UploadError {
    /// The code breaks a rule.
    #[error("{0}")]
    Refused(CodeRefusal),
    /// The owner cannot pay the deposit.
    #[error(
        "the deposit for the code is {deposit}, and the account cannot pay it: add to its balance or shorten the code"
    )]
    DepositNotPayable {
        /// What would be held.
        deposit: Balance,
    },
}

/// Code that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// What the owner got back.
    pub deposit: Balance,
    /// What is different now.
    pub changes: Changes,
}

/// Why code was not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RemovalError {
    /// There is no such code.
    #[error("there is no code with this hash: check the hash and the cluster")]
    CodeNotFound,
    /// Contracts run it or depend on it.
    #[error("{references} contracts need this code: terminate them or give them other code first")]
    InUse {
        /// How many.
        references: u64,
    },
    /// Somebody else uploaded it.
    #[error("only the account that uploaded the code may remove it")]
    NotOwner,
}

impl<E: Engine, S: State + ?Sized> World<'_, E, S> {
    /// Takes code, compiled, for an account that puts the deposit down.
    ///
    /// # Errors
    /// [`UploadError`].
    pub fn upload(mut self, owner: &AccountBytes, wasm: &[u8]) -> Result<Uploaded, UploadError> {
        let hash = *code_hash(wasm).as_bytes();
        if let Some((module, name)) = deprecated::first_import(wasm) {
            return Err(UploadError::Refused(CodeRefusal::DeprecatedImport { module, name }));
        }
        self.codes.artifact(self.engine, &hash, wasm).map_err(UploadError::Refused)?;
        if self.decoded::<CodeInfo>(&Key::CodeInfo(hash)).is_some() {
            return Ok(Uploaded { code_hash: hash, deposit: 0, changes: Changes::new() });
        }
        // Admission has bounded the length.
        let code_bytes = u32::try_from(wasm.len()).unwrap_or(u32::MAX);
        let deposit = self.terms.code_deposit(code_bytes);
        self.hold(owner, deposit).map_err(|NotPayable| UploadError::DepositNotPayable { deposit })?;
        let info = CodeInfo { owner: *owner, deposit, references: 0, code_bytes };
        self.base.write(Key::CodeInfo(hash).encode(), Some(info.encode()));
        self.base.write(Key::Code(hash).encode(), Some(wasm.to_vec()));
        Ok(Uploaded { code_hash: hash, deposit, changes: self.base.changes })
    }

    /// Removes code that nobody needs, and gives the deposit back to its owner.
    ///
    /// # Errors
    /// [`RemovalError`].
    pub fn remove_code(mut self, owner: &AccountBytes, hash: &HashBytes) -> Result<Removed, RemovalError> {
        let info: CodeInfo = self.decoded(&Key::CodeInfo(*hash)).ok_or(RemovalError::CodeNotFound)?;
        if info.references > 0 {
            return Err(RemovalError::InUse { references: info.references });
        }
        if info.owner != *owner {
            return Err(RemovalError::NotOwner);
        }
        // It cannot fail: what is held is part of a balance.
        let _ = self.release(owner, info.deposit);
        self.base.write(Key::CodeInfo(*hash).encode(), None);
        self.base.write(Key::Code(*hash).encode(), None);
        Ok(Removed { deposit: info.deposit, changes: self.base.changes })
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What contracts of years ago imported: rent, tombstones and the pallet's own randomness.
//!
//! As in the pallet, the functions are linked and do as much as is left of them, and new code may not import them.

use phala_types::code::CodeName;
use wasmparser::{Parser, Payload};

use super::{Session, Stop};
use crate::Trap;
use crate::gas;

/// The names without the prefix `seal_`, which all of them have as well.
const NAMES: [&str; 5] =
    ["random", "tombstone_deposit", "restore_to", "set_rent_allowance", "rent_allowance"];

/// The first import of such a function, if there is one. Says nothing about code that is not valid: admission does.
pub(crate) fn first_import(wasm: &[u8]) -> Option<(CodeName, CodeName)> {
    let sections = Parser::new(0).parse_all(wasm).map_while(Result::ok);
    for import in sections.filter_map(|payload| match payload {
        Payload::ImportSection(section) => Some(section),
        _ => None,
    }) {
        for import in import.into_imports().map_while(Result::ok) {
            let name = import.name.strip_prefix("seal_").unwrap_or(import.name);
            if ["seal0", "seal1"].contains(&import.module) && NAMES.contains(&name) {
                return Some((CodeName::new(import.module), CodeName::new(import.name)));
            }
        }
    }
    None
}

/// A call has no randomness that all replicas agree on.
pub(super) fn random(_: &mut Session<'_>) -> Result<(), Stop> {
    Err(Trap::NotAvailable.into())
}

/// Nothing is owed for a tombstone.
pub(super) fn tombstone_deposit(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    Ok(s.write_output(ptr, len_ptr, &0u128.to_le_bytes())?)
}

/// Nobody takes rent, so that all of it is allowed.
pub(super) fn rent_allowance(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    Ok(s.write_output(ptr, len_ptr, &u128::MAX.to_le_bytes())?)
}

/// Restoring a contract, and allowing rent.
pub(super) fn no_effect(_: &mut Session<'_>) -> Result<(), Stop> {
    Ok(())
}

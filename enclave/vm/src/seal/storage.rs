// SPDX-License-Identifier: Apache-2.0
//! Storage: the contract's own values by key.
//!
//! Values are short ([`MAX_VALUE_BYTES`]), so finding one of unknown length costs the same whatever its length, and
//! its bytes are charged once they are known.

use super::{Session, Stop};
use crate::Trap;
use crate::abi::{MAX_KEY_BYTES, MAX_VALUE_BYTES, ReturnCode, SENTINEL};
use crate::gas;
use crate::host::StorageKey;

/// Where a key is.
#[derive(Clone, Copy)]
pub(super) enum KeyAt {
    /// One of 32 bytes, as the oldest functions take it.
    Fixed(u32),
    /// One of any length.
    Variable(u32, u32),
}

/// Charged by its length, and bounded.
pub(super) fn read_key(s: &mut Session<'_>, key: KeyAt) -> Result<StorageKey, Trap> {
    match key {
        KeyAt::Fixed(ptr) => {
            s.charge_bytes(0, gas::COPY_PER_BYTE, 32)?;
            s.array(ptr).map(StorageKey::Fixed)
        }
        KeyAt::Variable(ptr, len) => {
            s.copy(ptr, len, MAX_KEY_BYTES, Trap::KeyTooLong).map(StorageKey::Variable)
        }
    }
}

pub(super) fn length_or_sentinel(length: Option<u32>) -> u32 {
    length.unwrap_or(SENTINEL)
}

pub(super) fn set(s: &mut Session<'_>, key: KeyAt, ptr: u32, len: u32) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.charge_bytes(gas::STORAGE_WRITE, gas::STORAGE_WRITE_PER_BYTE, len)?;
    if len > MAX_VALUE_BYTES {
        return Err(Trap::ValueTooLong.into());
    }
    let key = read_key(s, key)?;
    let value = s.copy(ptr, len, MAX_VALUE_BYTES, Trap::ValueTooLong)?;
    Ok(length_or_sentinel(s.host.set_storage(&key, Some(value))?))
}

pub(super) fn clear(s: &mut Session<'_>, key: KeyAt) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::STORAGE_WRITE)?;
    let key = read_key(s, key)?;
    Ok(length_or_sentinel(s.host.set_storage(&key, None)?))
}

pub(super) fn get(s: &mut Session<'_>, key: KeyAt, ptr: u32, len_ptr: u32) -> Result<u32, Stop> {
    let Some(value) = find(s, key)? else {
        return Ok(ReturnCode::KeyNotFound as u32);
    };
    s.write_output(ptr, len_ptr, &value)?;
    Ok(ReturnCode::Success as u32)
}

pub(super) fn contains(s: &mut Session<'_>, key: KeyAt) -> Result<u32, Stop> {
    let Some(value) = find(s, key)? else {
        return Ok(SENTINEL);
    };
    u32::try_from(value.len()).map_err(|_| Trap::HostFault.into())
}

pub(super) fn take(s: &mut Session<'_>, key: KeyAt, ptr: u32, len_ptr: u32) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::STORAGE_WRITE)?;
    let Some(value) = find(s, key)? else {
        return Ok(ReturnCode::KeyNotFound as u32);
    };
    let key = read_key(s, key)?;
    s.host.set_storage(&key, None)?;
    s.write_output(ptr, len_ptr, &value)?;
    Ok(ReturnCode::Success as u32)
}

fn find(s: &mut Session<'_>, key: KeyAt) -> Result<Option<Vec<u8>>, Trap> {
    s.charge(gas::STORAGE_READ)?;
    let key = read_key(s, key)?;
    let value = s.host.storage(&key)?;
    if let Some(value) = &value {
        let len = u32::try_from(value.len()).map_err(|_| Trap::HostFault)?;
        s.charge_bytes(0, gas::STORAGE_READ_PER_BYTE, len)?;
    }
    Ok(value)
}

// SPDX-License-Identifier: Apache-2.0
//! Transient storage: values that live as long as the outermost call.

use super::storage::{KeyAt, length_or_sentinel, read_key};
use super::{Session, Stop};
use crate::Trap;
use crate::abi::{MAX_VALUE_BYTES, ReturnCode, SENTINEL};
use crate::gas;

/// No state changes, so that read-only calls may write too.
pub(super) fn set(s: &mut Session<'_>, key: KeyAt, ptr: u32, len: u32) -> Result<u32, Stop> {
    s.charge_bytes(gas::TRANSIENT_WRITE, gas::TRANSIENT_WRITE_PER_BYTE, len)?;
    if len > MAX_VALUE_BYTES {
        return Err(Trap::ValueTooLong.into());
    }
    let key = read_key(s, key)?;
    let value = s.copy(ptr, len, MAX_VALUE_BYTES, Trap::ValueTooLong)?;
    let old = s.host.set_transient_storage(&key, Some(value))?;
    Ok(length_or_sentinel(length(old.as_deref())?))
}

pub(super) fn clear(s: &mut Session<'_>, key: KeyAt) -> Result<u32, Stop> {
    s.charge(gas::TRANSIENT_WRITE)?;
    let key = read_key(s, key)?;
    let old = s.host.set_transient_storage(&key, None)?;
    Ok(length_or_sentinel(length(old.as_deref())?))
}

pub(super) fn get(s: &mut Session<'_>, key: KeyAt, ptr: u32, len_ptr: u32) -> Result<u32, Stop> {
    s.charge(gas::TRANSIENT_READ)?;
    let key = read_key(s, key)?;
    let value = s.host.transient_storage(&key)?;
    answer(s, value, ptr, len_ptr)
}

pub(super) fn contains(s: &mut Session<'_>, key: KeyAt) -> Result<u32, Stop> {
    s.charge(gas::TRANSIENT_READ)?;
    let key = read_key(s, key)?;
    let value = s.host.transient_storage(&key)?;
    Ok(length(value.as_deref())?.unwrap_or(SENTINEL))
}

pub(super) fn take(s: &mut Session<'_>, key: KeyAt, ptr: u32, len_ptr: u32) -> Result<u32, Stop> {
    s.charge(gas::TRANSIENT_WRITE)?;
    let key = read_key(s, key)?;
    let old = s.host.set_transient_storage(&key, None)?;
    answer(s, old, ptr, len_ptr)
}

fn answer(s: &mut Session<'_>, value: Option<Vec<u8>>, ptr: u32, len_ptr: u32) -> Result<u32, Stop> {
    let Some(value) = value else { return Ok(ReturnCode::KeyNotFound as u32) };
    s.write_output(ptr, len_ptr, &value)?;
    Ok(ReturnCode::Success as u32)
}

fn length(value: Option<&[u8]>) -> Result<Option<u32>, Trap> {
    value.map(|value| u32::try_from(value.len()).map_err(|_| Trap::HostFault)).transpose()
}

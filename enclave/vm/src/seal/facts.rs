// SPDX-License-Identifier: Apache-2.0
//! What a contract may ask about the call that it is in.

use codec::{Compact, Encode};

use super::{Session, Stop};
use crate::Trap;
use crate::abi::{ReturnCode, SENTINEL};
use crate::gas;

pub(super) fn input(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    // Taken out and put back, since the session's other parts are needed to write it.
    let input = s.state.input.take().ok_or(Trap::InputForwarded)?;
    let written = s.write_output(ptr, len_ptr, &input);
    s.state.input = Some(input);
    Ok(written?)
}

pub(super) fn caller(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let caller = s.context.caller;
    Ok(s.write_output(ptr, len_ptr, &caller)?)
}

pub(super) fn caller_is_origin(s: &mut Session<'_>) -> Result<u32, Stop> {
    Ok(u32::from(s.context.caller_is_origin))
}

/// No call in this network has the chain's root as its caller.
pub(super) fn caller_is_root(_: &mut Session<'_>) -> Result<u32, Stop> {
    Ok(0)
}

pub(super) fn address(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let address = s.context.address;
    Ok(s.write_output(ptr, len_ptr, &address)?)
}

pub(super) fn value_transferred(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let value = s.context.value.to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &value)?)
}

pub(super) fn now(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let now_ms = s.context.now_ms.to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &now_ms)?)
}

pub(super) fn block_number(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let number = s.context.block_number.to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &number)?)
}

pub(super) fn minimum_balance(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let least = s.context.minimum_balance.to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &least)?)
}

pub(super) fn instantiation_nonce(s: &mut Session<'_>) -> Result<u64, Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    Ok(s.host.instantiation_nonce()?)
}

pub(super) fn gas_left(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let left = s.gas_left.to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &left)?)
}

pub(super) fn weight_to_fee(s: &mut Session<'_>, gas: u64, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let fee = s.host.weight_to_fee(gas).to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &fee)?)
}

/// The second version answers in two dimensions. There is one here, so that the second one is never used up.
pub(super) fn gas_left_in_two_dimensions(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    let left = (Compact(s.gas_left), Compact(u64::MAX)).encode();
    Ok(s.write_output(ptr, len_ptr, &left)?)
}

/// How many times the contract is on the stack besides this one.
pub(super) fn reentrance_count(s: &mut Session<'_>) -> Result<u32, Stop> {
    let address = s.context.address;
    Ok(s.host.entrances(&address)?.saturating_sub(1))
}

pub(super) fn account_reentrance_count(s: &mut Session<'_>, account_ptr: u32) -> Result<u32, Stop> {
    let account = s.array(account_ptr)?;
    Ok(s.host.entrances(&account)?)
}

pub(super) fn balance(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    let balance = s.host.balance()?.to_le_bytes();
    Ok(s.write_output(ptr, len_ptr, &balance)?)
}

pub(super) fn is_contract(s: &mut Session<'_>, account_ptr: u32) -> Result<u32, Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    let account = s.array(account_ptr)?;
    Ok(u32::from(s.host.code_hash(&account)?.is_some()))
}

pub(super) fn code_hash(s: &mut Session<'_>, account_ptr: u32, ptr: u32, len_ptr: u32) -> Result<u32, Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    let account = s.array(account_ptr)?;
    let Some(code_hash) = s.host.code_hash(&account)? else {
        return Ok(ReturnCode::KeyNotFound as u32);
    };
    s.write_output(ptr, len_ptr, &code_hash)?;
    Ok(ReturnCode::Success as u32)
}

pub(super) fn own_code_hash(s: &mut Session<'_>, ptr: u32, len_ptr: u32) -> Result<(), Stop> {
    s.charge(gas::ACCOUNT_READ)?;
    let code_hash = s.host.own_code_hash()?;
    Ok(s.write_output(ptr, len_ptr, &code_hash)?)
}

/// Whether anybody reads it is nothing that the contract learns.
pub(super) fn debug_message(s: &mut Session<'_>, ptr: u32, len: u32) -> Result<u32, Stop> {
    let kept = len.min(crate::abi::MAX_DEBUG_MESSAGE_BYTES);
    s.charge_bytes(0, gas::DEBUG_MESSAGE_PER_BYTE, kept)?;
    let bytes = s.copy(ptr, kept, SENTINEL, Trap::InvalidInput)?;
    // A cut may split a character; that is no reason to fail, so broken characters are replaced.
    let text = String::from_utf8_lossy(&bytes);
    s.host.debug_message(&text);
    Ok(ReturnCode::Success as u32)
}

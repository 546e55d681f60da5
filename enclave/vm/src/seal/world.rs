// SPDX-License-Identifier: Apache-2.0
//! What a contract does to the world without running another contract.

use codec::{Decode, DecodeAll};
use phala_types::limits::{EVENT_BYTES_MAX, EVENT_TOPICS_MAX, EVENTS_MAX, PAYLOAD_BYTES_MAX};

use super::{Session, Stop};
use crate::Trap;
use crate::abi::{RETURN_REVERT, ReturnCode};
use crate::engine::Return;
use crate::gas;
use crate::host::{CodeChange, Event, HashBytes, Payment};

/// The bytes of the longest valid list of topics: its length in one byte, and the topics.
const MAX_TOPICS_BYTES: u32 = 1 + EVENT_TOPICS_MAX * 32;

pub(super) fn seal_return(s: &mut Session<'_>, flags: u32, ptr: u32, len: u32) -> Result<(), Stop> {
    if flags & !RETURN_REVERT != 0 {
        return Err(Trap::InvalidInput.into());
    }
    let data = s.copy(ptr, len, PAYLOAD_BYTES_MAX, Trap::OutputTooLong)?;
    Err(Stop::Return(Return { flags, data }))
}

pub(super) fn deposit_event(
    s: &mut Session<'_>,
    topics_ptr: u32,
    topics_len: u32,
    data_ptr: u32,
    data_len: u32,
) -> Result<(), Stop> {
    s.deny_if_read_only()?;
    s.charge_bytes(gas::EVENT, gas::EVENT_PER_BYTE, data_len)?;
    let topics = topics(s, topics_ptr, topics_len)?;
    let count = u64::try_from(topics.len()).unwrap_or(u64::MAX);
    s.charge(gas::linear(0, gas::EVENT_PER_TOPIC, count))?;
    let data = s.copy(data_ptr, data_len, EVENT_BYTES_MAX, Trap::EventTooLong)?;
    if s.state.events >= EVENTS_MAX {
        return Err(Trap::TooManyEvents.into());
    }
    s.state.events = s.state.events.saturating_add(1);
    Ok(s.host.deposit_event(Event { topics, data })?)
}

fn topics(s: &mut Session<'_>, ptr: u32, len: u32) -> Result<Vec<HashBytes>, Trap> {
    // No bytes at all mean the same as an encoded empty list.
    if len == 0 {
        return Ok(Vec::new());
    }
    let encoded = s.copy(ptr, len, MAX_TOPICS_BYTES, Trap::TooManyTopics)?;
    let count = codec::Compact::<u32>::decode(&mut encoded.as_slice()).map_err(|_| Trap::InvalidInput)?.0;
    if count > EVENT_TOPICS_MAX {
        return Err(Trap::TooManyTopics);
    }
    Vec::decode_all(&mut encoded.as_slice()).map_err(|_| Trap::InvalidInput)
}

pub(super) fn transfer(s: &mut Session<'_>, account_ptr: u32, value_ptr: u32) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::TRANSFER)?;
    let to = s.array(account_ptr)?;
    let amount = s.balance_at(value_ptr)?;
    let code = match s.host.transfer(&to, amount)? {
        Payment::Done => ReturnCode::Success,
        Payment::Refused => ReturnCode::TransferFailed,
    };
    Ok(code as u32)
}

pub(super) fn terminate(s: &mut Session<'_>, beneficiary_ptr: u32) -> Result<(), Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::TERMINATE)?;
    let items = s.host.items_to_remove()?;
    s.charge(gas::linear(0, gas::TERMINATE_PER_ITEM, items))?;
    let beneficiary = s.array(beneficiary_ptr)?;
    s.host.terminate(&beneficiary)?;
    Err(Stop::Return(Return::default()))
}

pub(super) fn set_code_hash(s: &mut Session<'_>, code_hash_ptr: u32) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::SET_CODE_HASH)?;
    let code_hash = s.array(code_hash_ptr)?;
    let code = match s.host.set_code_hash(&code_hash)? {
        CodeChange::Done => ReturnCode::Success,
        CodeChange::CodeNotFound => ReturnCode::CodeNotFound,
    };
    Ok(code as u32)
}

/// Not marked as changing state: the extension knows which of its functions do.
pub(super) fn call_chain_extension(
    s: &mut Session<'_>,
    id: u32,
    [input_ptr, input_len, output_ptr, output_len_ptr]: [u32; 4],
) -> Result<u32, Stop> {
    s.charge(gas::CHAIN_EXTENSION)?;
    let input = s.copy(input_ptr, input_len, PAYLOAD_BYTES_MAX, Trap::InputTooLong)?;
    let reply = s.host.chain_extension(id, &input, s.gas_left)?;
    s.charge(reply.gas_used)?;
    if reply.output.len() > usize::try_from(PAYLOAD_BYTES_MAX).unwrap_or(usize::MAX) {
        return Err(Trap::OutputTooLong.into());
    }
    // Like the pallet: an extension that has nothing to say writes nothing, not even a length.
    if !reply.output.is_empty() {
        s.write_optional_output(output_ptr, output_len_ptr, &reply.output)?;
    }
    Ok(reply.status)
}

/// Functions of a chain that is not this one: the code that says so, after the checks that any call gets.
pub(super) fn refuse(s: &mut Session<'_>, ptr: u32, len: u32, code: ReturnCode) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.copy(ptr, len, PAYLOAD_BYTES_MAX, Trap::InputTooLong)?;
    Ok(code as u32)
}

pub(super) fn lock_delegate_dependency(s: &mut Session<'_>, code_hash_ptr: u32) -> Result<(), Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::DELEGATE_DEPENDENCY)?;
    let code_hash = s.array(code_hash_ptr)?;
    Ok(s.host.lock_delegate_dependency(&code_hash)?)
}

pub(super) fn unlock_delegate_dependency(s: &mut Session<'_>, code_hash_ptr: u32) -> Result<(), Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::DELEGATE_DEPENDENCY)?;
    let code_hash = s.array(code_hash_ptr)?;
    Ok(s.host.unlock_delegate_dependency(&code_hash)?)
}

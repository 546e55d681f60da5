// SPDX-License-Identifier: Apache-2.0
//! Other contracts: calling them, running their code on one's own storage, making them.

use phala_types::limits::PAYLOAD_BYTES_MAX;

use super::{Session, Stop};
use crate::Trap;
use crate::abi::{
    CALL_ALLOW_REENTRY, CALL_CLONE_INPUT, CALL_FORWARD_INPUT, CALL_READ_ONLY, CALL_TAIL_CALL, MAX_SALT_BYTES,
    ReturnCode, SENTINEL,
};
use crate::engine::Return;
use crate::gas;
use crate::host::{CallRequest, DelegateRequest, FrameError, FrameOutcome, InstantiateRequest};

const ALL_CALL_FLAGS: u32 =
    CALL_FORWARD_INPUT | CALL_CLONE_INPUT | CALL_TAIL_CALL | CALL_ALLOW_REENTRY | CALL_READ_ONLY;

/// Pointers to an argument and to the room for an answer: where the input is, its length, where the output goes, and
/// where the room for it is written.
type Buffers = [u32; 4];

/// Calls another contract. A `gas_limit` of zero means all that is left.
pub(super) fn call(
    s: &mut Session<'_>,
    flags: u32,
    callee_ptr: u32,
    gas_limit: u64,
    deposit_ptr: u32,
    value_ptr: u32,
    buffers: Buffers,
) -> Result<u32, Stop> {
    if flags & !ALL_CALL_FLAGS != 0 {
        return Err(Trap::InvalidInput.into());
    }
    s.charge(gas::CALL)?;
    let input = callee_input(s, flags, buffers)?;
    let callee = s.array(callee_ptr)?;
    let deposit_limit = deposit_at(s, deposit_ptr)?;
    let value = s.balance_at(value_ptr)?;
    let read_only = s.context.read_only || flags & CALL_READ_ONLY != 0;
    if value > 0 {
        if read_only {
            return Err(Trap::StateChangeDenied.into());
        }
        s.charge(gas::TRANSFER)?;
    }
    let gas_limit = callee_gas(s, gas_limit);
    let allow_reentry = flags & CALL_ALLOW_REENTRY != 0;
    let request = CallRequest { callee, value, input, gas_limit, allow_reentry, read_only, deposit_limit };
    let outcome = s.host.call(request)?;
    answer(s, flags, buffers, outcome)
}

pub(super) fn delegate_call(
    s: &mut Session<'_>,
    flags: u32,
    code_hash_ptr: u32,
    buffers: Buffers,
) -> Result<u32, Stop> {
    // The code runs as this contract, so there is no callee that could be entered again or be kept from changing.
    if flags & !(CALL_FORWARD_INPUT | CALL_CLONE_INPUT | CALL_TAIL_CALL) != 0 {
        return Err(Trap::InvalidInput.into());
    }
    s.charge(gas::CALL)?;
    let input = callee_input(s, flags, buffers)?;
    let code_hash = s.array(code_hash_ptr)?;
    let gas_limit = s.gas_left;
    let outcome = s.host.delegate_call(DelegateRequest { code_hash, input, gas_limit })?;
    answer(s, flags, buffers, outcome)
}

/// Makes a contract. A `gas_limit` of zero means all that is left.
pub(super) fn instantiate(
    s: &mut Session<'_>,
    code_hash_ptr: u32,
    gas_limit: u64,
    [deposit_ptr, value_ptr]: [u32; 2],
    [address_ptr, address_len_ptr]: [u32; 2],
    [salt_ptr, salt_len]: [u32; 2],
    buffers: Buffers,
) -> Result<u32, Stop> {
    s.deny_if_read_only()?;
    s.charge(gas::INSTANTIATE)?;
    let deposit_limit = deposit_at(s, deposit_ptr)?;
    let value = s.balance_at(value_ptr)?;
    let code_hash = s.array(code_hash_ptr)?;
    let [input_ptr, input_len, ..] = buffers;
    let input = s.copy(input_ptr, input_len, PAYLOAD_BYTES_MAX, Trap::InputTooLong)?;
    let salt = s.copy(salt_ptr, salt_len, MAX_SALT_BYTES, Trap::InputTooLong)?;
    let gas_limit = callee_gas(s, gas_limit);
    let request = InstantiateRequest { code_hash, value, input, salt, gas_limit, deposit_limit };
    let made = s.host.instantiate(request)?;
    if matches!(&made.outcome.result, Ok(answer) if !answer.is_revert()) {
        s.write_optional_output(address_ptr, address_len_ptr, &made.address)?;
    }
    answer(s, 0, buffers, made.outcome)
}

fn callee_input(
    s: &mut Session<'_>,
    flags: u32,
    [input_ptr, input_len, ..]: Buffers,
) -> Result<Vec<u8>, Trap> {
    if flags & CALL_CLONE_INPUT != 0 {
        let len = s.state.input.as_ref().ok_or(Trap::InputForwarded)?.len();
        s.charge_bytes(0, gas::COPY_PER_BYTE, u32::try_from(len).unwrap_or(u32::MAX))?;
        return s.state.input.clone().ok_or(Trap::InputForwarded);
    }
    if flags & CALL_FORWARD_INPUT != 0 {
        return s.state.input.take().ok_or(Trap::InputForwarded);
    }
    s.copy(input_ptr, input_len, PAYLOAD_BYTES_MAX, Trap::InputTooLong)
}

/// A limit of zero stands for all that is left.
fn deposit_at(s: &Session<'_>, ptr: u32) -> Result<u128, Trap> {
    if ptr == SENTINEL { Ok(0) } else { s.balance_at(ptr) }
}

fn callee_gas(s: &Session<'_>, wanted: u64) -> u64 {
    if wanted == 0 { s.gas_left } else { wanted.min(s.gas_left) }
}

/// Pays for the callee and tells the caller what came of it.
fn answer(
    s: &mut Session<'_>,
    flags: u32,
    [_, _, output_ptr, output_len_ptr]: Buffers,
    outcome: FrameOutcome,
) -> Result<u32, Stop> {
    s.charge(outcome.gas_used)?;
    let answer = match outcome.result {
        Ok(answer) => answer,
        Err(FrameError::Trapped) => return Ok(ReturnCode::CalleeTrapped as u32),
        Err(FrameError::TransferFailed) => return Ok(ReturnCode::TransferFailed as u32),
        Err(FrameError::CodeNotFound) => return Ok(ReturnCode::CodeNotFound as u32),
        Err(FrameError::NotCallable) => return Ok(ReturnCode::NotCallable as u32),
        Err(FrameError::ReentranceDenied) => return Err(Trap::ReentranceDenied.into()),
        Err(FrameError::DepthExceeded) => return Err(Trap::CallDepthExceeded.into()),
        Err(FrameError::DuplicateContract) => return Err(Trap::DuplicateContract.into()),
        Err(FrameError::Denied(trap)) => return Err(trap.into()),
    };
    if answer.data.len() > usize::try_from(PAYLOAD_BYTES_MAX).unwrap_or(usize::MAX) {
        return Err(Trap::OutputTooLong.into());
    }
    if flags & CALL_TAIL_CALL != 0 {
        return Err(Stop::Return(answer));
    }
    let Return { data, .. } = &answer;
    s.write_optional_output(output_ptr, output_len_ptr, data)?;
    Ok(if answer.is_revert() { ReturnCode::CalleeReverted } else { ReturnCode::Success } as u32)
}

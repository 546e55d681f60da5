// SPDX-License-Identifier: Apache-2.0
//! The host functions of the seal interface, apart from any engine.
//!
//! A function works on a [`Session`]: the contract's memory, the gas that is left, and the host. An engine makes a
//! session for the time of one host function and links [`interface`]'s table.
//!
//! Every function follows one order: refuse a change in a read-only call, charge, read the arguments, work, write the
//! result. What may be written twice in one call is bounded by gas; what may be long is bounded by a name in
//! [`crate::abi`].

mod compute;
pub(crate) mod deprecated;
mod facts;
mod frames;
pub(crate) mod interface;
mod storage;
mod transient;
mod world;

pub(crate) use compute::{SR25519_CONTEXT, recover};

use crate::Trap;
use crate::abi::SENTINEL;
use crate::engine::{Context, Return};
use crate::gas;
use crate::host::{Host, HostError};

/// Why a host function does not return to the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The contract is done, with this answer.
    Return(Return),
    /// The contract trapped.
    Trap(Trap),
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Self::Trap(error.into())
    }
}

/// What changes during one call, besides memory and gas.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The input, until it is forwarded to a callee.
    pub(crate) input: Option<Vec<u8>>,
    /// How many events the call deposited.
    pub(crate) events: u32,
}

/// One host function's view of the call.
pub(crate) struct Session<'a> {
    pub(crate) memory: &'a mut [u8],
    pub(crate) gas_left: u64,
    pub(crate) state: &'a mut State,
    pub(crate) context: &'a Context,
    pub(crate) host: &'a mut dyn Host,
}

impl Session<'_> {
    /// Takes gas, or all that is left and the call's life.
    pub(crate) fn charge(&mut self, amount: u64) -> Result<(), Trap> {
        match self.gas_left.checked_sub(amount) {
            Some(left) => {
                self.gas_left = left;
                Ok(())
            }
            None => {
                self.gas_left = 0;
                Err(Trap::OutOfGas)
            }
        }
    }

    /// Takes gas for something that costs by the byte.
    fn charge_bytes(&mut self, base: u64, per_byte: u64, bytes: u32) -> Result<(), Trap> {
        self.charge(gas::linear(base, per_byte, u64::from(bytes)))
    }

    fn deny_if_read_only(&self) -> Result<(), Trap> {
        if self.context.read_only { Err(Trap::StateChangeDenied) } else { Ok(()) }
    }

    /// The contract's bytes at a pointer.
    fn bytes(&self, ptr: u32, len: u32) -> Result<&[u8], Trap> {
        let start = usize::try_from(ptr).map_err(|_| Trap::MemoryOutOfBounds)?;
        let len = usize::try_from(len).map_err(|_| Trap::MemoryOutOfBounds)?;
        let end = start.checked_add(len).ok_or(Trap::MemoryOutOfBounds)?;
        self.memory.get(start..end).ok_or(Trap::MemoryOutOfBounds)
    }

    /// A copy of the contract's bytes at a pointer, if they are not more than a limit.
    fn copy(&mut self, ptr: u32, len: u32, limit: u32, otherwise: Trap) -> Result<Vec<u8>, Trap> {
        if len > limit {
            return Err(otherwise);
        }
        self.charge_bytes(0, gas::COPY_PER_BYTE, len)?;
        Ok(self.bytes(ptr, len)?.to_vec())
    }

    /// A value of fixed size at a pointer.
    fn array<const N: usize>(&self, ptr: u32) -> Result<[u8; N], Trap> {
        let len = u32::try_from(N).map_err(|_| Trap::MemoryOutOfBounds)?;
        self.bytes(ptr, len)?.try_into().map_err(|_| Trap::MemoryOutOfBounds)
    }

    fn balance_at(&self, ptr: u32) -> Result<u128, Trap> {
        self.array(ptr).map(u128::from_le_bytes)
    }

    /// Writes to where the contract has room for exactly this.
    fn write(&mut self, ptr: u32, data: &[u8]) -> Result<(), Trap> {
        let start = usize::try_from(ptr).map_err(|_| Trap::MemoryOutOfBounds)?;
        let end = start.checked_add(data.len()).ok_or(Trap::MemoryOutOfBounds)?;
        self.memory.get_mut(start..end).ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(data);
        Ok(())
    }

    /// Writes an output by the interface's rule: the number at `len_ptr` is the room on entry and the length on exit.
    fn write_output(&mut self, ptr: u32, len_ptr: u32, data: &[u8]) -> Result<(), Trap> {
        let len = u32::try_from(data.len()).map_err(|_| Trap::OutputBufferTooSmall)?;
        let room = u32::from_le_bytes(self.array(len_ptr)?);
        if room < len {
            return Err(Trap::OutputBufferTooSmall);
        }
        self.charge_bytes(0, gas::COPY_PER_BYTE, len)?;
        self.write(ptr, data)?;
        self.write(len_ptr, &len.to_le_bytes())
    }

    /// The same, unless the contract passed [`SENTINEL`] to say that it does not care.
    fn write_optional_output(&mut self, ptr: u32, len_ptr: u32, data: &[u8]) -> Result<(), Trap> {
        if ptr == SENTINEL { Ok(()) } else { self.write_output(ptr, len_ptr, data) }
    }
}

#[cfg(test)]
mod tests {
    use super::interface::IMPORTS;

    /// What the pallet offers with its unstable interface only.
    const UNSTABLE: [(&str, &str); 9] = [
        ("seal0", "set_transient_storage"),
        ("seal0", "clear_transient_storage"),
        ("seal0", "get_transient_storage"),
        ("seal0", "contains_transient_storage"),
        ("seal0", "take_transient_storage"),
        ("seal0", "reentrance_count"),
        ("seal0", "account_reentrance_count"),
        ("seal1", "gas_left"),
        ("seal1", "weight_to_fee"),
    ];

    #[test]
    fn the_interface_is_complete() {
        assert_eq!(IMPORTS.len(), 70);
        let names: Vec<_> = IMPORTS
            .iter()
            .flat_map(|import| import.names.iter().map(move |name| (import.module, *name)))
            .collect();
        let stable = names.iter().filter(|name| !UNSTABLE.contains(name)).count();
        assert_eq!((stable, names.len()), (111, 111 + UNSTABLE.len()));
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}

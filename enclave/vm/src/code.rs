// SPDX-License-Identifier: Apache-2.0
//! What keeps admitted code cheap to compile, besides the protocol's own limits ([`phala_types::limits`]). `admit`
//! applies both, and names the rule that is broken by a [`phala_types::code::CodeRefusal`]. `meter` writes gas and stack
//! height into what is admitted.

mod admit;
mod meter;
mod rewrite;

pub(crate) use admit::admit;
pub(crate) use rewrite::{GAS_EXPORT, MEMORY_EXPORT, STACK_EXPORT};

/// The most functions of a contract.
pub const MAX_FUNCTIONS: u32 = 4096;
/// The most locals of a function, parameters included. The compiler's register allocation is worse than linear in them.
pub const MAX_LOCALS_PER_FUNCTION: u32 = 1024;
/// The biggest body of a function. Compile time of one function is worse than linear in its size.
pub const MAX_FUNCTION_BYTES: u32 = 64 * 1024;
/// The most globals. A contract has one or two: its stack pointer and an allocator's.
pub const MAX_GLOBALS: u32 = 256;
/// The most entries of the table of functions.
pub const MAX_TABLE_ELEMENTS: u32 = 4096;
/// The most targets of one `br_table`. rustc makes them from matches; 256 is what the pallet used to allow.
pub const MAX_BR_TABLE_TARGETS: u32 = 256;
/// The most parameters of a function of the contract itself.
pub const MAX_PARAMETERS: u32 = 128;
/// The most signatures.
pub const MAX_TYPES: u32 = 1024;
/// The most data and element segments, each.
pub const MAX_SEGMENTS: u32 = 1024;

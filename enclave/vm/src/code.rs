// SPDX-License-Identifier: Apache-2.0
//! What code is admitted: the limits, and a name for each way to break the rules. `admit` applies them.

mod admit;

use thiserror::Error;

pub(crate) use admit::{MEMORY_EXPORT, admit};

/// The biggest contract. ink!'s largest examples are below 20 KiB; compiling costs about 2 ms per KiB.
pub const MAX_CODE_BYTES: usize = 256 * 1024;
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

/// Why code is refused. Each names the rule, so that an author knows what to change.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodeError {
    /// More than [`MAX_CODE_BYTES`].
    #[error("the code has {size_bytes} bytes; the limit is {MAX_CODE_BYTES}")]
    TooLarge {
        /// How big it is.
        size_bytes: usize,
    },
    /// It is not valid WebAssembly.
    #[error("the code is not valid WebAssembly: {reason} (at byte {offset})")]
    Malformed {
        /// What the parser says.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// It uses floating-point numbers, whose results are not the same on every machine.
    #[error("the code uses floating-point numbers (at byte {offset})")]
    Floats {
        /// Where.
        offset: usize,
    },
    /// It uses a feature beyond the first WebAssembly and sign extension.
    #[error("the code uses a feature that is not admitted: {reason} (at byte {offset})")]
    ForbiddenFeature {
        /// Which, in the parser's words.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// It imports something that no host gives.
    #[error("the code imports {module}.{name}, which does not exist")]
    UnknownImport {
        /// The module of the import.
        module: String,
        /// Its name.
        name: String,
    },
    /// It imports a host function with another signature than the function has.
    #[error("the code imports {module}.{name} with a wrong signature")]
    WrongSignature {
        /// The module of the import.
        module: String,
        /// Its name.
        name: String,
    },
    /// It does not import `env.memory`.
    #[error("the code does not import env.memory")]
    MemoryMissing,
    /// It defines a memory of its own, or imports more than one.
    #[error("the code has another memory than the imported env.memory")]
    MemoryForeign,
    /// Its memory is bigger than [`crate::abi::MAX_MEMORY_PAGES`].
    #[error("the code wants {pages} pages of memory; the limit is {}", crate::abi::MAX_MEMORY_PAGES)]
    MemoryTooBig {
        /// How many pages it wants.
        pages: u64,
    },
    /// It does not export `call` or `deploy`.
    #[error("the code does not export the function {name}")]
    ExportMissing {
        /// Which.
        name: &'static str,
    },
    /// It exports something else.
    #[error("the code exports {name}; only the functions call and deploy may be exported")]
    ExportForeign {
        /// What.
        name: String,
    },
    /// `call` or `deploy` takes arguments or returns something.
    #[error("the exported function {name} must take and return nothing")]
    ExportSignature {
        /// Which.
        name: String,
    },
    /// It has a start function, which would run outside of any call.
    #[error("the code has a start function")]
    StartFunction,
    /// A data or element segment does not fit its memory or table, so that no call could begin.
    #[error("a {what} segment lies outside of its {place}")]
    SegmentOutOfBounds {
        /// "data" or "element".
        what: &'static str,
        /// "memory" or "table".
        place: &'static str,
    },
    /// It exceeds a bound that keeps compilation cheap.
    #[error("the code has {count} {what}; the limit is {limit}")]
    TooMany {
        /// What there is too much of.
        what: Bounded,
        /// How many there are, or at least how many.
        count: u64,
        /// The bound.
        limit: u64,
    },
    /// The compiler refused code that passed every rule: a bug of ours, and not the author's.
    #[error("the compiler refused the code: {reason}")]
    Compiler {
        /// What the compiler says.
        reason: String,
    },
}

impl CodeError {
    /// The stable number of the rule, for outcomes that replicas must agree on: texts and offsets may change with the
    /// parser, numbers do not.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::TooLarge { .. } => 0,
            Self::Malformed { .. } => 1,
            Self::Floats { .. } => 2,
            Self::ForbiddenFeature { .. } => 3,
            Self::UnknownImport { .. } => 4,
            Self::WrongSignature { .. } => 5,
            Self::MemoryMissing => 6,
            Self::MemoryForeign => 7,
            Self::MemoryTooBig { .. } => 8,
            Self::ExportMissing { .. } => 9,
            Self::ExportForeign { .. } => 10,
            Self::ExportSignature { .. } => 11,
            Self::StartFunction => 12,
            Self::SegmentOutOfBounds { .. } => 13,
            Self::TooMany { .. } => 14,
            Self::Compiler { .. } => 255,
        }
    }
}

/// What the code may not have too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounded {
    /// Functions, imported ones included: [`MAX_FUNCTIONS`].
    Functions,
    /// Locals of one function: [`MAX_LOCALS_PER_FUNCTION`].
    Locals,
    /// Bytes of one function: [`MAX_FUNCTION_BYTES`].
    FunctionBytes,
    /// Parameters of one function: [`MAX_PARAMETERS`].
    Parameters,
    /// Globals: [`MAX_GLOBALS`].
    Globals,
    /// Tables: one.
    Tables,
    /// Entries of the table: [`MAX_TABLE_ELEMENTS`].
    TableElements,
    /// Targets of one `br_table`: [`MAX_BR_TABLE_TARGETS`].
    BrTableTargets,
    /// Signatures: [`MAX_TYPES`].
    Types,
    /// Data or element segments: [`MAX_SEGMENTS`].
    Segments,
}

impl core::fmt::Display for Bounded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Functions => "functions",
            Self::Locals => "locals in a function",
            Self::FunctionBytes => "bytes in a function",
            Self::Parameters => "parameters of a function",
            Self::Globals => "globals",
            Self::Tables => "tables",
            Self::TableElements => "table entries",
            Self::BrTableTargets => "targets of a br_table",
            Self::Types => "signatures",
            Self::Segments => "segments",
        })
    }
}

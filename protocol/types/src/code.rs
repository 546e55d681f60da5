//! Why a cluster refuses code that was uploaded to it: the first rule that the code breaks.

use crate::{
    Bytes,
    limits::{CODE_BYTES_MAX, CODE_NAME_BYTES_MAX, MEMORY_PAGES_MAX},
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Serialize, Serializer};

/// A rule that code breaks. It says the same on every replica: what a parser adds in words and offsets is not in it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeRefusal {
    /// It is longer than [`CODE_BYTES_MAX`].
    #[codec(index = 0)]
    TooLarge,
    /// It is not valid WebAssembly.
    #[codec(index = 1)]
    Malformed,
    /// It uses floating-point numbers, whose results are not the same on every machine.
    #[codec(index = 2)]
    Floats,
    /// It uses a feature beyond the first WebAssembly and sign extension.
    #[codec(index = 3)]
    ForbiddenFeature,
    /// It imports something that no host gives.
    #[codec(index = 4)]
    UnknownImport {
        /// The module of the import.
        module: CodeName,
        /// Its name.
        name: CodeName,
    },
    /// It imports a host function with another signature than the function has.
    #[codec(index = 5)]
    WrongSignature {
        /// The module of the import.
        module: CodeName,
        /// Its name.
        name: CodeName,
    },
    /// It does not import `env.memory`.
    #[codec(index = 6)]
    MemoryMissing,
    /// It defines a memory of its own, or imports more than one.
    #[codec(index = 7)]
    MemoryForeign,
    /// Its memory is bigger than [`MEMORY_PAGES_MAX`].
    #[codec(index = 8)]
    MemoryTooBig {
        /// How many pages it wants.
        pages: u64,
    },
    /// It does not export `call` or `deploy`.
    #[codec(index = 9)]
    ExportMissing {
        /// Which.
        name: CodeName,
    },
    /// It exports something else.
    #[codec(index = 10)]
    ExportForeign {
        /// What.
        name: CodeName,
    },
    /// `call` or `deploy` takes arguments or returns something.
    #[codec(index = 11)]
    ExportSignature {
        /// Which.
        name: CodeName,
    },
    /// It has a start function, which would run outside of any call.
    #[codec(index = 12)]
    StartFunction,
    /// A data or element segment does not fit its memory or table, so that no call could begin.
    #[codec(index = 13)]
    SegmentOutOfBounds,
    /// It exceeds a bound that keeps compilation cheap.
    #[codec(index = 14)]
    TooMany {
        /// What there is too much of.
        what: CodePart,
        /// The bound.
        limit: u64,
    },
    /// It imports a host function that is kept for old contracts only.
    #[codec(index = 15)]
    DeprecatedImport {
        /// The module of the import.
        module: CodeName,
        /// Its name.
        name: CodeName,
    },
    /// The compiler refused code that passed every rule: a bug of ours, and not the author's.
    #[codec(index = 255)]
    Compiler,
}

impl fmt::Display for CodeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the code is longer than {CODE_BYTES_MAX} bytes"),
            Self::Malformed => f.write_str("the code is not valid WebAssembly"),
            Self::Floats => f.write_str("the code uses floating-point numbers"),
            Self::ForbiddenFeature => f.write_str("the code uses a feature that is not admitted"),
            Self::UnknownImport { module, name } => {
                write!(f, "the code imports {module}.{name}, which does not exist")
            }
            Self::WrongSignature { module, name } => {
                write!(f, "the code imports {module}.{name} with a wrong signature")
            }
            Self::MemoryMissing => f.write_str("the code does not import env.memory"),
            Self::MemoryForeign => f.write_str("the code has another memory than the imported env.memory"),
            Self::MemoryTooBig { pages } => {
                write!(f, "the code wants {pages} pages of memory; the limit is {MEMORY_PAGES_MAX}")
            }
            Self::ExportMissing { name } => write!(f, "the code does not export the function {name}"),
            Self::ExportForeign { name } => {
                write!(f, "the code exports {name}; only the functions call and deploy may be exported")
            }
            Self::ExportSignature { name } => {
                write!(f, "the exported function {name} must take and return nothing")
            }
            Self::StartFunction => f.write_str("the code has a start function"),
            Self::SegmentOutOfBounds => {
                f.write_str("a data or element segment of the code lies outside of its memory or table")
            }
            Self::DeprecatedImport { module, name } => {
                write!(f, "the code imports {module}.{name}, which new code may not use")
            }
            Self::TooMany { what, limit } => write!(f, "the code has more than {limit} {what}"),
            Self::Compiler => f.write_str("the compiler refused the code, which is a bug of the worker"),
        }
    }
}

/// What code may not have too much of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePart {
    /// Functions, imported ones included.
    #[codec(index = 0)]
    Functions,
    /// Locals of one function.
    #[codec(index = 1)]
    Locals,
    /// Bytes of one function.
    #[codec(index = 2)]
    FunctionBytes,
    /// Parameters of one function.
    #[codec(index = 3)]
    Parameters,
    /// Globals.
    #[codec(index = 4)]
    Globals,
    /// Tables.
    #[codec(index = 5)]
    Tables,
    /// Entries of the table.
    #[codec(index = 6)]
    TableElements,
    /// Targets of one `br_table`.
    #[codec(index = 7)]
    BrTableTargets,
    /// Signatures.
    #[codec(index = 8)]
    Types,
    /// Data or element segments.
    #[codec(index = 9)]
    Segments,
}

impl fmt::Display for CodePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// A name in code, or the beginning of one that is too long to repeat.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CodeName(Bytes<CODE_NAME_BYTES_MAX>);

impl CodeName {
    /// As much of `name` as fits.
    pub fn new(name: &str) -> Self {
        let longest = usize::try_from(CODE_NAME_BYTES_MAX).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        for character in name.chars() {
            if bytes.len().saturating_add(character.len_utf8()) > longest {
                break;
            }
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Self(Bytes::truncate_from(bytes))
    }
}

impl fmt::Display for CodeName {
    /// With control characters escaped: the name is whatever somebody wrote into their code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", String::from_utf8_lossy(&self.0).escape_debug())
    }
}

impl Serialize for CodeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn name_is_cut_between_characters() {
        let long = "é".repeat(CODE_NAME_BYTES_MAX as usize);
        let name = CodeName::new(&["a", &long].concat());
        assert_eq!(name.0.len(), CODE_NAME_BYTES_MAX as usize - 1);
        assert!(core::str::from_utf8(&name.0).is_ok());
        assert_eq!(CodeName::new("seal_call").to_string(), "seal_call");
    }

    #[test]
    fn name_cannot_write_to_a_terminal() {
        let refusal =
            CodeRefusal::UnknownImport { module: CodeName::new("env"), name: CodeName::new("\x1b[2J\n") };
        assert_eq!(refusal.to_string(), "the code imports env.\\u{1b}[2J\\n, which does not exist");
    }
}

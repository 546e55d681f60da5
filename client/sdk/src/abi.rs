//! What a contract says of itself: the metadata of an ink! bundle, versions 4 and 5, which Solang writes too.
//!
//! Read-only: arguments given as text become bytes, and bytes become values that people and programs can read. The
//! metadata comes with the code and is not on the chain: it can show wrong names, but the code's hash is checked.

mod decode;
mod encode;
mod spec;
mod wide;

pub use decode::{Decoded, DecodedEvent};
pub use spec::{ArgumentSpec, FunctionSpec};

use phala_types::{Bytes, CodeHash, cluster::code_hash, limits::CODE_BYTES_MAX};
use scale_info::{PortableRegistry, form::PortableForm};
use spec::Metadata;

/// The largest bundle to read: code in hexadecimal digits, and as much metadata again.
pub const BUNDLE_BYTES_MAX: usize = 4 * CODE_BYTES_MAX as usize;

/// Why a bundle, a name or a value does not fit.
#[derive(Debug, thiserror::Error)]
pub enum AbiError {
    /// Malformed: not a bundle or metadata of a version that this program knows.
    #[error("this is not a contract bundle of metadata version 4 or 5: {0}")]
    MalformedBundle(String),
    /// Malformed: the bundle's code is not what its hash says.
    #[error("the bundle says that its code has the hash {said}, but it has {found}: build it again")]
    WrongCodeHash {
        /// What the bundle says.
        said: CodeHash,
        /// What the code has.
        found: CodeHash,
    },
    /// Misuse: there is only metadata, and code is needed.
    #[error("the bundle has no code: give the .contract file, not the .json one")]
    NoCode,
    /// Misuse: no such constructor or message.
    #[error("the contract has no {kind} named {name}; it has: {known}")]
    UnknownFunction {
        /// `constructor` or `message`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Misuse: another number of arguments.
    #[error("{name} takes {expected} arguments ({arguments}), not {given}")]
    ArgumentCount {
        /// The constructor or message.
        name: String,
        /// How many it takes.
        expected: usize,
        /// Their names and types.
        arguments: String,
        /// How many were given.
        given: usize,
    },
    /// Malformed: an argument is not a value of its type.
    #[error("the argument {name} is not a {type_name}: {reason}")]
    Argument {
        /// The argument.
        name: String,
        /// Its type.
        type_name: String,
        /// What is wrong.
        reason: String,
    },
    /// Malformed: the contract returned what its metadata does not describe.
    #[error("what the contract returned is not a {type_name}: {reason}")]
    Returned {
        /// The type by the metadata.
        type_name: String,
        /// What is wrong.
        reason: String,
    },
    /// Malformed: an event that the metadata does not describe.
    #[error("an event of the contract is not one that its metadata describes")]
    UnknownEvent,
}

/// A contract's code, hash and interface.
#[derive(Clone, Debug)]
pub struct ContractBundle {
    /// The WebAssembly, if the bundle has it.
    code: Option<Bytes<CODE_BYTES_MAX>>,
    /// The code's name on the chain.
    pub code_hash: CodeHash,
    /// The interface.
    pub abi: Abi,
}

impl ContractBundle {
    /// Reads a `.contract` or a metadata `.json` file.
    pub fn parse(text: &[u8]) -> Result<Self, AbiError> {
        let malformed = |reason: &dyn std::fmt::Display| AbiError::MalformedBundle(reason.to_string());
        if text.len() > BUNDLE_BYTES_MAX {
            return Err(malformed(&format_args!("it is over {BUNDLE_BYTES_MAX} bytes")));
        }
        let mut metadata: Metadata = serde_json::from_slice(text).map_err(|error| malformed(&error))?;
        metadata.check_version().map_err(|version| malformed(&format_args!("its version is {version}")))?;
        let said = metadata.source.hash;
        let code = metadata.source.wasm.take().map(|wasm| wasm.0);
        if let Some(code) = &code {
            let found = code_hash(code);
            if found != said {
                return Err(AbiError::WrongCodeHash { said, found });
            }
        }
        let code = code
            .map(Bytes::try_from)
            .transpose()
            .map_err(|_| malformed(&format_args!("its code is over {CODE_BYTES_MAX} bytes")))?;
        Ok(Self { code, code_hash: said, abi: Abi::new(metadata)? })
    }

    /// The WebAssembly.
    pub fn code(&self) -> Result<&Bytes<CODE_BYTES_MAX>, AbiError> {
        self.code.as_ref().ok_or(AbiError::NoCode)
    }
}

/// A contract's interface.
#[derive(Clone, Debug)]
pub struct Abi {
    /// The contract's name.
    pub name: String,
    /// The contract's version.
    pub version: String,
    registry: PortableRegistry,
    /// The same for encoding, which knows no numbers of 256 bits.
    wire: PortableRegistry,
    spec: spec::Spec,
}

impl Abi {
    fn new(metadata: Metadata) -> Result<Self, AbiError> {
        // The registry is a list in the metadata, and an object in scale-info.
        let registry: PortableRegistry =
            serde_json::from_value(serde_json::json!({ "types": metadata.types }))
                .map_err(|error| AbiError::MalformedBundle(error.to_string()))?;
        let in_order = registry.types.iter().zip(0u32..).all(|(found, index)| found.id == index);
        let known = |id: u32| registry.resolve(id).is_some();
        if !in_order || !metadata.spec.type_ids().all(known) {
            return Err(AbiError::MalformedBundle("it names types that it does not have".to_owned()));
        }
        let spec::ContractSpec { name, version } = metadata.contract;
        let wire = wide::as_bytes(&registry);
        Ok(Self { name, version, registry, wire, spec: metadata.spec })
    }

    /// All constructors.
    pub fn constructors(&self) -> &[FunctionSpec] {
        &self.spec.constructors
    }

    /// All messages.
    pub fn messages(&self) -> &[FunctionSpec] {
        &self.spec.messages
    }

    /// A constructor by its name.
    pub fn constructor(&self, name: &str) -> Result<&FunctionSpec, AbiError> {
        find(&self.spec.constructors, "constructor", name)
    }

    /// A message by its name.
    pub fn message(&self, name: &str) -> Result<&FunctionSpec, AbiError> {
        find(&self.spec.messages, "message", name)
    }

    fn resolve(&self, id: u32) -> Option<&scale_info::Type<PortableForm>> {
        self.registry.resolve(id)
    }
}

/// By its whole name, or, as ink! traits put theirs in front, by what comes after the last `::`.
fn find<'a>(all: &'a [FunctionSpec], kind: &'static str, name: &str) -> Result<&'a FunctionSpec, AbiError> {
    let short = |function: &FunctionSpec| function.label.rsplit("::").next() == Some(name);
    let mut candidates = all.iter().filter(|function| short(function));
    all.iter()
        .find(|function| function.label == name)
        .or_else(|| candidates.next().filter(|_| candidates.next().is_none()))
        .ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|function| function.label.as_str()).collect();
            AbiError::UnknownFunction { kind, name: name.to_owned(), known: known.join(", ") }
        })
}

#[cfg(test)]
mod tests;

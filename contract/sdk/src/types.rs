// SPDX-License-Identifier: Apache-2.0
//! What goes in and out of extension 1. Bounds and what can be trusted are in `specs/chain-extensions.md`, section 3.

use core::fmt;
use ink::{
    prelude::{string::String, vec::Vec},
    primitives::AccountId,
};

/// On whose behalf a query runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct QueryOrigin {
    /// The account that signed the certificate; zero if nobody did.
    pub account: AccountId,
    /// Whether nobody vouches for the query.
    pub is_anonymous: bool,
    /// The last block at which the certificate is valid.
    pub expires_at: u32,
}

/// Where a time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum TimeSource {
    /// The chain's validators, in a block that is final.
    FinalizedBlock,
}

/// A time that the host cannot forge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct AttestedTime {
    /// Milliseconds since 1970.
    pub ms: u64,
    /// The block that has it.
    pub block: u32,
    /// Who says so.
    pub source: TimeSource,
}

/// Where randomness comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum RandomSource {
    /// The cluster's secret and the place of the command in the chain.
    ClusterSecret,
}

/// Bytes that nobody could predict.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct BeaconRandom {
    /// The bytes.
    pub bytes: [u8; 32],
    /// The block of the command.
    pub block: u32,
    /// Where they come from.
    pub source: RandomSource,
}

impl BeaconRandom {
    /// A number below `end`, or nothing if there is none. No number is likelier than another by more than 2^-64.
    pub fn below(&self, end: u64) -> Option<u64> {
        let (bytes, _) = self.bytes.split_first_chunk::<16>()?;
        let remainder = u128::from_le_bytes(*bytes).checked_rem(u128::from(end))?;
        u64::try_from(remainder).ok()
    }
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum KeyKind {
    /// Schnorrkel, as Polkadot accounts sign. Signs in queries only.
    Sr25519,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on secp256k1, as Ethereum and Bitcoin sign.
    EcdsaSecp256k1,
    /// 32 bytes for encryption or a message authentication code of the contract's own.
    Symmetric,
}

/// A key of the contract. It does not print its secret.
#[derive(Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct DerivedKey {
    /// The seed. Never return it.
    pub secret: [u8; 32],
    /// The public part: 32, 32, 33 or 0 bytes.
    pub public: Vec<u8>,
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DerivedKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// What kind of hardware a worker runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum Platform {
    /// None: a development network. It proves nothing.
    Simulated,
    /// Intel SGX.
    Sgx,
    /// Intel TDX.
    Tdx,
    /// AMD SEV-SNP.
    SevSnp,
    /// AWS Nitro.
    Nitro,
}

/// A statement of the worker's hardware about this contract and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct Evidence {
    /// The worker.
    pub worker: [u8; 32],
    /// Its hardware.
    pub platform: Platform,
    /// What the hardware signed.
    pub statement: Vec<u8>,
}

/// What is done with what the URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum HttpMethod {
    /// Read.
    Get,
    /// Read the headers.
    Head,
    /// Send.
    Post,
    /// Put there.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

/// A request to the web. [`crate::http`] builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct HttpFetch {
    /// What to do.
    pub method: HttpMethod,
    /// With what: at most 2048 bytes, `http` or `https`.
    pub url: String,
    /// At most 32; names of 64 bytes, values of 2048.
    pub headers: Vec<(String, String)>,
    /// At most 16 KiB.
    pub body: Vec<u8>,
    /// Which headers of the answer are wanted: at most 8.
    pub answer_headers: Vec<String>,
    /// The longest body of an answer: at most 512 KiB, and with all else it must fit the contract's buffer.
    pub body_bytes_max: u32,
    /// How long to wait, in all: 1 to 10 000.
    pub timeout_ms: u32,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct HttpFetched {
    /// Its status, whichever.
    pub status: u16,
    /// Whether TLS proved, on every hop, that the named server said so. If not, anyone on the way may have.
    pub is_authenticated: bool,
    /// The wanted headers that it had.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something may fail.
    Warn,
    /// Something happened.
    Info,
    /// For who looks for a defect.
    Debug,
    /// Everything.
    Trace,
}

/// A value in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum LogValue {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Unsigned(u128),
    /// A number that may be negative.
    Signed(i128),
    /// At most 1024 bytes of text.
    Text(String),
    /// At most 1024 bytes.
    Bytes(Vec<u8>),
    /// An account.
    Account(AccountId),
}

/// A line for the caller's eyes. [`crate::log`] and the macros [`crate::info`] and its like make it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct LogRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// What happened: at most 256 bytes, and best a constant.
    pub message: String,
    /// With what: at most 16, names of 32 bytes.
    pub fields: Vec<(String, LogValue)>,
}

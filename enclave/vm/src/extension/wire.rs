// SPDX-License-Identifier: Apache-2.0
//! What contracts write and read, as `specs/chain-extensions.md` has it. A type here never changes.

use codec::{Decode, Encode};
pub use phala_types::log::LogLevel;

/// The id of Phala's extension.
pub const EXTENSION_PINK: u16 = 0;
/// The id of ours.
pub const EXTENSION_OWN: u16 = 1;

/// Input of one function: four buffers of an ink! contract.
pub const EXTENSION_INPUT_BYTES_MAX: usize = 64 * 1024;

/// Salt of Phala's derived keys, and path of ours: enough for any name.
pub const PATH_BYTES_MAX: usize = 256;
/// The subject of a random value: a hash and its name.
pub const SUBJECT_BYTES_MAX: usize = 64;
/// What a contract puts into evidence: as much as hardware lets a program put.
pub const USER_DATA_BYTES_MAX: usize = 64;
/// A statement of the hardware: quotes with their certificates take up to 5.2 KB, and an ink! buffer has 16 KiB.
pub const STATEMENT_BYTES_MAX: usize = 12 * 1024;
/// What is sealed at once: with what surrounds it, half of an ink! buffer.
pub const SEAL_BYTES_MAX: usize = 8 * 1024;
/// What a sealed value may be longer than what is in it.
pub const SEAL_OVERHEAD_BYTES_MAX: usize = 64;
/// The context of a sealed value.
pub const CONTEXT_BYTES_MAX: usize = 256;

/// A kind of signature in Phala's functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum SigType {
    /// RFC 8032.
    Ed25519,
    /// Schnorr over Ristretto, in Substrate's context.
    Sr25519,
    /// secp256k1 over BLAKE2b-256.
    Ecdsa,
}

/// A request in Phala's functions.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PinkHttpRequest {
    /// Where.
    pub url: String,
    /// How.
    pub method: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// A response in Phala's functions.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PinkHttpResponse {
    /// 200 and so on; 523 and 524 are the worker's own.
    pub status_code: u16,
    /// The words for it.
    pub reason_phrase: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What was received.
    pub body: Vec<u8>,
}

/// Why there is no response, in Phala's functions. The status of a function is one more than the number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PinkHttpError {
    InvalidUrl,
    InvalidMethod,
    InvalidHeaderName,
    InvalidHeaderValue,
    FailedToCreateClient,
    Timeout,
    NotAllowed,
    TooManyRequests,
    NetworkError,
    ResponseTooLarge,
}

impl PinkHttpError {
    /// The status that says it.
    pub fn status(self) -> u32 {
        let number: u8 = self.encode().first().copied().unwrap_or_default();
        u32::from(number).saturating_add(1)
    }
}

/// A batch's answer in Phala's functions.
pub type PinkBatch = Vec<Result<PinkHttpResponse, PinkHttpError>>;

/// JavaScript in Phala's functions.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum JsCode {
    /// As text.
    Source(String),
    /// As QuickJS compiled it.
    Bytecode(Vec<u8>),
}

/// What a script answers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[expect(missing_docs, reason = "the names say it")]
pub enum JsValue {
    Undefined,
    Null,
    String(String),
    Bytes(Vec<u8>),
    Other(String),
    Exception(String),
}

/// A quote in Phala's functions.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SgxQuote {
    /// 0 for EPID, 1 for DCAP.
    pub attestation_type: u8,
    /// The quote.
    pub quote: Vec<u8>,
}

/// Why a function of our extension has no output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Status {
    /// This worker does not have the function.
    Unsupported = 1,
    /// The input does not decode, or has bytes left over.
    Malformed = 2,
    /// A part of the input is over its bound.
    TooLarge = 3,
    /// It would differ between replicas.
    NotInCommands = 4,
    /// This call tree has used up what it may.
    QuotaExceeded = 5,
    /// The worker cannot tell now, or its platform cannot tell at all.
    Unavailable = 6,
    /// Not sealed by this contract with this context, or changed since.
    NotAuthentic = 7,
    /// The URL is none that is fetched.
    HttpUrl = 20,
    /// A header is malformed or the worker's own.
    HttpHeader = 21,
    /// The destination is not public.
    HttpDestination = 22,
    /// No complete answer in time.
    HttpTimeout = 23,
    /// No such name, no connection, or one that broke.
    HttpNetwork = 24,
    /// The server did not prove its name.
    HttpTls = 25,
    /// The body is over what the contract allows.
    HttpResponseTooLarge = 26,
    /// Too many redirects, or one that must not be followed.
    HttpRedirects = 27,
}

/// Who asks a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct QueryOrigin {
    /// The account whose certificate authorises it.
    pub account: [u8; 32],
    /// Whether nobody vouches for it.
    pub is_anonymous: bool,
    /// The last block at which the certificate is valid.
    pub expires_at: u32,
}

/// A time that the host cannot forge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AttestedTime {
    /// Milliseconds since 1970.
    pub ms: u64,
    /// The block whose time it is.
    pub block: u32,
    /// Who says so.
    pub source: TimeSource,
}

/// Where a time is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum TimeSource {
    /// A finalized block.
    FinalizedBlock,
}

/// A random value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BeaconRandom {
    /// The value.
    pub bytes: [u8; 32],
    /// The block at which it was drawn.
    pub block: u32,
    /// What makes it.
    pub source: RandomSource,
}

/// Where a random value is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum RandomSource {
    /// The cluster's secret.
    ClusterSecret,
}

/// What a derived key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum KeyKind {
    /// [`SigType::Sr25519`].
    Sr25519,
    /// [`SigType::Ed25519`].
    Ed25519,
    /// [`SigType::Ecdsa`].
    EcdsaSecp256k1,
    /// Anything else: it has no public part.
    Symmetric,
}

/// A key that only this contract has.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct DerivedKey {
    /// A seed.
    pub secret: [u8; 32],
    /// What others may know.
    pub public: Vec<u8>,
}

/// What the worker's hardware states about a contract's data.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Evidence {
    /// The worker's id.
    pub worker: [u8; 32],
    /// Its hardware.
    pub platform: PlatformKind,
    /// The statement.
    pub statement: Vec<u8>,
}

/// A kind of hardware.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PlatformKind {
    Simulated,
    Sgx,
    Tdx,
    SevSnp,
    Nitro,
}

/// A method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[expect(missing_docs, reason = "the names say it")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl HttpMethod {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request of our extension.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HttpFetch {
    /// How.
    pub method: HttpMethod,
    /// Where.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
    /// Which headers the answer has.
    pub answer_headers: Vec<String>,
    /// A longer body is an error.
    pub body_bytes_max: u32,
    /// For everything.
    pub timeout_ms: u32,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct HttpFetched {
    /// 200 and so on.
    pub status: u16,
    /// Whether every server on the way proved its name.
    pub is_authenticated: bool,
    /// Those that were asked for and are there.
    pub headers: Vec<(String, String)>,
    /// What was received.
    pub body: Vec<u8>,
}

/// A line of a private log.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct LogRecord {
    /// How grave it is.
    pub level: LogLevel,
    /// What happened, best a constant.
    pub message: String,
    /// With which values.
    pub fields: Vec<(String, LogValue)>,
}

/// A value in a line.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogValue {
    Bool(bool),
    Unsigned(u128),
    Signed(i128),
    Text(String),
    Bytes(Vec<u8>),
    Account([u8; 32]),
}

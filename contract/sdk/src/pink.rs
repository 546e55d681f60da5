// SPDX-License-Identifier: Apache-2.0
//! Extension 0: what Phala's contracts use, for who brings such a contract here. New contracts want the functions at the
//! crate's root.
//!
//! Types and numbers are those of `pink` 0.4. What has no meaning here (the system contract, side VMs, the event chain)
//! ends the call, as `specs/chain-extensions.md`, section 2, says function by function.

use crate::extension::{old, Pink};
use ink::{
    env::chain_extension::FromStatusCode,
    prelude::{string::String, vec::Vec},
    ChainExtensionInstance,
};

/// Which kind of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum SigType {
    /// Ed25519.
    Ed25519,
    /// Schnorrkel.
    Sr25519,
    /// ECDSA on secp256k1, of the message's BLAKE2b-256.
    Ecdsa,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct HttpRequest {
    /// Of what.
    pub url: String,
    /// How, in capitals.
    pub method: String,
    /// With these headers.
    pub headers: Vec<(String, String)>,
    /// And this body.
    pub body: Vec<u8>,
}

/// A response. 523 and 524 are the worker's own: no connection, and any other failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct HttpResponse {
    /// The status.
    pub status_code: u16,
    /// The status in words.
    pub reason_phrase: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why one request of a batch, or all of it, failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum HttpRequestError {
    /// The URL is malformed.
    InvalidUrl,
    /// There is no such method.
    InvalidMethod,
    /// A header's name is malformed.
    InvalidHeaderName,
    /// A header's value is malformed.
    InvalidHeaderValue,
    /// The worker could not begin.
    FailedToCreateClient,
    /// No answer in time.
    Timeout,
    /// In a command, or to an address that is not public.
    NotAllowed,
    /// More than a batch or a query may have.
    TooManyRequests,
    /// The connection broke.
    NetworkError,
    /// The body is too long.
    ResponseTooLarge,
}

/// By their number on the wire, less one.
const REQUEST_ERRORS: [HttpRequestError; 10] = [
    HttpRequestError::InvalidUrl,
    HttpRequestError::InvalidMethod,
    HttpRequestError::InvalidHeaderName,
    HttpRequestError::InvalidHeaderValue,
    HttpRequestError::FailedToCreateClient,
    HttpRequestError::Timeout,
    HttpRequestError::NotAllowed,
    HttpRequestError::TooManyRequests,
    HttpRequestError::NetworkError,
    HttpRequestError::ResponseTooLarge,
];

/// A script.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum JsCode {
    /// As text.
    Source(String),
    /// Compiled.
    Bytecode(Vec<u8>),
}

/// What a script gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum JsValue {
    /// Nothing.
    Undefined,
    /// Null.
    Null,
    /// A text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Something else, as text.
    Other(String),
    /// It failed.
    Exception(String),
}

/// How a quote is attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum AttestationType {
    /// Intel's older way.
    Epid,
    /// Intel's present way.
    Dcap,
}

/// A statement of an SGX processor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct SgxQuote {
    /// How it is attested.
    pub attestation_type: AttestationType,
    /// The quote.
    pub quote: Vec<u8>,
}

/// A status of extension 0 other than success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct PinkStatus(pub u32);

impl FromStatusCode for PinkStatus {
    fn from_status_code(status: u32) -> Result<(), Self> {
        if status == 0 {
            Ok(())
        } else {
            Err(Self(status))
        }
    }
}

/// The cache has no room for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub struct StorageQuotaExceeded;

impl PinkStatus {
    /// What the status says of a batch of requests, if it is one that a batch has.
    pub fn request_error(self) -> Option<HttpRequestError> {
        let index = usize::try_from(self.0.checked_sub(1)?).ok()?;
        REQUEST_ERRORS.get(index).copied()
    }
}

impl HttpRequestError {
    /// The status of a batch that fails so.
    pub fn status(self) -> u32 {
        (self as u32).saturating_add(1)
    }
}

/// All functions, under Phala's names.
pub fn ext() -> <Pink as ChainExtensionInstance>::Instance {
    old()
}

/// Remembers a value in this worker for its next queries. Does nothing in commands.
///
/// # Errors
/// There is no room for it.
pub fn cache_set(key: &[u8], value: &[u8]) -> Result<(), StorageQuotaExceeded> {
    old().cache_set(key, value).map_err(|_| StorageQuotaExceeded)
}

/// Sends up to 5 requests at once.
///
/// # Errors
/// Of the batch as a whole; each request has its own inside.
pub fn batch_http_request(
    requests: &[HttpRequest],
    timeout_ms: u64,
) -> Result<Vec<Result<HttpResponse, HttpRequestError>>, HttpRequestError> {
    let sent = old().batch_http_request(requests, timeout_ms);
    sent.map_err(|status| status.request_error().unwrap_or(HttpRequestError::NetworkError))
}

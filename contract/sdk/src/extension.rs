// SPDX-License-Identifier: Apache-2.0
//! Both chain extensions as ink! sees them: numbers, arguments and answers, exactly as `specs/chain-extensions.md` has them.
//!
//! Authors call the functions at the crate's root instead, which read better and do the same.

use crate::{
    pink::{HttpRequest, HttpRequestError, HttpResponse, JsCode, JsValue, PinkStatus, SgxQuote, SigType},
    types::{
        AttestedTime, BeaconRandom, DerivedKey, Evidence, HttpFetch, HttpFetched, KeyKind, LogRecord,
        QueryOrigin,
    },
};
use ink::{
    env::chain_extension::FromStatusCode,
    prelude::{string::String, vec::Vec},
    primitives::AccountId,
    ChainExtensionInstance,
};

/// Why the worker does not answer, of extension 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
pub enum Refusal {
    /// This worker does not have the function.
    Unsupported,
    /// The worker does not understand the arguments: a defect of this crate or of the worker.
    Malformed,
    /// An argument, or what would be the answer, is over its bound.
    TooLarge,
    /// It would differ between replicas. Ask in a query, and send the result with a command.
    NotInCommands,
    /// This call has used up what it may.
    QuotaExceeded,
    /// The worker cannot tell now, or its platform cannot tell at all.
    Unavailable,
    /// Not sealed by this contract in this context, or changed since.
    NotAuthentic,
    /// The URL is malformed, or neither `http` nor `https`.
    HttpUrl,
    /// A header is malformed, or it is one that the worker sets.
    HttpHeader,
    /// The name leads to an address that is not public.
    HttpDestination,
    /// No complete answer in time.
    HttpTimeout,
    /// No such name, no connection, or one that broke.
    HttpNetwork,
    /// The server's certificate is not valid for its name.
    HttpTls,
    /// The body is longer than the contract said it may be.
    HttpResponseTooLarge,
    /// Too many redirects, or one to a connection without TLS.
    HttpRedirects,
    /// A status that this crate does not know: the worker is newer.
    Unknown(u32),
}

/// Refusals and their numbers.
const STATUSES: [(u32, Refusal); 15] = [
    (1, Refusal::Unsupported),
    (2, Refusal::Malformed),
    (3, Refusal::TooLarge),
    (4, Refusal::NotInCommands),
    (5, Refusal::QuotaExceeded),
    (6, Refusal::Unavailable),
    (7, Refusal::NotAuthentic),
    (20, Refusal::HttpUrl),
    (21, Refusal::HttpHeader),
    (22, Refusal::HttpDestination),
    (23, Refusal::HttpTimeout),
    (24, Refusal::HttpNetwork),
    (25, Refusal::HttpTls),
    (26, Refusal::HttpResponseTooLarge),
    (27, Refusal::HttpRedirects),
];

impl Refusal {
    /// Its number on the wire.
    pub fn status(self) -> u32 {
        match self {
            Self::Unknown(status) => status,
            known => STATUSES.iter().find(|(_, refusal)| *refusal == known).map_or(0, |(status, _)| *status),
        }
    }
}

impl FromStatusCode for Refusal {
    fn from_status_code(status: u32) -> Result<(), Self> {
        if status == 0 {
            return Ok(());
        }
        let known = STATUSES.iter().find(|(number, _)| *number == status);
        Err(known.map_or(Self::Unknown(status), |(_, refusal)| *refusal))
    }
}

/// Extension 0: the functions of Phala's contracts, under their numbers.
#[ink::chain_extension(extension = 0)]
pub trait Pink {
    type ErrorCode = PinkStatus;

    /// Sends a request and waits at most 10 seconds. Only in queries: a command ends.
    #[ink(function = 1, handle_status = false)]
    fn http_request(request: &HttpRequest) -> HttpResponse;

    /// Signs. Sr25519 only in queries.
    #[ink(function = 2, handle_status = false)]
    fn sign(kind: SigType, key: &[u8], message: &[u8]) -> Vec<u8>;

    /// Whether a signature is good.
    #[ink(function = 3, handle_status = false)]
    fn verify(kind: SigType, public: &[u8], message: &[u8], signature: &[u8]) -> bool;

    /// A key of the contract: 64 bytes of an expanded Sr25519 secret.
    #[ink(function = 4, handle_status = false)]
    fn derive_sr25519_key(salt: &[u8]) -> Vec<u8>;

    /// The public part of a secret key.
    #[ink(function = 5, handle_status = false)]
    fn get_public_key(kind: SigType, key: &[u8]) -> Vec<u8>;

    /// Remembers a value in this worker. Does nothing in commands.
    #[ink(function = 6)]
    fn cache_set(key: &[u8], value: &[u8]);

    /// For how long this worker remembers a value, in seconds.
    #[ink(function = 7, handle_status = false)]
    fn cache_set_expiration(key: &[u8], seconds: u64);

    /// A value that this worker remembers. Nothing in commands.
    #[ink(function = 8, handle_status = false)]
    fn cache_get(key: &[u8]) -> Option<Vec<u8>>;

    /// Forgets a value, and answers it.
    #[ink(function = 9, handle_status = false)]
    fn cache_remove(key: &[u8]) -> Option<Vec<u8>>;

    /// A line for the caller's eyes. Levels are 1, error, to 5, trace.
    #[ink(function = 10, handle_status = false)]
    fn log(level: u8, message: &str);

    /// Randomness of this worker. Empty in commands.
    #[ink(function = 11, handle_status = false)]
    fn getrandom(length: u8) -> Vec<u8>;

    /// Whether this is a command.
    #[ink(function = 12, handle_status = false)]
    fn is_in_transaction() -> bool;

    /// Signs a hash by ECDSA on secp256k1.
    #[ink(function = 13, handle_status = false)]
    fn ecdsa_sign_prehashed(key: &[u8], hash: [u8; 32]) -> [u8; 65];

    /// Whether such a signature is good.
    #[ink(function = 14, handle_status = false)]
    fn ecdsa_verify_prehashed(signature: [u8; 65], hash: [u8; 32], public: [u8; 33]) -> bool;

    /// There is no system contract: the call ends.
    #[ink(function = 15, handle_status = false)]
    fn system_contract_id() -> AccountId;

    /// The total and the free balance of this contract; asked of another account, the call ends.
    #[ink(function = 16, handle_status = false)]
    fn balance_of(account: AccountId) -> (u128, u128);

    /// The key to which queries of this worker are sealed. Only in queries.
    #[ink(function = 17, handle_status = false)]
    fn worker_pubkey() -> [u8; 32];

    /// The host's clock, which may lie. Only in queries.
    #[ink(function = 18, handle_status = false)]
    fn untrusted_millis_since_unix_epoch() -> u64;

    /// Whether the cluster has this code.
    #[ink(function = 19, handle_status = false)]
    fn code_exists(code_hash: [u8; 32], is_sidevm: bool) -> bool;

    /// There is no system code: the call ends.
    #[ink(function = 20, handle_status = false)]
    fn import_latest_system_code(payer: AccountId) -> Option<[u8; 32]>;

    /// The version of these functions.
    #[ink(function = 21, handle_status = false)]
    fn runtime_version() -> (u32, u32);

    /// Sends up to 5 requests at once. Only in queries.
    #[ink(function = 22)]
    fn batch_http_request(
        requests: &[HttpRequest],
        timeout_ms: u64,
    ) -> Vec<core::result::Result<HttpResponse, HttpRequestError>>;

    /// There is no event chain: the call ends.
    #[ink(function = 23, handle_status = false)]
    fn current_event_chain_head() -> (u64, [u8; 32]);

    /// There is no JavaScript engine: the answer is an exception.
    #[ink(function = 24, handle_status = false)]
    fn js_eval(codes: &[JsCode], arguments: &[String]) -> JsValue;

    /// The worker's SGX quote, if it has one. Only in queries.
    #[ink(function = 25, handle_status = false)]
    fn worker_sgx_quote() -> Option<SgxQuote>;
}

/// Extension 1: this network's own functions.
#[ink::chain_extension(extension = 1)]
pub trait Confidential {
    type ErrorCode = Refusal;

    /// See [`crate::query_origin`].
    #[ink(function = 1)]
    fn query_origin() -> QueryOrigin;

    /// See [`crate::attested_time`].
    #[ink(function = 2)]
    fn attested_time() -> AttestedTime;

    /// See [`crate::beacon_random`].
    #[ink(function = 3)]
    fn beacon_random(subject: &[u8]) -> BeaconRandom;

    /// See [`crate::derive_key`].
    #[ink(function = 4)]
    fn derive_key(path: &[u8], kind: KeyKind) -> DerivedKey;

    /// See [`crate::evidence`].
    #[ink(function = 5)]
    fn evidence(user_data: &[u8]) -> Evidence;

    /// See [`crate::http`].
    #[ink(function = 6)]
    fn http_fetch(request: &HttpFetch) -> HttpFetched;

    /// See [`crate::log`].
    #[ink(function = 7)]
    fn log(record: &LogRecord);

    /// See [`crate::seal`].
    #[ink(function = 8)]
    fn seal(data: &[u8], context: &[u8]) -> Vec<u8>;

    /// See [`crate::unseal`].
    #[ink(function = 9)]
    fn unseal(sealed: &[u8], context: &[u8]) -> Vec<u8>;
}

/// Both extensions: what `self.env().extension()` is of.
#[ink::scale_derive(TypeInfo)]
pub enum Extensions {}

/// Both extensions, ready to be called.
pub struct Both {
    /// Extension 0.
    pub pink: <Pink as ChainExtensionInstance>::Instance,
    /// Extension 1.
    pub confidential: <Confidential as ChainExtensionInstance>::Instance,
}

impl ChainExtensionInstance for Extensions {
    type Instance = Both;

    fn instantiate() -> Both {
        Both { pink: old(), confidential: confidential() }
    }
}

pub(crate) fn old() -> <Pink as ChainExtensionInstance>::Instance {
    Pink::instantiate()
}

pub(crate) fn confidential() -> <Confidential as ChainExtensionInstance>::Instance {
    Confidential::instantiate()
}

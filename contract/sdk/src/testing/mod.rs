// SPDX-License-Identifier: Apache-2.0
//! A worker for tests off chain: it stands behind both extensions and keeps the rules of `specs/chain-extensions.md`.
//!
//! ```
//! use phala_contract::{Refusal, testing::Worker};
//! # ink::env::test::run_test::<phala_contract::Phala, _>(|people| {
//! let worker = Worker::install();
//! assert_eq!(phala_contract::query_origin(), Err(Refusal::NotInCommands));
//!
//! worker.enter_query();
//! worker.set_origin(people.bob);
//! assert_eq!(phala_contract::query_origin().map(|origin| origin.account), Ok(people.bob));
//! # Ok(())
//! # }).unwrap();
//! ```
//!
//! Keys, signatures and hashes are real. What is not: seals are a keyed mask, and evidence is that of a simulated worker.
//! Where the true worker ends the call, the double panics, as ink!'s own test environment does.
//!
//! Install it inside the test: `#[ink::test]` begins each with an empty environment.

mod confidential;
mod crypto;
mod pink;

use crate::{types::LogLevel, HttpFetch, HttpFetched, LogRecord, Refusal};
use ink::{
    env::test::{register_chain_extension, ChainExtension},
    primitives::AccountId,
    scale::{Decode, Encode},
};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// The bounds of `specs/chain-extensions.md`, for tests that go up to them.
pub mod limits {
    /// Input of any function.
    pub const INPUT_BYTES_MAX: usize = 64 * 1024;
    /// A subject of randomness, and the user's data in evidence.
    pub const SUBJECT_BYTES_MAX: usize = 64;
    /// A path of a key, a salt, a seal's context, a cache's key.
    pub const NAME_BYTES_MAX: usize = 256;
    /// What one seal holds.
    pub const SEAL_BYTES_MAX: usize = 8 * 1024;
    /// What a seal adds, at most.
    pub const SEAL_OVERHEAD_BYTES: usize = 64;
    /// A URL.
    pub const URL_BYTES_MAX: usize = 2048;
    /// Headers of a request.
    pub const HEADERS_MAX: usize = 32;
    /// Name of a header.
    pub const HEADER_NAME_BYTES_MAX: usize = 64;
    /// Value of a header that is sent.
    pub const HEADER_VALUE_BYTES_MAX: usize = 2048;
    /// Value of a header that is received: the rest is cut off.
    pub const ANSWER_HEADER_BYTES_MAX: usize = 256;
    /// Headers of an answer that may be asked for.
    pub const ANSWER_HEADERS_MAX: usize = 8;
    /// Body of a request.
    pub const BODY_BYTES_MAX: usize = 16 * 1024;
    /// Body of an answer.
    pub const ANSWER_BODY_BYTES_MAX: usize = 512 * 1024;
    /// How long a request may wait.
    pub const TIMEOUT_MS_MAX: u32 = 10_000;
    /// Requests of one query.
    pub const REQUESTS_MAX: usize = 8;
    /// Requests of one batch.
    pub const BATCH_MAX: usize = 5;
    /// A log line's message.
    pub const MESSAGE_BYTES_MAX: usize = 256;
    /// Its fields.
    pub const FIELDS_MAX: usize = 16;
    /// A field's name.
    pub const FIELD_NAME_BYTES_MAX: usize = 32;
    /// A field's text or bytes, and a message of extension 0.
    pub const FIELD_BYTES_MAX: usize = 1024;
    /// Lines of one call.
    pub const LINES_MAX: usize = 64;
    /// Bytes of these lines.
    pub const LINES_BYTES_MAX: usize = 64 * 1024;
    /// A value in the cache.
    pub const CACHE_VALUE_BYTES_MAX: usize = 16 * 1024;
    /// A contract's cache.
    pub const CACHE_BYTES_MAX: usize = 1024 * 1024;
    /// How long the cache remembers, in seconds, unless told less.
    pub const CACHE_SECONDS: u64 = 7 * 24 * 3600;
}

/// The simulated worker's name.
pub const WORKER: [u8; 32] = [0x77; 32];

/// A server of the test's own: the request in, the answer out.
type Server = Box<dyn FnMut(&HttpFetch) -> Result<HttpFetched, Refusal>>;

struct State {
    is_command: bool,
    contract: AccountId,
    origin: Option<AccountId>,
    now_ms: u64,
    block: u32,
    /// Counts commands and queries, so that each has other randomness.
    call: u64,
    /// Counts what was random within a call.
    drawn: u64,
    balance: u128,
    codes: Vec<[u8; 32]>,
    /// By the beginning of the URL. The longest that fits serves.
    servers: Vec<(String, Server)>,
    requests: Vec<HttpFetch>,
    requests_of_call: usize,
    /// Whether the query has had its statement.
    has_statement: bool,
    logs: Vec<LogRecord>,
    lines_of_call: usize,
    line_bytes_of_call: usize,
    /// With the second at which it expires.
    cache: BTreeMap<Vec<u8>, (u64, Vec<u8>)>,
}

/// The double. Copies share one state.
#[derive(Clone)]
pub struct Worker(Rc<RefCell<State>>);

impl Worker {
    /// Puts a worker behind both extensions of this test. It begins with a command of the contract `0x01..01`, in block 1, at
    /// one second past 1970.
    pub fn install() -> Self {
        let worker = Self(Rc::new(RefCell::new(State {
            is_command: true,
            contract: AccountId::from([1; 32]),
            origin: None,
            now_ms: 1_000,
            block: 1,
            call: 0,
            drawn: 0,
            balance: 0,
            codes: Vec::new(),
            servers: Vec::new(),
            requests: Vec::new(),
            requests_of_call: 0,
            has_statement: false,
            logs: Vec::new(),
            lines_of_call: 0,
            line_bytes_of_call: 0,
            cache: BTreeMap::new(),
        })));
        register_chain_extension(Behind { extension: 0, worker: worker.clone(), serve: pink::serve });
        register_chain_extension(Behind { extension: 1, worker: worker.clone(), serve: confidential::serve });
        worker
    }

    /// Begins another command: other randomness, and quotas anew.
    pub fn enter_command(&self) {
        self.enter(true);
    }

    /// Begins a query.
    pub fn enter_query(&self) {
        self.enter(false);
    }

    fn enter(&self, is_command: bool) {
        let mut state = self.0.borrow_mut();
        state.is_command = is_command;
        state.call = state.call.wrapping_add(1);
        state.drawn = 0;
        state.requests_of_call = 0;
        state.has_statement = false;
        state.lines_of_call = 0;
        state.line_bytes_of_call = 0;
    }

    /// Which contract calls: its keys and seals are its own.
    pub fn set_contract(&self, contract: AccountId) {
        self.0.borrow_mut().contract = contract;
    }

    /// Whose certificate queries have from now on. Before that they are anonymous.
    pub fn set_origin(&self, account: AccountId) {
        self.0.borrow_mut().origin = Some(account);
    }

    /// Which block it is, and its time.
    pub fn set_time(&self, block: u32, now_ms: u64) {
        let mut state = self.0.borrow_mut();
        (state.block, state.now_ms) = (block, now_ms);
    }

    /// What the contract owns.
    pub fn set_balance(&self, balance: u128) {
        self.0.borrow_mut().balance = balance;
    }

    /// Uploads code, by its hash.
    pub fn add_code(&self, code_hash: [u8; 32]) {
        self.0.borrow_mut().codes.push(code_hash);
    }

    /// Answers requests whose URL begins so. Other URLs lead nowhere.
    pub fn serve(&self, url: &str, server: impl FnMut(&HttpFetch) -> Result<HttpFetched, Refusal> + 'static) {
        self.0.borrow_mut().servers.push((url.into(), Box::new(server)));
    }

    /// Requests that were within their bounds, since the beginning, of extension 1 and 0 alike.
    pub fn requests(&self) -> Vec<HttpFetch> {
        self.0.borrow().requests.clone()
    }

    /// Lines since the beginning.
    pub fn logs(&self) -> Vec<LogRecord> {
        self.0.borrow().logs.clone()
    }
}

impl State {
    fn answer(&mut self, request: &HttpFetch) -> Result<HttpFetched, Refusal> {
        self.requests_of_call = self.requests_of_call.saturating_add(1);
        self.requests.push(request.clone());
        confidential::check_url(&request.url)?;
        if !request.headers.iter().all(|(name, value)| confidential::is_header(name, value)) {
            return Err(Refusal::HttpHeader);
        }
        let fits = self.servers.iter_mut().filter(|(url, _)| request.url.starts_with(url.as_str()));
        let Some((_, server)) = fits.max_by_key(|(url, _)| url.len()) else {
            return Err(Refusal::HttpNetwork);
        };
        server(request)
    }

    /// Keeps a line, if there is room.
    fn keep(&mut self, record: LogRecord) -> bool {
        let bytes = self.line_bytes_of_call.saturating_add(record.encoded_size());
        if self.lines_of_call >= limits::LINES_MAX || bytes > limits::LINES_BYTES_MAX {
            return false;
        }
        self.lines_of_call = self.lines_of_call.saturating_add(1);
        self.line_bytes_of_call = bytes;
        self.logs.push(record);
        true
    }

    /// A secret of the contract's for one use.
    fn secret(&self, purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let contract: &[u8; 32] = self.contract.as_ref();
        crypto::hash(&[&(purpose, contract, parts).encode()])
    }

    /// Bytes that differ each time.
    fn random(&mut self) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        crypto::hash(&[b"random", &self.call.to_le_bytes(), &self.drawn.to_le_bytes()])
    }
}

/// A level of extension 0.
fn level(number: u8) -> LogLevel {
    match number {
        2 => LogLevel::Warn,
        3 => LogLevel::Info,
        4 => LogLevel::Debug,
        5 => LogLevel::Trace,
        _ => LogLevel::Error,
    }
}

/// What a function answers: its output, or its status.
type Reply = Result<Vec<u8>, u32>;

/// One extension of the worker.
struct Behind {
    extension: u16,
    worker: Worker,
    serve: fn(&mut State, u16, &[u8]) -> Reply,
}

impl ChainExtension for Behind {
    fn ext_id(&self) -> u16 {
        self.extension
    }

    fn call(&mut self, function: u16, input: &[u8], output: &mut Vec<u8>) -> u32 {
        // ink!'s test environment wraps the input, which is encoded already, into bytes once more.
        let input: Vec<u8> = decode(input).expect("the test environment encodes the input as bytes");
        assert!(input.len() <= limits::INPUT_BYTES_MAX, "the call ends: the input is longer than 64 KiB");
        match (self.serve)(&mut self.worker.0.borrow_mut(), function, &input) {
            Ok(bytes) => {
                output.extend_from_slice(&bytes);
                0
            }
            Err(status) => status,
        }
    }
}

/// Decodes all of the input, or nothing.
fn decode<T: Decode>(mut input: &[u8]) -> Option<T> {
    T::decode(&mut input).ok().filter(|_| input.is_empty())
}

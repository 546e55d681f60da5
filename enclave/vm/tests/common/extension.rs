// SPDX-License-Identifier: Apache-2.0
//! Both backends of the chain extensions, and how to call them.

#![allow(dead_code, unused_imports)] // Each test file uses a part of it.

use codec::{Decode, Encode};
use phala_crypto::Secret;
use phala_vm::extension::{
    Asker, Brought, CommandExtensions, Done, Errand, EvidenceUnavailable, QueryExtensions,
    cache::Cache,
    http::{HttpError, HttpRequest, HttpResponse, REQUESTS_MAX, TIMEOUT_MS_MAX},
    keys::ClusterKey,
    log::{LINES_MAX, LogLine, Logs, TEXT_BYTES_MAX},
    signing,
    wire::*,
};
use phala_vm::world::{ExtensionRequest, Extensions, Surroundings};
use phala_vm::{AccountBytes, Balance, Context, ExtensionReply, HashBytes, HostError, Trap};

pub const CONTRACT: AccountBytes = [7; 32];
pub const CODE: HashBytes = [8; 32];
pub const GAS: u64 = 10_000_000;
pub const NOW_MS: u64 = 1_700_000_000_000;
pub const BLOCK: u32 = 42;

pub const INVALID: HostError = HostError::Denied(Trap::InvalidInput);
pub const NOT_AVAILABLE: HostError = HostError::Denied(Trap::NotAvailable);

pub type Reply = Result<(u32, Vec<u8>), HostError>;

/// A world in which one contract has 100 and one code is known.
#[derive(Default)]
pub struct Around(pub Logs);

impl Surroundings for Around {
    fn balance_of(&self, account: &AccountBytes) -> Balance {
        if *account == CONTRACT { 100 } else { 5 }
    }

    fn has_code(&self, code_hash: &HashBytes) -> bool {
        *code_hash == CODE
    }

    fn logs(&mut self) -> &mut Logs {
        &mut self.0
    }
}

pub fn keys() -> ClusterKey {
    ClusterKey::new(Secret::new([1; 32]))
}

pub fn command() -> CommandExtensions {
    CommandExtensions::new(keys(), [3; 32], 9)
}

pub fn asker() -> Asker {
    Asker {
        origin: QueryOrigin { account: [4; 32], is_anonymous: false, expires_at: 99 },
        worker: [5; 32],
        hpke_key: [6; 32],
        platform: PlatformKind::Simulated,
        host_ms: 1234,
    }
}

pub fn query_with(seed: u8, cache: Cache, done: Vec<Done>) -> QueryExtensions {
    QueryExtensions::new(keys(), asker(), Secret::new([seed; 32]), cache, NOW_MS, done, true)
}

pub fn query() -> QueryExtensions {
    query_with(1, Cache::default(), Vec::new())
}

pub fn raw_in(
    world: &mut Around,
    backend: &mut dyn Extensions,
    contract: AccountBytes,
    id: u32,
    input: &[u8],
    gas_limit: u64,
) -> Result<ExtensionReply, HostError> {
    let context = Context {
        caller: [2; 32],
        caller_is_origin: true,
        address: contract,
        value: 0,
        block_number: BLOCK,
        now_ms: NOW_MS,
        read_only: false,
        minimum_balance: 0,
    };
    let request = ExtensionRequest { id, input, gas_limit, context: &context, code_hash: &CODE };
    backend.call(request, world)
}

pub fn raw(backend: &mut dyn Extensions, id: u32, input: &[u8]) -> Reply {
    let reply = raw_in(&mut Around::default(), backend, CONTRACT, id, input, GAS)?;
    assert!(reply.gas_used > 0 && reply.gas_used < GAS, "function {id} costs {}", reply.gas_used);
    Ok((reply.status, reply.output))
}

/// Calls a function of Phala's extension.
pub fn pink(backend: &mut dyn Extensions, function: u32, input: impl Encode) -> Reply {
    raw(backend, function, &input.encode())
}

/// Calls a function of ours.
pub fn own(backend: &mut dyn Extensions, function: u32, input: impl Encode) -> Reply {
    raw(backend, 1 << 16 | function, &input.encode())
}

/// What a function answered with status 0.
pub fn got<T: Decode>(reply: Reply) -> T {
    let (status, output) = reply.unwrap();
    assert_eq!(status, 0);
    let mut bytes = &output[..];
    let value = T::decode(&mut bytes).unwrap();
    assert!(bytes.is_empty());
    value
}

pub fn refused(status: Status) -> Reply {
    Ok((status as u32, Vec::new()))
}

/// Both worlds, for what must be the same in both.
pub fn both(check: impl Fn(&mut dyn Extensions)) {
    check(&mut command());
    check(&mut query());
}

//! Queries that wait for something from outside, and what bounds them.

use crate::effect::Ticket;
use phala_crypto::{Secret, seal::ReplyKey};
use phala_types::{ContractId, query::SignedQuery};
use phala_vm::extension::{Brought, Done, Errand};
use std::collections::BTreeMap;

/// Queries that wait at once. Each holds its input (1 MiB at most) and what was brought so far (4.2 MiB at most): 170 MiB in
/// the worst case.
pub const PAUSED_MAX: usize = 32;

/// Of those, queries to one contract: so that one whose server never answers does not take all places.
pub const PAUSED_PER_CONTRACT_MAX: usize = 8;

/// Runs of one query: one for each thing that it may wait for, and the one that ends it. After that the contract is told
/// that it has used up what it may.
pub const RUNS_MAX: u32 = phala_vm::extension::ERRANDS_MAX as u32 + 1;

/// What a query has been through, and what its next run gets.
pub struct Progress {
    /// Its randomness: the same in each run.
    pub seed: Secret<[u8; 32]>,
    /// What the host's clock said when it came.
    pub host_ms: u64,
    /// What was brought, and is still of use.
    pub done: Vec<Done>,
    /// Runs that ended without an answer.
    pub runs: u32,
    /// The gas of those runs.
    pub gas_spent: u64,
}

/// A query that waits.
pub struct PausedQuery {
    /// The query. Its authority was verified when it came, and is not verified again.
    pub signed: SignedQuery,
    /// Seals its reply.
    pub reply_key: ReplyKey,
    /// What it has been through.
    pub progress: Progress,
    /// What it waits for.
    pub errands: Vec<Errand>,
}

impl PausedQuery {
    /// Takes what was brought for the errands.
    pub fn take(&mut self, brought: Vec<Brought>) {
        let errands = core::mem::take(&mut self.errands);
        let done = errands.into_iter().zip(brought).map(|(errand, brought)| Done { errand, brought });
        self.progress.done.extend(done);
    }
}

/// All queries that wait.
#[derive(Default)]
pub struct Paused {
    queries: BTreeMap<Ticket, PausedQuery>,
    next: u64,
}

/// As many queries wait as may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlacesTaken;

impl Paused {
    /// A ticket for a query that begins to wait, if there is a place.
    pub fn ticket(&mut self, contract: &ContractId) -> Result<Ticket, PlacesTaken> {
        let is_of_contract = |query: &&PausedQuery| query.signed.query.question.contract() == Some(contract);
        let of_contract = self.queries.values().filter(is_of_contract).count();
        if self.queries.len() >= PAUSED_MAX || of_contract >= PAUSED_PER_CONTRACT_MAX {
            return Err(PlacesTaken);
        }
        let ticket = Ticket(self.next);
        // Wrapping would take 2^64 queries.
        self.next = self.next.wrapping_add(1);
        Ok(ticket)
    }

    /// Lets a query wait.
    pub fn put(&mut self, ticket: Ticket, query: PausedQuery) {
        self.queries.insert(ticket, query);
    }

    /// The query that waits with this ticket: it does so no longer.
    pub fn take(&mut self, ticket: Ticket) -> Option<PausedQuery> {
        self.queries.remove(&ticket)
    }
}

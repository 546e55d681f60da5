// SPDX-License-Identifier: Apache-2.0
//! What a query has of the extensions: all of a command's, and what one worker has besides.
//!
//! One query may be run several times, each time from its start (R11). What must not differ between these runs is given
//! to each of them anew: the seed of its randomness, the host's time, and what its errands brought. The state and the
//! chain's time are those of the worker's head at each run: an answer is always what one run at one head gave, and
//! its receipt names that head. If the head has moved and the contract now asks for something else, that is another
//! errand, and what was brought before is dropped.

use codec::Encode;
use k256::elliptic_curve::rand_core::{self, CryptoRng, RngCore, impls};
use phala_crypto::{Secret, kdf};
use phala_types::tag::Tag;
use thiserror::Error;

use super::cache::{Cache, Changes, QuotaExceeded};
use super::http::{HttpError, HttpRequest, HttpResponse, REQUESTS_MAX};
use super::keys::ClusterKey;
use super::wire::{PlatformKind, QueryOrigin};
use super::{Backend, Frame};
use crate::host::AccountBytes;

/// Statements of the hardware that one run of a query may ask for: making one takes the hardware tens of milliseconds.
const STATEMENTS_MAX: usize = 1;

/// Errands of one run.
pub const ERRANDS_MAX: usize = REQUESTS_MAX + STATEMENTS_MAX;

/// Who asks, and who answers.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The account whose certificate authorises the query.
    pub origin: QueryOrigin,
    /// The worker.
    pub worker: [u8; 32],
    /// The key to which queries to it are sealed.
    pub hpke_key: [u8; 32],
    /// Its hardware.
    pub platform: PlatformKind,
    /// What the host's clock said when the query came. It may lie.
    pub host_ms: u64,
}

/// Something that only the outside can do.
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub enum Errand {
    /// Send a request.
    Fetch(HttpRequest),
    /// Have the hardware vouch for a contract's data.
    Evidence {
        /// Which contract.
        contract: AccountBytes,
        /// Its data, at most [`super::wire::USER_DATA_BYTES_MAX`].
        user_data: Vec<u8>,
    },
}

/// The platform makes no statement, or not now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the platform makes no statement now")]
pub struct EvidenceUnavailable;

/// What came of an errand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Brought {
    /// Of [`Errand::Fetch`].
    Fetched(Result<HttpResponse, HttpError>),
    /// Of [`Errand::Evidence`].
    Evidence(Result<Vec<u8>, EvidenceUnavailable>),
}

/// An errand that was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    /// What was asked for.
    pub errand: Errand,
    /// What came of it.
    pub brought: Brought,
}

/// What a run waits for, with what the next one needs.
#[derive(Debug)]
pub struct Waiting {
    /// What is to be done, in this order. Never empty.
    pub errands: Vec<Errand>,
    /// What was done already and is still of use.
    pub done: Vec<Done>,
    /// The gas that the waiting contract had left: with what is to be done it could not have spent more than the rest.
    pub gas_left: u64,
}

/// What is left of a run.
#[derive(Debug)]
pub struct Ended {
    /// The worker's cache, with the run's changes if they stand.
    pub cache: Cache,
    /// What the run waits for, if it did not come to its end.
    pub waiting: Option<Waiting>,
}

/// Why there is nothing to give to the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unmet {
    /// The run has asked for as much as it may.
    QuotaExceeded,
    /// The run has to wait.
    Waiting,
}

/// The extensions during one run of a query.
#[derive(Debug)]
pub struct QueryExtensions {
    keys: ClusterKey,
    /// Who asks, and who answers.
    pub(super) asker: Asker,
    seed: Secret<[u8; 32]>,
    drawn: u64,
    cache: Cache,
    changes: Changes,
    now_seconds: u64,
    /// What was done, and whether this run has used it.
    done: Vec<(Done, bool)>,
    fetches: usize,
    statements: usize,
    may_wait: bool,
    waiting: Option<(Vec<Errand>, u64)>,
}

impl QueryExtensions {
    /// For one run. `seed` is the query's, the same for each run of it; `now_ms` is the head's time. A run that may not
    /// wait is told that it has used up what it may.
    pub fn new(
        keys: ClusterKey,
        asker: Asker,
        seed: Secret<[u8; 32]>,
        mut cache: Cache,
        now_ms: u64,
        done: Vec<Done>,
        may_wait: bool,
    ) -> Self {
        let now_seconds = now_ms / 1000;
        cache.expire(now_seconds);
        Self {
            keys,
            asker,
            seed,
            drawn: 0,
            cache,
            changes: Changes::default(),
            now_seconds,
            done: done.into_iter().map(|done| (done, false)).collect(),
            fetches: 0,
            statements: 0,
            may_wait,
            waiting: None,
        }
    }

    /// The end of the run. What the contracts remembered stands if the run came to its end without a trap.
    pub fn end(self, is_trapped: bool) -> Ended {
        let mut cache = self.cache;
        let done = self.done.into_iter().filter_map(|(done, is_used)| is_used.then_some(done)).collect();
        let waiting = self.waiting.map(|(errands, gas_left)| Waiting { errands, done, gas_left });
        if waiting.is_none() && !is_trapped {
            cache.apply(self.changes);
        }
        Ended { cache, waiting }
    }

    /// Random bytes: the same in each run of the query, and in no other query.
    pub(super) fn random(&mut self) -> Random<'_> {
        Random { seed: &self.seed, drawn: &mut self.drawn }
    }

    pub(super) fn cache_set(
        &mut self,
        frame: &Frame<'_>,
        key: Vec<u8>,
        value: Vec<u8>,
    ) -> Result<(), QuotaExceeded> {
        self.changes.set(&self.cache, &frame.contract, key, value, self.now_seconds)
    }

    pub(super) fn cache_set_expiration(&mut self, frame: &Frame<'_>, key: Vec<u8>, seconds: u64) {
        self.changes.set_expiration(&self.cache, &frame.contract, key, seconds, self.now_seconds);
    }

    pub(super) fn cache_get(&self, frame: &Frame<'_>, key: &[u8]) -> Option<Vec<u8>> {
        self.changes.get(&self.cache, &frame.contract, key)
    }

    pub(super) fn cache_remove(&mut self, frame: &Frame<'_>, key: Vec<u8>) -> Option<Vec<u8>> {
        self.changes.remove(&self.cache, &frame.contract, key)
    }

    /// The responses to these requests, in their order.
    pub(super) fn fetch(
        &mut self,
        frame: &Frame<'_>,
        requests: Vec<HttpRequest>,
    ) -> Result<Vec<Result<HttpResponse, HttpError>>, Unmet> {
        self.fetches = self.fetches.saturating_add(requests.len());
        if self.fetches > REQUESTS_MAX {
            return Err(Unmet::QuotaExceeded);
        }
        let brought = self.errands(frame, requests.into_iter().map(Errand::Fetch).collect())?;
        let responses = brought.into_iter().map(|brought| match brought {
            Brought::Fetched(result) => result,
            Brought::Evidence(_) => Err(HttpError::Client),
        });
        Ok(responses.collect())
    }

    /// What the hardware states about a contract's data.
    pub(super) fn statement(
        &mut self,
        frame: &Frame<'_>,
        user_data: Vec<u8>,
    ) -> Result<Result<Vec<u8>, EvidenceUnavailable>, Unmet> {
        self.statements = self.statements.saturating_add(1);
        if self.statements > STATEMENTS_MAX {
            return Err(Unmet::QuotaExceeded);
        }
        let brought = self.errands(frame, vec![Errand::Evidence { contract: frame.contract, user_data }])?;
        Ok(match brought.into_iter().next() {
            Some(Brought::Evidence(result)) => result,
            _ => Err(EvidenceUnavailable),
        })
    }

    /// What these errands brought, if each of them is done; else the run waits for those that are not.
    fn errands(&mut self, frame: &Frame<'_>, errands: Vec<Errand>) -> Result<Vec<Brought>, Unmet> {
        let (mut brought, mut missing) = (Vec::new(), Vec::new());
        for errand in errands {
            let done = self.done.iter_mut().find(|(done, is_used)| !is_used && done.errand == errand);
            match done {
                Some((done, is_used)) => {
                    *is_used = true;
                    brought.push(done.brought.clone());
                }
                None => missing.push(errand),
            }
        }
        if missing.is_empty() {
            return Ok(brought);
        }
        if !self.may_wait {
            return Err(Unmet::QuotaExceeded);
        }
        self.waiting = Some((missing, frame.gas_left));
        Err(Unmet::Waiting)
    }
}

impl Backend for QueryExtensions {
    fn keys(&self) -> &ClusterKey {
        &self.keys
    }

    fn beacon(&self, contract: &AccountBytes, subject: &[u8]) -> [u8; 32] {
        kdf::derive(&self.seed, Tag::KEY_QUERY_BEACON, &(contract, subject)).expose(|bytes| *bytes)
    }

    fn query(&mut self) -> Option<&mut QueryExtensions> {
        Some(self)
    }
}

/// A query's random bytes, from its seed.
pub(super) struct Random<'a> {
    seed: &'a Secret<[u8; 32]>,
    drawn: &'a mut u64,
}

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let drawn = kdf::derive(self.seed, Tag::KEY_QUERY_RANDOM, &*self.drawn);
            // Wrapping would take 2^64 draws from one query, which gas bounds.
            *self.drawn = self.drawn.wrapping_add(1);
            drawn.expose(|drawn| chunk.iter_mut().zip(drawn).for_each(|(to, from)| *to = *from));
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}

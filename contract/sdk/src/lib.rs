// SPDX-License-Identifier: Apache-2.0
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
//! What a confidential contract asks of the worker that runs it, beyond what ink! has.
//!
//! A contract names [`Phala`] as its environment, and then calls the functions below: keys that only it has, randomness that
//! nobody predicts, the web, sealed bytes, private logs. What each can be trusted with, and each bound, is in
//! `specs/chain-extensions.md`; the first sentence of each function here is the short form.
//!
//! # A contract that uses them
//!
//! ```
//! # #![allow(unexpected_cfgs)]
//! #[ink::contract(env = phala_contract::Phala)]
//! mod lottery {
//!     use ink::prelude::vec::Vec;
//!
//!     #[ink(storage)]
//!     #[derive(Default)]
//!     pub struct Lottery {
//!         players: Vec<AccountId>,
//!         winner: Option<AccountId>,
//!     }
//!
//!     impl Lottery {
//!         #[ink(constructor)]
//!         pub fn new() -> Self {
//!             Self::default()
//!         }
//!
//!         #[ink(message)]
//!         pub fn enter(&mut self) {
//!             let player = self.env().caller();
//!             phala_contract::info!("a player entered", player = player);
//!             self.players.push(player);
//!         }
//!
//!         #[ink(message)]
//!         pub fn draw(&mut self) -> Option<AccountId> {
//!             // Once: whoever could draw again would draw until they like it.
//!             if self.winner.is_none() {
//!                 let index = phala_contract::beacon_random(b"draw").ok()?.below(self.players.len() as u64)?;
//!                 self.winner = self.players.get(index as usize).copied();
//!             }
//!             self.winner
//!         }
//!     }
//! }
//! # use lottery::Lottery;
//! # ink::env::test::run_test::<phala_contract::Phala, _>(|people| {
//! // In a test, a double stands for the worker.
//! let worker = phala_contract::testing::Worker::install();
//! let mut lottery = Lottery::new();
//! assert_eq!(lottery.draw(), None);
//! lottery.enter();
//! assert_eq!(lottery.draw(), Some(people.alice));
//! assert_eq!(worker.logs().len(), 1);
//! # Ok(())
//! # }).unwrap();
//! ```
//!
//! # Commands and queries
//!
//! A command changes state and runs on every replica of the cluster, so it can only use what is equal on all of them. The
//! web, a query's origin and evidence are not: there they answer [`Refusal::NotInCommands`]. The pattern is a query that
//! fetches and *signs* what it found with a key of the contract ([`derive_key`]), and a command that takes it and verifies
//! that. `contract/examples/price_oracle` shows it.
//!
//! # Where to look next
//!
//! [`http`] for the web, [`DerivedKey`] for signatures, [`testing`] for tests off chain, [`pink`] for Phala's older functions.

pub mod extension;
pub mod http;
pub mod key;
pub mod log;
pub mod pink;
#[cfg(feature = "std")]
pub mod testing;
pub mod types;

pub use extension::{Confidential, Extensions, Pink, Refusal};
pub use key::verify;
pub use types::{
    AttestedTime, BeaconRandom, DerivedKey, Evidence, HttpFetch, HttpFetched, HttpMethod, KeyKind, LogLevel,
    LogRecord, LogValue, Platform, QueryOrigin, RandomSource, TimeSource,
};

use extension::{confidential, old};
use ink::{env::Environment, prelude::vec::Vec};

/// What a worker answers, or why it does not.
pub type Result<T> = core::result::Result<T, Refusal>;

/// The environment of a contract on this network: ink!'s own types, and both chain extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[ink::scale_derive(TypeInfo)]
pub enum Phala {}

impl Environment for Phala {
    /// As many as the network keeps of one event.
    const MAX_EVENT_TOPICS: usize = 4;

    type AccountId = ink::primitives::AccountId;
    type Balance = u128;
    type Hash = ink::primitives::Hash;
    type BlockNumber = u32;
    type Timestamp = u64;
    type ChainExtension = Extensions;
}

/// The account on whose certificate the query runs, whichever contract calls which. Only in queries.
pub fn query_origin() -> Result<QueryOrigin> {
    confidential().query_origin()
}

/// The time that the chain's validators agreed on, and in which block. It lags, and it is not forged.
pub fn attested_time() -> Result<AttestedTime> {
    confidential().attested_time()
}

/// 32 bytes that nobody could predict. In a command they are the same on every replica and differ by subject; a subject has
/// at most 64 bytes. In a query they are another command's never.
pub fn beacon_random(subject: &[u8]) -> Result<BeaconRandom> {
    confidential().beacon_random(subject)
}

/// A key that only this contract has, and always the same for a path, of at most 256 bytes, and a kind.
///
/// It survives a change of the contract's code. Never return the secret part.
pub fn derive_key(path: &[u8], kind: KeyKind) -> Result<DerivedKey> {
    confidential().derive_key(path, kind)
}

/// What the worker's hardware states about this contract and these bytes, at most 64. Only in queries.
pub fn evidence(user_data: &[u8]) -> Result<Evidence> {
    confidential().evidence(user_data)
}

/// Encrypts bytes, at most 8 KiB, so that only this contract can open them, and only with the same context.
///
/// Equal bytes in an equal context give an equal result, which whoever keeps it can see.
pub fn seal(data: &[u8], context: &[u8]) -> Result<Vec<u8>> {
    confidential().seal(data, context)
}

/// Opens what [`seal`] made of this contract and this context, and answers [`Refusal::NotAuthentic`] for anything else.
pub fn unseal(sealed: &[u8], context: &[u8]) -> Result<Vec<u8>> {
    confidential().unseal(sealed, context)
}

/// Whether this is a command, which changes state, rather than a query or a dry run.
pub fn is_command() -> bool {
    old().is_in_transaction()
}

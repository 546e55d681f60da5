//! A user's view of the network: verify, seal, call, query.
//!
//! Nothing that a node, a relay or a worker says is believed. [`chain::Chain`] follows the chain's finality by itself;
//! what the chain records is read by storage proof; a worker is asked only if it is attested as the user's [`Trust`]
//! demands; commands and queries are sealed to keys that trace back to that record; and what a worker answers for is
//! a receipt, which [`receipt::verify_receipt`] checks offline, years later, from nothing but the genesis hash.
//!
//! Start with [`Client`]. [`abi`] reads ink! bundles, and [`mod@build`] makes them.
//!
//! Not checked: that a worker is online for others too, that a node shows all workers, and that a contract's metadata
//! tells the truth about its code.
#![forbid(unsafe_code)]

pub mod abi;
pub mod build;
pub mod chain;
mod client;
mod command;
mod http;
mod query;
mod random;
pub mod receipt;
mod trust;

pub use chain::ChainError;
pub use client::{Client, ClientError};
pub use command::{CallParameters, CommandError, Deployed, Sent};
pub use http::{WorkerError, WorkerUrl};
pub use phala_chain_api as node;
pub use query::{Answered, QueryError, Session};
pub use receipt::VerifyError;
pub use trust::{Trust, VerifiedWorker};

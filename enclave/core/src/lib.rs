//! The worker as a state machine: one input in, effects out.
//!
//! [`Core`] follows the chain by finality proofs, takes its cluster's messages against a proven tip, runs contracts,
//! answers queries and signs for what it says. It has no clock, disk, network, randomness or log: time is the
//! finalized block's, order is the mailbox's, randomness comes with each input, and what is to be written, sent or
//! reported leaves as an [`Effect`]. Two cores with the same seed and the same messages have the same state.
//!
//! Whatever the host hands in is [`phala_types::Untrusted`]. A bad input is an error value and changes nothing; a bad
//! message that is already on the chain has the outcome "rejected". An invariant of our own that does not hold stops
//! the core: see [`phala_types::relay::HaltReason`].
//!
//! What is not here: the event loop, the disk and the sockets (`phala-worker`), evidence and sealing keys
//! (`phala-platform`), contracts and what they own (`phala-vm`), consensus (`phala-light`).
//!
//! Read `worker.rs` first, then `execute.rs` (commands) and `query.rs`.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod backlog;
mod effect;
mod effects;
mod entropy;
mod execute;
mod keys;
mod nonces;
mod paused;
mod query;
mod records;
#[cfg(feature = "replay")]
pub mod replay;
mod schema;
mod store;
mod worker;

pub use effect::{Effect, Input, Report, Ticket, Work, Write};
pub use records::{BootError, Record};
pub use worker::Core;

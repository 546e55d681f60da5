//! Carries blocks, proofs and messages between a node and a worker, and what the worker signs back to the chain.
//!
//! Untrusted: it holds no secret of the network and keeps no state, so that it can be killed at any moment and
//! started again. The worker verifies all that it is handed, and its status says what it needs next; the relay only
//! looks there and acts. It never ends by itself: what fails is tried again, with waits that grow up to a bound.
//!
//! Start with [`relay::run`]. What it asks is decided in [`need`]; [`worker::Worker`] is the worker's HTTP interface.
#![forbid(unsafe_code)]

pub mod config;
pub mod delivery;
pub mod enrolment;
mod job;
pub mod need;
pub mod relay;
pub mod worker;

pub use config::Config;

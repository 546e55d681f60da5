//! The Substrate host of the chain: makes, finalizes, stores and serves blocks of [`phala_runtime`].
//!
//! Start at [`cli`] for what a person can ask of it, [`chain_spec`] for the networks, [`service`] for how its parts
//! are put together, [`rpc`] for what clients can ask and [`finality`] for the proofs that they get.

pub mod chain_spec;
pub mod cli;
pub mod finality;
pub mod rpc;
pub mod service;

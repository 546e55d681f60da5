//! The Substrate host of the chain: makes, finalizes, stores and serves blocks of [`phala_runtime`].
//!
//! Start at [`cli`] for what a person can ask of it, [`chain_spec`] for the networks, [`service`] for how its parts
//! are put together, [`rpc`] for what clients can ask and [`finality`] for the proofs that they get.

mod chain_spec;
mod cli;
mod finality;
mod rpc;
mod service;

fn main() -> polkadot_sdk::sc_cli::Result<()> {
    cli::run()
}

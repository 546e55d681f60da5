//! What tests are carried out on: the engine alone, or a network.

use super::{machine::Machine, network::Network};
use anyhow::Result;
use phala_sdk::{abi::ContractBundle, node::Account};
use phala_types::{AccountId, Amount, Bytes, CodeHash, command::Event, limits::PAYLOAD_BYTES_MAX};
use std::time::Duration;

/// Runs contracts.
pub enum Stage<'a> {
    Machine(Machine),
    Network(Network<'a>),
}

/// One constructor, command or query.
pub struct Act<'a> {
    pub what: What,
    pub signer: &'a Account,
    pub value: Amount,
    pub input: Bytes<PAYLOAD_BYTES_MAX>,
    /// Time that passes before.
    pub after: Duration,
}

#[derive(Clone, Copy)]
pub enum What {
    Deploy(CodeHash),
    Call(AccountId),
    Query(AccountId),
}

/// What came of it.
pub enum Reply {
    Returned {
        contract: AccountId,
        is_reverted: bool,
        data: Vec<u8>,
        events: Vec<Event>,
    },
    Trapped {
        trap: String,
        logs: Vec<String>,
    },
    /// It was not run, and why.
    Refused(String),
    /// The stage cannot do this, for a reason that is not the contract's.
    Unable(String),
}

impl Stage<'_> {
    /// Begins a test: nothing of the one before is left, or nothing of it is named.
    pub fn begin(&mut self) -> Result<()> {
        match self {
            Self::Machine(machine) => machine.begin(),
            Self::Network(_) => Ok(()),
        }
    }

    /// What the secret URIs of this run's people end with: on a network nobody else is to send commands as they do.
    pub fn people(&self) -> &str {
        match self {
            Self::Machine(_) => "",
            Self::Network(network) => network.people(),
        }
    }

    /// Takes code. Returns why it was refused, if it was.
    pub async fn upload(&mut self, bundle: &ContractBundle) -> Result<Option<String>> {
        match self {
            Self::Machine(machine) => machine.upload(bundle),
            Self::Network(network) => network.upload(bundle).await,
        }
    }

    pub async fn run(&mut self, act: Act<'_>) -> Result<Reply> {
        match self {
            Self::Machine(machine) => machine.run(act),
            Self::Network(network) => network.run(act).await,
        }
    }
}

//! All that can go in and all that can come out.

use phala_types::{
    BlockNumber, ContractId, MessageNumber, Untrusted,
    finality::FinalityProof,
    query::{OpenRefusal, SealedReply, SignedInboxKey},
    relay::{HaltReason, InputError, RelayOutput, WorkerStatus},
    worker::Registration,
};

/// Something from outside.
#[derive(Debug)]
pub enum Input {
    /// SCALE of a [`phala_types::relay::RelayInput`].
    Relay(Untrusted<Vec<u8>>),
    /// SCALE of an [`phala_types::envelope::Envelope`] with a query.
    Query(Untrusted<Vec<u8>>),
    /// Somebody wants to seal a command to this contract.
    InboxKey(ContractId),
}

/// Something to be done outside, in this order. What is to be written must be durable before the next effect leaves.
#[derive(Debug)]
pub enum Effect {
    /// Write these records, all or none.
    Write(Vec<Write>),
    /// Answer the relay.
    Relay(RelayOutput),
    /// Get evidence for this registration from the platform, and answer the relay with both.
    Attest {
        /// What the evidence is to vouch for, by [`phala_attest::report_data`].
        registration: Registration,
        /// For the answer.
        status: WorkerStatus,
    },
    /// Answer a query.
    Reply(Result<SealedReply, OpenRefusal>),
    /// Answer who asked for an inbox key.
    InboxKey(Result<SignedInboxKey, OpenRefusal>),
    /// Keep this proof for clients: receipts may name its block.
    Publish(BlockNumber, FinalityProof),
    /// Tell the operator.
    Report(Report),
}

/// One record to write: names and values are sealed already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// The name on disk.
    pub name: [u8; 32],
    /// The sealed value, or `None` to remove it.
    pub value: Option<Vec<u8>>,
}

/// What an operator may know. Nothing in it is secret or derived from a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// An input of the relay was not taken.
    InputRefused(InputError),
    /// Messages up to this number, it excluded, were executed.
    Executed(MessageNumber),
    /// The worker stopped itself.
    Halted(HaltReason),
}

//! All that can go in and all that can come out.

use phala_types::{
    BlockNumber, ContractId, MessageNumber, Millis, Untrusted,
    finality::FinalityProof,
    query::{OpenRefusal, SealedReply, SignedInboxKey},
    relay::{HaltReason, InputError, RelayOutput, WorkerStatus},
    worker::Registration,
};
use phala_vm::extension::{Brought, http::HttpRequest};

/// Something from outside.
#[derive(Debug)]
pub enum Input {
    /// SCALE of a [`phala_types::relay::RelayInput`].
    Relay(Untrusted<Vec<u8>>),
    /// A query.
    Query {
        /// SCALE of an [`phala_types::envelope::Envelope`].
        envelope: Untrusted<Vec<u8>>,
        /// What the host's clock says, in milliseconds since 1970. Nothing but contracts reads it, and they are told that
        /// it may lie.
        host_ms: Untrusted<u64>,
    },
    /// What came of an [`Effect::Work`]. The worker's own fetcher made it: the host had no part but what
    /// `phala_worker::fetch` names.
    Brought {
        /// Of which.
        ticket: Ticket,
        /// One for each piece of work, in the same order.
        brought: Vec<Brought>,
    },
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
    /// Do this for a query, and come back with [`Input::Brought`], whatever comes of it. The query has no reply before.
    Work {
        /// The query, while it waits.
        ticket: Ticket,
        /// What is to be done. All of it may be done at once.
        work: Vec<Work>,
        /// The time to which certificates are held: that of the chain's head, which the host cannot turn back.
        now: Millis,
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

/// A query that waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(pub(crate) u64);

/// What only the outside can do for a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Work {
    /// Send a request. Its answer is a [`Brought::Fetched`].
    Fetch(HttpRequest),
    /// Get the platform's evidence for this report data. Its answer is a [`Brought::Evidence`].
    Evidence([u8; 64]),
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

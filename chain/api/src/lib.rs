//! How programs outside the chain speak to a node: by its metadata and its RPC, never by linking its runtime.
//!
//! [`Node`] is a connection. It reads ([`Node::storage`], [`Node::storage_proof`], [`Node::finality_after`],
//! [`Node::messages`]) and writes ([`Node::submit`]). A node is a stranger: everything that it says comes back as
//! [`phala_types::Untrusted`], and nothing is verified here. `phala-light` verifies headers and storage proofs,
//! and the worker and the SDK do so before they believe anything.
//!
//! Futures that contain much of subxt are boxed: the compiler then makes them once, here, and not again in each program.
#![forbid(unsafe_code)]

mod account;
pub mod backoff;
mod call;
mod error;
mod finality;
mod mailbox;
mod node;
mod submit;

pub use account::{Account, AccountError, Balance};
pub use call::Call;
pub use error::NodeError;
pub use finality::{FinalityStep, FinalityStream};
pub use node::{BlockHeader, ChainInfo, Node};
pub use submit::{Included, SubmitError, Until};

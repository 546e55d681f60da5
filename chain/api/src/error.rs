//! Why a node could not be asked, or did not answer.

use subxt::rpcs;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a read from a node failed.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Unavailable: nobody answers at the address, or it is not the address of a node.
    #[error("cannot reach a node at {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// Unavailable: the connection broke, or the node did not answer in time. Connect again.
    #[error("the node did not answer {call}")]
    Lost {
        /// The RPC method.
        call: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// Rejected: the node understood, and said no.
    #[error("the node refused {call}: {reason}")]
    Refused {
        /// The RPC method.
        call: &'static str,
        /// The node's number of the error.
        code: i32,
        /// The node's words.
        reason: String,
    },
    /// Malformed: the node answered something that the answer cannot be.
    #[error("the node's answer to {call} {problem}")]
    Malformed {
        /// The RPC method.
        call: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Unavailable: the node does not have, or no longer has, what was asked for.
    #[error("the node does not have {what}")]
    Missing {
        /// What was asked for.
        what: String,
    },
}

impl NodeError {
    /// Whether it takes a new connection to go on.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Lost { .. })
    }

    pub(crate) fn malformed(call: &'static str, problem: impl Into<String>) -> Self {
        Self::Malformed { call, problem: problem.into() }
    }

    pub(crate) fn from_rpc(call: &'static str, error: rpcs::Error) -> Self {
        match error {
            rpcs::Error::User(error) => {
                let data = error.data.map(|data| format!(" ({})", data.get())).unwrap_or_default();
                Self::Refused { call, code: error.code, reason: format!("{}{data}", error.message) }
            }
            rpcs::Error::Deserialization(error) => Self::malformed(call, format!("does not decode: {error}")),
            rpcs::Error::Decode(error) => Self::malformed(call, format!("does not decode: {error}")),
            other => Self::Lost { call, source: Box::new(other) },
        }
    }
}

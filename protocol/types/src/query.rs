//! What a user asks a worker directly, on whose authority, and what the worker answers.

use crate::{
    Amount, BlockNumber, BlockRef, Bytes, ClusterId, CodeHash, ContractId, Gas, KeyVersion, List,
    MessageNumber, Nonce, WorkerId,
    account::{Signature, Signer, WorkerSignature},
    command::{Deposit, Ended, Event, Outcome},
    limits::{EVENTS_MAX, LOG_LINES_MAX, PAYLOAD_BYTES_MAX, SCOPE_CONTRACTS_MAX},
    log::LogLine,
    receipt::SignedReceipt,
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a certificate allows.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Scope {
    /// Queries to any contract, and those that are about none.
    #[codec(index = 0)]
    Any,
    /// Queries to these contracts only.
    #[codec(index = 1)]
    Contracts(List<ContractId, SCOPE_CONTRACTS_MAX>),
}

impl Scope {
    /// Whether a question is within it.
    pub fn covers(&self, question: &Question) -> bool {
        match self {
            Self::Any => true,
            Self::Contracts(list) => question.contract().is_some_and(|contract| list.contains(contract)),
        }
    }
}

/// An account's word that a session key may ask in its name for a while, so that a wallet signs once.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Certificate {
    /// The account's key.
    pub signer: Signer,
    /// The Ed25519 key that signs the queries.
    pub session_key: [u8; 32],
    /// For what.
    pub scope: Scope,
    /// The last block at which it is valid: at most [`crate::limits::CERTIFICATE_BLOCKS_MAX`] ahead.
    pub expires_at: BlockNumber,
}

/// A certificate and its signer's signature over [`crate::tag::Tag::CERTIFICATE`], the genesis hash and it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SignedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The signature. Not verified.
    pub signature: Signature,
}

/// A question.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Question {
    /// Run a contract's message without keeping its changes: as a command would run, and with what only queries may ask.
    #[codec(index = 0)]
    Call {
        /// Which contract.
        contract: ContractId,
        /// PHA that the call would move to the contract.
        value: Amount,
        /// The most gas to spend.
        gas_limit: Gas,
        /// The most PHA that the call would put down for storage. `None` stands for what the asker has.
        deposit_limit: Option<Amount>,
        /// SCALE: the 4-byte selector, then the arguments.
        input: Bytes<PAYLOAD_BYTES_MAX>,
    },
    /// What came of a command that the asker signed.
    #[codec(index = 1)]
    Outcome {
        /// The contract that the command was for.
        contract: ContractId,
        /// The command's number in its cluster's topic.
        number: MessageNumber,
    },
    /// What came of an upload. Code is public, so anyone may ask.
    #[codec(index = 2)]
    Upload {
        /// The cluster that the code was uploaded to.
        cluster: ClusterId,
        /// The code.
        code_hash: CodeHash,
    },
    /// Run a constructor without keeping the contract.
    #[codec(index = 3)]
    Instantiate {
        /// In which cluster.
        cluster: ClusterId,
        /// The id that the contract would have.
        contract: ContractId,
        /// Its code.
        code_hash: CodeHash,
        /// PHA that it would be given.
        value: Amount,
        /// The most gas to spend.
        gas_limit: Gas,
        /// The most PHA that it would put down for storage. `None` stands for what the asker has.
        deposit_limit: Option<Amount>,
        /// SCALE: the constructor's 4-byte selector, then the arguments.
        input: Bytes<PAYLOAD_BYTES_MAX>,
    },
}

impl Question {
    /// Runs a message that moves no PHA.
    pub fn call(contract: ContractId, gas_limit: Gas, input: Bytes<PAYLOAD_BYTES_MAX>) -> Self {
        Self::Call { contract, value: Amount::new(0), gas_limit, deposit_limit: None, input }
    }

    /// The contract that it is about, if it is about one.
    pub fn contract(&self) -> Option<&ContractId> {
        match self {
            Self::Call { contract, .. }
            | Self::Outcome { contract, .. }
            | Self::Instantiate { contract, .. } => Some(contract),
            Self::Upload { .. } => None,
        }
    }
}

/// The plaintext of a query.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Query {
    /// The worker that is asked, so that a query cannot be passed on.
    pub worker: WorkerId,
    /// A finalized block that the asker knows: a worker that has not verified it answers [`Refusal::Behind`].
    pub known_block: BlockRef,
    /// New for each query.
    pub nonce: Nonce,
    /// On whose authority.
    pub certificate: SignedCertificate,
    /// What is asked.
    pub question: Question,
}

/// A query and the session key's signature over [`crate::tag::Tag::QUERY`], the genesis hash and it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SignedQuery {
    /// The query.
    pub query: Query,
    /// The session key's Ed25519 signature. Not verified.
    pub signature: [u8; 64],
}

/// What a worker answers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Reply {
    /// The query's nonce: the asker compares it.
    pub nonce: Nonce,
    /// The answer with its receipt, or why there is none.
    pub result: Result<(Answer, SignedReceipt), Refusal>,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Answer {
    /// Of [`Question::Call`] and [`Question::Instantiate`].
    #[codec(index = 0)]
    Call {
        /// How the contract ended.
        ended: Ended,
        /// Gas spent.
        gas_used: Gas,
        /// What a command would put down for storage, or get back.
        deposit: Deposit,
        /// What the contract would announce.
        events: List<Event, EVENTS_MAX>,
        /// What contracts wrote for those who look for errors.
        logs: List<LogLine, LOG_LINES_MAX>,
    },
    /// Of [`Question::Outcome`] and [`Question::Upload`].
    #[codec(index = 1)]
    Outcome(Outcome),
}

/// Why a worker does not answer.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The worker has not verified the block that the query names, only up to this one. Ask again, or another.
    #[codec(index = 0)]
    Behind {
        /// The worker's newest verified block.
        verified: BlockNumber,
    },
    /// The query names a block too old for the worker to tell a replay. Name a newer one.
    #[codec(index = 1)]
    StaleBlock {
        /// The oldest block that the worker takes now.
        oldest: BlockNumber,
    },
    /// The block that the query names is not the one that was finalized at that height.
    #[codec(index = 2)]
    ForeignBlock,
    /// What was sealed is not the SCALE of a query, or is not padded as it must be.
    #[codec(index = 3)]
    MalformedQuery,
    /// The query is for another worker.
    #[codec(index = 4)]
    Misdirected,
    /// The certificate is not signed by the account that it names.
    #[codec(index = 5)]
    ForeignCertificate,
    /// The certificate has expired.
    #[codec(index = 6)]
    ExpiredCertificate,
    /// The certificate lives longer than a certificate may.
    #[codec(index = 7)]
    CertificateTooLong,
    /// The certificate does not cover the question.
    #[codec(index = 8)]
    OutOfScope,
    /// The session key did not sign the query.
    #[codec(index = 9)]
    BadSignature,
    /// The nonce was used before.
    #[codec(index = 10)]
    NonceReused,
    /// There is no such contract here.
    #[codec(index = 11)]
    UnknownContract,
    /// There is no such command here yet, or it is not the asker's.
    #[codec(index = 12)]
    UnknownCommand,
    /// The gas limit is over [`crate::limits::CALL_GAS_MAX`].
    #[codec(index = 13)]
    GasLimitTooHigh,
    /// Too many queries are remembered for now. Ask again in a few blocks.
    #[codec(index = 14)]
    Busy,
    /// The worker is not serving: it starts, or has stopped itself. Its status says why.
    #[codec(index = 15)]
    NotServing,
    /// No such code was uploaded to the worker's cluster before the worker's head.
    #[codec(index = 16)]
    UnknownUpload,
    /// There is no such code here to instantiate.
    #[codec(index = 17)]
    UnknownCode,
    /// The contract exists already.
    #[codec(index = 18)]
    ContractExists,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Behind { verified } => {
                write!(f, "the worker has verified the chain only up to block {verified}; ask again in a moment")
            }
            Self::StaleBlock { oldest } => {
                write!(f, "the query names a block older than {oldest}; name a newer finalized block")
            }
            Self::ForeignBlock => f.write_str(
                "the query names a block that is not on the chain which the worker verified; check the node you use",
            ),
            Self::MalformedQuery => f.write_str("the query does not decode; update the client"),
            Self::Misdirected => f.write_str("the query is for another worker"),
            Self::ForeignCertificate => {
                f.write_str("the certificate is not signed by the account that it names; sign a new one")
            }
            Self::ExpiredCertificate => f.write_str("the certificate has expired; sign a new one"),
            Self::CertificateTooLong => f.write_str("the certificate would live too long; sign one of at most a week"),
            Self::OutOfScope => f.write_str("the certificate does not cover this question; sign one that does"),
            Self::BadSignature => f.write_str("the session key of the certificate did not sign this query"),
            Self::NonceReused => f.write_str("the nonce was used before; make a new one for each query"),
            Self::UnknownContract => f.write_str("there is no such contract in this worker's cluster"),
            Self::UnknownCommand => {
                f.write_str("this command has not been executed yet, or another account signed it; ask again in a moment")
            }
            Self::GasLimitTooHigh => f.write_str("the gas limit is over what one call may use; lower it"),
            Self::Busy => f.write_str("the worker remembers as many queries as it can; ask again in a few blocks"),
            Self::NotServing => f.write_str("the worker is not serving; its status says why"),
            Self::UnknownCode => f.write_str("there is no such code in this worker's cluster; upload it first"),
            Self::ContractExists => f.write_str("the contract exists already; choose another salt"),
            Self::UnknownUpload => {
                f.write_str("no such code was uploaded to this worker's cluster; ask again once its block is final")
            }
        }
    }
}

/// A sealed [`Reply`]: ChaCha20Poly1305 under a key from the query's HPKE context and this salt
/// (the construction of RFC 9458 section 4.4).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SealedReply {
    /// 32 fresh random bytes of the worker.
    pub salt: [u8; 32],
    /// The reply, padded to a size class, and the 16-byte tag.
    pub ciphertext: alloc::vec::Vec<u8>,
}

/// What a worker answers where it cannot seal: it names nothing that was sealed.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum OpenRefusal {
    /// The body is not the SCALE of an envelope, or is over its limit.
    #[codec(index = 0)]
    MalformedEnvelope,
    /// The envelope is for another network, worker or key generation, or does not open.
    #[codec(index = 1)]
    ForeignCiphertext,
    /// The worker is not serving.
    #[codec(index = 2)]
    NotServing,
}

/// A contract's inbox key, signed by a worker with [`crate::tag::Tag::INBOX_KEY`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct InboxKey {
    /// The contract, which need not exist yet.
    pub contract: ContractId,
    /// Which generation.
    pub key_version: KeyVersion,
    /// X25519.
    pub public_key: [u8; 32],
}

/// An inbox key and the worker's signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SignedInboxKey {
    /// The key.
    pub inbox_key: InboxKey,
    /// Who signed.
    pub worker: WorkerId,
    /// The signature. Not verified.
    pub signature: WorkerSignature,
}

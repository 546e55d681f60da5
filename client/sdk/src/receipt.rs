//! Receipts with all that it takes to verify them offline.
//!
//! A bundle is verified from nothing but the network's genesis hash: block 0, the hand-offs of GRANDPA's authorities
//! and the receipt's block are proven final; at that block, the records of worker and contract are proven; and the
//! worker's signature covers the rest. What a receipt shows is no stronger than its worker's tier: what a simulated
//! worker signs proves nothing to those who do not trust its operator. So [`VerifiedReceipt`] tells the tier.

use crate::{ClientError, WorkerError, query::is_subject_of};
use codec::{Decode, Encode};
use phala_crypto::signature;
use phala_light::{LightError, ProofError, Values, keys, verify_chain_proof};
use phala_types::{
    BlockRef, GenesisHash, Untrusted,
    account::WorkerSignature,
    cluster::ContractRecord,
    decode_exact,
    finality::{ChainProof, StorageProof},
    query::{Answer, Question},
    receipt::{Receipt, SignedReceipt, Subject},
    tag::Tag,
    worker::WorkerRecord,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The largest bundle file to read: hundreds of hand-offs and the largest answer, in hexadecimal digits.
pub const BUNDLE_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A receipt file. Nothing in it is verified: see [`verify_receipt`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBundle {
    /// The format of this file: [`ReceiptBundle::VERSION`].
    pub version: u8,
    /// The receipt.
    pub receipt: Receipt,
    /// The worker's signature.
    pub signature: WorkerSignature,
    /// Question and answer in the clear, if whoever made the file lets its readers know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclosure: Option<Disclosure>,
    /// That the receipt's block is final.
    pub chain_proof: Scale<ChainProof>,
    /// The records of the worker and of the contract at that block: the items of [`record_keys`].
    pub record_proof: Scale<StorageProof>,
}

/// What was asked and answered. The receipt has the hashes of both.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// What was asked.
    pub question: Scale<Question>,
    /// What was answered.
    pub answer: Scale<Answer>,
}

/// A value that JSON has as `0x` and the hexadecimal digits of its SCALE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scale<T>(pub T);

impl<T: Encode> Serialize for Scale<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(self.0.encode())))
    }
}

impl<'de, T: Decode> Deserialize<'de> for Scale<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map_err(D::Error::custom)?;
        decode_exact(&bytes).map(Self).map_err(D::Error::custom)
    }
}

/// Why no bundle could be made of a receipt.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The chain cannot be read.
    #[error("cannot prove the receipt's block")]
    Client(#[source] Box<ClientError>),
    /// The worker does not give the proof of its block.
    #[error("cannot get the proof of the receipt's block")]
    Worker(#[from] WorkerError),
    /// Rejected: the receipt does not verify.
    #[error("the worker's receipt does not verify")]
    Rejected(#[from] VerifyError),
}

/// Why a receipt is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VerifyError {
    /// Malformed: another format.
    #[error("the file has the format {0}, and this program knows {known}", known = ReceiptBundle::VERSION)]
    UnknownVersion(u8),
    /// Rejected: another network.
    #[error("the receipt is of the network {found}, not of {expected}")]
    OtherNetwork {
        /// What was asked for.
        expected: GenesisHash,
        /// What the receipt has.
        found: GenesisHash,
    },
    /// Rejected: the receipt's block is not proven to be final.
    #[error("the file does not prove that its block is final")]
    NotFinal(#[source] LightError),
    /// Rejected: another block is proven than the receipt's.
    #[error("the receipt is of block {receipt:?}, but the file proves {proven:?}")]
    OtherBlock {
        /// The receipt's.
        receipt: BlockRef,
        /// The proven one.
        proven: BlockRef,
    },
    /// Rejected: the records are not proven at the block.
    #[error("the file does not prove what the chain recorded at its block")]
    NotProven(#[source] ProofError),
    /// Rejected: the chain did not list the worker at the block, or its registration was over.
    #[error("the worker was not registered at the receipt's block")]
    WorkerNotRegistered,
    /// Rejected: the worker was registered with other evidence, or as of another tier.
    #[error("the worker was registered with another attestation than the receipt names")]
    OtherAttestation,
    /// Rejected: the worker was not in the contract's cluster.
    #[error("the worker was not in the receipt's cluster")]
    NotMember,
    /// Rejected: the chain has the contract in another cluster, or the receipt does not agree with itself on what it is
    /// about.
    #[error("the chain records the contract otherwise than the receipt says")]
    OtherContract,
    /// Rejected: the worker did not sign the receipt.
    #[error("the signature is not the worker's")]
    BadSignature,
    /// Rejected: what is disclosed is not what the receipt is for.
    #[error("the disclosed question and answer are not those of the receipt")]
    OtherDisclosure,
}

/// A receipt that was verified. Only [`verify_receipt`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedReceipt {
    receipt: Receipt,
    worker: WorkerRecord,
    contract: Option<ContractRecord>,
    disclosure: Option<Disclosure>,
}

impl VerifiedReceipt {
    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The worker's record at the receipt's block.
    pub fn worker(&self) -> &WorkerRecord {
        &self.worker
    }

    /// The contract's record at the receipt's block, if the receipt is about a contract that was deployed on the chain.
    pub fn contract(&self) -> Option<&ContractRecord> {
        self.contract.as_ref()
    }

    /// Question and answer, if the file has them.
    pub fn disclosed(&self) -> Option<(&Question, &Answer)> {
        self.disclosure.as_ref().map(|disclosure| (&disclosure.question.0, &disclosure.answer.0))
    }
}

impl Disclosure {
    /// Of a question and its answer.
    pub fn new(question: &Question, answer: &Answer) -> Self {
        Self { question: Scale(question.clone()), answer: Scale(answer.clone()) }
    }
}

impl ReceiptBundle {
    /// The format that this program writes.
    pub const VERSION: u8 = 1;

    /// Puts the parts together.
    pub fn new(
        signed: SignedReceipt,
        disclosure: Option<Disclosure>,
        chain_proof: ChainProof,
        record_proof: StorageProof,
    ) -> Self {
        let SignedReceipt { receipt, signature } = signed;
        Self {
            version: Self::VERSION,
            receipt,
            signature,
            disclosure,
            chain_proof: Scale(chain_proof),
            record_proof: Scale(record_proof),
        }
    }
}

/// The storage items that [`ReceiptBundle::record_proof`] proves.
pub fn record_keys(receipt: &Receipt) -> Vec<Vec<u8>> {
    let worker = [keys::worker(receipt.worker), keys::membership(receipt.worker)];
    worker.into_iter().chain(receipt.contract.map(keys::contract)).collect()
}

/// Verifies a receipt, from nothing but the network's genesis hash. Needs no connection and no clock.
///
/// Not checked: that the block is recent, and that the tier is one to rely on. Both are in the result.
pub fn verify_receipt(bundle: &ReceiptBundle, expected: GenesisHash) -> Result<VerifiedReceipt, VerifyError> {
    let receipt = &bundle.receipt;
    if bundle.version != ReceiptBundle::VERSION {
        return Err(VerifyError::UnknownVersion(bundle.version));
    }
    if receipt.genesis != expected {
        return Err(VerifyError::OtherNetwork { expected, found: receipt.genesis });
    }
    let head = verify_chain_proof(expected, Untrusted::new(bundle.chain_proof.0.clone()))
        .map_err(VerifyError::NotFinal)?;
    if head.block_ref() != receipt.head {
        return Err(VerifyError::OtherBlock { receipt: receipt.head, proven: head.block_ref() });
    }
    let keys = record_keys(receipt);
    let values = head.read(Untrusted::new(&bundle.record_proof.0), &keys).map_err(VerifyError::NotProven)?;
    let worker: Option<WorkerRecord> =
        values.decode(&keys::worker(receipt.worker)).map_err(VerifyError::NotProven)?;
    let membership = values.decode(&keys::membership(receipt.worker)).map_err(VerifyError::NotProven)?;

    let worker = worker
        .filter(|worker| receipt.head.number <= worker.expires_at)
        .ok_or(VerifyError::WorkerNotRegistered)?;
    if (worker.tier, worker.attestation) != (receipt.tier, receipt.attestation) {
        return Err(VerifyError::OtherAttestation);
    }
    if membership != Some(receipt.cluster) {
        return Err(VerifyError::NotMember);
    }
    let contract = contract_of(receipt, &values)?;
    signature::verify_worker(&receipt.worker, &bundle.signature, Tag::RECEIPT, &expected, receipt)
        .map_err(|_| VerifyError::BadSignature)?;
    if let Some(disclosure) = &bundle.disclosure {
        let (question, answer) = (&disclosure.question.0, &disclosure.answer.0);
        let is_ours = question.contract() == receipt.contract.as_ref()
            && is_subject_of(&receipt.subject, question, answer) == Some(true);
        if !is_ours {
            return Err(VerifyError::OtherDisclosure);
        }
    }
    Ok(VerifiedReceipt { receipt: receipt.clone(), worker, contract, disclosure: bundle.disclosure.clone() })
}

/// What the chain records of the receipt's contract. It records nothing of an upload, which is about no contract, and of a
/// contract that another one made, which only its cluster knows. The code need not be what the contract was deployed
/// with, since it may have replaced it; only a command may have met none, if it was a deployment that failed.
fn contract_of(receipt: &Receipt, values: &Values) -> Result<Option<ContractRecord>, VerifyError> {
    let is_consistent = match (&receipt.contract, &receipt.subject) {
        (None, Subject::Upload { .. }) => receipt.code_hash.is_none(),
        (Some(_), Subject::Query { .. }) => receipt.code_hash.is_some(),
        (Some(_), Subject::Command { .. }) => true,
        (None, _) | (Some(_), Subject::Upload { .. }) => false,
    };
    if !is_consistent {
        return Err(VerifyError::OtherContract);
    }
    let Some(contract) = receipt.contract else { return Ok(None) };
    let record: Option<ContractRecord> =
        values.decode(&keys::contract(contract)).map_err(VerifyError::NotProven)?;
    match record {
        Some(record) if record.cluster != receipt.cluster => Err(VerifyError::OtherContract),
        record => Ok(record),
    }
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;

//! Questions to a worker, and what is checked of its answers.

use crate::{ChainError, ClientError, WorkerError, random, trust::VerifiedWorker};
use codec::Encode as _;
use phala_chain_api::Account;
use phala_crypto::{
    seal::{ReplyKey, SealError, seal},
    signature::{self, SigningKey},
};
use phala_types::{
    AccountId, BlockNumber, BlockRef, Digest, GenesisHash, KeyVersion, Nonce, decode_exact,
    envelope::{Envelope, EnvelopeHeader, Recipient},
    query::{
        Answer, Certificate, Query, Question, Refusal, Reply, Scope, SealedReply, SignedCertificate,
        SignedQuery,
    },
    receipt::{SignedReceipt, Subject},
    tag::Tag,
};

/// The only generation of a worker's HPKE key: a new one comes with a new worker.
const WORKER_KEY_VERSION: KeyVersion = KeyVersion::new(0);

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The chain, or the worker's record there, cannot be verified.
    #[error("cannot prepare the query")]
    Client(#[from] Box<ClientError>),
    /// Unavailable or refused in the open.
    #[error("the worker did not take the query")]
    Worker(#[from] WorkerError),
    /// Misuse: the query is too long.
    #[error("cannot seal the query")]
    Seal(#[source] SealError),
    /// Rejected: the worker says why, sealed.
    #[error("the worker refused: {0}")]
    Refused(Refusal),
    /// Rejected: the worker answered what an honest one does not.
    #[error("the worker's answer cannot be trusted: {0}")]
    BadReply(BadReply),
}

impl From<ClientError> for QueryError {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<ChainError> for QueryError {
    fn from(error: ChainError) -> Self {
        ClientError::from(error).into()
    }
}

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadReply {
    /// It does not open under the query's key.
    #[error("it is not sealed for this query")]
    NotSealedForUs,
    /// It is not the SCALE of a reply.
    #[error("it does not decode")]
    Malformed,
    /// It is for another query.
    #[error("it carries another query's nonce")]
    OtherNonce,
    /// The answer is not of the question's kind.
    #[error("it does not answer what was asked")]
    OtherAnswer,
    /// The receipt is of another worker, network, cluster or contract.
    #[error("its receipt is for something else")]
    OtherReceipt,
    /// The receipt names another registration than the chain has.
    #[error("its receipt names another attestation than the chain has; ask again")]
    OtherAttestation,
    /// The receipt names other code than the chain has.
    #[error("its receipt names other code than the chain has for the contract")]
    OtherCode,
    /// The receipt's digests are not those of question and answer.
    #[error("its receipt is for another question or answer")]
    OtherDigest,
    /// The receipt's block is older than the one that the query names.
    #[error("it was made at an older block than the one asked for")]
    OlderBlock,
    /// The worker did not sign the receipt.
    #[error("its receipt is not signed by the worker")]
    BadSignature,
}

/// An account's permission to ask in its name for a while, and the key that it was given to.
pub struct Session {
    certificate: SignedCertificate,
    key: SigningKey,
}

impl Session {
    /// A new session key, certified by the account for a scope until a block.
    pub fn open(account: &Account, genesis: &GenesisHash, scope: Scope, expires_at: BlockNumber) -> Self {
        let key = SigningKey::from_seed(&random::secret());
        let certificate =
            Certificate { signer: account.signer(), session_key: key.public_key(), scope, expires_at };
        let signature = account.sign(&Tag::CERTIFICATE.preimage(genesis, &certificate));
        Self { certificate: SignedCertificate { certificate, signature }, key }
    }

    /// In whose name it asks.
    pub fn account(&self) -> AccountId {
        self.certificate.certificate.signer.account()
    }

    /// The last block at which it is valid.
    pub fn expires_at(&self) -> BlockNumber {
        self.certificate.certificate.expires_at
    }
}

/// An answer that was checked against its question, and its receipt, whose signature was checked. Only
/// [`crate::Client`] makes it. Not checked yet: that the receipt's block is final; [`crate::Client::bundle`] does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    pub(crate) question: Question,
    pub(crate) answer: Answer,
    pub(crate) receipt: SignedReceipt,
    pub(crate) worker: VerifiedWorker,
}

impl Answered {
    /// What was asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// What the worker answered.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// What it answers for.
    pub fn receipt(&self) -> &SignedReceipt {
        &self.receipt
    }

    /// Who answered.
    pub fn worker(&self) -> &VerifiedWorker {
        &self.worker
    }
}

/// A query on its way.
pub(crate) struct Asking {
    pub envelope: Envelope,
    query: Query,
    reply_key: ReplyKey,
}

/// Signs a question with the session key, and seals it to the worker.
pub(crate) fn ask(
    genesis: &GenesisHash,
    worker: &VerifiedWorker,
    session: &Session,
    known_block: BlockRef,
    question: Question,
) -> Result<Asking, QueryError> {
    let query = Query {
        worker: worker.id(),
        known_block,
        nonce: Nonce::new(random::bytes()),
        certificate: session.certificate.clone(),
        question,
    };
    let signed = SignedQuery { signature: session.key.sign(Tag::QUERY, genesis, &query), query };
    let header = EnvelopeHeader::new(*genesis, Recipient::Worker(worker.id()), WORKER_KEY_VERSION);
    let (envelope, reply_key) =
        seal(header, &worker.record().hpke_key, &signed.encode(), &mut random::system())
            .map_err(QueryError::Seal)?;
    Ok(Asking { envelope, query: signed.query, reply_key })
}

impl Asking {
    /// Opens the reply and holds it to the query.
    pub fn open(
        self,
        genesis: &GenesisHash,
        worker: &VerifiedWorker,
        reply: &SealedReply,
    ) -> Result<Answered, QueryError> {
        let bad = QueryError::BadReply;
        let plaintext = self.reply_key.open(reply).map_err(|_| bad(BadReply::NotSealedForUs))?;
        let reply: Reply = decode_exact(&plaintext).map_err(|_| bad(BadReply::Malformed))?;
        let (answer, receipt) = match reply.result {
            // It could not read the nonce, and so sends none.
            Err(Refusal::MalformedQuery) => return Err(QueryError::Refused(Refusal::MalformedQuery)),
            _ if reply.nonce != self.query.nonce => return Err(bad(BadReply::OtherNonce)),
            Err(refusal) => return Err(QueryError::Refused(refusal)),
            Ok(answer) => answer,
        };
        check(genesis, worker, &self.query, &answer, &receipt).map_err(bad)?;
        Ok(Answered { question: self.query.question, answer, receipt, worker: worker.clone() })
    }
}

/// Holds an answer and its receipt to the query.
fn check(
    genesis: &GenesisHash,
    worker: &VerifiedWorker,
    query: &Query,
    answer: &Answer,
    signed: &SignedReceipt,
) -> Result<(), BadReply> {
    let receipt = &signed.receipt;
    signature::verify_worker(&worker.id(), &signed.signature, Tag::RECEIPT, genesis, receipt)
        .map_err(|_| BadReply::BadSignature)?;
    if receipt.nonce != query.nonce {
        return Err(BadReply::OtherNonce);
    }
    let is_ours = receipt.genesis == *genesis
        && receipt.worker == worker.id()
        && receipt.contract.as_ref() == query.question.contract()
        && Some(receipt.cluster) == worker.cluster();
    if !is_ours {
        return Err(BadReply::OtherReceipt);
    }
    if (receipt.tier, receipt.attestation) != (worker.record().tier, worker.record().attestation) {
        return Err(BadReply::OtherAttestation);
    }
    let (known, head) = (query.known_block, receipt.head);
    if head.number < known.number || (head.number == known.number && head.hash != known.hash) {
        return Err(BadReply::OlderBlock);
    }
    match is_subject_of(&receipt.subject, &query.question, answer) {
        None => Err(BadReply::OtherAnswer),
        Some(false) => Err(BadReply::OtherDigest),
        Some(true) => Ok(()),
    }
}

/// Whether a receipt's digests are those of a question and its answer. `None` if the three are not of one kind.
pub(crate) fn is_subject_of(subject: &Subject, asked: &Question, answered: &Answer) -> Option<bool> {
    match (subject, asked, answered) {
        (
            Subject::Query { question, answer },
            Question::Call { .. } | Question::Instantiate { .. },
            Answer::Call { .. },
        ) => Some(
            *question == Digest::new(Tag::QUERY_DIGEST.digest(asked))
                && *answer == Digest::new(Tag::OUTCOME_DIGEST.digest(answered)),
        ),
        (
            Subject::Command { number, outcome, tip: _ },
            Question::Outcome { number: asked, .. },
            Answer::Outcome(answered),
        ) => Some(number == asked && *outcome == Digest::new(Tag::OUTCOME_DIGEST.digest(answered))),
        (
            Subject::Upload { code_hash, outcome, number: _, tip: _ },
            Question::Upload { code_hash: asked, cluster: _ },
            Answer::Outcome(answered),
        ) => Some(code_hash == asked && *outcome == Digest::new(Tag::OUTCOME_DIGEST.digest(answered))),
        _ => None,
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;

//! One query: opened, authorised, answered, receipted and sealed.
//!
//! Q1 Nothing is done for a query that is not sealed to this worker and signed by a session key that an account
//!    authorised for this question, for a while that is not over.
//! Q2 A query names a finalized block. A worker that has not verified that block, or not executed all that came
//!    before it, answers `Behind`. So a worker cut off from the chain answers nobody who has seen a newer block.
//! Q3 A nonce is taken once. It is remembered until the block that its query names is too old to be taken, and a worker
//!    that has restarted, and so forgotten, takes only blocks newer than its start.

use crate::{
    entropy::Entropy,
    execute::ended,
    keys::KEY_VERSION,
    nonces::NonceError,
    schema::{Key, Record, TERMS, Upload},
    worker::{Live, Serving},
};
use codec::{Decode, Encode};
use phala_crypto::signature;
use phala_types::{
    BlockNumber, ClusterId, CodeHash, ContractId, Digest, Gas, GenesisHash, MessageNumber, Nonce, WorkerId,
    decode_exact,
    envelope::{Envelope, EnvelopeHeader, Recipient},
    limits::{CALL_GAS_MAX, CERTIFICATE_BLOCKS_MAX, ENVELOPE_BYTES_MAX, QUERY_WINDOW_BLOCKS},
    query::{Answer, OpenRefusal, Query, Question, Refusal, Reply, SealedReply, SignedQuery},
    receipt::{Receipt, SignedReceipt, Subject},
    tag::Tag,
};
use phala_vm::{
    Engine,
    world::{
        Fault, Moment, Outermost, Ran, State, World,
        schema::{Contract, Key as Owned},
    },
};

/// Why there is no reply to send.
pub enum Unanswered {
    /// The asker is told this, unsealed.
    Refused(OpenRefusal),
    /// The worker must stop.
    Fault,
}

impl From<OpenRefusal> for Unanswered {
    fn from(refusal: OpenRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a query that was opened has no answer.
enum Failed {
    Refused(Refusal),
    Fault,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Failed {
    fn from(Fault: Fault) -> Self {
        Self::Fault
    }
}

impl<E: Engine> Live<E> {
    /// Answers the SCALE of an envelope.
    pub fn answer(&mut self, bytes: &[u8], entropy: &mut Entropy) -> Result<SealedReply, Unanswered> {
        let serving = self.serving.clone().ok_or(OpenRefusal::NotServing)?;
        if bytes.len() > ENVELOPE_BYTES_MAX as usize {
            return Err(OpenRefusal::MalformedEnvelope.into());
        }
        let envelope: Envelope = decode_exact(bytes).map_err(|_| OpenRefusal::MalformedEnvelope)?;
        let worker = self.keys.worker();
        if envelope.header != EnvelopeHeader::new(serving.genesis, Recipient::Worker(worker), KEY_VERSION) {
            return Err(OpenRefusal::ForeignCiphertext.into());
        }
        let opened = self.keys.hpke().open(&envelope).map_err(|_| OpenRefusal::ForeignCiphertext)?;
        let reply = match decode_exact::<SignedQuery>(&opened.plaintext) {
            Err(_) => Reply { nonce: Nonce::new([0; 32]), result: Err(Refusal::MalformedQuery) },
            Ok(signed) => {
                let result = match self.answer_signed(&serving, worker, &signed) {
                    Ok(answer) => Ok(answer),
                    Err(Failed::Refused(refusal)) => Err(refusal),
                    Err(Failed::Fault) => return Err(Unanswered::Fault),
                };
                Reply { nonce: signed.query.nonce, result }
            }
        };
        opened.reply_key.seal(entropy.draw_public(), &reply.encode()).map_err(|_| Unanswered::Fault)
    }

    fn answer_signed(
        &mut self,
        serving: &Serving,
        worker: WorkerId,
        signed: &SignedQuery,
    ) -> Result<(Answer, SignedReceipt), Failed> {
        let query = &signed.query;
        self.check_block(serving, query)?;
        check_authority(serving, worker, signed)?;
        self.nonces.take(query.known_block.number, query.nonce).map_err(|error| match error {
            NonceError::Reused => Refusal::NonceReused,
            NonceError::Full => Refusal::Busy,
        })?;
        let (answer, subject) = match &query.question {
            Question::Call { contract, gas_limit, input } => {
                self.call(serving, query, contract, *gas_limit, input)?
            }
            Question::Outcome { contract, number } => self.outcome(serving, query, contract, *number)?,
            Question::Upload { cluster, code_hash } => self.upload(serving, *cluster, *code_hash)?,
        };
        let contract = query.question.contract().copied();
        let receipt = Receipt {
            genesis: serving.genesis,
            tier: serving.tier,
            worker,
            attestation: serving.attestation,
            head: serving.head,
            cluster: serving.cluster,
            position: serving.position,
            contract,
            code_hash: contract
                .and_then(|contract| self.contract(&contract))
                .map(|contract| CodeHash::new(contract.code_hash)),
            state_root: self.keys.commit(&serving.genesis, serving.cluster, &self.store.root()),
            key_version: KEY_VERSION,
            nonce: query.nonce,
            subject,
        };
        let signature = self.keys.sign(Tag::RECEIPT, &serving.genesis, &receipt);
        Ok((answer, SignedReceipt { receipt, signature }))
    }

    /// Q2, and the part of Q3 that bounds what is to be remembered.
    fn check_block(&mut self, serving: &Serving, query: &Query) -> Result<(), Refusal> {
        let (known, head) = (query.known_block, serving.head);
        if known.number > head.number {
            return Err(Refusal::Behind { verified: head.number });
        }
        let oldest = head.number.value().saturating_sub(QUERY_WINDOW_BLOCKS);
        let oldest = BlockNumber::new(oldest).max(self.started_at.unwrap_or(head.number));
        self.nonces.forget_before(oldest);
        if known.number < oldest {
            return Err(Refusal::StaleBlock { oldest });
        }
        match self.recent.get(&known.number) {
            Some(hash) if *hash != known.hash => Err(Refusal::ForeignBlock),
            _ => Ok(()),
        }
    }

    fn contract(&self, id: &ContractId) -> Option<Contract> {
        let bytes = self.store.get(&Owned::Contract(*id.as_bytes()).encode())?;
        Contract::decode(&mut &bytes[..]).ok()
    }

    fn call(
        &mut self,
        serving: &Serving,
        query: &Query,
        contract: &ContractId,
        gas_limit: Gas,
        input: &[u8],
    ) -> Result<(Answer, Subject), Failed> {
        if gas_limit.value() > CALL_GAS_MAX {
            return Err(Refusal::GasLimitTooHigh.into());
        }
        if self.contract(contract).is_none() {
            return Err(Refusal::UnknownContract.into());
        }
        let moment = Moment { block_number: serving.head.number.value(), now_ms: serving.now.value() };
        let world = World::new(&self.engine, &mut self.codes, &self.store, TERMS, moment);
        // What it would change is dropped.
        let Ran { execution, .. } = world.run(Outermost {
            contract: *contract.as_bytes(),
            deploy: None,
            caller: *query.certificate.certificate.signer.account().as_bytes(),
            value: 0,
            input,
            gas_limit: gas_limit.value(),
            deposit_limit: None,
            read_only: false,
        })?;
        let answer = Answer::Call { ended: ended(execution.result)?, gas_used: Gas::new(execution.gas_used) };
        let subject = Subject::Query {
            question: Digest::new(Tag::QUERY_DIGEST.digest(&query.question)),
            answer: Digest::new(Tag::OUTCOME_DIGEST.digest(&answer)),
        };
        Ok((answer, subject))
    }

    fn outcome(
        &self,
        serving: &Serving,
        query: &Query,
        contract: &ContractId,
        number: MessageNumber,
    ) -> Result<(Answer, Subject), Failed> {
        if number >= serving.position {
            return Err(Refusal::UnknownCommand.into());
        }
        let bytes = self.store.get(&Key::Outcome(number).encode()).ok_or(Refusal::UnknownCommand)?;
        let record = Record::decode(&mut &bytes[..]).map_err(|_| Failed::Fault)?;
        let asker = query.certificate.certificate.signer.account();
        let is_readable = record.reader.is_none_or(|reader| reader == asker);
        if !is_readable || record.contract != *contract {
            return Err(Refusal::UnknownCommand.into());
        }
        let subject = Subject::Command {
            number,
            tip: record.tip,
            outcome: Digest::new(Tag::OUTCOME_DIGEST.digest(&record.outcome)),
        };
        Ok((Answer::Outcome(record.outcome), subject))
    }

    /// Code is public, and so is what came of its upload.
    fn upload(
        &self,
        serving: &Serving,
        cluster: ClusterId,
        code_hash: CodeHash,
    ) -> Result<(Answer, Subject), Failed> {
        let key = Key::Upload(code_hash).encode();
        let bytes = self.store.get(&key).filter(|_| cluster == serving.cluster);
        let bytes = bytes.ok_or(Refusal::UnknownUpload)?;
        let Upload { number, tip, outcome } = Upload::decode(&mut &bytes[..]).map_err(|_| Failed::Fault)?;
        if number >= serving.position {
            return Err(Refusal::UnknownUpload.into());
        }
        let digest = Digest::new(Tag::OUTCOME_DIGEST.digest(&outcome));
        let subject = Subject::Upload { code_hash, number, tip, outcome: digest };
        Ok((Answer::Outcome(outcome), subject))
    }
}

/// Q1.
fn check_authority(serving: &Serving, worker: WorkerId, signed: &SignedQuery) -> Result<(), Refusal> {
    let SignedQuery { query, signature } = signed;
    let certificate = &query.certificate.certificate;
    if query.worker != worker {
        return Err(Refusal::Misdirected);
    }
    if certificate.expires_at < serving.head.number {
        return Err(Refusal::ExpiredCertificate);
    }
    let latest = serving.head.number.value().saturating_add(CERTIFICATE_BLOCKS_MAX);
    if certificate.expires_at.value() > latest {
        return Err(Refusal::CertificateTooLong);
    }
    if !certificate.scope.covers(&query.question) {
        return Err(Refusal::OutOfScope);
    }
    let genesis: &GenesisHash = &serving.genesis;
    signature::verify_session(&certificate.session_key, signature, Tag::QUERY, genesis, query)
        .map_err(|_| Refusal::BadSignature)?;
    signature::verify(
        &certificate.signer,
        &query.certificate.signature,
        Tag::CERTIFICATE,
        genesis,
        certificate,
    )
    .map_err(|_| Refusal::ForeignCertificate)
}

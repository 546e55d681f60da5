//! One query: opened, authorised, answered, receipted and sealed.
//!
//! Q1 Nothing is done for a query that is not sealed to this worker and signed by a session key that an account
//!    authorised for this question, for a while that is not over.
//! Q2 A query names a finalized block. A worker that has not verified that block, or not executed all that came
//!    before it, answers `Behind`. So a worker cut off from the chain answers nobody who has seen a newer block.
//! Q3 A nonce is taken once. It is remembered until the block that its query names is too old to be taken, and a worker
//!    that has restarted, and so forgotten, takes only blocks newer than its start.
//! Q4 A query that asks for something from outside waits, and is run again from its start once that is there: see
//!    docs/adr/0016. Q1 to Q3 are held when it comes, and not again. Its answer is that of its last run, at the worker's
//!    head of then, which its receipt names.

use crate::{
    effect::{Ticket, Work},
    effects::{self, Told},
    entropy::Entropy,
    keys::KEY_VERSION,
    nonces::NonceError,
    paused::{PausedQuery, PlacesTaken, Progress, RUNS_MAX},
    schema::{Key, Record, TERMS, Upload},
    worker::{Live, Serving},
};
use codec::{Decode, Encode};
use phala_attest::contract_report_data;
use phala_crypto::{seal::ReplyKey, signature};
use phala_types::{
    Amount, BlockNumber, ClusterId, CodeHash, ContractId, Digest, Gas, GenesisHash, MessageNumber, Millis,
    Nonce, WorkerId, decode_exact,
    envelope::{Envelope, EnvelopeHeader, Recipient},
    limits::{
        CALL_GAS_MAX, CERTIFICATE_BLOCKS_MAX, ENVELOPE_BYTES_MAX, QUERY_TICKS_MAX, QUERY_WINDOW_BLOCKS,
    },
    query::{Answer, OpenRefusal, Query, Question, Refusal, Reply, SealedReply, SignedQuery},
    receipt::{Receipt, SignedReceipt, Subject},
    tag::Tag,
    worker::Tier,
};
use phala_vm::{
    Engine,
    extension::{
        Asker, Brought, Ended, Errand, QueryExtensions, Waiting,
        wire::{PlatformKind, QueryOrigin},
    },
    world::{
        Fault, Moment, Outermost, State, World,
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

/// What comes of a query for now.
pub enum Step {
    /// Its reply.
    Reply(SealedReply),
    /// It waits for this, and has a reply later.
    Work {
        /// The query, while it waits.
        ticket: Ticket,
        /// What is to be done for it.
        work: Vec<Work>,
        /// The time of the worker's head.
        now: Millis,
    },
}

/// How a contract is to be run.
struct Trial<'q> {
    contract: &'q ContractId,
    /// `Some` to make it, from this code.
    deploy: Option<[u8; 32]>,
    value: &'q Amount,
    gas_limit: &'q Gas,
    deposit_limit: &'q Option<Amount>,
    input: &'q [u8],
}

/// What comes of one run of a question.
enum Run {
    Answered(Answer, Subject),
    Waits(Waiting),
}

/// What comes of one attempt at a query.
enum Attempt {
    Answered(Box<(Answer, SignedReceipt)>),
    Waits(Ticket, Vec<Errand>),
}

impl<E: Engine> Live<E> {
    /// Answers the SCALE of an envelope, or begins to.
    pub fn answer(&mut self, bytes: &[u8], host_ms: u64, entropy: &mut Entropy) -> Result<Step, Unanswered> {
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
        let signed = match decode_exact::<SignedQuery>(&opened.plaintext) {
            Ok(signed) => signed,
            Err(_) => {
                let reply = Reply { nonce: Nonce::new([0; 32]), result: Err(Refusal::MalformedQuery) };
                return seal_reply(&opened.reply_key, &reply, entropy);
            }
        };
        if let Err(refusal) = self.admit(&serving, worker, &signed) {
            let reply = Reply { nonce: signed.query.nonce, result: Err(refusal) };
            return seal_reply(&opened.reply_key, &reply, entropy);
        }
        let progress = Progress { seed: entropy.draw(), host_ms, done: Vec::new(), runs: 0, gas_spent: 0 };
        self.attempt(&serving, signed, opened.reply_key, progress, None, entropy)
    }

    /// Goes on with a query that waited, from its start and at the head of now.
    pub fn resume(
        &mut self,
        ticket: Ticket,
        brought: Vec<Brought>,
        entropy: &mut Entropy,
    ) -> Result<Step, Unanswered> {
        let mut paused = self.paused.take(ticket).ok_or(OpenRefusal::NotServing)?;
        let serving = self.serving.clone().ok_or(OpenRefusal::NotServing)?;
        paused.take(brought);
        self.attempt(&serving, paused.signed, paused.reply_key, paused.progress, Some(ticket), entropy)
    }

    /// Runs a query once. It keeps the ticket that it has.
    fn attempt(
        &mut self,
        serving: &Serving,
        signed: SignedQuery,
        reply_key: ReplyKey,
        mut progress: Progress,
        ticket: Option<Ticket>,
        entropy: &mut Entropy,
    ) -> Result<Step, Unanswered> {
        let result = match self.attempt_answer(serving, &signed.query, &mut progress, ticket) {
            Ok(Attempt::Answered(answered)) => Ok(*answered),
            Ok(Attempt::Waits(ticket, errands)) => {
                let work = errands.iter().map(|errand| work(&serving.genesis, errand)).collect();
                let query = PausedQuery { signed, reply_key, progress, errands };
                self.paused.put(ticket, query);
                return Ok(Step::Work { ticket, work, now: serving.now });
            }
            Err(Failed::Refused(refusal)) => Err(refusal),
            Err(Failed::Fault) => return Err(Unanswered::Fault),
        };
        seal_reply(&reply_key, &Reply { nonce: signed.query.nonce, result }, entropy)
    }

    /// Whether a query may be answered at all. Its nonce is used up by it.
    fn admit(&mut self, serving: &Serving, worker: WorkerId, signed: &SignedQuery) -> Result<(), Refusal> {
        let query = &signed.query;
        self.check_block(serving, query)?;
        check_authority(serving, worker, signed)?;
        self.nonces.take(query.known_block.number, query.nonce).map_err(|error| match error {
            NonceError::Reused => Refusal::NonceReused,
            NonceError::Full => Refusal::Busy,
        })
    }

    fn attempt_answer(
        &mut self,
        serving: &Serving,
        query: &Query,
        progress: &mut Progress,
        ticket: Option<Ticket>,
    ) -> Result<Attempt, Failed> {
        let run = match &query.question {
            Question::Call { contract, value, gas_limit, deposit_limit, input } => {
                if self.contract(contract).is_none() {
                    return Err(Refusal::UnknownContract.into());
                }
                let trial = Trial { contract, deploy: None, value, gas_limit, deposit_limit, input };
                self.try_out(serving, query, progress, trial)?
            }
            Question::Instantiate {
                cluster,
                contract,
                code_hash,
                value,
                gas_limit,
                deposit_limit,
                input,
            } => {
                if self.contract(contract).is_some() {
                    return Err(Refusal::ContractExists.into());
                }
                let code = Owned::Code(*code_hash.as_bytes()).encode();
                if *cluster != serving.cluster || self.store.get(&code).is_none() {
                    return Err(Refusal::UnknownCode.into());
                }
                let deploy = Some(*code_hash.as_bytes());
                let trial = Trial { contract, deploy, value, gas_limit, deposit_limit, input };
                self.try_out(serving, query, progress, trial)?
            }
            Question::Outcome { contract, number } => self.outcome(serving, query, contract, *number)?,
            Question::Upload { cluster, code_hash } => self.upload(serving, *cluster, *code_hash)?,
        };
        let contract = query.question.contract().copied();
        let (answer, subject) = match run {
            Run::Answered(answer, subject) => (answer, subject),
            Run::Waits(Waiting { errands, done, .. }) => {
                progress.done = done;
                let contract = contract.ok_or(Failed::Fault)?;
                let ticket = match ticket {
                    Some(ticket) => ticket,
                    None => self.paused.ticket(&contract).map_err(|PlacesTaken| Refusal::Busy)?,
                };
                return Ok(Attempt::Waits(ticket, errands));
            }
        };
        let receipt = Receipt {
            genesis: serving.genesis,
            tier: serving.tier,
            worker: self.keys.worker(),
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
        Ok(Attempt::Answered(Box::new((answer, SignedReceipt { receipt, signature }))))
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

    /// Runs a contract as a command would, and drops what it changes.
    fn try_out(
        &mut self,
        serving: &Serving,
        query: &Query,
        progress: &mut Progress,
        trial: Trial<'_>,
    ) -> Result<Run, Failed> {
        let gas_limit = trial.gas_limit.value();
        if gas_limit > CALL_GAS_MAX {
            return Err(Refusal::GasLimitTooHigh.into());
        }
        let certificate = &query.certificate.certificate;
        let caller = *certificate.signer.account().as_bytes();
        progress.runs = progress.runs.saturating_add(1);
        let asker = Asker {
            origin: QueryOrigin {
                account: caller,
                is_anonymous: false,
                expires_at: certificate.expires_at.value(),
            },
            worker: *self.keys.worker().as_bytes(),
            hpke_key: self.keys.hpke().public_key(),
            platform: platform_kind(serving.tier),
            host_ms: progress.host_ms,
        };
        let mut extensions = QueryExtensions::new(
            self.keys.contracts(&serving.genesis, serving.cluster),
            asker,
            progress.seed.duplicate(),
            core::mem::take(&mut self.cache),
            serving.now.value(),
            core::mem::take(&mut progress.done),
            // All runs but the last together cost no more than one call may: waiting does not multiply the work.
            progress.runs < RUNS_MAX && progress.gas_spent <= CALL_GAS_MAX,
        );
        let moment = Moment { block_number: serving.head.number.value(), now_ms: serving.now.value() };
        let engine = self.engine.with_patience(QUERY_TICKS_MAX);
        let world = World::new(&engine, &mut self.codes, &self.store, TERMS, moment);
        let ran = world.with_extensions(&mut extensions).run(Outermost {
            contract: *trial.contract.as_bytes(),
            deploy: trial.deploy,
            caller,
            value: trial.value.value(),
            input: trial.input,
            gas_limit,
            deposit_limit: trial.deposit_limit.map(Amount::value),
            read_only: false,
        });
        let is_trapped = ran.as_ref().is_ok_and(|ran| ran.execution.result.is_err());
        let Ended { cache, waiting } = extensions.end(is_trapped || ran.is_err());
        self.cache = cache;
        if let Some(waiting) = waiting {
            let spent = gas_limit.saturating_sub(waiting.gas_left);
            progress.gas_spent = progress.gas_spent.saturating_add(spent);
            return Ok(Run::Waits(waiting));
        }
        let (Told { ended, gas_used, deposit, events, logs }, _changes) = effects::tell(ran?)?;
        let answer = Answer::Call { ended, gas_used, deposit, events, logs };
        let subject = Subject::Query {
            question: Digest::new(Tag::QUERY_DIGEST.digest(&query.question)),
            answer: Digest::new(Tag::OUTCOME_DIGEST.digest(&answer)),
        };
        Ok(Run::Answered(answer, subject))
    }

    fn outcome(
        &self,
        serving: &Serving,
        query: &Query,
        contract: &ContractId,
        number: MessageNumber,
    ) -> Result<Run, Failed> {
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
        Ok(Run::Answered(Answer::Outcome(record.outcome), subject))
    }

    /// Code is public, and so is what came of its upload.
    fn upload(&self, serving: &Serving, cluster: ClusterId, code_hash: CodeHash) -> Result<Run, Failed> {
        let key = Key::Upload(code_hash).encode();
        let bytes = self.store.get(&key).filter(|_| cluster == serving.cluster);
        let bytes = bytes.ok_or(Refusal::UnknownUpload)?;
        let Upload { number, tip, outcome } = Upload::decode(&mut &bytes[..]).map_err(|_| Failed::Fault)?;
        if number >= serving.position {
            return Err(Refusal::UnknownUpload.into());
        }
        let digest = Digest::new(Tag::OUTCOME_DIGEST.digest(&outcome));
        let subject = Subject::Upload { code_hash, number, tip, outcome: digest };
        Ok(Run::Answered(Answer::Outcome(outcome), subject))
    }
}

fn seal_reply(key: &ReplyKey, reply: &Reply, entropy: &mut Entropy) -> Result<Step, Unanswered> {
    let sealed = key.seal(entropy.draw_public(), &reply.encode()).map_err(|_| Unanswered::Fault)?;
    Ok(Step::Reply(sealed))
}

/// An errand as it is done outside.
fn work(genesis: &GenesisHash, errand: &Errand) -> Work {
    match errand {
        Errand::Fetch(request) => Work::Fetch(request.clone()),
        Errand::Evidence { contract, user_data } => {
            Work::Evidence(contract_report_data(genesis, &ContractId::new(*contract), user_data))
        }
    }
}

/// The worker's hardware, as contracts know it.
fn platform_kind(tier: Tier) -> PlatformKind {
    match tier {
        Tier::Simulated => PlatformKind::Simulated,
        Tier::IntelSgx => PlatformKind::Sgx,
        Tier::IntelTdx => PlatformKind::Tdx,
        Tier::AmdSevSnp => PlatformKind::SevSnp,
        Tier::AwsNitro => PlatformKind::Nitro,
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

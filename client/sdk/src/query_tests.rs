use super::*;
use phala_crypto::{Secret, seal::OpeningKey};
use phala_types::{
    AccountId, Amount, BlockHash, ClusterId, CodeHash, ContractId, Gas, MessageNumber, StateRoot, WorkerId,
    account::WorkerSignature,
    code::CodeRefusal,
    command::{Deposit, Ended, Outcome, Rejection},
    receipt::Receipt,
    worker::{Role, Tier, WorkerRecord},
};

const GENESIS: GenesisHash = GenesisHash::new([1; 32]);
const CONTRACT: ContractId = ContractId::new([2; 32]);
const KNOWN: BlockRef = BlockRef { number: BlockNumber::new(9), hash: BlockHash::new([9; 32]) };

/// A worker that a test makes answer as it likes.
struct Worker {
    signing: SigningKey,
    opening: OpeningKey,
}

impl Worker {
    fn new() -> Self {
        let signing = SigningKey::from_seed(&Secret::new([3; 32]));
        Self { signing, opening: OpeningKey::derive(&Secret::new([4; 32])) }
    }

    fn verified(&self) -> VerifiedWorker {
        let record = WorkerRecord {
            hpke_key: self.opening.public_key(),
            operator: AccountId::new([1; 32]),
            endpoint: Default::default(),
            role: Role::Miner,
            tier: Tier::Simulated,
            measurement: Digest::new([1; 32]),
            machine: Digest::new([0x12; 32]),
            attestation: Digest::new([5; 32]),
            registered_at: BlockNumber::new(1),
            expires_at: BlockNumber::new(100),
        };
        VerifiedWorker::new(WorkerId::new(self.signing.public_key()), record, Some(ClusterId::new(0)), KNOWN)
    }

    fn receipt(&self, query: &Query) -> Receipt {
        Receipt {
            genesis: GENESIS,
            tier: Tier::Simulated,
            worker: WorkerId::new(self.signing.public_key()),
            attestation: Digest::new([5; 32]),
            head: KNOWN,
            cluster: ClusterId::new(0),
            position: MessageNumber::new(1),
            contract: Some(CONTRACT),
            code_hash: Some(CodeHash::new([6; 32])),
            state_root: StateRoot::new([7; 32]),
            key_version: WORKER_KEY_VERSION,
            nonce: query.nonce,
            subject: Subject::Query {
                question: Digest::new(Tag::QUERY_DIGEST.digest(&query.question)),
                answer: Digest::new(Tag::OUTCOME_DIGEST.digest(&answer())),
            },
        }
    }

    fn reply(&self, asking: &Asking, reply: impl FnOnce(&Query) -> Reply) -> SealedReply {
        let opened = self.opening.open(&asking.envelope).unwrap();
        let signed: SignedQuery = decode_exact(&opened.plaintext).unwrap();
        opened.reply_key.seal([7; 32], &reply(&signed.query).encode()).unwrap()
    }

    /// What becomes of an answer whose receipt was changed, and then signed as it is.
    fn answered(&self, change: impl FnOnce(&mut Receipt)) -> Result<Answered, QueryError> {
        let asking = asking(self);
        let sealed = self.reply(&asking, |query| {
            let mut receipt = self.receipt(query);
            change(&mut receipt);
            let signature = WorkerSignature(self.signing.sign(Tag::RECEIPT, &GENESIS, &receipt));
            Reply { nonce: query.nonce, result: Ok((answer(), SignedReceipt { receipt, signature })) }
        });
        asking.open(&GENESIS, &self.verified(), &sealed)
    }
}

fn answer() -> Answer {
    let ended = Ended::Returned { flags: 0, data: vec![1].try_into().unwrap() };
    let (events, logs) = (Default::default(), Default::default());
    Answer::Call { ended, gas_used: Gas::new(5), deposit: Deposit::Charged(Amount::new(0)), events, logs }
}

fn asking(worker: &Worker) -> Asking {
    let account = Account::from_uri("//Alice").unwrap();
    let session = Session::open(&account, &GENESIS, Scope::Any, BlockNumber::new(20));
    let question = Question::call(CONTRACT, Gas::new(9), vec![1].try_into().unwrap());
    ask(&GENESIS, &worker.verified(), &session, KNOWN, question).unwrap()
}

fn bad(result: Result<Answered, QueryError>) -> BadReply {
    match result {
        Err(QueryError::BadReply(bad)) => bad,
        other => panic!("not refused as a bad reply: {other:?}"),
    }
}

#[test]
fn query_carries_the_accounts_word_for_its_session_key() {
    let worker = Worker::new();
    let opened = worker.opening.open(&asking(&worker).envelope).unwrap();
    let SignedQuery { query, signature } = decode_exact(&opened.plaintext).unwrap();
    let SignedCertificate { certificate, signature: by_account } = &query.certificate;
    let signer = &certificate.signer;
    assert!(signature::verify(signer, by_account, Tag::CERTIFICATE, &GENESIS, certificate).is_ok());
    let session_key = &certificate.session_key;
    assert!(signature::verify_session(session_key, &signature, Tag::QUERY, &GENESIS, &query).is_ok());
}

#[test]
fn no_two_queries_have_one_nonce() {
    let worker = Worker::new();
    assert_ne!(asking(&worker).query.nonce, asking(&worker).query.nonce);
}

#[test]
fn honest_answer_is_taken() {
    let answered = Worker::new().answered(|_| ()).unwrap();
    assert_eq!(answered.answer(), &answer());
    assert_eq!(answered.receipt().receipt.head, KNOWN);
}

#[test]
fn receipt_for_anything_else_is_refused() {
    let worker = Worker::new();
    assert_eq!(
        bad(worker.answered(|it| it.contract = Some(ContractId::new([9; 32])))),
        BadReply::OtherReceipt
    );
    assert_eq!(bad(worker.answered(|it| it.cluster = ClusterId::new(1))), BadReply::OtherReceipt);
    assert_eq!(bad(worker.answered(|it| it.genesis = GenesisHash::new([9; 32]))), BadReply::OtherReceipt);
    assert_eq!(bad(worker.answered(|it| it.worker = WorkerId::new([9; 32]))), BadReply::OtherReceipt);
    assert_eq!(bad(worker.answered(|it| it.nonce = Nonce::new([9; 32]))), BadReply::OtherNonce);
    assert_eq!(bad(worker.answered(|it| it.attestation = Digest::new([9; 32]))), BadReply::OtherAttestation);
    let older = BlockRef { number: BlockNumber::new(8), ..KNOWN };
    assert_eq!(bad(worker.answered(|it| it.head = older)), BadReply::OlderBlock);
    let fork = BlockRef { hash: BlockHash::new([8; 32]), ..KNOWN };
    assert_eq!(bad(worker.answered(|it| it.head = fork)), BadReply::OlderBlock);
    let zero = Digest::new([0; 32]);
    let digests = Subject::Query { question: zero, answer: zero };
    assert_eq!(bad(worker.answered(|it| it.subject = digests)), BadReply::OtherDigest);
    assert_eq!(bad(worker.answered(|it| it.contract = None)), BadReply::OtherReceipt);
    let upload = Subject::Upload {
        code_hash: CodeHash::new([6; 32]),
        number: MessageNumber::new(1),
        tip: zero,
        outcome: zero,
    };
    assert_eq!(bad(worker.answered(|it| it.subject = upload)), BadReply::OtherAnswer);
    let command = Subject::Command { number: MessageNumber::new(1), tip: zero, outcome: zero };
    assert_eq!(bad(worker.answered(|it| it.subject = command)), BadReply::OtherAnswer);
}

#[test]
fn outcome_of_an_upload_is_held_to_its_code() {
    let code_hash = CodeHash::new([6; 32]);
    let asked = Question::Upload { cluster: ClusterId::new(0), code_hash };
    let refused = Outcome::Rejected(Rejection::InvalidCode(CodeRefusal::Floats));
    let subject = |code_hash, outcome: &Outcome| Subject::Upload {
        code_hash,
        number: MessageNumber::new(1),
        tip: Digest::new([1; 32]),
        outcome: Digest::new(Tag::OUTCOME_DIGEST.digest(outcome)),
    };
    let answer = Answer::Outcome(refused.clone());
    assert_eq!(is_subject_of(&subject(code_hash, &refused), &asked, &answer), Some(true));
    let other = subject(CodeHash::new([7; 32]), &refused);
    assert_eq!(is_subject_of(&other, &asked, &answer), Some(false));
    let stored = subject(code_hash, &Outcome::CodeStored(code_hash));
    assert_eq!(is_subject_of(&stored, &asked, &answer), Some(false));
}

#[test]
fn receipt_that_another_key_signed_is_refused() {
    let worker = Worker::new();
    let other = SigningKey::from_seed(&Secret::new([9; 32]));
    let asking = asking(&worker);
    let sealed = worker.reply(&asking, |query| {
        let receipt = worker.receipt(query);
        let signature = WorkerSignature(other.sign(Tag::RECEIPT, &GENESIS, &receipt));
        Reply { nonce: query.nonce, result: Ok((answer(), SignedReceipt { receipt, signature })) }
    });
    assert_eq!(bad(asking.open(&GENESIS, &worker.verified(), &sealed)), BadReply::BadSignature);
}

#[test]
fn reply_to_another_query_is_refused() {
    let worker = Worker::new();
    let (first, second) = (asking(&worker), asking(&worker));
    let refuse = |query: &Query| Reply { nonce: query.nonce, result: Err(Refusal::UnknownContract) };
    let sealed = worker.reply(&first, refuse);
    assert_eq!(bad(second.open(&GENESIS, &worker.verified(), &sealed)), BadReply::NotSealedForUs);
    let old_nonce = |_: &Query| Reply { nonce: Nonce::new([0; 32]), result: Err(Refusal::UnknownContract) };
    let third = asking(&worker);
    let sealed = worker.reply(&third, old_nonce);
    assert_eq!(bad(third.open(&GENESIS, &worker.verified(), &sealed)), BadReply::OtherNonce);
}

#[test]
fn reply_that_does_not_decode_is_refused() {
    let worker = Worker::new();
    let asking = asking(&worker);
    let opened = worker.opening.open(&asking.envelope).unwrap();
    let sealed = opened.reply_key.seal([7; 32], b"not a reply").unwrap();
    assert_eq!(bad(asking.open(&GENESIS, &worker.verified(), &sealed)), BadReply::Malformed);
}

#[test]
fn refusal_comes_through_by_name() {
    let worker = Worker::new();
    for refusal in [Refusal::OutOfScope, Refusal::MalformedQuery, Refusal::Behind { verified: KNOWN.number }]
    {
        let asking = asking(&worker);
        let nonce = |query: &Query| match refusal {
            Refusal::MalformedQuery => Nonce::new([0; 32]),
            _ => query.nonce,
        };
        let sealed = worker.reply(&asking, |query| Reply { nonce: nonce(query), result: Err(refusal) });
        let error = asking.open(&GENESIS, &worker.verified(), &sealed).unwrap_err();
        assert!(matches!(error, QueryError::Refused(found) if found == refusal));
    }
}

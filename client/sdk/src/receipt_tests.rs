use super::*;
use phala_crypto::{Secret, signature::SigningKey};
use phala_light::testing::{Authorities, Chain};
use phala_types::{
    AccountId, Amount, BlockNumber, ClusterId, CodeHash, ContractId, Digest, Gas, KeyVersion, MessageNumber,
    Nonce, StateRoot, WorkerId,
    code::CodeRefusal,
    command::{Deposit, Ended, Outcome, Rejection},
    worker::{Role, Tier},
};

const CONTRACT: ContractId = ContractId::new([2; 32]);
const CLUSTER: ClusterId = ClusterId::new(0);
const CODE: CodeHash = CodeHash::new([3; 32]);
const ATTESTATION: Digest = Digest::new([4; 32]);

/// A network whose authorities changed once, with one worker and one contract, and a receipt for a query there.
struct Story {
    chain: Chain,
    worker: SigningKey,
    bundle: ReceiptBundle,
}

fn question() -> Question {
    Question::call(CONTRACT, Gas::new(1), vec![1, 2].try_into().unwrap())
}

fn answer() -> Answer {
    let ended = Ended::Returned { flags: 0, data: vec![9].try_into().unwrap() };
    answer_of(ended)
}

fn answer_of(ended: Ended) -> Answer {
    let (events, logs) = (Default::default(), Default::default());
    Answer::Call { ended, gas_used: Gas::new(7), deposit: Deposit::Charged(Amount::new(0)), events, logs }
}

fn record(expires_at: u32) -> WorkerRecord {
    WorkerRecord {
        hpke_key: [1; 32],
        operator: AccountId::new([1; 32]),
        endpoint: Default::default(),
        role: Role::Miner,
        tier: Tier::Simulated,
        measurement: Digest::new([1; 32]),
        machine: Digest::new([0x12; 32]),
        attestation: ATTESTATION,
        registered_at: BlockNumber::new(0),
        expires_at: BlockNumber::new(expires_at),
    }
}

impl Story {
    fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// With a change to the chain's storage before the receipt's block.
    fn with(change: impl FnOnce(&mut Chain, WorkerId)) -> Self {
        let mut chain = Chain::new(Authorities::new("first", 4));
        let worker = SigningKey::from_seed(&Secret::new([5; 32]));
        let id = WorkerId::new(worker.public_key());
        chain.build();
        chain.build_handoff(Authorities::new("second", 4));
        chain.put(keys::worker(id), &record(100));
        chain.put(keys::membership(id), &CLUSTER);
        let owner = AccountId::new([6; 32]);
        chain.put(keys::contract(CONTRACT), &ContractRecord { cluster: CLUSTER, code_hash: CODE, owner });
        change(&mut chain, id);
        chain.build();
        let head = chain.build();
        let receipt = Receipt {
            genesis: chain.genesis_hash(),
            tier: Tier::Simulated,
            worker: id,
            attestation: ATTESTATION,
            head,
            cluster: CLUSTER,
            position: MessageNumber::new(2),
            contract: Some(CONTRACT),
            code_hash: Some(CODE),
            state_root: StateRoot::new([7; 32]),
            key_version: KeyVersion::new(0),
            nonce: Nonce::new([8; 32]),
            subject: Subject::Query {
                question: Digest::new(Tag::QUERY_DIGEST.digest(&question())),
                answer: Digest::new(Tag::OUTCOME_DIGEST.digest(&answer())),
            },
        };
        let chain_proof = chain.chain_proof(head.number);
        let record_proof = chain.prove(head.number, &record_keys(&receipt));
        let signature = WorkerSignature(worker.sign(Tag::RECEIPT, &receipt.genesis, &receipt));
        let disclosure = Some(Disclosure::new(&question(), &answer()));
        let signed = SignedReceipt { receipt, signature };
        Self { bundle: ReceiptBundle::new(signed, disclosure, chain_proof, record_proof), chain, worker }
    }

    /// The bundle with another receipt, signed anew: what a worker that lies could make.
    fn signed(&self, change: impl FnOnce(&mut Receipt)) -> ReceiptBundle {
        let mut bundle = self.bundle.clone();
        change(&mut bundle.receipt);
        let genesis = self.chain.genesis_hash();
        bundle.signature = WorkerSignature(self.worker.sign(Tag::RECEIPT, &genesis, &bundle.receipt));
        bundle
    }

    fn verify(&self, bundle: &ReceiptBundle) -> Result<VerifiedReceipt, VerifyError> {
        verify_receipt(bundle, self.chain.genesis_hash())
    }
}

#[test]
fn receipt_verifies_from_the_genesis_hash_alone_and_survives_its_file() {
    let story = Story::new();
    let text = serde_json::to_string_pretty(&story.bundle).unwrap();
    let read: ReceiptBundle = serde_json::from_str(&text).unwrap();
    assert_eq!(read, story.bundle);
    let verified = story.verify(&read).unwrap();
    assert_eq!(verified.receipt().tier, Tier::Simulated);
    assert_eq!(verified.contract().unwrap().code_hash, CODE);
    assert_eq!(verified.disclosed(), Some((&question(), &answer())));
}

#[test]
fn receipt_verifies_without_showing_what_was_asked() {
    let mut story = Story::new();
    story.bundle.disclosure = None;
    assert!(!serde_json::to_string(&story.bundle).unwrap().contains("disclosure"));
    assert_eq!(story.verify(&story.bundle).unwrap().disclosed(), None);
}

#[test]
fn receipt_of_another_network_or_format_is_refused() {
    let story = Story::new();
    let other = GenesisHash::new([9; 32]);
    let error = verify_receipt(&story.bundle, other).unwrap_err();
    assert!(matches!(error, VerifyError::OtherNetwork { .. }));
    // A receipt that only claims to be of the other network has no chain to show.
    let claimed = story.signed(|receipt| receipt.genesis = other);
    assert!(matches!(verify_receipt(&claimed, other), Err(VerifyError::NotFinal(LightError::WrongGenesis))));
    let mut newer = story.bundle.clone();
    newer.version = 2;
    assert_eq!(story.verify(&newer), Err(VerifyError::UnknownVersion(2)));
}

#[test]
fn block_that_the_network_did_not_finalize_is_refused() {
    let story = Story::new();
    let mut skipped = story.bundle.clone();
    skipped.chain_proof.0.handoffs.clear();
    assert!(matches!(story.verify(&skipped), Err(VerifyError::NotFinal(LightError::SkippedSet))));
    let mut forged = story.bundle.clone();
    forged.chain_proof.0.head.justification = Default::default();
    assert!(matches!(story.verify(&forged), Err(VerifyError::NotFinal(_))));
}

#[test]
fn receipt_of_another_block_than_the_proven_one_is_refused() {
    let story = Story::new();
    let moved = story.signed(|receipt| receipt.head.number = BlockNumber::new(50));
    assert!(matches!(story.verify(&moved), Err(VerifyError::OtherBlock { .. })));
    let mut earlier = story.bundle.clone();
    earlier.chain_proof.0 = story.chain.chain_proof(BlockNumber::new(3));
    assert!(matches!(story.verify(&earlier), Err(VerifyError::OtherBlock { .. })));
}

#[test]
fn records_must_be_proven_at_the_receipts_block() {
    let story = Story::new();
    let mut empty = story.bundle.clone();
    empty.record_proof.0 = StorageProof::default();
    assert!(matches!(story.verify(&empty), Err(VerifyError::NotProven(ProofError::ForeignRoot))));
    let mut earlier = story.bundle.clone();
    earlier.record_proof.0 = story.chain.prove(BlockNumber::new(1), &record_keys(&story.bundle.receipt));
    assert!(matches!(story.verify(&earlier), Err(VerifyError::NotProven(_))));
}

#[test]
fn worker_that_the_chain_does_not_list_cannot_vouch() {
    let unknown = Story::with(|chain, id| chain.remove(&keys::worker(id)));
    assert_eq!(unknown.verify(&unknown.bundle), Err(VerifyError::WorkerNotRegistered));
    let expired = Story::with(|chain, id| chain.put(keys::worker(id), &record(1)));
    assert_eq!(expired.verify(&expired.bundle), Err(VerifyError::WorkerNotRegistered));
    let elsewhere = Story::with(|chain, id| chain.put(keys::membership(id), &ClusterId::new(1)));
    assert_eq!(elsewhere.verify(&elsewhere.bundle), Err(VerifyError::NotMember));
    let story = Story::new();
    let other = story.signed(|receipt| receipt.attestation = Digest::new([9; 32]));
    assert_eq!(story.verify(&other), Err(VerifyError::OtherAttestation));
}

#[test]
fn receipt_of_a_query_names_the_code_that_answered() {
    let story = Story::new();
    let none = story.signed(|receipt| receipt.code_hash = None);
    assert_eq!(story.verify(&none), Err(VerifyError::OtherContract));
}

#[test]
fn contract_may_have_replaced_its_code_or_been_made_by_another_one() {
    let story = Story::new();
    let code = CodeHash::new([9; 32]);
    let verified = story.verify(&story.signed(|receipt| receipt.code_hash = Some(code))).unwrap();
    assert_eq!(verified.contract().unwrap().code_hash, CODE);
    assert_eq!(verified.receipt().code_hash, Some(code));
    let made = Story::with(|chain, _| chain.remove(&keys::contract(CONTRACT)));
    assert_eq!(made.verify(&made.bundle).unwrap().contract(), None);
}

#[test]
fn receipt_of_a_contract_in_another_cluster_is_refused() {
    let story = Story::with(|chain, _| {
        let owner = AccountId::new([1; 32]);
        let record = ContractRecord { cluster: ClusterId::new(77), code_hash: CODE, owner };
        chain.put(keys::contract(CONTRACT), &record);
    });
    assert_eq!(story.verify(&story.bundle).unwrap_err(), VerifyError::OtherContract);
}

#[test]
fn receipt_that_the_worker_did_not_sign_is_refused() {
    let mut story = Story::new();
    story.bundle.receipt.state_root = StateRoot::new([9; 32]);
    assert_eq!(story.verify(&story.bundle), Err(VerifyError::BadSignature));
}

#[test]
fn disclosed_answer_is_held_to_the_receipt() {
    let story = Story::new();
    let lie = answer_of(Ended::Returned { flags: 0, data: vec![8].try_into().unwrap() });
    let outcome = Answer::Outcome(Outcome::Rejected(Rejection::Replayed));
    for (question, answer) in [(question(), lie), (question(), outcome)] {
        let mut bundle = story.bundle.clone();
        bundle.disclosure = Some(Disclosure::new(&question, &answer));
        assert_eq!(story.verify(&bundle), Err(VerifyError::OtherDisclosure));
    }
}

#[test]
fn outcome_of_a_command_is_held_to_its_number() {
    let story = Story::new();
    let rejected = Outcome::Rejected(Rejection::UnknownCode);
    let mut bundle = story.signed(|receipt| {
        receipt.code_hash = None;
        receipt.subject = Subject::Command {
            number: MessageNumber::new(1),
            tip: Digest::new([1; 32]),
            outcome: Digest::new(Tag::OUTCOME_DIGEST.digest(&rejected)),
        };
    });
    let outcome = Answer::Outcome(rejected);
    let asked = |number| Question::Outcome { contract: CONTRACT, number: MessageNumber::new(number) };
    bundle.disclosure = Some(Disclosure::new(&asked(1), &outcome));
    assert!(story.verify(&bundle).is_ok());
    bundle.disclosure = Some(Disclosure::new(&asked(2), &outcome));
    assert_eq!(story.verify(&bundle), Err(VerifyError::OtherDisclosure));
}

#[test]
fn outcome_of_an_upload_is_about_code_and_no_contract() {
    let story = Story::new();
    let refused = Outcome::Rejected(Rejection::InvalidCode(CodeRefusal::Floats));
    let upload = |receipt: &mut Receipt| {
        (receipt.contract, receipt.code_hash) = (None, None);
        receipt.subject = Subject::Upload {
            code_hash: CODE,
            number: MessageNumber::new(1),
            tip: Digest::new([1; 32]),
            outcome: Digest::new(Tag::OUTCOME_DIGEST.digest(&refused)),
        };
    };
    let question = Question::Upload { cluster: CLUSTER, code_hash: CODE };
    let mut bundle = story.signed(upload);
    bundle.disclosure = Some(Disclosure::new(&question, &Answer::Outcome(refused.clone())));
    assert_eq!(story.verify(&bundle).unwrap().contract(), None);
    // Neither is a receipt of a contract without one, nor of an upload with one.
    let changes: [&dyn Fn(&mut Receipt); 3] = [
        &|receipt| receipt.contract = Some(CONTRACT),
        &|receipt| receipt.code_hash = Some(CODE),
        &|receipt| receipt.subject = story.bundle.receipt.subject.clone(),
    ];
    for change in changes {
        let lie = story.signed(|receipt| {
            upload(receipt);
            change(receipt);
        });
        assert_eq!(story.verify(&lie), Err(VerifyError::OtherContract));
    }
}

#[test]
fn file_with_other_fields_or_bad_digits_does_not_read() {
    let story = Story::new();
    let good = serde_json::to_value(&story.bundle).unwrap();
    for (field, value) in [
        ("extra", serde_json::json!(1)),
        ("chain_proof", serde_json::json!("0x00")),
        ("record_proof", serde_json::json!("0xzz")),
        ("signature", serde_json::json!("0x00")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(serde_json::from_value::<ReceiptBundle>(bad).is_err(), "{field}");
    }
}

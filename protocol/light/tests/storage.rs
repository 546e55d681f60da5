//! What a storage proof proves.

use codec::Encode;
use phala_light::{
    FinalizedHead, Light,
    ProofError::{self, *},
    keys,
    testing::{Authorities, Chain},
};
use phala_types::{
    AccountId, BlockNumber, ClusterId, ContractId, Digest, MessageNumber, Millis, StateRoot, Untrusted,
    WorkerId,
    cluster::Checkpoint,
    finality::StorageProof,
    mailbox::{Tip, Topic},
    relay::Blame,
    worker::{Role, Tier, WorkerRecord},
};

const WORKER: WorkerId = WorkerId::new([1; 32]);
const CLUSTER: ClusterId = ClusterId::new(3);
const TOPIC: Topic = Topic::Cluster(CLUSTER);

fn finalize(chain: &mut Chain) -> FinalizedHead {
    let block = chain.build();
    let mut light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
    light.import(Untrusted::new(chain.finality_proof(block.number))).unwrap()
}

/// A chain whose storage has, among much else, all that a worker looks at.
fn chain() -> Chain {
    let mut chain = Chain::new(Authorities::new("first", 4));
    for number in 0u32..500 {
        chain.put(
            number.using_encoded(sp_crypto_hashing::blake2_256).to_vec(),
            &vec![7u8; number as usize % 70],
        );
        chain.put(keys::message(TOPIC, MessageNumber::new(number.into())), &number);
    }
    chain.put(keys::timestamp_now(), &Millis::new(1234));
    chain.put(keys::worker(WORKER), &record());
    chain.put(keys::membership(WORKER), &CLUSTER);
    chain.put(keys::tip(TOPIC), &tip());
    chain.put(keys::checkpoint(CLUSTER), &checkpoint());
    chain
}

fn record() -> WorkerRecord {
    WorkerRecord {
        hpke_key: [2; 32],
        operator: AccountId::new([3; 32]),
        endpoint: b"http://localhost".to_vec().try_into().unwrap(),
        role: Role::Miner,
        tier: Tier::Simulated,
        measurement: Digest::new([4; 32]),
        machine: Digest::new([0x12; 32]),
        attestation: Digest::new([5; 32]),
        registered_at: BlockNumber::new(6),
        expires_at: BlockNumber::new(7),
    }
}

fn tip() -> Tip {
    Tip { count: MessageNumber::new(9), hash: Digest::new([9; 32]) }
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        cluster: CLUSTER,
        position: MessageNumber::new(8),
        block: BlockNumber::new(1),
        state_root: StateRoot::new([8; 32]),
    }
}

fn read(head: &FinalizedHead, proof: &StorageProof, keys: &[Vec<u8>]) -> Result<(), ProofError> {
    head.read(Untrusted::new(proof), keys).map(|_| ())
}

#[test]
fn proven_values_are_read_and_absent_ones_are_proven_absent() {
    let mut chain = chain();
    let head = finalize(&mut chain);
    let there = keys::message(TOPIC, MessageNumber::new(77));
    let absent = keys::contract(ContractId::new([1; 32]));
    let asked = [there.clone(), absent.clone()];
    let values = head.read(Untrusted::new(&chain.prove(head.number(), &asked)), &asked).unwrap();
    assert_eq!(values.decode::<u32>(&there), Ok(Some(77)));
    assert_eq!(values.decode_present::<u32>(&there), Ok(77));
    assert_eq!(values.get(&absent), Ok(None));
    assert_eq!(values.decode::<u32>(&absent), Ok(None));
    assert_eq!(values.decode_present::<u32>(&absent), Err(AbsentValue));
    // Not asked for is not absent.
    assert_eq!(values.get(&keys::timestamp_now()), Err(NotRead));
    assert_eq!(values.decode::<u32>(&keys::timestamp_now()), Err(NotRead));
    // A value is what it should be to the last byte.
    assert_eq!(values.decode::<u16>(&there), Err(MalformedValue));
    assert_eq!(values.decode::<u64>(&there), Err(MalformedValue));
}

#[test]
fn proof_of_another_block_is_refused() {
    let mut chain = chain();
    let first = finalize(&mut chain);
    chain.put(keys::timestamp_now(), &Millis::new(5678));
    let second = finalize(&mut chain);
    let asked = [keys::timestamp_now()];
    let stale = chain.prove(first.number(), &asked);
    assert_eq!(read(&first, &stale, &asked), Ok(()));
    assert_eq!(read(&second, &stale, &asked), Err(ForeignRoot));
    assert_eq!(read(&second, &StorageProof::default(), &asked), Err(ForeignRoot));
}

#[test]
fn no_node_of_a_proof_can_be_left_out_or_changed() {
    let mut chain = chain();
    let head = finalize(&mut chain);
    for cluster in [None, Some(CLUSTER), Some(ClusterId::new(4))] {
        let asked = keys::worker_view(WORKER, cluster);
        let proof = chain.prove_worker_view(head.number(), WORKER, cluster);
        assert_eq!(read(&head, &proof, &asked), Ok(()));
        for index in 0..proof.nodes.len() {
            let mut without = proof.clone();
            without.nodes.remove(index);
            let error = read(&head, &without, &asked).unwrap_err();
            assert!(matches!(error, ForeignRoot | MissingNode), "{error:?}");
            let mut changed = proof.clone();
            changed.nodes[index][0] ^= 1;
            assert!(read(&head, &changed, &asked).is_err());
            let mut longer = proof.clone();
            longer.nodes[index].try_push(0).unwrap();
            assert!(read(&head, &longer, &asked).is_err());
        }
        // Order does not matter, nor do nodes that are not needed.
        let mut shuffled = proof.clone();
        shuffled.nodes.as_mut().reverse();
        shuffled.nodes.try_push(vec![1, 2, 3].try_into().unwrap()).unwrap();
        assert_eq!(read(&head, &shuffled, &asked), Ok(()));
    }
}

#[test]
fn worker_sees_itself_and_its_cluster() {
    let mut chain = chain();
    let head = finalize(&mut chain);
    let view = |worker, cluster| {
        head.worker_view(
            Untrusted::new(&chain.prove_worker_view(head.number(), worker, cluster)),
            worker,
            cluster,
        )
    };
    let seen = view(WORKER, Some(CLUSTER)).unwrap();
    assert_eq!(seen.now, Millis::new(1234));
    assert_eq!(seen.record, Some(record()));
    assert_eq!(seen.membership, Some(CLUSTER));
    assert_eq!(seen.tip, Some(tip()));
    assert_eq!(seen.checkpoint, Some(checkpoint()));

    let without = view(WORKER, None).unwrap();
    assert_eq!((without.record, without.tip, without.checkpoint), (Some(record()), None, None));

    let stranger = view(WorkerId::new([9; 32]), Some(ClusterId::new(4))).unwrap();
    assert_eq!(
        (stranger.record, stranger.membership, stranger.tip, stranger.checkpoint),
        (None, None, None, None)
    );
}

#[test]
fn view_of_one_worker_is_not_another_ones() {
    let mut chain = chain();
    let head = finalize(&mut chain);
    let proof = chain.prove_worker_view(head.number(), WORKER, Some(CLUSTER));
    let other = WorkerId::new([9; 32]);
    let result = head.worker_view(Untrusted::new(&proof), other, Some(CLUSTER));
    // Its absence may happen to be proven by the same nodes, but a record is never made of it.
    assert!(result.is_err() || result.unwrap().record.is_none());
}

#[test]
fn view_without_a_time_is_refused() {
    let mut chain = chain();
    chain.remove(&keys::timestamp_now());
    let head = finalize(&mut chain);
    let proof = chain.prove_worker_view(head.number(), WORKER, None);
    assert_eq!(head.worker_view(Untrusted::new(&proof), WORKER, None), Err(AbsentValue));
}

#[test]
fn view_with_a_malformed_record_is_refused() {
    let mut chain = chain();
    chain.put(keys::worker(WORKER), &(record(), 0u8));
    let head = finalize(&mut chain);
    let proof = chain.prove_worker_view(head.number(), WORKER, None);
    assert_eq!(head.worker_view(Untrusted::new(&proof), WORKER, None), Err(MalformedValue));
}

#[test]
fn node_that_is_not_one_is_malformed() {
    // A header whose state root is the hash of something that is no node: finalized by authorities who lie.
    use phala_light::testing::Header;
    let mut chain = Chain::new(Authorities::new("first", 1));
    let node = vec![0xffu8; 40];
    chain.build();
    let mut header: Header = chain.header(BlockNumber::new(1)).clone();
    header.state_root = sp_crypto_hashing::blake2_256(&node);
    let block = phala_types::BlockRef { number: BlockNumber::new(1), hash: header.hash() };
    let mut justification = chain.justify(block.number);
    justification.commit.target_hash = block.hash;
    justification.commit.precommits =
        vec![Authorities::new("first", 1).vote(0, block, justification.round, 0)];
    let mut proof = chain.finality_proof_with(block.number, &justification);
    proof.header = header.encode().try_into().unwrap();
    let mut light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
    let head = light.import(Untrusted::new(proof)).unwrap();
    let proof = StorageProof { nodes: vec![node.try_into().unwrap()].try_into().unwrap() };
    assert_eq!(read(&head, &proof, &[keys::timestamp_now()]), Err(MalformedNode));
}

#[test]
fn each_error_tells_blame_and_text() {
    let errors = [ForeignRoot, MissingNode, MalformedNode, MalformedValue, AbsentValue, NotRead];
    let texts = errors.iter().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(texts.len(), errors.len());
    assert_eq!(errors.iter().filter(|e| e.blame() == Blame::Malformed).count(), 2);
}

//! Whatever a relay does to a proof, the light client neither believes it nor panics.

use codec::{DecodeAll, Encode};
use phala_light::{
    Light, keys,
    testing::{Authorities, Chain},
};
use phala_types::{
    BlockNumber, ClusterId, Millis, Untrusted, WorkerId,
    finality::{FinalityProof, StorageProof},
};
use proptest::prelude::*;

const WORKER: WorkerId = WorkerId::new([1; 32]);
const CLUSTER: ClusterId = ClusterId::new(0);

fn chain() -> Chain {
    let mut chain = Chain::new(Authorities::new("first", 4));
    for number in 0u64..40 {
        chain.put(
            keys::message(
                phala_types::mailbox::Topic::Cluster(CLUSTER),
                phala_types::MessageNumber::new(number),
            ),
            &number,
        );
    }
    chain.put(keys::timestamp_now(), &Millis::new(1));
    chain.build();
    chain.build_handoff(Authorities::new("second", 3));
    chain
}

/// A change to a byte string.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
    Append(Vec<u8>),
    Remove(prop::sample::Index),
    Insert(prop::sample::Index, u8),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), 0u8..8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        index().prop_map(Mutation::Truncate),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(Mutation::Append),
        index().prop_map(Mutation::Remove),
        (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        (index(), index()).prop_map(|(a, b)| Mutation::Swap(a, b)),
    ]
}

fn mutate(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if bytes.is_empty() {
            return bytes;
        }
        let length = bytes.len();
        match mutation {
            Mutation::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Mutation::Truncate(at) => bytes.truncate(at.index(length)),
            Mutation::Append(more) => bytes.extend(more),
            Mutation::Remove(at) => drop(bytes.remove(at.index(length))),
            Mutation::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Mutation::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn mutated_finality_proof_finalizes_only_the_true_block(
        mutations in prop::collection::vec(mutation(), 1..4),
        in_header in any::<bool>(),
    ) {
        let chain = chain();
        let number = BlockNumber::new(2);
        let good = chain.finality_proof(number);
        let mut bad = good.clone();
        if in_header {
            bad.header = mutate(good.header.to_vec(), &mutations).try_into().unwrap();
        } else {
            bad.justification = mutate(good.justification.to_vec(), &mutations).try_into().unwrap();
        }
        let mut light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
        let before = light.clone();
        match light.import(Untrusted::new(bad.clone())) {
            // A vote can be lost without harm, as can what mutations undo. The block stays the true one.
            Ok(head) => {
                prop_assert_eq!(head.block_ref(), chain.block_ref(number));
                prop_assert_eq!(&bad.header, &good.header);
            }
            Err(_) => prop_assert_eq!(light, before),
        }
    }

    #[test]
    fn mutated_message_never_panics(mutations in prop::collection::vec(mutation(), 1..6)) {
        let chain = chain();
        let bytes = mutate(chain.finality_proof(BlockNumber::new(2)).encode(), &mutations);
        if let Ok(proof) = FinalityProof::decode_all(&mut &bytes[..]) {
            let mut light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
            if let Ok(head) = light.import(Untrusted::new(proof)) {
                prop_assert_eq!(head.block_ref(), chain.block_ref(BlockNumber::new(2)));
            }
        }
    }

    #[test]
    fn mutated_storage_proof_proves_only_the_truth(
        mutations in prop::collection::vec(mutation(), 1..4),
        node in any::<prop::sample::Index>(),
    ) {
        let chain = chain();
        let number = BlockNumber::new(2);
        let mut light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
        let head = light.import(Untrusted::new(chain.finality_proof(number))).unwrap();
        let good = chain.prove_worker_view(number, WORKER, Some(CLUSTER));
        let truth = head.worker_view(Untrusted::new(&good), WORKER, Some(CLUSTER)).unwrap();
        let mut bad = good.clone();
        let index = node.index(good.nodes.len());
        bad.nodes[index] = mutate(good.nodes[index].to_vec(), &mutations).try_into().unwrap();
        if let Ok(view) = head.worker_view(Untrusted::new(&bad), WORKER, Some(CLUSTER)) {
            prop_assert_eq!(view, truth);
            prop_assert_eq!(bad, good);
        }
    }

    #[test]
    fn garbage_under_a_true_root_never_panics(nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4)) {
        let chain = chain();
        let light = Light::trust_first_genesis(Untrusted::new(chain.genesis_proof())).unwrap();
        let nodes: Vec<_> = nodes.into_iter().map(|node| node.try_into().unwrap()).collect();
        let proof = StorageProof { nodes: nodes.try_into().unwrap() };
        prop_assert!(light.head().worker_view(Untrusted::new(&proof), WORKER, None).is_err());
    }
}

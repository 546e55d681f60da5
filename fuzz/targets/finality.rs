//! What a light client is fed: the beginning of a chain, finality, storage, and all of it for an offline receipt.
#![no_main]

use codec::{Decode as _, Encode as _};
use phala_fuzz::{Votes, chain, chain_keys, decode, trie};
use phala_light::{
    Light,
    testing::{Authorities, Chain, Commit, Header, Justification},
    verify_chain_proof,
};
use phala_types::{
    BlockNumber, BlockRef, ClusterId, Untrusted, WorkerId,
    finality::{ChainProof, FinalityProof, GenesisProof, StorageProof},
};
use std::{collections::BTreeSet, sync::LazyLock};

static CHAIN: LazyLock<Chain> = LazyLock::new(chain);

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    let chain = &*CHAIN;
    let genesis = chain.genesis_hash();
    let mut light =
        Light::from_genesis(genesis, Untrusted::new(chain.genesis_proof())).expect("it is genuine");
    match what {
        0 => {
            let Some(proof) = decode::<GenesisProof>(bytes) else { return };
            let _ = Light::trust_first_genesis(Untrusted::new(proof.clone()));
            if let Ok(begun) = Light::from_genesis(genesis, Untrusted::new(proof)) {
                assert!(
                    begun.authorities() == light.authorities(),
                    "a genesis with other authorities passed"
                );
            }
        }
        1 => {
            let Some(proof) = decode::<FinalityProof>(bytes) else { return };
            let before = light.head().block_ref();
            match light.import(Untrusted::new(proof)) {
                Ok(head) => assert!(head.block_ref() == chain.block_ref(head.number()), "a block was forged"),
                Err(_) => assert!(light.head().block_ref() == before, "a refused block changed the head"),
            }
        }
        2 => {
            let Some(proof) = decode::<StorageProof>(bytes) else { return };
            let wanted = chain_keys();
            let genuine = chain.prove(BlockNumber::new(0), &wanted);
            if let Ok(values) = light.head().read(Untrusted::new(&proof), &wanted) {
                let true_values = light.head().read(Untrusted::new(&genuine), &wanted);
                assert!(true_values.is_ok_and(|it| it == values), "another value was proven");
            }
        }
        3 => {
            let Some(proof) = decode::<ChainProof>(bytes) else { return };
            if let Ok(head) = verify_chain_proof(genesis, Untrusted::new(proof)) {
                assert!(head.block_ref() == chain.block_ref(head.number()), "a block was forged");
            }
        }
        4 => {
            let mut rest = bytes;
            if let Ok(votes) = Votes::decode(&mut rest) {
                import_signed(&mut light, votes, rest);
            }
        }
        5 => {
            let Some(nodes) = decode::<Vec<Vec<u8>>>(bytes) else { return };
            begin_with(nodes);
        }
        _ => {}
    }
});

/// The authorities sign whatever the input says, of blocks that it makes up.
fn import_signed(light: &mut Light, made_up: Votes, pairs: &[u8]) {
    let authorities = Authorities::new("first", 3);
    let mut headers = Vec::<Header>::new();
    for (parent, number) in made_up.blocks {
        // Blocks only build on earlier ones, since a hash is only known after.
        let parent = headers.get(usize::from(parent)).map_or(light.head().hash(), Header::hash);
        let digest = if headers.is_empty() { made_up.digest.clone() } else { Vec::new() };
        // The highest stand for the highest that there are.
        let number = if number < 0xf0 { number.into() } else { u32::MAX - u32::from(u8::MAX - number) };
        headers.push(Header { parent, number, state_root: [0; 32], extrinsics_root: [0; 32], digest });
    }
    let block = |place: u8| {
        let header = headers.get(usize::from(place))?;
        Some(BlockRef { number: BlockNumber::new(header.number), hash: header.hash() })
    };
    let Some(target) = block(made_up.target) else { return };
    let precommits = pairs.chunks_exact(2).filter_map(|pair| {
        let who = usize::from(pair[0]) % authorities.count();
        Some(authorities.vote(who, block(pair[1])?, made_up.round, made_up.set_id))
    });
    let commit = Commit {
        target_hash: target.hash,
        target_number: target.number.value(),
        precommits: precommits.collect(),
    };
    let voters = commit.precommits.iter().map(|vote| vote.id).collect::<BTreeSet<_>>().len();
    let is_shown = |place: usize| made_up.shown >> place & 1 == 1;
    let ancestries = headers.iter().enumerate().filter(|(place, _)| is_shown(*place));
    let votes_ancestries = ancestries.map(|(_, header)| header.clone()).collect();
    let justification = Justification { round: made_up.round, commit, votes_ancestries };
    let proof = FinalityProof {
        header: headers[usize::from(made_up.target)].encode().try_into().unwrap_or_default(),
        justification: justification.encode().try_into().unwrap_or_default(),
    };
    let before = light.clone();
    match light.import(Untrusted::new(proof)) {
        Ok(head) => {
            assert!(head.block_ref() == target, "another block was finalized");
            assert!(voters == authorities.count() && made_up.set_id == 0, "a block was finalized by too few");
        }
        Err(_) => assert!(*light == before, "a refused block changed the light client"),
    }
}

/// A chain whose storage is these nodes, as a stranger may show it to a new worker.
fn begin_with(nodes: Vec<Vec<u8>>) {
    let (state_root, nodes) = trie(nodes);
    let Some(nodes) = nodes.into_iter().map(|it| it.try_into().ok()).collect::<Option<Vec<_>>>() else {
        return;
    };
    let Ok(nodes) = nodes.try_into() else { return };
    let header = Header {
        parent: phala_types::BlockHash::new([0; 32]),
        number: 0,
        state_root,
        extrinsics_root: [0; 32],
        digest: Vec::new(),
    };
    let authorities = StorageProof { nodes };
    let header = header.encode().try_into().unwrap_or_default();
    let genesis = GenesisProof { header, authorities: authorities.clone() };
    if let Ok(light) = Light::trust_first_genesis(Untrusted::new(genesis)) {
        let (worker, cluster) = (WorkerId::new([1; 32]), Some(ClusterId::new(0)));
        let _ = light.head().worker_view(Untrusted::new(&authorities), worker, cluster);
    }
}

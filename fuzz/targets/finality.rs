//! What a light client is fed: the beginning of a chain, finality, storage, and all of it for an offline receipt.
#![no_main]

use phala_fuzz::decode;
use phala_light::{Light, testing::Chain, verify_chain_proof};
use phala_types::{
    BlockNumber, Untrusted,
    finality::{ChainProof, FinalityProof, GenesisProof, StorageProof},
};
use std::sync::LazyLock;

static CHAIN: LazyLock<Chain> = LazyLock::new(phala_fuzz::chain);

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
            let wanted = phala_fuzz::chain_keys();
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
        _ => {}
    }
});

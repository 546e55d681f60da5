// SPDX-License-Identifier: Apache-2.0
//! Hashes and signatures, against values that others published or that the reference libraries made.

mod common;

use common::*;
use k256::ecdsa::SigningKey;
use phala_vm::abi::MAX_CRYPTO_INPUT_BYTES;
use phala_vm::{Trap, gas};

/// As a data segment at 1000.
fn data(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(r#"(data (i32.const 1000) "{escaped}")"#)
}

fn hashing(name: &str, len: u32, digest: u32, input: &[u8]) -> Vec<u8> {
    contract_with(
        &format!(r#"(import "seal0" "{name}" (func $hash (param i32 i32 i32)))"#),
        &format!(
            "(call $hash (i32.const 1000) (i32.const {len}) (i32.const 0))
             (call $return (i32.const 0) (i32.const 0) (i32.const {digest}))"
        ),
        &data(input),
    )
}

#[test]
fn hashes_are_the_published_ones() {
    for (name, expected) in [
        ("hash_sha2_256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("hash_keccak_256", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        ("hash_blake2_256", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
        ("hash_blake2_128", "cf4ab791c62b8d2b2109c90275287816"),
    ] {
        for name in [name.to_owned(), format!("seal_{name}")] {
            let digest = answer(&hashing(&name, 3, expected.len() as u32 / 2, b"abc"), &mut World::default());
            assert_eq!(hex::encode(digest), expected, "{name}");
        }
    }
}

#[test]
fn hashes_read_only_the_contracts_memory_and_cost_by_the_byte() {
    assert_eq!(
        trap(&hashing("hash_sha2_256", 64_537, 32, b""), &mut World::default()),
        Trap::MemoryOutOfBounds
    );
    let too_long = hashing("hash_sha2_256", MAX_CRYPTO_INPUT_BYTES + 1, 32, b"");
    assert_eq!(trap(&too_long, &mut World::default()), Trap::InputTooLong);
    let used = |len| run(&hashing("hash_keccak_256", len, 32, b""), &mut World::default()).gas_used;
    assert_eq!(used(1_010) - used(10), 1_000 * gas::KECCAK_256_PER_BYTE);
}

fn recovering(signature: &[u8], hash: &[u8; 32], answer: &str) -> Vec<u8> {
    contract_with(
        r#"(import "seal0" "ecdsa_recover" (func $recover (param i32 i32 i32) (result i32)))"#,
        &answer.replace("RECOVER", "(call $recover (i32.const 1000) (i32.const 1065) (i32.const 8))"),
        &data(&[signature, hash].concat()),
    )
}

const ANSWER_KEY: &str = "(drop RECOVER) (call $return (i32.const 0) (i32.const 8) (i32.const 33))";

#[test]
fn the_key_that_signed_is_recovered_in_all_forms_of_the_signature() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let public = key.verifying_key().to_encoded_point(true);
    for n in 0..8 {
        let hash = [n; 32];
        let (signature, id) = key.sign_prehash_recoverable(&hash).unwrap();
        let mut low = signature.to_bytes().to_vec();
        low.push(id.to_byte());
        let mut ethereum = low.clone();
        ethereum[64] += 27;
        // The same signature with the other sign of s.
        let (r, s) = signature.split_scalars();
        let mut high = k256::ecdsa::Signature::from_scalars(r, -s).unwrap().to_bytes().to_vec();
        high.push(id.to_byte() ^ 1);
        for signature in [low, ethereum, high] {
            let wasm = recovering(&signature, &hash, ANSWER_KEY);
            assert_eq!(answer(&wasm, &mut World::default()), public.as_bytes());
        }
    }
}

#[test]
fn a_signature_of_nobody_recovers_nothing() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let (signature, id) = key.sign_prehash_recoverable(&[1; 32]).unwrap();
    let mut good = signature.to_bytes().to_vec();
    good.push(id.to_byte());
    let mut wrong_id = good.clone();
    wrong_id[64] = 4;
    let mut wrong_ethereum_id = good.clone();
    wrong_ethereum_id[64] = 31;
    for signature in [vec![0; 65], vec![0xff; 65], wrong_id, wrong_ethereum_id] {
        assert_eq!(code(&recovering(&signature, &[1; 32], &answering("RECOVER")), &mut World::default()), 11);
    }
    assert_eq!(code(&recovering(&good, &[1; 32], &answering("RECOVER")), &mut World::default()), 0);
}

fn addressing(key: &[u8]) -> Vec<u8> {
    contract_with(
        r#"(import "seal0" "ecdsa_to_eth_address" (func $address (param i32 i32) (result i32)))"#,
        "(i32.store (i32.const 0) (call $address (i32.const 1000) (i32.const 4)))
         (call $return (i32.const 0) (i32.const 0) (i32.const 24))",
        &data(key),
    )
}

#[test]
fn the_ethereum_address_of_the_private_key_one_is_the_known_one() {
    let key = hex::decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").unwrap();
    let reply = answer(&addressing(&key), &mut World::default());
    assert_eq!(hex::encode(reply), "000000007e5f4552091a69125d5dfcb7b8c2659029395bdf");
    assert_eq!(answer(&addressing(&[9; 33]), &mut World::default())[..4], [11, 0, 0, 0]);
}

/// Made by schnorrkel 0.11.5 from the seed of 32 sevens, for the text below under the context "substrate".
const SR25519_KEY: &str = "7c0f469d3bd340bae718203fa30ca071a5e37c751e891dbded837b213d45d91d";
const SR25519_SIGNATURE: &str = "5071b26197a0c93bef2c9d3e291117b01831f3c1d66f3109db3d4c6d8b67dd3bd668a1ca38bc254b692e3bd1943e9632ff66e30dd4fd11be69ba4bcb04863988";

fn verifying(signature: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hex::decode(SR25519_KEY).unwrap();
    contract_with(
        r#"(import "seal0" "sr25519_verify" (func $verify (param i32 i32 i32 i32) (result i32)))"#,
        &answering(&format!(
            "(call $verify (i32.const 1000) (i32.const 1064) (i32.const {}) (i32.const 1096))",
            message.len()
        )),
        &data(&[signature, &key, message].concat()),
    )
}

#[test]
fn an_sr25519_signature_is_valid_for_its_message_only() {
    let signature = hex::decode(SR25519_SIGNATURE).unwrap();
    assert_eq!(code(&verifying(&signature, b"the message"), &mut World::default()), 0);
    assert_eq!(code(&verifying(&signature, b"another message"), &mut World::default()), 12);
    assert_eq!(code(&verifying(&signature, b""), &mut World::default()), 12);
    let mut damaged = signature;
    damaged[3] ^= 1;
    assert_eq!(code(&verifying(&damaged, b"the message"), &mut World::default()), 12);
    assert_eq!(code(&verifying(&[0xff; 64], b"the message"), &mut World::default()), 12);
}

#[test]
fn a_long_message_is_not_read_beyond_memory() {
    let import = r#"(import "seal0" "sr25519_verify" (func $verify (param i32 i32 i32 i32) (result i32)))"#;
    let verify = |len: u32| {
        let call = format!("(call $verify (i32.const 0) (i32.const 64) (i32.const {len}) (i32.const 0))");
        trap(&contract(import, &answering(&call)), &mut World::default())
    };
    assert_eq!(verify(65_537), Trap::MemoryOutOfBounds);
    assert_eq!(verify(MAX_CRYPTO_INPUT_BYTES + 1), Trap::InputTooLong);
}

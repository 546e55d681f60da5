// SPDX-License-Identifier: Apache-2.0
//! Hashes and signatures.

use sp_core::{Pair as _, ecdsa, sr25519};

use super::{OUTSIDE, SUCCESS, cases};
use crate::{Duel, End, puppet::Script};

cases![
    hashes_of_many_lengths,
    a_hash_from_outside_of_memory_traps,
    a_hash_to_outside_of_memory_traps,
    an_ecdsa_key_is_recovered,
    an_ecdsa_key_is_recovered_whatever_the_recovery_id_says,
    an_ecdsa_signature_of_nothing_fails,
    an_eth_address_is_made,
    an_eth_address_of_no_key_fails,
    an_sr25519_signature_is_verified,
    a_broken_sr25519_signature_fails,
    signatures_outside_of_memory_trap,
    lengths_beyond_any_memory_trap,
];

const HASHES: [(&str, usize); 4] = [
    ("seal0.hash_sha2_256", 32),
    ("seal0.hash_keccak_256", 32),
    ("seal0.hash_blake2_256", 32),
    ("seal0.hash_blake2_128", 16),
];

fn hashes_of_many_lengths(duel: &mut Duel) {
    let data: Vec<u8> = (0..20_000u32).map(|n| (n * n) as u8).collect();
    let mut s = Script::new();
    let at = s.bytes(&data);
    let mut outputs = Vec::new();
    for (name, len) in HASHES {
        for input in [0, 1, 31, 32, 55, 56, 63, 64, 65, 127, 128, 129, 135, 136, 137, 1_000, 20_000] {
            let out = s.room(len);
            s.call(name, &[at, input, out]);
            outputs.push((name, input as usize, out));
        }
    }
    let p = duel.play_alone(&s);
    for (name, len, out) in outputs {
        let expected = match name {
            "seal0.hash_sha2_256" => sp_crypto_hashing::sha2_256(&data[..len]).to_vec(),
            "seal0.hash_keccak_256" => sp_crypto_hashing::keccak_256(&data[..len]).to_vec(),
            "seal0.hash_blake2_256" => sp_crypto_hashing::blake2_256(&data[..len]).to_vec(),
            _ => sp_crypto_hashing::blake2_128(&data[..len]).to_vec(),
        };
        assert_eq!(p.at(out, expected.len()), expected, "{name} of {len}");
    }
}

fn a_hash_from_outside_of_memory_traps(duel: &mut Duel) {
    for (name, _) in HASHES {
        let mut s = Script::new();
        let out = s.room(32);
        s.call(name, &[OUTSIDE, 1, out]);
        assert_eq!(duel.end_of(&s), End::Trapped);
    }
}

fn a_hash_to_outside_of_memory_traps(duel: &mut Duel) {
    for (name, _) in HASHES {
        let mut s = Script::new();
        s.call(name, &[0, 1, OUTSIDE]);
        assert_eq!(duel.end_of(&s), End::Trapped);
    }
}

/// A signature over a hash, its recovery id last, the hash, and the compressed key.
fn signed() -> ([u8; 65], [u8; 32], [u8; 33]) {
    let pair = ecdsa::Pair::from_seed(&[7; 32]);
    let hash = sp_crypto_hashing::blake2_256(b"a message");
    (pair.sign_prehashed(&hash).0, hash, pair.public().0)
}

fn recover(duel: &mut Duel, signature: &[u8; 65], hash: &[u8; 32]) -> (u64, Vec<u8>) {
    let mut s = Script::new();
    let (signature, hash, out) = (s.bytes(signature), s.bytes(hash), s.room(33));
    let rc = s.call("seal0.ecdsa_recover", &[signature, hash, out]);
    let p = duel.play_alone(&s);
    (p.result(rc), p.at(out, 33).to_vec())
}

fn an_ecdsa_key_is_recovered(duel: &mut Duel) {
    let (signature, hash, public) = signed();
    assert_eq!(recover(duel, &signature, &hash), (SUCCESS, public.to_vec()));
}

fn an_ecdsa_key_is_recovered_whatever_the_recovery_id_says(duel: &mut Duel) {
    let (signature, hash, _) = signed();
    for id in (0..6).chain(25..33).chain([127, 128, 255]) {
        let mut other = signature;
        other[64] = id;
        recover(duel, &other, &hash);
    }
    // The other root, which Ethereum and the pallet accept and some libraries do not.
    let mut high = signature;
    high[32..64].copy_from_slice(&negated(&signature[32..64]));
    for id in [0, 1, 27, 28] {
        high[64] = id;
        recover(duel, &high, &hash);
    }
}

/// The order of secp256k1 less a scalar.
fn negated(scalar: &[u8]) -> [u8; 32] {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let (mut out, mut borrow) = ([0; 32], 0i16);
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(scalar[at]) - borrow;
        borrow = i16::from(difference < 0);
        out[at] = difference.rem_euclid(256) as u8;
    }
    out
}

fn an_ecdsa_signature_of_nothing_fails(duel: &mut Duel) {
    let (signature, hash, public) = signed();
    assert_eq!(recover(duel, &[0; 65], &hash).0, 11);
    assert_eq!(recover(duel, &[0xff; 65], &hash).0, 11);
    let (rc, other) = recover(duel, &signature, &[3; 32]);
    assert!(rc == 11 || other != public);
}

fn eth_address(duel: &mut Duel, key: &[u8; 33]) -> (u64, Vec<u8>) {
    let mut s = Script::new();
    let (key, out) = (s.bytes(key), s.room(20));
    let rc = s.call("seal0.ecdsa_to_eth_address", &[key, out]);
    let p = duel.play_alone(&s);
    (p.result(rc), p.at(out, 20).to_vec())
}

fn an_eth_address_is_made(duel: &mut Duel) {
    let (rc, address) = eth_address(duel, &signed().2);
    assert_eq!((rc, address == [0xee; 20]), (SUCCESS, false));
}

fn an_eth_address_of_no_key_fails(duel: &mut Duel) {
    for key in [[0; 33], [0xff; 33], [4; 33]] {
        assert_eq!(eth_address(duel, &key).0, 11);
    }
}

fn verify(duel: &mut Duel, signature: &[u8; 64], key: &[u8; 32], message: &[u8]) -> u64 {
    let mut s = Script::new();
    let (signature, key, at) = (s.bytes(signature), s.bytes(key), s.bytes(message));
    let rc = s.call("seal0.sr25519_verify", &[signature, key, message.len() as u64, at]);
    duel.play_alone(&s).result(rc)
}

fn an_sr25519_signature_is_verified(duel: &mut Duel) {
    let pair = sr25519::Pair::from_seed(&[9; 32]);
    for message in [&b""[..], b"short", &[1; 300]] {
        assert_eq!(verify(duel, &pair.sign(message).0, &pair.public().0, message), SUCCESS);
    }
}

fn a_broken_sr25519_signature_fails(duel: &mut Duel) {
    let pair = sr25519::Pair::from_seed(&[9; 32]);
    let (signature, key) = (pair.sign(b"message").0, pair.public().0);
    assert_eq!(verify(duel, &signature, &key, b"another"), 12);
    assert_eq!(verify(duel, &signature, &[0xff; 32], b"message"), 12);
    for at in [0, 31, 32, 63] {
        let mut broken = signature;
        broken[at] ^= 0x80;
        assert_eq!(verify(duel, &broken, &key, b"message"), 12, "byte {at}");
    }
    assert_eq!(verify(duel, &[0; 64], &key, b"message"), 12);
}

fn signatures_outside_of_memory_trap(duel: &mut Duel) {
    let cases: [(&str, &[u64]); 6] = [
        ("seal0.ecdsa_recover", &[OUTSIDE, 8, 8]),
        ("seal0.ecdsa_recover", &[8, OUTSIDE, 8]),
        ("seal0.ecdsa_to_eth_address", &[OUTSIDE, 8]),
        ("seal0.sr25519_verify", &[OUTSIDE, 8, 1, 8]),
        ("seal0.sr25519_verify", &[8, OUTSIDE, 1, 8]),
        ("seal0.sr25519_verify", &[8, 8, 1, OUTSIDE]),
    ];
    for (name, arguments) in cases {
        let mut s = Script::new();
        s.room(100);
        s.call(name, arguments);
        assert_eq!(duel.end_of(&s), End::Trapped, "{name} {arguments:?}");
    }
}

fn lengths_beyond_any_memory_trap(duel: &mut Duel) {
    let cases: [(&str, &[u64]); 2] =
        [("seal0.sr25519_verify", &[8, 8, OUTSIDE, 8]), ("seal0.hash_sha2_256", &[8, u32::MAX as u64, 8])];
    for (name, arguments) in cases {
        let mut s = Script::new();
        s.room(100);
        s.call(name, arguments);
        assert_eq!(duel.end_of(&s), End::Trapped, "{name} {arguments:?}");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What contracts send and read, byte by byte: the vectors that the authors' crate writes, read by the worker's types.
#![allow(missing_docs)]

use codec::{Decode, DecodeAll, Encode};
use phala_vm::extension::wire::*;
use std::collections::BTreeSet;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/chain_extensions.json");

type Hash = [u8; 32];
type Bytes = Vec<u8>;

/// Whether the bytes are all of a value, and the value is these bytes.
fn is<T: Decode + Encode>(bytes: &[u8]) -> bool {
    T::decode_all(&mut &bytes[..]).is_ok_and(|value| value.encode() == bytes)
}

fn both<I: Decode + Encode, O: Decode + Encode>(input: &[u8], output: &[u8]) -> (bool, bool) {
    (is::<I>(input), is::<O>(output))
}

fn check(extension: u64, function: u64, input: &[u8], output: &[u8]) -> (bool, bool) {
    let types: fn(&[u8], &[u8]) -> (bool, bool) = match (extension, function) {
        (0, 1) => both::<PinkHttpRequest, PinkHttpResponse>,
        (0, 2) => both::<(SigType, Bytes, Bytes), Bytes>,
        (0, 3) => both::<(SigType, Bytes, Bytes, Bytes), bool>,
        (0, 4) => both::<Bytes, Bytes>,
        (0, 5) => both::<(SigType, Bytes), Bytes>,
        (0, 6) => both::<(Bytes, Bytes), ()>,
        (0, 7) => both::<(Bytes, u64), ()>,
        (0, 8 | 9) => both::<Bytes, Option<Bytes>>,
        (0, 10) => both::<(u8, String), ()>,
        (0, 11) => both::<u8, Bytes>,
        (0, 12) => both::<(), bool>,
        (0, 13) => both::<(Bytes, Hash), [u8; 65]>,
        (0, 14) => both::<([u8; 65], Hash, [u8; 33]), bool>,
        (0, 15 | 17) => both::<(), Hash>,
        (0, 16) => both::<Hash, (u128, u128)>,
        (0, 18) => both::<(), u64>,
        (0, 19) => both::<(Hash, bool), bool>,
        (0, 20) => both::<Hash, Option<Hash>>,
        (0, 21) => both::<(), (u32, u32)>,
        (0, 22) => both::<(Vec<PinkHttpRequest>, u64), PinkBatch>,
        (0, 23) => both::<(), (u64, Hash)>,
        (0, 24) => both::<(Vec<JsCode>, Vec<String>), JsValue>,
        (0, 25) => both::<(), Option<SgxQuote>>,
        (1, 1) => both::<(), QueryOrigin>,
        (1, 2) => both::<(), AttestedTime>,
        (1, 3) => both::<Bytes, BeaconRandom>,
        (1, 4) => both::<(Bytes, KeyKind), DerivedKey>,
        (1, 5) => both::<Bytes, Evidence>,
        (1, 6) => both::<HttpFetch, HttpFetched>,
        (1, 7) => both::<LogRecord, ()>,
        (1, 8 | 9) => both::<(Bytes, Bytes), Bytes>,
        other => panic!("no such function: {other:?}"),
    };
    types(input, output)
}

#[test]
fn the_worker_reads_and_writes_what_contracts_write_and_read() {
    let vectors: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let mut seen = BTreeSet::new();
    for vector in vectors.as_array().unwrap() {
        let number = |name: &str| vector[name].as_u64().unwrap();
        let bytes =
            |name: &str| hex::decode(vector[name].as_str().unwrap().trim_start_matches("0x")).unwrap();
        let (extension, function, output) = (number("extension"), number("function"), bytes("output"));
        let (is_input, is_output) = check(extension, function, &bytes("input"), &output);
        assert!(is_input, "the input of {}", vector["name"]);
        // A status other than success comes without output.
        assert!(
            if number("status") == 0 { is_output } else { output.is_empty() },
            "the output of {}",
            vector["name"]
        );
        seen.insert((extension, function));
    }
    let all = (1..=25).map(|function| (0, function)).chain((1..=9).map(|function| (1, function)));
    assert!(all.eq(seen.into_iter()), "each function has a vector");
}

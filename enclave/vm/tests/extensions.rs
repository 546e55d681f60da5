// SPDX-License-Identifier: Apache-2.0
//! The functions of the chain extensions, in commands and in queries: what each answers, and how each refuses.
#![allow(missing_docs)]

#[path = "common/extension.rs"]
mod extension;

use codec::Encode;
use extension::*;
use phala_vm::HostError;
use phala_vm::extension::{
    CommandExtensions,
    cache::Cache,
    log::{LINES_MAX, LogLine, TEXT_BYTES_MAX},
    signing,
    wire::*,
};
use phala_vm::world::Extensions;

#[test]
fn a_key_of_phalas_is_the_contracts_own_and_the_same_everywhere() {
    both(|it| {
        let key: Vec<u8> = got(pink(it, 4, b"salt".to_vec()));
        assert_eq!(key.len(), 64);
        assert_eq!(key, got::<Vec<u8>>(pink(&mut command(), 4, b"salt".to_vec())));
        assert_ne!(key, got::<Vec<u8>>(pink(it, 4, b"other".to_vec())));
        let input = b"salt".to_vec().encode();
        let other = raw_in(&mut Around::default(), it, [9; 32], 4, &input, GAS).unwrap();
        assert_ne!(key.encode(), other.output);
        assert_eq!(pink(it, 4, vec![0u8; 257]), Err(INVALID));
    });
}

#[test]
fn signatures_verify_under_the_public_key_and_no_other() {
    let message = b"price 100".to_vec();
    for kind in [SigType::Ed25519, SigType::Sr25519, SigType::Ecdsa] {
        let key: Vec<u8> = got(pink(&mut query(), 4, b"salt".to_vec()));
        let keys = match kind {
            SigType::Sr25519 => vec![key.clone(), key[..32].to_vec()],
            _ => vec![key[..32].to_vec()],
        };
        for key in keys {
            let public: Vec<u8> = got(pink(&mut query(), 5, (kind, &key)));
            assert_eq!(public, got::<Vec<u8>>(pink(&mut command(), 5, (kind, &key))));
            let signature: Vec<u8> = got(pink(&mut query(), 2, (kind, &key, &message)));
            both(|it| {
                let verify = |it: &mut dyn Extensions, public: &[u8], message: &[u8], signature: &[u8]| {
                    let input = (kind, public.to_vec(), message.to_vec(), signature.to_vec());
                    got::<bool>(pink(it, 3, input))
                };
                assert!(verify(it, &public, &message, &signature));
                assert!(!verify(it, &public, b"price 1", &signature));
                assert!(!verify(it, &public, &message, &signature[1..]));
                assert!(!verify(it, &public[1..], &message, &signature));
                let mut other = signature.clone();
                other[3] ^= 1;
                assert!(!verify(it, &public, &message, &other));
            });
        }
    }
}

#[test]
fn a_command_signs_the_same_on_every_replica_and_never_by_sr25519() {
    let (key, message) = (vec![3u8; 32], b"m".to_vec());
    for kind in [SigType::Ed25519, SigType::Ecdsa] {
        let signature: Vec<u8> = got(pink(&mut command(), 2, (kind, &key, &message)));
        assert_eq!(signature, got::<Vec<u8>>(pink(&mut command(), 2, (kind, &key, &message))));
        assert_eq!(signature, got::<Vec<u8>>(pink(&mut query(), 2, (kind, &key, &message))));
    }
    assert_eq!(pink(&mut command(), 2, (SigType::Sr25519, &key, &message)), Err(NOT_AVAILABLE));
}

#[test]
fn an_sr25519_signature_is_random_in_each_query_and_held_still_within_one() {
    let sign = |seed| {
        let mut query = query_with(seed, Cache::default(), Vec::new());
        got::<Vec<u8>>(pink(&mut query, 2, (SigType::Sr25519, vec![3u8; 32], b"m".to_vec())))
    };
    assert_eq!(sign(1), sign(1));
    assert_ne!(sign(1), sign(2));
}

#[test]
fn what_is_no_key_ends_the_call() {
    both(|it| {
        for kind in [SigType::Ed25519, SigType::Sr25519, SigType::Ecdsa] {
            for length in [0, 31, 33, 63, 65] {
                assert_eq!(pink(it, 5, (kind, vec![1u8; length])), Err(INVALID));
            }
        }
        assert_eq!(pink(it, 5, (SigType::Ecdsa, vec![0u8; 32])), Err(INVALID));
        assert_eq!(pink(it, 5, (SigType::Ecdsa, vec![255u8; 32])), Err(INVALID));
        assert_eq!(pink(it, 2, (SigType::Ed25519, vec![0u8; 3], vec![0u8; 3])), Err(INVALID));
        assert_eq!(pink(it, 13, (vec![0u8; 32], [1u8; 32])), Err(INVALID));
    });
    assert_eq!(pink(&mut query(), 2, (SigType::Sr25519, vec![0u8; 3], vec![0u8; 3])), Err(INVALID));
}

#[test]
fn signatures_are_those_of_the_standards() {
    // RFC 8032, section 7.1, test 1, and RFC 6979 over secp256k1 for the key 1 and SHA-256 of "Satoshi Nakamoto".
    let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
    let signature: Vec<u8> = got(pink(&mut command(), 2, (SigType::Ed25519, seed, Vec::<u8>::new())));
    let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                    d25bf5f0595bbe24655141438e7a100b";
    assert_eq!(hex::encode(signature), expected);
    let mut key = vec![0u8; 32];
    key[31] = 1;
    let hash = sp_crypto_hashing::sha2_256(b"Satoshi Nakamoto");
    let signature: [u8; 65] = got(pink(&mut command(), 13, (key, hash)));
    let expected = "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
                    2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5";
    assert_eq!(hex::encode(&signature[..64]), expected);
}

#[test]
fn a_hash_is_signed_by_ecdsa_and_verified() {
    both(|it| {
        let (key, hash) = (vec![3u8; 32], [4u8; 32]);
        let signature: [u8; 65] = got(pink(it, 13, (&key, hash)));
        let public = signing::public_key(SigType::Ecdsa, &key).unwrap();
        let public: [u8; 33] = public.try_into().unwrap();
        assert!(got::<bool>(pink(it, 14, (signature, hash, public))));
        assert!(!got::<bool>(pink(it, 14, (signature, [5u8; 32], public))));
        assert!(!got::<bool>(pink(it, 14, ([0u8; 65], hash, public))));
    });
}

#[test]
fn the_cache_is_a_querys_and_not_a_commands() {
    let mut first = query();
    assert_eq!(pink(&mut first, 6, (b"k".to_vec(), b"v".to_vec())), Ok((0, vec![])));
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut first, 8, b"k".to_vec())), Some(b"v".to_vec()));
    let cache = first.end(false).cache;
    let mut second = query_with(2, cache, Vec::new());
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut second, 8, b"k".to_vec())), Some(b"v".to_vec()));
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut second, 9, b"k".to_vec())), Some(b"v".to_vec()));
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut second, 8, b"k".to_vec())), None);
    // What a query that trapped changed did not happen.
    let cache = second.end(true).cache;
    let mut third = query_with(3, cache, Vec::new());
    assert_eq!(pink(&mut third, 7, (b"k".to_vec(), 0u64)), Ok((0, vec![])));
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut third, 8, b"k".to_vec())), None);
    assert_eq!(pink(&mut third, 6, (vec![0u8; 257], vec![0u8; 1])), Ok((1, vec![])));

    let mut command = command();
    assert_eq!(pink(&mut command, 6, (b"k".to_vec(), b"v".to_vec())), Ok((0, vec![])));
    assert_eq!(pink(&mut command, 7, (b"k".to_vec(), 60u64)), Ok((0, vec![])));
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut command, 8, b"k".to_vec())), None);
    assert_eq!(got::<Option<Vec<u8>>>(pink(&mut command, 9, b"k".to_vec())), None);
}

#[test]
fn random_bytes_are_a_querys_and_not_a_commands() {
    let mut first = query();
    let drawn: Vec<u8> = got(pink(&mut first, 11, 255u8));
    assert_eq!(drawn.len(), 255);
    assert_ne!(drawn, got::<Vec<u8>>(pink(&mut first, 11, 255u8)));
    assert_eq!(
        drawn,
        got::<Vec<u8>>(pink(&mut query(), 11, 255u8)),
        "a query that is run again draws the same"
    );
    let mut other = query_with(2, Cache::default(), Vec::new());
    assert_ne!(drawn, got::<Vec<u8>>(pink(&mut other, 11, 255u8)));
    assert_eq!(got::<Vec<u8>>(pink(&mut command(), 11, 255u8)), Vec::<u8>::new());
}

#[test]
fn a_contract_knows_in_which_world_it_is() {
    assert!(got::<bool>(pink(&mut command(), 12, ())));
    assert!(!got::<bool>(pink(&mut query(), 12, ())));
}

#[test]
fn only_its_own_balance_is_told_to_a_contract() {
    both(|it| {
        assert_eq!(got::<(u128, u128)>(pink(it, 16, CONTRACT)), (100, 100));
        assert_eq!(pink(it, 16, [1u8; 32]), Err(NOT_AVAILABLE));
    });
}

#[test]
fn what_only_one_worker_knows_is_not_in_a_commands_world() {
    assert_eq!(got::<[u8; 32]>(pink(&mut query(), 17, ())), [6; 32]);
    assert_eq!(got::<u64>(pink(&mut query(), 18, ())), 1234);
    assert_eq!(pink(&mut command(), 17, ()), Err(NOT_AVAILABLE));
    assert_eq!(pink(&mut command(), 18, ()), Err(NOT_AVAILABLE));
}

#[test]
fn code_is_known_by_its_hash() {
    both(|it| {
        assert!(got::<bool>(pink(it, 19, (CODE, false))));
        assert!(!got::<bool>(pink(it, 19, (CODE, true))));
        assert!(!got::<bool>(pink(it, 19, ([1u8; 32], false))));
    });
}

#[test]
fn what_has_no_meaning_here_says_so() {
    both(|it| {
        assert_eq!(pink(it, 15, ()), Err(NOT_AVAILABLE));
        assert_eq!(pink(it, 20, [1u8; 32]), Err(NOT_AVAILABLE));
        assert_eq!(pink(it, 23, ()), Err(NOT_AVAILABLE));
        assert_eq!(got::<(u32, u32)>(pink(it, 21, ())), (1, 2));
        let script = (vec![JsCode::Source("1".into())], vec!["a".to_owned()]);
        assert_eq!(got::<JsValue>(pink(it, 24, script)), JsValue::Exception("No Js Runtime".into()));
        assert_eq!(got::<Option<SgxQuote>>(pink(it, 25, ())), None);
        for function in [0, 26, 1000, 0xffff] {
            assert_eq!(pink(it, function, ()), Err(HostError::ExtensionUnknown));
            assert_eq!(raw(it, 2 << 16 | function, &[]), Err(HostError::ExtensionUnknown));
        }
        for function in [0, 10, 1000, 0xffff] {
            assert_eq!(own(it, function, ()), refused(Status::Unsupported));
        }
    });
}

#[test]
fn input_that_does_not_decode_ends_the_call_or_has_its_status() {
    both(|it| {
        for function in [2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 16, 19, 24] {
            assert_eq!(raw(it, function, &[0xff]), Err(INVALID), "function {function}");
        }
        for function in [12, 21, 25] {
            assert_eq!(raw(it, function, &[0]), Err(INVALID), "function {function}");
        }
        assert_eq!(pink(it, 11, (1u8, 1u8)), Err(INVALID), "a byte is left over");
        for function in [2, 3, 4, 7, 8, 9] {
            let status = raw(it, 1 << 16 | function, &[0xff; 3]);
            assert_eq!(status, refused(Status::Malformed), "function {function}");
        }
        assert_eq!(raw(it, 4, &vec![0; EXTENSION_INPUT_BYTES_MAX + 1]), Err(INVALID));
    });
    for function in [1, 5, 6] {
        assert_eq!(raw(&mut query(), 1 << 16 | function, &[0xff; 3]), refused(Status::Malformed));
        // R5: a command is told first that it is one.
        assert_eq!(raw(&mut command(), 1 << 16 | function, &[0xff; 3]), refused(Status::NotInCommands));
    }
}

#[test]
fn a_function_that_cannot_be_paid_does_no_work() {
    both(|it| {
        let reply = raw_in(&mut Around::default(), it, CONTRACT, 4, &b"salt".to_vec().encode(), 10).unwrap();
        assert!(reply.output.is_empty() && reply.gas_used > 10);
    });
}

fn log_lines(backend: &mut dyn Extensions, calls: &[(u32, Vec<u8>)]) -> (Vec<u32>, Vec<LogLine>) {
    let mut world = Around::default();
    let call =
        |(id, input): &(u32, Vec<u8>)| raw_in(&mut world, backend, CONTRACT, *id, input, GAS).unwrap().status;
    let statuses = calls.iter().map(call).collect();
    (statuses, world.0.into_lines())
}

#[test]
fn private_lines_are_kept_within_their_bounds() {
    both(|it| {
        let record = LogRecord {
            level: LogLevel::Warn,
            message: "late".into(),
            fields: vec![("by".into(), LogValue::Unsigned(3))],
        };
        let long = LogRecord { message: "x".repeat(257), ..record.clone() };
        let calls = [
            (10, (2u8, "careful".to_owned()).encode()),
            (10, (77u8, "x".repeat(TEXT_BYTES_MAX + 1)).encode()),
            (1 << 16 | 7, record.encode()),
            (1 << 16 | 7, long.encode()),
        ];
        let (statuses, lines) = log_lines(it, &calls);
        assert_eq!(statuses, [0, 0, 0, Status::TooLarge as u32]);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.contract == CONTRACT));
        assert_eq!((lines[0].record.level, &*lines[0].record.message), (LogLevel::Warn, "careful"));
        assert_eq!((lines[1].record.level, lines[1].record.message.len()), (LogLevel::Error, TEXT_BYTES_MAX));
        assert_eq!(lines[2].record, record);
        let mut calls = vec![(1 << 16 | 7, record.encode()); LINES_MAX + 1];
        calls.push((10, (3u8, "no room").encode()));
        let (statuses, lines) = log_lines(it, &calls);
        assert_eq!(statuses[LINES_MAX], Status::QuotaExceeded as u32);
        assert_eq!(statuses[LINES_MAX + 1], 0, "Phala's function cannot say so");
        assert_eq!(lines.len(), LINES_MAX);
    });
}

#[test]
fn the_person_behind_a_query_is_known() {
    assert_eq!(got::<QueryOrigin>(own(&mut query(), 1, ())), asker().origin);
    assert_eq!(own(&mut command(), 1, ()), refused(Status::NotInCommands));
}

#[test]
fn the_time_is_the_chains() {
    both(|it| {
        let time = AttestedTime { ms: NOW_MS, block: BLOCK, source: TimeSource::FinalizedBlock };
        assert_eq!(got::<AttestedTime>(own(it, 2, ())), time);
    });
}

#[test]
fn a_random_value_is_a_commands_own_and_never_a_querys() {
    let draw = |it: &mut dyn Extensions, subject: &[u8]| got::<BeaconRandom>(own(it, 3, subject.to_vec()));
    let drawn = draw(&mut command(), b"dice");
    assert_eq!((drawn.block, drawn.source), (BLOCK, RandomSource::ClusterSecret));
    assert_eq!(drawn, draw(&mut command(), b"dice"));
    assert_ne!(drawn, draw(&mut command(), b"card"));
    assert_ne!(drawn, draw(&mut CommandExtensions::new(keys(), [3; 32], 10), b"dice"));
    assert_ne!(drawn, draw(&mut CommandExtensions::new(keys(), [4; 32], 9), b"dice"));
    assert_ne!(drawn, draw(&mut query(), b"dice"));
    assert_ne!(draw(&mut query_with(2, Cache::default(), vec![]), b"dice"), draw(&mut query(), b"dice"));
    both(|it| assert_eq!(own(it, 3, vec![0u8; 65]), refused(Status::TooLarge)));
}

#[test]
fn a_derived_key_is_a_seed_for_phalas_functions() {
    both(|it| {
        for (kind, sig, length) in [
            (KeyKind::Sr25519, Some(SigType::Sr25519), 32),
            (KeyKind::Ed25519, Some(SigType::Ed25519), 32),
            (KeyKind::EcdsaSecp256k1, Some(SigType::Ecdsa), 33),
            (KeyKind::Symmetric, None, 0),
        ] {
            let key: DerivedKey = got(own(it, 4, (b"oracle".to_vec(), kind)));
            assert_eq!(key.public.len(), length);
            if let Some(sig) = sig {
                assert_eq!(got::<Vec<u8>>(pink(it, 5, (sig, key.secret.to_vec()))), key.public);
            }
            assert_eq!(key, got(own(&mut query(), 4, (b"oracle".to_vec(), kind))));
        }
        assert_eq!(own(it, 4, (vec![0u8; 257], KeyKind::Symmetric)), refused(Status::TooLarge));
    });
}

#[test]
fn what_a_contract_seals_it_opens_with_the_same_context_only() {
    both(|it| {
        let (data, context) = (vec![1u8; SEAL_BYTES_MAX], b"bids".to_vec());
        let sealed: Vec<u8> = got(own(it, 8, (&data, &context)));
        assert!(sealed.len() <= data.len() + SEAL_OVERHEAD_BYTES_MAX);
        assert_eq!(sealed, got::<Vec<u8>>(own(&mut command(), 8, (&data, &context))), "replicas agree");
        assert_eq!(got::<Vec<u8>>(own(it, 9, (&sealed, &context))), data);
        assert_eq!(own(it, 9, (&sealed, b"asks".to_vec())), refused(Status::NotAuthentic));
        assert_eq!(own(it, 9, (vec![0u8; 3], &context)), refused(Status::NotAuthentic));
        let input = (&sealed, &context).encode();
        let other = raw_in(&mut Around::default(), it, [9; 32], 1 << 16 | 9, &input, GAS).unwrap();
        assert_eq!(other.status, Status::NotAuthentic as u32);
        assert_eq!(own(it, 8, (vec![0u8; SEAL_BYTES_MAX + 1], &context)), refused(Status::TooLarge));
        assert_eq!(own(it, 8, (&data, vec![0u8; 257])), refused(Status::TooLarge));
        let long = vec![0u8; SEAL_BYTES_MAX + SEAL_OVERHEAD_BYTES_MAX + 1];
        assert_eq!(own(it, 9, (long, &context)), refused(Status::TooLarge));
    });
}

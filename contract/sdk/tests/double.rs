// SPDX-License-Identifier: Apache-2.0
//! The double keeps the rules that the worker keeps, so that a contract's tests mean something.

use ink::primitives::AccountId;
use phala_contract::{
    http, log,
    pink::{self, HttpRequest, HttpRequestError, JsValue, SigType},
    testing::{limits, Worker},
    HttpFetched, KeyKind, LogLevel, LogValue, Platform, Refusal,
};

fn answer(body: &[u8]) -> HttpFetched {
    let headers = vec![("ETag".into(), "x".repeat(300)), ("Secret".into(), "y".into())];
    HttpFetched { status: 200, is_authenticated: true, headers, body: body.to_vec() }
}

#[ink::test]
fn what_differs_between_replicas_is_refused_in_commands() {
    let worker = Worker::install();
    assert!(phala_contract::is_command());
    assert_eq!(phala_contract::query_origin(), Err(Refusal::NotInCommands));
    assert_eq!(phala_contract::evidence(b""), Err(Refusal::NotInCommands));
    assert_eq!(http::get("https://example.com/").fetch(), Err(Refusal::NotInCommands));
    assert_eq!(pink::batch_http_request(&[], 1_000), Err(HttpRequestError::NotAllowed));
    assert_eq!(pink::ext().getrandom(8), Vec::<u8>::new());
    assert_eq!(pink::cache_set(b"key", b"value"), Ok(()));
    worker.enter_query();
    assert!(!phala_contract::is_command());
    // It was not kept.
    assert_eq!(pink::ext().cache_get(b"key"), None);
    assert_eq!(pink::ext().getrandom(40).len(), 40);
}

#[ink::test]
fn a_query_has_its_certificates_account() {
    let worker = Worker::install();
    worker.enter_query();
    assert!(phala_contract::query_origin().unwrap().is_anonymous);
    worker.set_origin(AccountId::from([9; 32]));
    let origin = phala_contract::query_origin().unwrap();
    assert_eq!((origin.account, origin.is_anonymous), (AccountId::from([9; 32]), false));
    assert!(origin.expires_at > 0);
}

#[ink::test]
fn time_is_that_of_the_block() {
    let worker = Worker::install();
    worker.set_time(12, 34_000);
    let time = phala_contract::attested_time().unwrap();
    assert_eq!((time.block, time.ms), (12, 34_000));
}

#[ink::test]
fn randomness_is_one_per_command_and_subject() {
    let worker = Worker::install();
    let first = phala_contract::beacon_random(b"a").unwrap();
    assert_eq!(phala_contract::beacon_random(b"a").unwrap(), first);
    assert_ne!(phala_contract::beacon_random(b"b").unwrap().bytes, first.bytes);
    worker.enter_command();
    assert_ne!(phala_contract::beacon_random(b"a").unwrap().bytes, first.bytes);
    assert_eq!(first.below(0), None);
    assert!(first.below(6).unwrap() < 6);
    assert_eq!(phala_contract::beacon_random(&[0; limits::SUBJECT_BYTES_MAX + 1]), Err(Refusal::TooLarge));
}

#[ink::test]
fn a_key_is_one_contracts_for_one_path_and_kind() {
    let worker = Worker::install();
    let key = phala_contract::derive_key(b"a", KeyKind::Ed25519).unwrap();
    assert_eq!(phala_contract::derive_key(b"a", KeyKind::Ed25519).unwrap(), key);
    assert_ne!(phala_contract::derive_key(b"b", KeyKind::Ed25519).unwrap().secret, key.secret);
    assert_ne!(phala_contract::derive_key(b"a", KeyKind::Sr25519).unwrap().secret, key.secret);
    worker.set_contract(AccountId::from([2; 32]));
    assert_ne!(phala_contract::derive_key(b"a", KeyKind::Ed25519).unwrap().secret, key.secret);
    assert_eq!(
        phala_contract::derive_key(&[0; limits::NAME_BYTES_MAX + 1], KeyKind::Ed25519),
        Err(Refusal::TooLarge)
    );
    assert!(!format!("{key:?}").contains("secret:"));
}

#[ink::test]
fn signatures_are_real() {
    let worker = Worker::install();
    worker.enter_query();
    for kind in [KeyKind::Sr25519, KeyKind::Ed25519, KeyKind::EcdsaSecp256k1] {
        let key = phala_contract::derive_key(b"sign", kind).unwrap();
        let signature = key.sign(kind, b"message").unwrap();
        assert!(phala_contract::verify(kind, &key.public, b"message", &signature));
        assert!(!phala_contract::verify(kind, &key.public, b"another", &signature));
        assert!(!phala_contract::verify(kind, &key.public, b"message", b"short"));
        let expected = pink::ext().get_public_key(kind.signature().unwrap(), &key.secret);
        assert_eq!(key.public, expected);
    }
    let symmetric = phala_contract::derive_key(b"sign", KeyKind::Symmetric).unwrap();
    assert_eq!(symmetric.public, Vec::<u8>::new());
    assert_eq!(symmetric.sign(KeyKind::Symmetric, b""), Err(Refusal::Unavailable));
    assert!(!phala_contract::verify(KeyKind::Symmetric, &[], b"", &[]));
}

#[ink::test]
fn sr25519_does_not_sign_in_commands() {
    Worker::install();
    let key = phala_contract::derive_key(b"sign", KeyKind::Sr25519).unwrap();
    assert_eq!(key.sign(KeyKind::Sr25519, b"message"), Err(Refusal::NotInCommands));
    let key = phala_contract::derive_key(b"sign", KeyKind::Ed25519).unwrap();
    assert_eq!(key.sign(KeyKind::Ed25519, b"m").unwrap(), key.sign(KeyKind::Ed25519, b"m").unwrap());
}

#[ink::test]
fn phalas_derived_key_signs_in_both_of_its_forms() {
    let worker = Worker::install();
    worker.enter_query();
    let key = pink::ext().derive_sr25519_key(b"salt");
    assert_eq!(key.len(), 64);
    let public = pink::ext().get_public_key(SigType::Sr25519, &key);
    let signature = pink::ext().sign(SigType::Sr25519, &key, b"message");
    assert!(pink::ext().verify(SigType::Sr25519, &public, b"message", &signature));

    let seed = &key[..32];
    let public: [u8; 33] = pink::ext().get_public_key(SigType::Ecdsa, seed).try_into().unwrap();
    let signature = pink::ext().ecdsa_sign_prehashed(seed, [5; 32]);
    assert!(pink::ext().ecdsa_verify_prehashed(signature, [5; 32], public));
    assert!(!pink::ext().ecdsa_verify_prehashed(signature, [6; 32], public));
}

#[ink::test]
fn a_seal_opens_for_its_contract_in_its_context_only() {
    let worker = Worker::install();
    let sealed = phala_contract::seal(b"secret", b"context").unwrap();
    assert!(sealed.len() <= 6 + limits::SEAL_OVERHEAD_BYTES);
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    assert_eq!(phala_contract::unseal(&sealed, b"context").unwrap(), b"secret");
    assert_eq!(phala_contract::unseal(&sealed, b"another"), Err(Refusal::NotAuthentic));
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(phala_contract::unseal(&changed, b"context"), Err(Refusal::NotAuthentic));
    assert_eq!(phala_contract::unseal(b"", b"context"), Err(Refusal::NotAuthentic));
    worker.set_contract(AccountId::from([2; 32]));
    assert_eq!(phala_contract::unseal(&sealed, b"context"), Err(Refusal::NotAuthentic));
    assert_eq!(phala_contract::seal(&[0; limits::SEAL_BYTES_MAX + 1], b""), Err(Refusal::TooLarge));
}

#[ink::test]
fn evidence_is_of_a_simulated_worker() {
    let worker = Worker::install();
    worker.enter_query();
    let evidence = phala_contract::evidence(b"data").unwrap();
    assert_eq!(evidence.platform, Platform::Simulated);
    assert_eq!(phala_contract::evidence(&[0; 65]), Err(Refusal::TooLarge));
    // One for each query.
    assert_eq!(phala_contract::evidence(b"other"), Err(Refusal::QuotaExceeded));
    worker.enter_query();
    assert_ne!(phala_contract::evidence(b"other").unwrap().statement, evidence.statement);
}

#[ink::test]
fn a_fetch_gives_what_the_server_says_and_only_the_wanted_headers() {
    let worker = Worker::install();
    worker.enter_query();
    worker.serve("https://example.com/", |_| Ok(answer(b"outer")));
    worker.serve("https://example.com/inner/", |_| Ok(answer(b"inner")));
    let fetched = http::get("https://example.com/inner/1").answer_header("etag").fetch().unwrap();
    assert!(fetched.is_success() && fetched.is_authenticated);
    assert_eq!(fetched.body, b"inner");
    assert_eq!(fetched.header("ETag").unwrap().len(), limits::ANSWER_HEADER_BYTES_MAX);
    assert_eq!(fetched.header("Secret"), None);
    assert_eq!(http::get("https://example.com/").fetch().unwrap().body, b"outer");
    assert_eq!(worker.requests().len(), 2);
}

#[ink::test]
fn without_tls_an_answer_is_nobodys() {
    let worker = Worker::install();
    worker.enter_query();
    worker.serve("http://example.com/", |_| Ok(answer(b"")));
    assert!(!http::get("http://example.com/").fetch().unwrap().is_authenticated);
}

#[ink::test]
fn each_failure_of_a_fetch_has_its_own_name() {
    let worker = Worker::install();
    worker.enter_query();
    worker.serve("https://long.example/", |_| Ok(answer(&[0; 100])));
    worker.serve("https://slow.example/", |_| Err(Refusal::HttpTimeout));
    for (request, refusal) in [
        (http::get("ftp://example.com/"), Refusal::HttpUrl),
        (http::get("https://"), Refusal::HttpUrl),
        (http::get("https://user@example.com/"), Refusal::HttpUrl),
        (http::get("https://127.0.0.1/"), Refusal::HttpDestination),
        (http::get("https://example.com:22/"), Refusal::HttpDestination),
        (http::get("https://example.com:many/"), Refusal::HttpUrl),
        (http::get("https://nowhere.example:8443/"), Refusal::HttpNetwork),
        (http::get("https://long.example/").header("Upgrade", "x"), Refusal::HttpHeader),
        (http::get("https://slow.example/"), Refusal::HttpTimeout),
        (http::get("https://long.example/").body_bytes_max(99), Refusal::HttpResponseTooLarge),
        (http::get("https://long.example/").header("Host", "x"), Refusal::HttpHeader),
        (http::get("https://long.example/").header("a b", "x"), Refusal::HttpHeader),
        (http::get("https://long.example/").header("a", "x\r\ny"), Refusal::HttpHeader),
        (http::get("https://long.example/").timeout_ms(0), Refusal::TooLarge),
        (http::get("https://long.example/").timeout_ms(10_001), Refusal::TooLarge),
        (http::get("x".repeat(2049)), Refusal::TooLarge),
        (http::post("https://long.example/", vec![0; 16 * 1024 + 1]), Refusal::TooLarge),
    ] {
        worker.enter_query();
        assert_eq!(request.fetch(), Err(refusal), "{}", request.url);
    }
}

#[ink::test]
fn a_query_has_so_many_requests_of_both_extensions() {
    let worker = Worker::install();
    worker.enter_query();
    worker.serve("https://example.com/", |_| Ok(answer(b"")));
    let old = HttpRequest {
        url: "https://example.com/".into(),
        method: "GET".into(),
        headers: vec![],
        body: vec![],
    };
    let batch = vec![old.clone(); limits::BATCH_MAX];
    assert_eq!(pink::batch_http_request(&batch, 1_000).unwrap().len(), limits::BATCH_MAX);
    assert_eq!(pink::batch_http_request(&batch, 1_000), Err(HttpRequestError::TooManyRequests));
    for _ in limits::BATCH_MAX..limits::REQUESTS_MAX {
        assert!(http::get("https://example.com/").fetch().is_ok());
    }
    assert_eq!(http::get("https://example.com/").fetch(), Err(Refusal::QuotaExceeded));
    worker.enter_query();
    assert_eq!(pink::ext().http_request(&old).status_code, 200);
}

#[ink::test]
fn phalas_requests_tell_failures_in_their_own_way() {
    let worker = Worker::install();
    worker.enter_query();
    worker.serve("https://private.example/", |_| Err(Refusal::HttpDestination));
    let to = |url: &str, method: &str| HttpRequest {
        url: url.into(),
        method: method.into(),
        headers: vec![],
        body: vec![],
    };
    assert_eq!(pink::ext().http_request(&to("https://nowhere.example/", "GET")).status_code, 523);
    let refused = pink::ext().http_request(&to("https://private.example/", "GET"));
    assert_eq!((refused.status_code, refused.body), (524, b"NotAllowed".to_vec()));
    let requests = [to("https://private.example/", "GET"), to("gopher://x", "GET"), to("https://x/", "FLY")];
    assert_eq!(
        pink::batch_http_request(&requests, 1_000).unwrap(),
        [
            Err(HttpRequestError::NotAllowed),
            Err(HttpRequestError::InvalidUrl),
            Err(HttpRequestError::InvalidMethod)
        ]
    );
    assert_eq!(pink::batch_http_request(&[], 0), Err(HttpRequestError::Timeout));
}

#[ink::test]
fn the_cache_remembers_until_it_expires() {
    let worker = Worker::install();
    worker.enter_query();
    assert_eq!(pink::cache_set(b"key", b"value"), Ok(()));
    worker.enter_query();
    assert_eq!(pink::ext().cache_get(b"key"), Some(b"value".to_vec()));
    pink::ext().cache_set_expiration(b"key", 10);
    worker.set_time(2, 11_000);
    assert_eq!(pink::ext().cache_get(b"key"), None);
    assert_eq!(pink::cache_set(b"key", b"new"), Ok(()));
    assert_eq!(pink::ext().cache_remove(b"key"), Some(b"new".to_vec()));
    assert_eq!(pink::ext().cache_get(b"key"), None);
    assert_eq!(pink::cache_set(b"key", b"new"), Ok(()));
    pink::ext().cache_set_expiration(b"key", 0);
    assert_eq!(pink::ext().cache_get(b"key"), None);
}

#[ink::test]
fn the_cache_has_an_end() {
    let worker = Worker::install();
    worker.enter_query();
    // An input and what surrounds it must fit the contract's own buffer, so a value of half its size.
    let value = vec![0; 8 * 1024];
    let fits = limits::CACHE_BYTES_MAX / (value.len() + 4);
    for index in 0..u32::try_from(fits).unwrap() {
        assert_eq!(pink::cache_set(&index.to_le_bytes(), &value), Ok(()));
    }
    assert_eq!(pink::cache_set(b"more", &value), Err(pink::StorageQuotaExceeded));
    // What is there can be replaced.
    assert_eq!(pink::cache_set(&0_u32.to_le_bytes(), &value), Ok(()));
    assert_eq!(pink::cache_set(&[0; 257], b""), Err(pink::StorageQuotaExceeded));
}

#[ink::test]
fn lines_have_fields_levels_and_an_end() {
    let worker = Worker::install();
    phala_contract::info!("paid", amount = 5_u64, to = AccountId::from([1; 32]), memo = "tea");
    phala_contract::error!("failed");
    phala_contract::warning!("warned", change = -1_i32);
    phala_contract::debug!("looked", raw = vec![1_u8]);
    phala_contract::trace!("traced", is_new = true);
    pink::ext().log(2, "old");
    let logs = worker.logs();
    let levels: Vec<LogLevel> = logs.iter().map(|line| line.level).collect();
    assert_eq!(
        levels,
        [LogLevel::Info, LogLevel::Error, LogLevel::Warn, LogLevel::Debug, LogLevel::Trace, LogLevel::Warn]
    );
    assert_eq!(logs[0].fields[0], ("amount".into(), LogValue::Unsigned(5)));
    assert_eq!(log::record(LogLevel::Info, &"x".repeat(257), vec![]), Err(Refusal::TooLarge));
    for _ in logs.len()..limits::LINES_MAX {
        assert_eq!(log::record(LogLevel::Info, "line", vec![]), Ok(()));
    }
    assert_eq!(log::record(LogLevel::Info, "line", vec![]), Err(Refusal::QuotaExceeded));
    worker.enter_command();
    assert_eq!(log::record(LogLevel::Info, "line", vec![]), Ok(()));
}

#[ink::test]
fn phalas_other_functions_answer_as_specified() {
    let worker = Worker::install();
    worker.set_balance(7);
    worker.add_code([8; 32]);
    let ext = pink::ext;
    assert_eq!(ext().balance_of(AccountId::from([1; 32])), (7, 7));
    assert!(ext().code_exists([8; 32], false));
    assert!(!ext().code_exists([8; 32], true));
    assert!(!ext().code_exists([9; 32], false));
    assert_eq!(ext().runtime_version(), (1, 2));
    assert_eq!(ext().js_eval(&[], &[]), JsValue::Exception("No Js Runtime".into()));
    assert_eq!(ext().worker_sgx_quote(), None);
    worker.enter_query();
    assert_eq!(ext().untrusted_millis_since_unix_epoch(), 1_000);
    assert_ne!(ext().worker_pubkey(), [0; 32]);
}

/// The call ends: what the worker does not offer.
mod ends {
    use super::*;

    #[ink::test]
    #[should_panic(expected = "the call ends")]
    fn a_request_in_a_command() {
        Worker::install();
        let request =
            HttpRequest { url: "https://x/".into(), method: "GET".into(), headers: vec![], body: vec![] };
        pink::ext().http_request(&request);
    }

    #[ink::test]
    #[should_panic(expected = "the call ends")]
    fn the_clock_of_the_host_in_a_command() {
        Worker::install();
        pink::ext().untrusted_millis_since_unix_epoch();
    }

    #[ink::test]
    #[should_panic(expected = "the call ends")]
    fn anothers_balance() {
        Worker::install();
        pink::ext().balance_of(AccountId::from([2; 32]));
    }

    #[ink::test]
    #[should_panic(expected = "the call ends")]
    fn the_system_contract() {
        Worker::install();
        pink::ext().system_contract_id();
    }

    #[ink::test]
    #[should_panic(expected = "the call ends")]
    fn a_malformed_request() {
        let worker = Worker::install();
        worker.enter_query();
        let request = HttpRequest { url: "x".into(), method: "GET".into(), headers: vec![], body: vec![] };
        pink::ext().http_request(&request);
    }

    #[ink::test]
    #[should_panic(expected = "the call ends")]
    fn a_key_that_is_none() {
        Worker::install();
        pink::ext().sign(SigType::Ed25519, b"short", b"message");
    }
}

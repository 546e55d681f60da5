// SPDX-License-Identifier: Apache-2.0
//! One encoding of the input and output of each function, for whoever implements either side: what an author calls sends
//! exactly these bytes, and reads these bytes as that answer. `PHALA_VECTORS_WRITE=1` writes the file anew.

use ink::{
    env::test::{register_chain_extension, ChainExtension},
    primitives::AccountId,
    scale::{Decode, Encode},
    ChainExtensionInstance as _,
};
use phala_contract::{
    http, key, pink,
    pink::{HttpRequest, HttpRequestError, HttpResponse, JsCode, JsValue, SgxQuote, SigType},
    AttestedTime, BeaconRandom, DerivedKey, Evidence, Extensions, HttpFetch, HttpFetched, HttpMethod,
    KeyKind, LogLevel, LogRecord, LogValue, Platform, QueryOrigin, RandomSource, Refusal, TimeSource,
};
use std::{cell::RefCell, fmt::Write as _, rc::Rc};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/chain_extensions.json");

/// What was asked: extension, function, input.
type Asked = Rc<RefCell<Vec<(u16, u16, Vec<u8>)>>>;

/// A worker that writes down what it is asked and always answers the same.
struct Fixed {
    extension: u16,
    status: u32,
    output: Vec<u8>,
    asked: Asked,
}

impl ChainExtension for Fixed {
    fn ext_id(&self) -> u16 {
        self.extension
    }

    fn call(&mut self, function: u16, input: &[u8], output: &mut Vec<u8>) -> u32 {
        // ink!'s test environment wraps the input, which is encoded already, into bytes once more.
        let sent = Vec::<u8>::decode(&mut &input[..]).expect("the input is wrapped");
        self.asked.borrow_mut().push((self.extension, function, sent));
        output.extend_from_slice(&self.output);
        self.status
    }
}

/// The file, line by line.
#[derive(Default)]
struct Vectors(Vec<String>);

impl Vectors {
    /// Calls with a worker that answers `output`; holds what was sent to `input`, and what was read to `output`.
    fn add<I: Encode, O: Encode + PartialEq + std::fmt::Debug>(
        &mut self,
        (extension, function, name): (u16, u16, &str),
        input: I,
        output: O,
        call: impl FnOnce() -> O,
    ) {
        let sent = input.encode();
        let asked = answering(extension, 0, output.encode());
        assert_eq!(call(), output, "{name} reads the answer as what it is");
        assert_eq!(
            asked.borrow().as_slice(),
            [(extension, function, sent.clone())],
            "{name} sends its input"
        );
        self.line(extension, function, name, &sent, 0, &output.encode());
    }

    fn line(&mut self, extension: u16, function: u16, name: &str, input: &[u8], status: u32, output: &[u8]) {
        self.0.push(format!(
            r#"{{"extension": {extension}, "function": {function}, "name": "{name}", "input": "{}", "status": {status}, "output": "{}"}}"#,
            hex(input),
            hex(output),
        ));
    }

    fn text(&self) -> String {
        format!("[\n  {}\n]\n", self.0.join(",\n  "))
    }
}

fn answering(extension: u16, status: u32, output: Vec<u8>) -> Asked {
    let asked = Asked::default();
    register_chain_extension(Fixed { extension, status, output, asked: asked.clone() });
    asked
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

/// Extension 0.
fn old(vectors: &mut Vectors) {
    let ext = pink::ext;
    let key = vec![0x11; 32];
    let account = AccountId::from([0x22; 32]);
    let request = HttpRequest {
        url: "https://example.com/".into(),
        method: "GET".into(),
        headers: vec![("Accept".into(), "text/plain".into())],
        body: b"?".to_vec(),
    };
    let response = HttpResponse {
        status_code: 200,
        reason_phrase: "OK".into(),
        headers: vec![("content-type".into(), "text/plain".into())],
        body: b"42".to_vec(),
    };
    vectors.add((0, 1, "http_request"), &request, response.clone(), || ext().http_request(&request));
    vectors.add((0, 2, "sign"), (SigType::Ed25519, &key, b"message".to_vec()), vec![0x33; 64], || {
        ext().sign(SigType::Ed25519, &key, b"message")
    });
    vectors.add(
        (0, 3, "verify"),
        (SigType::Sr25519, &key, b"message".to_vec(), vec![0x33_u8; 64]),
        true,
        || ext().verify(SigType::Sr25519, &key, b"message", &[0x33; 64]),
    );
    vectors.add((0, 4, "derive_sr25519_key"), b"salt".to_vec(), vec![0x44; 64], || {
        ext().derive_sr25519_key(b"salt")
    });
    vectors.add((0, 5, "get_public_key"), (SigType::Ecdsa, &key), vec![0x02; 33], || {
        ext().get_public_key(SigType::Ecdsa, &key)
    });
    vectors.add((0, 6, "cache_set"), (b"key".to_vec(), b"value".to_vec()), (), || {
        pink::cache_set(b"key", b"value").expect("there is room")
    });
    vectors.add((0, 7, "cache_set_expiration"), (b"key".to_vec(), 60_u64), (), || {
        ext().cache_set_expiration(b"key", 60)
    });
    vectors.add((0, 8, "cache_get"), b"key".to_vec(), Some(b"value".to_vec()), || ext().cache_get(b"key"));
    vectors.add((0, 9, "cache_remove"), b"key".to_vec(), None, || ext().cache_remove(b"key"));
    vectors.add((0, 10, "log"), (3_u8, "Hello"), (), || ext().log(3, "Hello"));
    vectors.add((0, 11, "getrandom"), 4_u8, vec![1, 2, 3, 4], || ext().getrandom(4));
    vectors.add((0, 12, "is_in_transaction"), (), true, || ext().is_in_transaction());
    vectors.add((0, 13, "ecdsa_sign_prehashed"), (&key, [0x55_u8; 32]), [0x66; 65], || {
        ext().ecdsa_sign_prehashed(&key, [0x55; 32])
    });
    vectors.add(
        (0, 14, "ecdsa_verify_prehashed"),
        ([0x66_u8; 65], [0x55_u8; 32], [0x02_u8; 33]),
        false,
        || ext().ecdsa_verify_prehashed([0x66; 65], [0x55; 32], [0x02; 33]),
    );
    vectors.add((0, 15, "system_contract_id"), (), account, || ext().system_contract_id());
    vectors.add((0, 16, "balance_of"), account, (7_u128, 5_u128), || ext().balance_of(account));
    vectors.add((0, 17, "worker_pubkey"), (), [0x77; 32], || ext().worker_pubkey());
    vectors.add((0, 18, "untrusted_millis_since_unix_epoch"), (), 1_700_000_000_000_u64, || {
        ext().untrusted_millis_since_unix_epoch()
    });
    vectors
        .add((0, 19, "code_exists"), ([0x88_u8; 32], false), true, || ext().code_exists([0x88; 32], false));
    vectors.add((0, 20, "import_latest_system_code"), account, Some([0x88; 32]), || {
        ext().import_latest_system_code(account)
    });
    vectors.add((0, 21, "runtime_version"), (), (1, 2), || ext().runtime_version());
    let both = vec![Ok(response), Err(HttpRequestError::NotAllowed)];
    let requests = [request.clone(), request.clone()];
    vectors.add((0, 22, "batch_http_request"), (&requests[..], 5_000_u64), both, || {
        pink::batch_http_request(&requests, 5_000).expect("the batch was sent")
    });
    vectors.add((0, 23, "current_event_chain_head"), (), (9_u64, [0x99; 32]), || {
        ext().current_event_chain_head()
    });
    let codes = [JsCode::Source("1 + 1".into()), JsCode::Bytecode(vec![1, 2])];
    let arguments = [String::from("a")];
    let value = JsValue::Exception("No Js Runtime".into());
    vectors
        .add((0, 24, "js_eval"), (&codes[..], &arguments[..]), value, || ext().js_eval(&codes, &arguments));
    let quote = SgxQuote { attestation_type: pink::AttestationType::Dcap, quote: vec![3, 0] };
    vectors.add((0, 25, "worker_sgx_quote"), (), Some(quote), || ext().worker_sgx_quote());
}

/// Extension 1.
fn confidential(vectors: &mut Vectors) {
    let account = AccountId::from([0x22; 32]);
    let origin = QueryOrigin { account, is_anonymous: false, expires_at: 100 };
    vectors.add((1, 1, "query_origin"), (), origin, || phala_contract::query_origin().expect("it answers"));
    let time = AttestedTime { ms: 1_700_000_000_000, block: 7, source: TimeSource::FinalizedBlock };
    vectors.add((1, 2, "attested_time"), (), time, || phala_contract::attested_time().expect("it answers"));
    let random = BeaconRandom { bytes: [0xaa; 32], block: 7, source: RandomSource::ClusterSecret };
    vectors.add((1, 3, "beacon_random"), b"draw".to_vec(), random, || {
        phala_contract::beacon_random(b"draw").expect("it answers")
    });
    let key = DerivedKey { secret: [0xbb; 32], public: vec![0xcc; 32] };
    vectors.add((1, 4, "derive_key"), (b"path".to_vec(), KeyKind::Ed25519), key, || {
        phala_contract::derive_key(b"path", KeyKind::Ed25519).expect("it answers")
    });
    let evidence = Evidence { worker: [0x77; 32], platform: Platform::Tdx, statement: vec![4, 0] };
    vectors.add((1, 5, "evidence"), b"user data".to_vec(), evidence, || {
        phala_contract::evidence(b"user data").expect("it answers")
    });
    let request = HttpFetch {
        method: HttpMethod::Post,
        url: "https://example.com/".into(),
        headers: vec![("Accept".into(), "text/plain".into())],
        body: b"?".to_vec(),
        answer_headers: vec!["etag".into()],
        body_bytes_max: 1024,
        timeout_ms: 3_000,
    };
    let built = http::post("https://example.com/", b"?".to_vec())
        .header("Accept", "text/plain")
        .answer_header("etag")
        .body_bytes_max(1024)
        .timeout_ms(3_000);
    assert_eq!(built, request);
    let fetched = HttpFetched {
        status: 404,
        is_authenticated: true,
        headers: vec![("etag".into(), "x".into())],
        body: b"no".to_vec(),
    };
    vectors.add((1, 6, "http_fetch"), request, fetched, || built.fetch().expect("it answers"));
    let record = LogRecord {
        level: LogLevel::Info,
        message: "paid".into(),
        fields: vec![
            ("is_new".into(), LogValue::Bool(true)),
            ("amount".into(), LogValue::Unsigned(5)),
            ("change".into(), LogValue::Signed(-1)),
            ("memo".into(), LogValue::Text("tea".into())),
            ("raw".into(), LogValue::Bytes(vec![1, 2])),
            ("to".into(), LogValue::Account(account)),
        ],
    };
    vectors.add((1, 7, "log"), record.clone(), (), || {
        phala_contract::log::record(record.level, &record.message, record.fields.clone()).expect("it answers")
    });
    vectors.add((1, 8, "seal"), (b"data".to_vec(), b"context".to_vec()), vec![0xdd; 40], || {
        phala_contract::seal(b"data", b"context").expect("it answers")
    });
    vectors.add((1, 9, "unseal"), (vec![0xdd_u8; 40], b"context".to_vec()), b"data".to_vec(), || {
        phala_contract::unseal(&[0xdd; 40], b"context").expect("it answers")
    });
}

/// Statuses other than success, which come without output.
fn refusals(vectors: &mut Vectors) {
    answering(0, 1, Vec::new());
    assert_eq!(pink::cache_set(b"key", b"value"), Err(pink::StorageQuotaExceeded));
    vectors.line(0, 6, "cache_set", &(b"key".to_vec(), b"value".to_vec()).encode(), 1, &[]);

    answering(0, HttpRequestError::NotAllowed.status(), Vec::new());
    assert_eq!(pink::batch_http_request(&[], 5_000), Err(HttpRequestError::NotAllowed));
    let nothing: &[HttpRequest] = &[];
    vectors.line(0, 22, "batch_http_request", &(nothing, 5_000_u64).encode(), 7, &[]);

    answering(1, Refusal::NotInCommands.status(), Vec::new());
    assert_eq!(phala_contract::query_origin(), Err(Refusal::NotInCommands));
    vectors.line(1, 1, "query_origin", &[], 4, &[]);

    answering(1, Refusal::NotAuthentic.status(), Vec::new());
    assert_eq!(phala_contract::unseal(b"forged", b""), Err(Refusal::NotAuthentic));
    vectors.line(1, 9, "unseal", &(b"forged".to_vec(), Vec::<u8>::new()).encode(), 7, &[]);
}

#[ink::test]
fn what_authors_call_sends_and_reads_what_the_vectors_say() {
    let mut vectors = Vectors::default();
    old(&mut vectors);
    confidential(&mut vectors);
    refusals(&mut vectors);
    if std::env::var_os("PHALA_VECTORS_WRITE").is_some() {
        std::fs::write(FILE, vectors.text()).expect("the file can be written");
    }
    assert_eq!(vectors.text(), std::fs::read_to_string(FILE).expect("there are vectors"));
}

#[ink::test]
fn each_refusal_has_the_number_of_the_specification() {
    for (status, refusal) in [
        (1, Refusal::Unsupported),
        (2, Refusal::Malformed),
        (3, Refusal::TooLarge),
        (4, Refusal::NotInCommands),
        (5, Refusal::QuotaExceeded),
        (6, Refusal::Unavailable),
        (7, Refusal::NotAuthentic),
        (20, Refusal::HttpUrl),
        (21, Refusal::HttpHeader),
        (22, Refusal::HttpDestination),
        (23, Refusal::HttpTimeout),
        (24, Refusal::HttpNetwork),
        (25, Refusal::HttpTls),
        (26, Refusal::HttpResponseTooLarge),
        (27, Refusal::HttpRedirects),
        (99, Refusal::Unknown(99)),
    ] {
        answering(1, status, Vec::new());
        assert_eq!(phala_contract::attested_time(), Err(refusal));
        assert_eq!(refusal.status(), status);
    }
}

#[ink::test]
fn the_environment_offers_both_extensions() {
    let both = Extensions::instantiate();
    let asked = answering(0, 0, true.encode());
    assert!(both.pink.is_in_transaction());
    assert_eq!(asked.borrow().as_slice(), [(0, 12, Vec::new())]);
    let asked = answering(1, 4, Vec::new());
    assert_eq!(both.confidential.query_origin(), Err(Refusal::NotInCommands));
    assert_eq!(asked.borrow().as_slice(), [(1, 1, Vec::new())]);
}

#[ink::test]
fn a_batch_tells_each_of_its_failures() {
    for error in [HttpRequestError::InvalidUrl, HttpRequestError::Timeout, HttpRequestError::ResponseTooLarge]
    {
        answering(0, error.status(), Vec::new());
        assert_eq!(pink::batch_http_request(&[], 1), Err(error));
    }
    // The name of a function that is not used elsewhere here.
    answering(0, 0, false.encode());
    assert!(!key::verify(KeyKind::Ed25519, &[0; 32], b"", &[0; 64]));
}

//! Intel's documents, from a server and from files.

mod common;

use common::{Sample, Server};
use phala_attest::{Document, Documents, Evidence, verify, verify_document};
use phala_collateral::{CollateralError, Source, documents_from_json};
use phala_types::{Millis, Untrusted};
use proptest::prelude::*;

/// Verifies documents one after the other, in the order in which they are given.
fn verified(documents: &[Document], now: Millis) -> Documents {
    let mut known = Documents::default();
    for document in documents {
        known.keep(verify_document(Untrusted::new(document), &known, now).unwrap());
    }
    known
}

#[tokio::test]
async fn fetched_documents_are_those_of_the_samples_and_verify_in_their_order() {
    let samples = Sample::all();
    assert_eq!(samples.len(), 5);
    for sample in samples {
        let server = Server::faulty(&sample, |_, _, reply| reply).await;
        let fetched = server.source().fetch(&sample.evidence).await.unwrap();
        assert_eq!(fetched, documents_from_json(&sample.collateral).unwrap(), "{}", sample.name);
        let known = verified(&fetched, sample.now);
        let evidence = codec::Encode::encode(&sample.evidence);
        let claims = verify(Untrusted::new(&evidence), &known, sample.now);
        assert_eq!(claims.is_ok(), sample.name != "tdx-v5-no-level", "{}: {claims:?}", sample.name);
        assert_eq!(server.asked().len(), 4);
    }
}

#[tokio::test]
async fn cache_with_lists_in_hexadecimal_digits_and_older_headers_gives_the_same() {
    for sample in Sample::all() {
        let mut served = sample.served();
        served.is_cache = true;
        let server = Server::start(move |target, _| served.answer(target)).await;
        for path in ["", "/", "/sgx/certification/v4", "/sgx/certification/v4/"] {
            let source = Source::of_pccs(&format!("{}{path}", server.url));
            let fetched = source.fetch(&sample.evidence).await.unwrap();
            assert_eq!(fetched, documents_from_json(&sample.collateral).unwrap(), "{}", sample.name);
        }
        assert_eq!(server.asked()[0], "/sgx/certification/v4/rootcacrl");
    }
}

#[tokio::test]
async fn call_may_run_in_a_task_of_its_own() {
    let sample = Sample::named("tdx-v4");
    let server = Server::faulty(&sample, |_, _, reply| reply).await;
    let (source, evidence) = (server.source(), sample.evidence.clone());
    let fetched = tokio::spawn(async move {
        let evidence = source.complete(evidence).await?;
        source.fetch(&evidence).await
    });
    assert_eq!(fetched.await.unwrap().unwrap().len(), 4);
}

#[tokio::test]
async fn evidence_that_brings_all_with_it_needs_nothing_and_nobody_is_asked() {
    let source = common::source("http://127.0.0.1:1");
    for evidence in [Evidence::Simulated(Default::default()), Evidence::AwsNitro(Default::default())] {
        assert_eq!(source.fetch(&evidence).await.unwrap(), []);
        assert_eq!(source.complete(evidence.clone()).await.unwrap(), evidence);
    }
}

#[tokio::test]
async fn quote_that_names_no_machine_is_refused_before_anybody_is_asked() {
    let quote = vec![7; 2000].try_into().unwrap();
    let error = common::source("http://127.0.0.1:1").fetch(&Evidence::Intel(quote)).await.unwrap_err();
    assert!(matches!(error, CollateralError::Quote(_)), "{error:?}");
    assert!(!error.is_temporary());
}

#[test]
fn default_addresses_are_the_vendors() {
    let source = Source::default();
    assert_eq!(source.intel, "https://api.trustedservices.intel.com");
    assert_eq!(source.intel_root_list, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
    assert_eq!(source.amd, "https://kdsintf.amd.com");
}

#[test]
fn file_without_a_member_or_with_a_false_one_is_refused_by_its_name() {
    let genuine = Sample::named("tdx-v5-td15ex").collateral;
    let json: serde_json::Value = serde_json::from_str(&genuine).unwrap();
    for name in json.as_object().unwrap().keys() {
        let mut without = json.clone();
        without.as_object_mut().unwrap().remove(name);
        let result = documents_from_json(&without.to_string());
        if name == "pck_certificate_chain" {
            assert_eq!(result.unwrap(), documents_from_json(&genuine).unwrap());
            continue;
        }
        assert!(result.unwrap_err().to_string().contains(name), "{name}");

        let mut long = json.clone();
        long[name] = "ab".repeat(40_000).into();
        assert!(documents_from_json(&long.to_string()).unwrap_err().to_string().contains(name), "{name}");
    }
    for false_list in ["zz", "", "3", "3003", "30030201aa00"] {
        let mut changed = json.clone();
        changed["pck_crl"] = false_list.into();
        let error = documents_from_json(&changed.to_string()).unwrap_err();
        assert!(error.to_string().contains("pck_crl"), "{error}");
    }
}

proptest! {
    #[test]
    fn reader_of_files_never_panics(text in ".*") {
        let _ = documents_from_json(&text);
    }

    #[test]
    fn reader_of_files_never_panics_on_members(list in ".*", signature in "[0-9a-f]{126,130}", text in ".*") {
        let json = serde_json::json!({
            "root_ca_crl": list, "pck_crl": list, "pck_crl_issuer_chain": text,
            "tcb_info": text, "tcb_info_signature": signature, "tcb_info_issuer_chain": text,
            "qe_identity": text, "qe_identity_signature": signature, "qe_identity_issuer_chain": text,
        });
        let _ = documents_from_json(&json.to_string());
    }

    #[test]
    fn reader_of_files_never_panics_on_changed_files(at in any::<prop::sample::Index>(), byte in 0u8..128) {
        let mut bytes = Sample::named("sgx-v3-processor").collateral.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = documents_from_json(&String::from_utf8(bytes).unwrap());
    }
}

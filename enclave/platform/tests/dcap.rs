//! Another verifier of the same format reads simulated quotes as SGX quotes of a debug enclave, and believes them under
//! the development root alone.

use dcap_qvl::{QuoteCollateralV3, QuotePolicy, configs::RustCryptoConfig, verify::QuoteVerifier};
use der::{DateTime, Encode, EncodePem, pem::LineEnding};
use p256::ecdsa::{DerSignature, Signature, SigningKey, signature::Signer};
use phala_attest::{
    Evidence,
    danger_simulated::{
        Template, VALID_FROM_SECONDS, VALID_UNTIL_SECONDS, derive_key, intermediate_certificate,
        intermediate_key, root_certificate, root_key,
    },
    simulated::{DEVELOPMENT_ROOT, FMSPC, QE_PRODUCT, qe_signer},
};
use phala_platform::{Platform, simulated::SimulatedPlatform};
use serde_json::json;
use std::time::Duration;
use x509_cert::{
    Certificate,
    builder::{Builder, CrlBuilder},
    certificate::Rfc5280,
    crl::CertificateList,
    ext::pkix::CrlNumber,
    time::Time,
};

/// 2026-11-22 in seconds.
const NOW: u64 = 1_795_305_600;

/// The quote in SCALE-encoded evidence.
fn quote_of(evidence: &[u8]) -> Vec<u8> {
    let Evidence::Simulated(quote) = phala_types::decode_exact(evidence).unwrap() else {
        panic!("not simulated")
    };
    quote.into_inner()
}

fn time(seconds: u64) -> Time {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).unwrap().into()
}

fn revocation_list(issuer: &Certificate, key: &SigningKey) -> Vec<u8> {
    let number = CrlNumber::try_from(1u64).unwrap();
    let builder =
        CrlBuilder::<Rfc5280>::new_with_this_update(issuer, number, time(VALID_FROM_SECONDS)).unwrap();
    let list: CertificateList =
        builder.with_next_update(Some(time(VALID_UNTIL_SECONDS))).build::<_, DerSignature>(key).unwrap();
    list.to_der().unwrap()
}

fn pem(certificates: &[&Certificate]) -> String {
    certificates.iter().map(|certificate| certificate.to_pem(LineEnding::LF).unwrap()).collect()
}

/// What Intel's service would give out for a simulated machine, if it had one.
fn collateral() -> QuoteCollateralV3 {
    let root = root_certificate().unwrap();
    let intermediate = intermediate_certificate().unwrap();
    let signing_key = derive_key(b"SOFTWARE TEE DEVELOPMENT KEYS - NOT SECURE", "tcb").unwrap();
    let name = root.tbs_certificate().subject().to_string();
    let signing = Template::leaf("CN=Dev SGX TCB Signing - NOT SECURE,O=DEV ONLY,C=XX", &name, 4)
        .sign(&signing_key, &root_key().unwrap())
        .unwrap();
    let sign = |text: &str| {
        let signature: Signature = signing_key.sign(text.as_bytes());
        signature.to_bytes().to_vec()
    };
    let (issued, next, date) = ("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
    let tcb_info = json!({
        "id": "SGX", "version": 3, "issueDate": issued, "nextUpdate": next,
        "fmspc": hex::encode_upper(FMSPC), "pceId": "0000", "tcbType": 0, "tcbEvaluationDataNumber": 1,
        "tcbLevels": [{
            "tcb": {"sgxtcbcomponents": vec![json!({"svn": 1}); 16], "pcesvn": 13},
            "tcbDate": date, "tcbStatus": "SWHardeningNeeded",
            "advisoryIDs": ["DEV-SOFTWARE-TEE-NO-ISOLATION"],
        }],
    })
    .to_string();
    let qe_identity = json!({
        "id": "QE", "version": 2, "issueDate": issued, "nextUpdate": next, "tcbEvaluationDataNumber": 1,
        "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
        "attributes": "01000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": hex::encode_upper(qe_signer()), "isvprodid": QE_PRODUCT,
        "tcbLevels": [{"tcb": {"isvsvn": 1}, "tcbDate": date, "tcbStatus": "UpToDate"}],
    })
    .to_string();
    let signing_chain = pem(&[&signing, &root]);
    QuoteCollateralV3 {
        pck_crl_issuer_chain: pem(&[&intermediate, &root]),
        root_ca_crl: revocation_list(&root, &root_key().unwrap()),
        pck_crl: revocation_list(&intermediate, &intermediate_key().unwrap()),
        tcb_info_issuer_chain: signing_chain.clone(),
        tcb_info_signature: sign(&tcb_info),
        tcb_info,
        qe_identity_issuer_chain: signing_chain,
        qe_identity_signature: sign(&qe_identity),
        qe_identity,
        pck_certificate_chain: None,
    }
}

fn verify(verifier: QuoteVerifier<RustCryptoConfig>, quote: &[u8]) -> Result<dcap_qvl::QuoteClaims, String> {
    verifier
        .verify_with_policy(quote, collateral(), NOW, &QuotePolicy::claims_only(NOW))
        .map_err(|error| format!("{error:#}"))
}

fn development_root() -> QuoteVerifier<RustCryptoConfig> {
    QuoteVerifier::new_with_config(DEVELOPMENT_ROOT.to_vec())
}

fn quote() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let platform = SimulatedPlatform::open(directory.path()).unwrap();
    quote_of(&platform.evidence([7; 64]).unwrap())
}

#[test]
fn dcap_verifier_reads_a_simulated_quote_as_a_debug_enclave() {
    let quote = quote();
    let claims = verify(development_root().allow_debug(true), &quote).unwrap();
    assert_eq!(format!("{:?}", claims.tcb.status), "SWHardeningNeeded");
    assert_eq!(claims.tcb.advisory_ids, ["DEV-SOFTWARE-TEE-NO-ISOLATION"]);
    assert_eq!(&claims.platform.pck.ppid[..], b"SOFTWARE-TEE-DEV");
}

#[test]
fn dcap_verifier_refuses_debug_unless_told_otherwise() {
    let error = verify(development_root(), &quote()).unwrap_err();
    assert!(error.contains("Debug mode is enabled"), "{error}");
}

#[test]
fn dcap_verifier_refuses_a_simulated_quote_under_intels_root() {
    let quote = quote();
    for verifier in [QuoteVerifier::new_prod(), QuoteVerifier::new_prod().allow_debug(true)] {
        assert!(verify(verifier, &quote).is_err());
    }
}

#[test]
fn dcap_verifier_refuses_a_flipped_bit() {
    let mut quote = quote();
    quote[48 + 64] ^= 1;
    assert!(verify(development_root().allow_debug(true), &quote).is_err());
}

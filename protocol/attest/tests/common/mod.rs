//! What tests of several kinds of evidence share.
#![allow(dead_code, reason = "each test uses its part")]

use codec::Encode as _;
use phala_attest::{
    AppraisalError, Collateral, Document, Documents, Evidence, intel::Signed, verify_document,
};
use phala_types::{Millis, Untrusted};
use serde_json::Value;
use std::path::PathBuf;

/// A file of `vectors/evidence`.
pub fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/evidence").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `vectors/evidence/genuine.json` says of each sample.
pub fn genuine() -> Vec<Value> {
    serde_json::from_slice(&sample("genuine.json")).unwrap()
}

/// SCALE of evidence with a quote of Intel's.
pub fn intel(quote: &[u8]) -> Vec<u8> {
    Evidence::Intel(quote.to_vec().try_into().unwrap()).encode()
}

/// The documents in a file of collateral, in the order in which they are verified.
pub fn documents(file: &[u8]) -> Vec<Document> {
    let json: Value = serde_json::from_slice(file).unwrap();
    let text = |name: &str| json[name].as_str().unwrap().as_bytes().to_vec().try_into().unwrap();
    let bytes = |name: &str| hex::decode(json[name].as_str().unwrap()).unwrap();
    let signed = |name: &str| Signed {
        text: text(name),
        signature: bytes(&format!("{name}_signature")).try_into().unwrap(),
        certificates: text(&format!("{name}_issuer_chain")),
    };
    vec![
        Document::IntelRootRevocations(bytes("root_ca_crl").try_into().unwrap()),
        Document::IntelPckRevocations {
            list: bytes("pck_crl").try_into().unwrap(),
            certificates: text("pck_crl_issuer_chain"),
        },
        Document::IntelTcbInfo(signed("tcb_info")),
        Document::IntelQeIdentity(signed("qe_identity")),
    ]
}

/// Documents that are verified one after the other.
pub fn verified(documents: &[Document], now: Millis) -> Result<Documents, AppraisalError> {
    let mut known = Documents::default();
    for document in documents {
        known.keep(verify_document(Untrusted::new(document), &known, now)?);
    }
    Ok(known)
}

/// No document at all.
pub fn nothing() -> impl Collateral {
    Documents::default()
}

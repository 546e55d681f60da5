//! Documents from a file.

use crate::{CollateralError, error::legible, intel};
use phala_attest::{
    Document,
    intel::{DOCUMENT_BYTES_MAX, Signed},
};
use phala_types::Bytes;
use serde::Deserialize;

/// What Intel's libraries call the collateral of a quote, version 3. Other members of the object are ignored, a chain of PCK
/// certificates among them: it is in the quote.
#[derive(Deserialize)]
struct File {
    root_ca_crl: String,
    pck_crl: String,
    pck_crl_issuer_chain: String,
    tcb_info: String,
    tcb_info_signature: String,
    tcb_info_issuer_chain: String,
    qe_identity: String,
    qe_identity_signature: String,
    qe_identity_issuer_chain: String,
}

/// Reads Intel's documents from JSON with the members of `QuoteCollateralV3`: revocation lists and signatures in hexadecimal
/// digits, certificates in PEM. They are in the order in which they have to be verified.
pub fn documents_from_json(text: &str) -> Result<Vec<Document>, CollateralError> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        malformed(format!("is no collateral of a quote in JSON: {}", legible(&error.to_string())))
    })?;
    Ok(vec![
        Document::IntelRootRevocations(list("root_ca_crl", &file.root_ca_crl)?),
        Document::IntelPckRevocations {
            list: list("pck_crl", &file.pck_crl)?,
            certificates: bounded("pck_crl_issuer_chain", file.pck_crl_issuer_chain)?,
        },
        Document::IntelTcbInfo(Signed {
            text: bounded("tcb_info", file.tcb_info)?,
            signature: signature("tcb_info_signature", &file.tcb_info_signature)?,
            certificates: bounded("tcb_info_issuer_chain", file.tcb_info_issuer_chain)?,
        }),
        Document::IntelQeIdentity(Signed {
            text: bounded("qe_identity", file.qe_identity)?,
            signature: signature("qe_identity_signature", &file.qe_identity_signature)?,
            certificates: bounded("qe_identity_issuer_chain", file.qe_identity_issuer_chain)?,
        }),
    ])
}

fn list(name: &str, digits: &str) -> Result<Bytes<DOCUMENT_BYTES_MAX>, CollateralError> {
    let list = hex::decode(digits).ok().filter(|list| intel::is_der(list));
    let list = list.ok_or_else(|| malformed(format!("has no DER in hexadecimal digits as {name}")))?;
    intel::bounded(list).ok_or_else(|| too_long(name))
}

fn signature(name: &str, digits: &str) -> Result<[u8; 64], CollateralError> {
    intel::signature(digits).ok_or_else(|| malformed(format!("has no 128 hexadecimal digits as {name}")))
}

fn bounded(name: &str, text: String) -> Result<Bytes<DOCUMENT_BYTES_MAX>, CollateralError> {
    intel::bounded(text.into_bytes()).ok_or_else(|| too_long(name))
}

fn too_long(name: &str) -> CollateralError {
    malformed(format!("has over {DOCUMENT_BYTES_MAX} bytes as {name}"))
}

fn malformed(problem: String) -> CollateralError {
    CollateralError::Malformed { from: "the file of collateral".to_owned(), problem }
}

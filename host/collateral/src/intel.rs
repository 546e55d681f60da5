//! Intel's documents: which to ask for, and how the answers are read.

use crate::{
    CollateralError, Source,
    error::legible,
    http::{Answer, Session},
};
use der::{Decode as _, Tag, Tagged as _, asn1::AnyRef};
use phala_attest::{
    Document, Issuer,
    intel::{self, DOCUMENT_BYTES_MAX, Needs, Signed, Tee},
};
use phala_types::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Lists may come as hexadecimal text, and signed documents with their signature around them.
const ANSWER_BYTES_MAX: usize = 2 * DOCUMENT_BYTES_MAX as usize + 2;

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Headers with the certificates of signers. Only the one for TCB information is called otherwise in older versions.
const LIST_ISSUER: &[&str] = &["SGX-PCK-CRL-Issuer-Chain"];
const INFO_ISSUER: &[&str] = &["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"];
const IDENTITY_ISSUER: &[&str] = &["SGX-Enclave-Identity-Issuer-Chain"];

/// The address of a service without the path that some name with it.
pub fn base(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    ["/sgx/certification/v4", "/tdx/certification/v4"]
        .iter()
        .find_map(|path| url.strip_suffix(path))
        .unwrap_or(url)
        .trim_end_matches('/')
}

/// Fetches what it takes to judge a quote.
pub async fn fetch(
    source: &Source,
    session: &Session,
    quote: &[u8],
) -> Result<Vec<Document>, CollateralError> {
    let Needs { tee, fmspc, issuer } = intel::needs(quote).map_err(CollateralError::Quote)?;
    let base = base(&source.intel);
    let tee = match tee {
        Tee::Sgx => "sgx",
        Tee::Tdx => "tdx",
    };
    let authority = match issuer {
        Issuer::IntelProcessor => "processor",
        _ => "platform",
    };
    let get = |url: String| async move { session.get(&url, ANSWER_BYTES_MAX).await };

    let root = get(source.intel_root_list.clone()).await?;
    let list = get(format!("{base}/sgx/certification/v4/pckcrl?ca={authority}&encoding=der")).await?;
    let info = get(format!("{base}/{tee}/certification/v4/tcb?fmspc={fmspc}"))
        .await
        .map_err(CollateralError::about_a_machine)?;
    let identity = get(format!("{base}/{tee}/certification/v4/qe/identity")).await?;
    Ok(vec![
        Document::IntelRootRevocations(revocation_list(&root)?),
        Document::IntelPckRevocations {
            list: revocation_list(&list)?,
            certificates: certificates(&list, LIST_ISSUER)?,
        },
        Document::IntelTcbInfo(tcb_info(&info)?),
        Document::IntelQeIdentity(qe_identity(&identity)?),
    ])
}

#[derive(Deserialize)]
struct TcbInfoBody<'a> {
    #[serde(rename = "tcbInfo", borrow)]
    text: &'a RawValue,
    signature: String,
}

#[derive(Deserialize)]
struct QeIdentityBody<'a> {
    #[serde(rename = "enclaveIdentity", borrow)]
    text: &'a RawValue,
    signature: String,
}

fn tcb_info(answer: &Answer) -> Result<Signed, CollateralError> {
    let body: TcbInfoBody<'_> = json(answer, "TCB information")?;
    signed(answer, body.text, &body.signature, INFO_ISSUER)
}

fn qe_identity(answer: &Answer) -> Result<Signed, CollateralError> {
    let body: QeIdentityBody<'_> = json(answer, "a quoting enclave's identity")?;
    signed(answer, body.text, &body.signature, IDENTITY_ISSUER)
}

fn json<'a, T: Deserialize<'a>>(answer: &'a Answer, name: &str) -> Result<T, CollateralError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| answer.malformed(format!("is not {name} in JSON: {}", legible(&error.to_string()))))
}

/// The signed text is the inner object to the byte.
fn signed(
    answer: &Answer,
    text: &RawValue,
    signature: &str,
    issuer: &[&str],
) -> Result<Signed, CollateralError> {
    if !text.get().starts_with('{') {
        return Err(answer.malformed("has no object where the signed text has to be"));
    }
    let text = bounded(text.get().as_bytes().to_vec())
        .ok_or_else(|| too_long(answer, DOCUMENT_BYTES_MAX as usize))?;
    let signature = self::signature(signature)
        .ok_or_else(|| answer.malformed("has a signature that is not 128 hexadecimal digits"))?;
    Ok(Signed { text, signature, certificates: certificates(answer, issuer)? })
}

/// A list in DER, or in hexadecimal digits of it.
pub fn revocation_list(answer: &Answer) -> Result<Bytes<DOCUMENT_BYTES_MAX>, CollateralError> {
    let digits = answer.body.trim_ascii();
    let list = match hex::decode(digits) {
        Ok(list) => list,
        Err(_) => answer.body.clone(),
    };
    if !is_der(&list) {
        return Err(answer.malformed("is no revocation list in DER"));
    }
    bounded(list).ok_or_else(|| too_long(answer, DOCUMENT_BYTES_MAX as usize))
}

/// Whether it is one sequence in DER and nothing after it.
pub fn is_der(bytes: &[u8]) -> bool {
    AnyRef::from_der(bytes).is_ok_and(|it| it.tag() == Tag::Sequence)
}

fn certificates(answer: &Answer, names: &[&str]) -> Result<Bytes<DOCUMENT_BYTES_MAX>, CollateralError> {
    let name = names.first().copied().unwrap_or_default();
    let value =
        answer.header(names).ok_or_else(|| answer.malformed(format!("comes without the header {name}")))?;
    let chain = percent_decoded(value)
        .filter(|chain| chain.starts_with(PEM))
        .ok_or_else(|| answer.malformed(format!("has no certificates in the header {name}")))?;
    bounded(chain).ok_or_else(|| too_long(answer, DOCUMENT_BYTES_MAX as usize))
}

/// A plus sign is one: certificates in PEM have them, and this is no form.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let mut octet = [0];
                hex::decode_to_slice([*rest.next()?, *rest.next()?], &mut octet).ok()?;
                let [octet] = octet;
                octet
            }
            other => *other,
        };
        decoded.push(byte);
    }
    Some(decoded)
}

/// r and s in hexadecimal digits.
pub fn signature(digits: &str) -> Option<[u8; 64]> {
    let mut signature = [0; 64];
    hex::decode_to_slice(digits, &mut signature).ok()?;
    Some(signature)
}

/// Bytes that are no longer than a document may be.
pub fn bounded(bytes: Vec<u8>) -> Option<Bytes<DOCUMENT_BYTES_MAX>> {
    bytes.try_into().ok()
}

fn too_long(answer: &Answer, bytes_max: usize) -> CollateralError {
    CollateralError::TooLong { url: answer.url.clone(), bytes_max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHAIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

    #[test]
    fn signed_text_is_kept_to_the_byte() {
        let text = "{ \"a\" : 1.0e1,\t\"\\u0061\":[ ] }";
        let body = format!(" {{\"more\":[],\"tcbInfo\" :\n{text} ,\"signature\":\"{}\"}}\n", "Ab".repeat(64));
        let answer = Answer::of(&[("tcb-info-issuer-chain", CHAIN)], body.into_bytes());
        let signed = tcb_info(&answer).unwrap();
        assert_eq!(signed.text.as_slice(), text.as_bytes());
        assert_eq!(signed.signature, [0xab; 64]);
    }

    #[test]
    fn percent_signs_are_decoded_and_plus_signs_stay() {
        assert_eq!(percent_decoded(b"a+b%2B%0a%25").unwrap(), b"a+b+\n%");
        for broken in [&b"%"[..], b"%4", b"a%g0", b"%%41"] {
            assert_eq!(percent_decoded(broken), None);
        }
    }

    #[test]
    fn addresses_are_cut_to_the_service() {
        for url in
            ["https://a", "https://a/", "https://a/sgx/certification/v4/", "https://a/tdx/certification/v4"]
        {
            assert_eq!(base(url), "https://a");
        }
        assert_eq!(base("https://a/pccs"), "https://a/pccs");
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_readers_panic(body in any::<Vec<u8>>(), header in any::<Vec<u8>>(), is_json: bool) {
            let body = match is_json {
                true => [br#"{"signature":"","tcbInfo":"#, &body[..], b"}"].concat(),
                false => body,
            };
            let name = "tcb-info-issuer-chain";
            let answer = Answer::of(&[(name, &header)], body);
            let _ = (tcb_info(&answer), qe_identity(&answer), revocation_list(&answer));
            let _ = (certificates(&answer, &[name]), percent_decoded(&header));
        }
    }
}

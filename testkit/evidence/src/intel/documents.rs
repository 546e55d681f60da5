//! Revocation lists and signed JSON.

use super::Kind;
use crate::{DAY, NOW, bounded};
use core::time::Duration;
use der::{DateTime, Encode as _};
use p256::ecdsa::{DerSignature, Signature, SigningKey, signature::Signer};
use phala_attest::{danger_simulated::pem, intel::Signed};
use serde_json::{Value, json};
use x509_cert::{
    Certificate,
    builder::{Builder, CrlBuilder},
    certificate::Rfc5280,
    crl::{CertificateList, RevokedCert},
    ext::{Extension, pkix::CrlNumber},
    serial_number::SerialNumber,
    time::Time,
};

/// What Intel's quoting enclave is signed with, here.
pub(super) const QE_SIGNER: [u8; 32] = [0xdc; 32];

/// The revocation lists of root and CA.
pub struct Lists {
    /// The root's.
    pub root: Revocations,
    /// The CA's.
    pub pck: Revocations,
}

/// A revocation list that is to be made.
pub struct Revocations {
    /// When it is made, in seconds.
    pub issued: u64,
    /// When a newer one is due.
    pub next: Option<u64>,
    /// Which serial numbers are revoked.
    pub revoked: Vec<u32>,
    /// Whose list it says that it is, if not its issuer's.
    pub issuer: Option<Certificate>,
    /// Who signs it.
    pub key: SigningKey,
    /// An extension of its own.
    pub extension: Option<Extension>,
}

impl Lists {
    pub(super) fn new(root: &SigningKey, authority: &SigningKey) -> Self {
        let list = |key: &SigningKey| Revocations {
            issued: NOW - DAY,
            next: Some(NOW + 20 * DAY),
            revoked: vec![70, 71],
            issuer: None,
            key: key.clone(),
            extension: None,
        };
        Self { root: list(root), pck: list(authority) }
    }
}

impl Revocations {
    pub(super) fn sign(&self, issuer: &Certificate) -> Vec<u8> {
        let revoked = self.revoked.iter().map(|serial| RevokedCert {
            serial_number: SerialNumber::from(*serial),
            revocation_date: time(self.issued),
            crl_entry_extensions: None,
        });
        let issuer = self.issuer.as_ref().unwrap_or(issuer);
        let number = CrlNumber::try_from(1u64).expect("one is a number");
        let mut builder = CrlBuilder::<Rfc5280>::new_with_this_update(issuer, number, time(self.issued))
            .expect("the issuer can issue")
            .with_next_update(self.next.map(time));
        if !self.revoked.is_empty() {
            builder = builder.with_certificates(revoked);
        }
        let mut list: CertificateList =
            builder.build::<_, DerSignature>(&self.key).expect("the list can be signed");
        if let Some(extension) = &self.extension {
            list.tbs_cert_list.crl_extensions.get_or_insert_default().push(extension.clone());
            let signature: DerSignature =
                self.key.sign(&list.tbs_cert_list.to_der().expect("a list has a form in DER"));
            list.signature =
                der::asn1::BitString::from_bytes(signature.as_bytes()).expect("a signature has bits");
        }
        list.to_der().expect("a list has a form in DER")
    }
}

fn time(seconds: u64) -> Time {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).expect("the time is before 9999").into()
}

/// A time as Intel writes it.
pub(super) fn text(seconds: u64) -> String {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).expect("the time is before 9999").to_string()
}

/// Signs a document as Intel does: the text to the byte.
pub(super) fn sign(document: &Value, key: &SigningKey, signer: &Certificate, root: &Certificate) -> Signed {
    // Text that is no JSON stands as a string.
    let text = document.as_str().map_or_else(|| document.to_string(), ToOwned::to_owned).into_bytes();
    let signature: Signature = key.sign(&text);
    Signed {
        text: bounded(text),
        signature: signature.to_bytes().into(),
        certificates: bounded(pem(&[signer.clone(), root.clone()]).expect("certificates have a form in PEM")),
    }
}

fn components(svn: u8) -> Value {
    vec![json!({ "svn": svn }); 16].into()
}

/// One level of a platform.
pub(super) fn level(kind: Kind, svn: u8, status: &str, advisories: &[&str]) -> Value {
    let mut tcb = json!({ "sgxtcbcomponents": components(svn), "pcesvn": 13 });
    if kind.is_tdx() {
        tcb["tdxtcbcomponents"] = components(svn);
    }
    json!({ "tcb": tcb, "tcbDate": text(NOW - 100 * DAY), "tcbStatus": status, "advisoryIDs": advisories })
}

/// One level of a part.
pub(super) fn part(svn: u16, status: &str) -> Value {
    json!({ "tcb": { "isvsvn": svn }, "tcbDate": text(NOW - 90 * DAY), "tcbStatus": status })
}

/// TCB information of the machine.
pub(super) fn info(kind: Kind) -> Value {
    let mut info = json!({
        "id": if kind.is_tdx() { "TDX" } else { "SGX" },
        "version": 3,
        "issueDate": text(NOW - DAY),
        "nextUpdate": text(NOW + 29 * DAY),
        "fmspc": "20C06F000000",
        "pceId": "0000",
        "tcbType": 0,
        "tcbEvaluationDataNumber": 20,
        "tcbLevels": [
            level(kind, 5, "UpToDate", &[]),
            level(kind, 4, "OutOfDate", &["INTEL-SA-00001"]),
            level(kind, 2, "Revoked", &[]),
        ],
    });
    if kind.is_tdx() {
        let (signer, none, all) = ("00".repeat(48), "00".repeat(8), "FF".repeat(8));
        info["tdxModule"] = json!({ "mrsigner": signer, "attributes": none, "attributesMask": all });
        info["tdxModuleIdentities"] = json!([{
            "id": "TDX_01", "mrsigner": signer, "attributes": none, "attributesMask": all,
            "tcbLevels": [part(5, "UpToDate"), part(4, "OutOfDate"), part(2, "Revoked")],
        }]);
    }
    info
}

/// The identity of the quoting enclave.
pub(super) fn identity(kind: Kind) -> Value {
    json!({
        "id": if kind.is_tdx() { "TD_QE" } else { "QE" },
        "version": 2,
        "issueDate": text(NOW - DAY),
        "nextUpdate": text(NOW + 29 * DAY),
        "tcbEvaluationDataNumber": 20,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": hex::encode_upper(QE_SIGNER),
        "isvprodid": 1,
        "tcbLevels": [part(8, "UpToDate"), part(6, "OutOfDate"), part(4, "Revoked")],
    })
}

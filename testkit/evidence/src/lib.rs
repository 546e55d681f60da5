//! Evidence that is false, and what it has to be refused for.
//!
//! A story is how evidence comes about: keys, certificates, revocation lists, documents and a quote or report, all of the
//! structure that a vendor's have and under a root of our own. A [`Case`] is a story in which one thing is wrong, and the
//! [`AppraisalError`] that names it. They are the same each time to the byte, so that another implementation can be held to
//! them: the program `phala-evidence` writes them into a folder.

pub mod amd;
mod certificate;
pub mod intel;
pub mod nitro;

use codec::Encode as _;
use phala_attest::{
    Anchors, AppraisalError, Claims, Document, Documents, Policy, Verified, danger_appraise_under,
    danger_verify_document_under, danger_verify_under,
};
use phala_types::{Bytes, List, Millis, Untrusted};
use serde_json::{Value, json};

/// 2026-11-22T00:00:00Z in seconds: when stories happen.
pub const NOW: u64 = 1_795_305_600;
/// One day in seconds.
pub const DAY: u64 = 24 * 3600;

/// Evidence in which one thing is wrong.
pub struct Case<F> {
    /// What is wrong.
    pub name: String,
    /// The evidence, and by what it is judged.
    pub forged: F,
    /// What it has to be refused for.
    pub expected: AppraisalError,
}

/// Evidence and documents under a root of our own, and by what they are judged.
pub trait Forged {
    /// Does something with the roots that stand for the vendors'.
    fn with_anchors<T>(&self, then: impl FnOnce(&Anchors<'_>) -> T) -> T;
    /// The documents in the order in which they are verified.
    fn documents(&self) -> &[Document];
    /// SCALE of the evidence.
    fn evidence(&self) -> Vec<u8>;
    /// The policy.
    fn policy(&self) -> &Policy;
    /// When it is judged.
    fn now(&self) -> Millis;

    /// The documents, verified.
    fn collateral(&self) -> Result<Documents, AppraisalError> {
        self.with_anchors(|anchors| {
            let mut known = Documents::default();
            for document in self.documents() {
                let document = Untrusted::new(document);
                known.keep(danger_verify_document_under(anchors, document, &known, self.now())?);
            }
            Ok(known)
        })
    }

    /// What it says, if it is genuine under its own root.
    fn claims(&self) -> Result<Claims, AppraisalError> {
        let collateral = self.collateral()?;
        let evidence = self.evidence();
        self.with_anchors(|anchors| {
            danger_verify_under(anchors, Untrusted::new(&evidence), &collateral, self.now())
        })
    }

    /// What becomes of it.
    fn appraise(&self) -> Result<Verified, AppraisalError> {
        let collateral = self.collateral()?;
        let evidence = self.evidence();
        self.with_anchors(|anchors| {
            danger_appraise_under(anchors, Untrusted::new(&evidence), &collateral, self.policy(), self.now())
        })
    }

    /// It as JSON, but for its roots: SCALE in hexadecimal where there are bytes.
    fn to_json(&self) -> Value {
        json!({
            "now_ms": self.now().value(),
            "documents": self.documents().iter().map(|it| hex::encode(it.encode())).collect::<Vec<_>>(),
            "evidence": hex::encode(self.evidence()),
            "policy": self.policy(),
        })
    }
}

fn millis(seconds: u64) -> Millis {
    Millis::new(seconds * 1000)
}

fn list<T: Clone, const M: usize, const N: u32>(items: [T; M]) -> List<T, N> {
    items.to_vec().try_into().unwrap_or_else(|_| panic!("{M} items are too many"))
}

fn bounded<const N: u32>(bytes: Vec<u8>) -> Bytes<N> {
    let length = bytes.len();
    bytes.try_into().unwrap_or_else(|_| panic!("{length} bytes are too many"))
}

//! Reports of machines that AMD never made.
//!
//! The RSA keys beside this file (`amd/*.der`, PKCS #1) are for tests alone and as public as everything here: making keys of
//! 4096 bits takes seconds each.

mod cases;
mod certificate;
mod report;

pub use cases::cases;
pub use certificate::{Endorsement, Issued};
pub use report::Draft;

use crate::{DAY, NOW, bounded, list, millis};
use certificate::{ark, ask, revocations};
use codec::Encode as _;
use p384::ecdsa::SigningKey;
use phala_attest::{
    AmdAnchor, Anchors, Document, Evidence, Label, Policy, Reference,
    amd::{Product, ProductRules, Rules, Tcb},
};
use phala_types::{Millis, worker::Tier};
use sha2::{Digest as _, Sha384};
use std::sync::OnceLock;

/// What a report is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Of a chip of Genoa, version 3.
    Genoa,
    /// Of a chip of Turin, version 5.
    Turin,
    /// Of a cloud with Genoa, version 4.
    GenoaCloud,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Genoa, Self::Turin, Self::GenoaCloud];

    fn product(self) -> Product {
        if self == Self::Turin { Product::Turin } else { Product::Genoa }
    }
}

/// The versions of a machine in a true story.
pub const TCB: Tcb = Tcb { fmc: 0, boot_loader: 7, tee: 1, snp: 15, microcode: 72 };

/// How a report comes about. Everything in it may be changed before it is told to the end.
pub struct Story {
    /// When it is judged, in seconds.
    pub now: u64,
    /// What it is of.
    pub kind: Kind,
    /// The root.
    pub ark: Issued,
    /// The intermediate: the ASK, or the ASVK of a cloud.
    pub intermediate: Issued,
    /// The certificate of the key that signs.
    pub endorsement: Endorsement,
    /// Whether the evidence brings the intermediate.
    pub brings_intermediate: bool,
    /// The report.
    pub report: Draft,
    /// Who signs it.
    pub key: SigningKey,
    /// Which serial numbers the root has revoked, in a list that is at hand, if there is one.
    pub revoked: Option<Vec<u32>>,
    /// When that list ends.
    pub list_ends: u64,
    /// By what policy it is judged: one that admits the true story.
    pub policy: Policy,
}

/// A report and its certificates, and by what they are judged.
#[derive(Clone)]
pub struct Forged {
    /// The product whose root it is.
    pub product: Product,
    /// The root in DER, which stands for AMD's.
    pub ark: Vec<u8>,
    /// The intermediate that is pinned with it.
    pub ask: Vec<u8>,
    /// The documents.
    pub documents: Vec<Document>,
    /// The report.
    pub report: Vec<u8>,
    /// The certificate of the key that signed.
    pub endorsement_key: Vec<u8>,
    /// The intermediate that comes with it.
    pub issuer: Option<Vec<u8>>,
    /// The policy.
    pub policy: Policy,
    /// When.
    pub now: Millis,
}

impl Story {
    /// A story in which nothing is wrong.
    pub fn new(kind: Kind) -> Self {
        let mut story = Self::without_references(kind);
        static MEASUREMENT: OnceLock<Reference> = OnceLock::new();
        let reference = MEASUREMENT.get_or_init(|| {
            use crate::Forged as _;
            let claims = Self::without_references(Kind::Genoa).finish().claims();
            let measurement = claims.expect("a true story is believed").measurement;
            let (not_before, not_after) = (millis(NOW - DAY), millis(NOW + DAY));
            Reference { tier: Tier::AmdSevSnp, measurement, not_before, not_after }
        });
        story.policy.references = list([reference.clone()]);
        story
    }

    fn without_references(kind: Kind) -> Self {
        let key = signing_key("endorsement");
        Self {
            now: NOW,
            kind,
            ark: Issued::ark(kind.product()),
            intermediate: Issued::intermediate(kind),
            endorsement: Endorsement::new(kind),
            brings_intermediate: kind == Kind::GenoaCloud,
            report: Draft::new(kind),
            key,
            revoked: Some(vec![70]),
            list_ends: NOW + 20 * DAY,
            policy: policy(),
        }
    }

    /// Tells the story to the end: everything is signed.
    pub fn finish(self) -> Forged {
        let ark = self.ark.sign(&ark());
        let intermediate = self.intermediate.sign(&ark_of(&self.intermediate));
        let product = self.kind.product();
        let documents = self.revoked.iter().map(|revoked| Document::AmdRevocations {
            product,
            list: bounded(revocations(&ark, revoked, self.list_ends)),
        });
        Forged {
            product,
            documents: documents.collect(),
            ask: if self.brings_intermediate {
                Issued::intermediate(Kind::Genoa).sign(&certificate::ark())
            } else {
                intermediate.clone()
            },
            ark,
            report: self.report.sign(&self.key),
            endorsement_key: self.endorsement.sign(&ask()),
            issuer: self.brings_intermediate.then_some(intermediate),
            policy: self.policy,
            now: millis(self.now),
        }
    }
}

/// Who signs an intermediate: the root, unless a stranger does.
fn ark_of(issued: &Issued) -> rsa::RsaPrivateKey {
    if issued.by_stranger { certificate::stranger() } else { ark() }
}

impl crate::Forged for Forged {
    fn with_anchors<T>(&self, then: impl FnOnce(&Anchors<'_>) -> T) -> T {
        let anchor = AmdAnchor { product: self.product, ark: &self.ark, ask: &self.ask };
        then(&Anchors::danger_any(&[], &[anchor], &[]))
    }

    fn documents(&self) -> &[Document] {
        &self.documents
    }

    fn evidence(&self) -> Vec<u8> {
        Evidence::AmdSevSnp {
            report: bounded(self.report.clone()),
            endorsement_key: bounded(self.endorsement_key.clone()),
            issuer: self.issuer.clone().map(bounded),
        }
        .encode()
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn now(&self) -> Millis {
        self.now
    }
}

fn policy() -> Policy {
    let product = |product| ProductRules { product, tcb_min: TCB };
    let rules = Rules {
        products: list([product(Product::Genoa), product(Product::Turin)]),
        clouds: list([Label::new("cc-eu-west-1.example.com").expect("it is short")]),
        smt: true,
        alias_check: true,
        ciphertext_hiding: true,
        revocation_list: true,
    };
    Policy { amd_sev_snp: Some(rules), ..Policy::default() }
}

/// A key on P-384 for a purpose.
pub fn signing_key(label: &str) -> SigningKey {
    let seed = Sha384::digest([b"forged evidence", label.as_bytes()].concat());
    // Below the order but for a chance of 2^-190.
    SigningKey::from_slice(&seed).expect("the hash is a key")
}

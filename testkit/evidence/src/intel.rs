//! Quotes and documents of machines that Intel never made.

mod cases;
mod documents;
mod quote;

pub use cases::cases;
pub use documents::{Lists, Revocations};

use crate::{DAY, Forged as _, NOW, bounded, list, millis};
use codec::Encode as _;
use der::Encode as _;
use documents::{identity, info};
use p256::ecdsa::SigningKey;
use phala_attest::{
    Anchors, Claims, Document, Evidence, Policy, Reference,
    danger_simulated::{Draft, PlatformClaims, Template, derive_key, pem, sgx_extension},
    intel::{SgxRules, TcbRules, TcbStatus, TdxRules},
};
use phala_types::Millis;
use serde_json::Value;
use std::sync::OnceLock;
use x509_cert::Certificate;

const ROOT: &str = "CN=Intel SGX Root CA,O=Forged for tests,C=XX";
const PLATFORM_CA: &str = "CN=Intel SGX PCK Platform CA,O=Forged for tests,C=XX";
const PROCESSOR_CA: &str = "CN=Intel SGX PCK Processor CA,O=Forged for tests,C=XX";
const SIGNER: &str = "CN=Intel SGX TCB Signing,O=Forged for tests,C=XX";
const PCK: &str = "CN=Intel SGX PCK Certificate,O=Forged for tests,C=XX";

/// What a quote attests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// An SGX enclave, version 3.
    Sgx,
    /// A TDX 1.0 virtual machine, version 4.
    Tdx10,
    /// The same in version 5.
    Tdx10InV5,
    /// A TDX 1.5 virtual machine, version 5.
    Tdx15,
    /// The same with the extended report.
    Tdx15Extended,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sgx, Self::Tdx10, Self::Tdx10InV5, Self::Tdx15, Self::Tdx15Extended];

    fn is_tdx(self) -> bool {
        self != Self::Sgx
    }
}

/// A certificate that is to be made, and by which keys.
#[derive(Clone)]
pub struct Issued {
    /// What it says.
    pub template: Template,
    /// Whose it is.
    pub key: SigningKey,
    /// Who signs it.
    pub signed_by: SigningKey,
}

impl Issued {
    fn certificate(&self) -> Certificate {
        self.template.clone().sign(&self.key, &self.signed_by).expect("the template is sound")
    }
}

/// How evidence comes about. Everything in it may be changed before it is told to the end.
pub struct Story {
    /// When it is judged, in seconds.
    pub now: u64,
    /// The root.
    pub root: Issued,
    /// The CA of PCK certificates.
    pub authority: Issued,
    /// The machine's certificate. Its SGX extension is made from `claims` at the end, unless it has one already.
    pub pck: Issued,
    /// Who signs documents.
    pub signer: Issued,
    /// What the machine's certificate says of it.
    pub claims: PlatformClaims,
    /// The revocation lists.
    pub lists: Lists,
    /// TCB information.
    pub info: Value,
    /// The identity of the quoting enclave.
    pub identity: Value,
    /// The quote, but for its certificates, which are put in at the end.
    pub quote: Draft,
    /// Who signs the quote.
    pub attestation: SigningKey,
    /// Who signs the quoting enclave's report: the machine, unless it is changed.
    pub platform: SigningKey,
    /// By what policy it is judged: one that admits the true story.
    pub policy: Policy,
}

/// Evidence and documents, and by what they are judged.
#[derive(Clone)]
pub struct Forged {
    /// The root in DER, which stands for Intel's.
    pub root: Vec<u8>,
    /// The documents in the order in which they are verified.
    pub documents: Vec<Document>,
    /// The quote.
    pub quote: Vec<u8>,
    /// The policy.
    pub policy: Policy,
    /// When.
    pub now: Millis,
}

fn key(label: &str) -> SigningKey {
    derive_key(b"forged evidence", label).expect("a key is found in 256 tries")
}

impl Story {
    /// A story in which nothing is wrong.
    pub fn new(kind: Kind) -> Self {
        let mut story = Self::without_references(kind);
        static MEASUREMENTS: OnceLock<Vec<Reference>> = OnceLock::new();
        let references = MEASUREMENTS.get_or_init(|| {
            let claims = Kind::ALL.map(|kind| Self::without_references(kind).finish().claims());
            let reference = |claims: Result<Claims, _>| {
                let claims = claims.expect("a true story is believed");
                let (not_before, not_after) = (millis(NOW - DAY), millis(NOW + DAY));
                Reference { tier: claims.tier, measurement: claims.measurement, not_before, not_after }
            };
            claims.map(reference).to_vec()
        });
        story.policy.references = references.clone().try_into().expect("a policy has room for five");
        story
    }

    fn without_references(kind: Kind) -> Self {
        let [root, authority, pck, signer, attestation] =
            ["root", "authority", "pck", "signer", "attestation"].map(key);
        let issued = |template, key: &SigningKey, signed_by: &SigningKey| Issued {
            template,
            key: key.clone(),
            signed_by: signed_by.clone(),
        };
        Self {
            now: NOW,
            root: issued(Template::issuer(ROOT, ROOT, 1), &root, &root),
            authority: issued(Template::issuer(PLATFORM_CA, ROOT, 2), &authority, &root),
            pck: issued(Template::leaf(PCK, PLATFORM_CA, 3), &pck, &authority),
            signer: issued(Template::leaf(SIGNER, ROOT, 4), &signer, &root),
            claims: PlatformClaims {
                ppid: *b"forged-for-tests",
                cpu_svn: [5; 16],
                pce_svn: 13,
                pce_id: [0; 2],
                fmspc: [0x20, 0xc0, 0x6f, 0, 0, 0],
                instance: Some(([9; 16], [true; 3])),
            },
            lists: Lists::new(&root, &authority),
            info: info(kind),
            identity: identity(kind),
            quote: quote::draft(kind, &attestation),
            attestation,
            platform: pck,
            policy: policy(),
        }
    }

    /// The machine has one socket: another CA, and less in its certificate.
    pub fn with_processor_ca(mut self) -> Self {
        self.authority.template.subject = PROCESSOR_CA.into();
        self.pck.template.issuer = PROCESSOR_CA.into();
        self.claims.instance = None;
        self
    }

    /// The machine's certificate with what it says of the machine.
    fn pck_with_claims(&self) -> Issued {
        let mut pck = self.pck.clone();
        if pck.template.extensions.is_empty() {
            pck.template.extensions.push(sgx_extension(&self.claims).expect("the claims are sound"));
        }
        pck
    }

    /// Makes the quoting enclave vouch for whatever attestation key the quote has now.
    pub fn rebind(&mut self) {
        quote::bind(&mut self.quote);
    }

    /// Tells the story to the end: everything is signed.
    pub fn finish(self) -> Forged {
        let pck = self.pck_with_claims();
        let [root, authority, leaf, signer] =
            [&self.root, &self.authority, &pck, &self.signer].map(Issued::certificate);
        let chain =
            |certificates: &[Certificate]| pem(certificates).expect("certificates have a form in PEM");
        let mut quote = self.quote;
        if quote.certificates.is_empty() {
            quote.certificates = chain(&[leaf, authority.clone(), root.clone()]);
        }
        let documents = vec![
            Document::IntelRootRevocations(bounded(self.lists.root.sign(&root))),
            Document::IntelPckRevocations {
                list: bounded(self.lists.pck.sign(&authority)),
                certificates: bounded(chain(&[authority.clone(), root.clone()])),
            },
            Document::IntelTcbInfo(documents::sign(&self.info, &self.signer.key, &signer, &root)),
            Document::IntelQeIdentity(documents::sign(&self.identity, &self.signer.key, &signer, &root)),
        ];
        Forged {
            root: root.to_der().expect("a certificate has a form in DER"),
            documents,
            quote: quote.sign(&self.attestation, &self.platform).expect("the keys sign"),
            policy: self.policy,
            now: millis(self.now),
        }
    }
}

impl crate::Forged for Forged {
    fn with_anchors<T>(&self, then: impl FnOnce(&Anchors<'_>) -> T) -> T {
        then(&Anchors::danger_any(&self.root, &[], &[]))
    }

    fn documents(&self) -> &[Document] {
        &self.documents
    }

    fn evidence(&self) -> Vec<u8> {
        Evidence::Intel(bounded(self.quote.clone())).encode()
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn now(&self) -> Millis {
        self.now
    }
}

fn policy() -> Policy {
    let tcb = TcbRules {
        statuses: list([TcbStatus::UpToDate]),
        fmspcs: None,
        smt: true,
        cached_keys: true,
        dynamic_platform: true,
        evaluation_min: 20,
        ..TcbRules::default()
    };
    Policy {
        intel_sgx: Some(SgxRules { tcb: tcb.clone(), xfrm_allowed: 0xe7 }),
        intel_tdx: Some(TdxRules { tcb, xfam_allowed: 0x6_02e7 }),
        ..Policy::default()
    }
}

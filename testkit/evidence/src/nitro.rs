//! Documents of enclaves that AWS never ran.

mod cases;

pub use cases::cases;

use crate::{DAY, NOW, amd::signing_key, certificate::sign_anew, list, millis};
use ciborium::Value;
use codec::Encode as _;
use der::Encode as _;
use p384::ecdsa::{DerSignature, Signature, SigningKey, signature::Signer as _};
use phala_attest::{
    Anchors, Document, Evidence, Policy, Reference, danger_simulated::Template, nitro::Rules,
};
use phala_types::{Millis, worker::Tier};
use std::sync::OnceLock;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// ecdsa-with-SHA384 in DER.
const ECDSA_SHA384: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

/// The names of the certificates, root first, as AWS has them: the root, a region's, a zone's, an instance's, an enclave's.
const NAMES: [&str; 5] = ["root", "regional", "zonal", "instance", "enclave"];

/// A certificate that is to be made.
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
    fn sign(&self) -> Vec<u8> {
        let info =
            SubjectPublicKeyInfoOwned::from_key(self.key.verifying_key()).and_then(|it| Ok(it.to_der()?));
        sign_anew(self.template.clone(), &info.expect("a key has a form in DER"), ECDSA_SHA384, |body| {
            let signature: DerSignature = self.signed_by.sign(body);
            signature.as_bytes().to_vec()
        })
    }
}

/// How a document comes about. Everything in it may be changed before it is told to the end.
pub struct Story {
    /// When it is judged, in seconds.
    pub now: u64,
    /// The certificates, root first.
    pub certificates: Vec<Issued>,
    /// The fields of the payload. Those of the certificates are put in at the end, unless they are there.
    pub fields: Vec<(Value, Value)>,
    /// The protected header.
    pub protected: Vec<u8>,
    /// The unprotected header.
    pub unprotected: Vec<(Value, Value)>,
    /// Whether the document says that it is a COSE_Sign1.
    pub tagged: bool,
    /// Who signs it: the enclave's certificate, unless it is changed.
    pub key: SigningKey,
    /// By what policy it is judged: one that admits the true story.
    pub policy: Policy,
}

/// A document, and by what it is judged.
#[derive(Clone)]
pub struct Forged {
    /// The root in DER, which stands for AWS's.
    pub root: Vec<u8>,
    /// The document.
    pub document: Vec<u8>,
    /// The policy.
    pub policy: Policy,
    /// When.
    pub now: Millis,
}

impl Story {
    /// A story in which nothing is wrong.
    pub fn new() -> Self {
        let mut story = Self::without_references();
        static REFERENCE: OnceLock<Reference> = OnceLock::new();
        let reference = REFERENCE.get_or_init(|| {
            use crate::Forged as _;
            let claims = Self::without_references().finish().claims();
            let measurement = claims.expect("a true story is believed").measurement;
            let (not_before, not_after) = (millis(NOW - DAY), millis(NOW + DAY));
            Reference { tier: Tier::AwsNitro, measurement, not_before, not_after }
        });
        story.policy.references = list([reference.clone()]);
        story
    }

    fn without_references() -> Self {
        let name = |place: usize| format!("CN={}.nitro-enclaves,O=Forged for tests", NAMES[place]);
        let certificates = (0..NAMES.len()).map(|place| {
            let above = place.saturating_sub(1);
            let (subject, issuer) = (name(place), name(above));
            let template = match place {
                4 => Template::leaf(&subject, &issuer, 5),
                _ => Template::issuer(&subject, &issuer, 1),
            };
            Issued { template, key: signing_key(NAMES[place]), signed_by: signing_key(NAMES[above]) }
        });
        let register = |number: u8, byte: u8| (Value::from(number), Value::Bytes(vec![byte; 48]));
        let fields = vec![
            field("module_id", "i-0123456789abcdef0-enc0123456789abcdef"),
            field("digest", "SHA384"),
            field("timestamp", (NOW - 60) * 1000),
            field("pcrs", Value::Map(vec![register(0, 1), register(1, 2), register(2, 3), register(4, 4)])),
            field("public_key", Value::Null),
            field("user_data", Value::Bytes(vec![7; 64])),
            field("nonce", Value::Null),
        ];
        Self {
            now: NOW,
            certificates: certificates.collect(),
            fields,
            protected: vec![0xa1, 0x01, 0x38, 0x22],
            unprotected: Vec::new(),
            tagged: false,
            key: signing_key("enclave"),
            policy: Policy { aws_nitro: Some(Rules { age_max_ms: 3600 * 1000 }), ..Policy::default() },
        }
    }

    /// Puts a value into a field.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.remove(name);
        self.fields.push(field(name, value));
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(it, _)| it.as_text() != Some(name));
    }

    /// Tells the story to the end: everything is signed.
    pub fn finish(mut self) -> Forged {
        let certificates = self.certificates.iter().map(Issued::sign).collect::<Vec<_>>();
        let has = |name: &str| self.fields.iter().any(|(it, _)| it.as_text() == Some(name));
        let (leaf, bundle) = certificates.split_last().expect("a story has certificates");
        let mut more = Vec::new();
        if !has("certificate") {
            more.push(field("certificate", Value::Bytes(leaf.clone())));
        }
        if !has("cabundle") {
            more.push(field("cabundle", Value::Array(bundle.iter().cloned().map(Value::Bytes).collect())));
        }
        self.fields.extend(more);
        let payload = bytes(&Value::Map(self.fields));
        let signed = bytes(&Value::Array(vec![
            "Signature1".into(),
            Value::Bytes(self.protected.clone()),
            Value::Bytes(Vec::new()),
            Value::Bytes(payload.clone()),
        ]));
        let signature: Signature = self.key.sign(&signed);
        let document = Value::Array(vec![
            Value::Bytes(self.protected),
            Value::Map(self.unprotected),
            Value::Bytes(payload),
            Value::Bytes(signature.to_bytes().to_vec()),
        ]);
        let document = if self.tagged { Value::Tag(18, Box::new(document)) } else { document };
        let root = certificates.first().cloned().unwrap_or_default();
        Forged { root, document: bytes(&document), policy: self.policy, now: millis(self.now) }
    }
}

impl Default for Story {
    fn default() -> Self {
        Self::new()
    }
}

fn field(name: &str, value: impl Into<Value>) -> (Value, Value) {
    (name.into(), value.into())
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a vector takes all");
    bytes
}

impl crate::Forged for Forged {
    fn with_anchors<T>(&self, then: impl FnOnce(&Anchors<'_>) -> T) -> T {
        then(&Anchors::danger_any(&[], &[], &self.root))
    }

    fn documents(&self) -> &[Document] {
        &[]
    }

    fn evidence(&self) -> Vec<u8> {
        Evidence::AwsNitro(crate::bounded(self.document.clone())).encode()
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn now(&self) -> Millis {
        self.now
    }
}

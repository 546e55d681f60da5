//! Certificates signed by RSASSA-PSS, as AMD's are.

use super::{Kind, TCB, signing_key};
use crate::{DAY, NOW, certificate::sign_anew};
use core::time::Duration;
use der::{
    DateTime, Decode as _, Encode as _,
    asn1::{BitString, Ia5String, ObjectIdentifier, OctetString},
};
use phala_attest::{
    amd::{Product, Tcb},
    danger_simulated::{Template, derive_key},
};
use rsa::{
    RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey as _,
    pkcs8::EncodePublicKey as _,
    rand_core::{CryptoRng, Error, RngCore, impls},
    sha2::Sha384,
    signature::{RandomizedSigner as _, SignatureEncoding as _},
    traits::PublicKeyParts as _,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
};
use x509_cert::{
    Certificate,
    builder::{Builder as _, CrlBuilder},
    certificate::Rfc5280,
    crl::{CertificateList, RevokedCert},
    ext::{Extension, pkix::CrlNumber},
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

fn private_key(der: &[u8], cell: &'static OnceLock<RsaPrivateKey>) -> RsaPrivateKey {
    cell.get_or_init(|| RsaPrivateKey::from_pkcs1_der(der).expect("the file is a key")).clone()
}

/// The root's key.
pub(super) fn ark() -> RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    private_key(include_bytes!("ark.der"), &KEY)
}

/// The intermediate's key.
pub(super) fn ask() -> RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    private_key(include_bytes!("ask.der"), &KEY)
}

/// A key that vouches for nobody.
pub(super) fn stranger() -> RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    private_key(include_bytes!("stranger.der"), &KEY)
}

/// A certificate of the root or an intermediate.
#[derive(Clone)]
pub struct Issued {
    /// What it says.
    pub template: Template,
    /// Whether a stranger signs it.
    pub by_stranger: bool,
    /// Whose key it is of.
    of_root: bool,
}

impl Issued {
    /// The root of a product.
    pub fn ark(product: Product) -> Self {
        let name = format!("CN=ARK-{product:?},O=Forged for tests");
        Self { template: Template::issuer(&name, &name, 1), by_stranger: false, of_root: true }
    }

    /// The intermediate of chips or of clouds.
    pub fn intermediate(kind: Kind) -> Self {
        let product = kind.product();
        let root = format!("CN=ARK-{product:?},O=Forged for tests");
        let name = match kind {
            Kind::GenoaCloud => format!("CN=SEV-VLEK-{product:?},O=Forged for tests"),
            _ => format!("CN=SEV-{product:?},O=Forged for tests"),
        };
        Self { template: Template::issuer(&name, &root, 2), by_stranger: false, of_root: false }
    }

    pub(super) fn sign(&self, issuer: &RsaPrivateKey) -> Vec<u8> {
        let key = if self.of_root { ark() } else { ask() };
        let info = key.to_public_key().to_public_key_der().expect("a key has a form in DER");
        sign(self.template.clone(), info.as_bytes(), issuer)
    }
}

/// A certificate of a key that signs reports.
#[derive(Clone)]
pub struct Endorsement {
    /// What it says but for AMD's extensions.
    pub template: Template,
    /// Who signs it, if not the intermediate.
    pub by_stranger: bool,
    /// The versions under which the key was derived.
    pub tcb: Tcb,
    /// AMD's other extensions: name below AMD's own, and content.
    pub extensions: Vec<(&'static str, Vec<u8>)>,
    /// Whether the key is of another kind than AMD's.
    pub on_p256: bool,
}

impl Endorsement {
    /// Of a true story.
    pub fn new(kind: Kind) -> Self {
        let issuer = Issued::intermediate(kind).template.subject;
        let subject = if kind == Kind::GenoaCloud { "SEV-VLEK" } else { "SEV-VCEK" };
        let template = Template {
            is_bare: true,
            ..Template::leaf(&format!("CN={subject},O=Forged for tests"), &issuer, 3)
        };
        let text = |text: &str| Ia5String::new(text).and_then(|it| it.to_der()).expect("it is ASCII");
        let mut extensions = vec![
            ("1", vec![2, 1, 1]),
            (
                "2",
                text(match kind {
                    Kind::Turin => "Turin",
                    _ => "Genoa-B1",
                }),
            ),
        ];
        extensions.push(match kind {
            Kind::Genoa => ("4", vec![9; 64]),
            Kind::Turin => ("4", vec![9; 8]),
            Kind::GenoaCloud => ("5", text("cc-eu-west-1.example.com")),
        });
        Self { template, by_stranger: false, tcb: TCB, extensions, on_p256: false }
    }

    pub(super) fn sign(mut self, issuer: &RsaPrivateKey) -> Vec<u8> {
        let Tcb { fmc, boot_loader, tee, snp, microcode } = self.tcb;
        let versions = [("3.1", boot_loader), ("3.2", tee), ("3.3", snp), ("3.8", microcode), ("3.9", fmc)];
        for (name, version) in versions {
            // What a story has put in already stands.
            if !self.extensions.iter().any(|(it, _)| *it == name) {
                self.extensions.push((name, version.to_der().expect("a number has a form in DER")));
            }
        }
        self.template.extensions =
            self.extensions.iter().map(|(name, content)| extension(name, content)).collect();
        let info = if self.on_p256 {
            let key = derive_key(b"forged evidence", "endorsement").expect("a key is found in 256 tries");
            SubjectPublicKeyInfoOwned::from_key(key.verifying_key())
        } else {
            SubjectPublicKeyInfoOwned::from_key(signing_key("endorsement").verifying_key())
        };
        let info = info.and_then(|info| Ok(info.to_der()?)).expect("a key has a form in DER");
        let issuer = if self.by_stranger { &stranger() } else { issuer };
        sign(self.template, &info, issuer)
    }
}

/// One of AMD's extensions.
pub(super) fn extension(name: &str, content: &[u8]) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new(&format!("1.3.6.1.4.1.3704.1.{name}")).expect("it is a name"),
        critical: false,
        extn_value: OctetString::new(content).expect("it is short"),
    }
}

/// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes, in DER.
const PSS: &str = "304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886f70d0101\
    08300d06096086480165030402020500a203020130a303020101";
/// A certificate of the key with `info`, signed as AMD signs.
fn sign(template: Template, info: &[u8], issuer: &RsaPrivateKey) -> Vec<u8> {
    let pss = hex::decode(PSS).expect("it is hexadecimal");
    sign_anew(template, info, &pss, |body| pss_signature(issuer, body))
}

/// Signs, or remembers: most stories have the same certificates, and a signature takes 30 ms.
fn pss_signature(key: &RsaPrivateKey, message: &[u8]) -> Vec<u8> {
    static SIGNATURES: Mutex<BTreeMap<(Vec<u8>, Vec<u8>), Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut signatures = SIGNATURES.lock().expect("nobody panics here");
    let place = (key.n().to_bytes_be(), message.to_vec());
    let sign = || {
        let key = rsa::pss::SigningKey::<Sha384>::new(key.clone());
        key.sign_with_rng(&mut Salt(1), message).to_vec()
    };
    signatures.entry(place).or_insert_with(sign).clone()
}

/// Salts that are the same each time: these signatures protect nothing.
struct Salt(u64);

impl RngCore for Salt {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        impls::fill_bytes_via_next(self, bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Salt {}

/// The revocation list of a root, in DER.
pub(super) fn revocations(root: &[u8], revoked: &[u32], ends: u64) -> Vec<u8> {
    let root = Certificate::from_der(root).expect("it was made here");
    let time = |seconds| {
        DateTime::from_unix_duration(Duration::from_secs(seconds)).expect("the time is before 9999").into()
    };
    let entries = revoked.iter().map(|serial| RevokedCert {
        serial_number: SerialNumber::from(*serial),
        revocation_date: time(NOW - DAY),
        crl_entry_extensions: None,
    });
    let number = CrlNumber::try_from(1u64).expect("one is a number");
    let builder = CrlBuilder::<Rfc5280>::new_with_this_update(&root, number, time(NOW - DAY))
        .expect("the root can issue")
        .with_next_update(Some(time(ends)))
        .with_certificates(entries);
    let other = derive_key(b"forged evidence", "any").expect("a key is found in 256 tries");
    let mut list: CertificateList =
        builder.build::<_, p256::ecdsa::DerSignature>(&other).expect("the list can be signed");
    let pss = hex::decode(PSS).expect("it is hexadecimal");
    let algorithm = AlgorithmIdentifierOwned::from_der(&pss).expect("it is an algorithm");
    list.tbs_cert_list.signature = algorithm.clone();
    list.signature_algorithm = algorithm;
    let body = list.tbs_cert_list.to_der().expect("a list has a form in DER");
    list.signature = BitString::from_bytes(&pss_signature(&ark(), &body)).expect("a signature has bits");
    list.to_der().expect("a list has a form in DER")
}

//! The keys of the development root, and quotes made with them. Whoever links this can forge any simulated worker,
//! which is what a simulated worker is.
//!
//! Only `phala-worker-sim` and tests have it. Neither the chain's runtime nor a production worker may.
//!
//! Root and intermediate are the same everywhere: their keys come from a constant. A [`Machine`] has keys of its own.

use crate::{
    Evidence,
    intel::{
        SGX_EXTENSION,
        quote::{QE_VENDOR_INTEL, REPORT_BYTES},
    },
    simulated::{FMSPC, QE_PRODUCT, USER_DATA, qe_signer},
};
use alloc::{format, string::String, vec, vec::Vec};
use codec::Encode as _;
use core::{str::FromStr, time::Duration};
use der::{
    DateTime, Encode as _, EncodePem as _, Tag,
    asn1::{Any, ObjectIdentifier, OctetString},
    pem::LineEnding,
};
use p256::ecdsa::{DerSignature, Signature, SigningKey, signature, signature::Signer};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    Certificate, TbsCertificate,
    builder::{Builder, CertificateBuilder, Result, profile::BuilderProfile},
    ext::{
        Extension, ToExtension,
        pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef},
    time::{Time, Validity},
};

pub use x509_cert::builder::Error;

/// 2026-01-01T00:00:00Z in seconds: when simulated certificates begin.
pub const VALID_FROM_SECONDS: u64 = 1_767_225_600;
/// 2049-12-31T23:59:59Z in seconds: when they end.
pub const VALID_UNTIL_SECONDS: u64 = 2_524_607_999;

/// From what the keys of root and intermediate are derived. Public, as they are.
const SEED: &[u8] = b"SOFTWARE TEE DEVELOPMENT KEYS - NOT SECURE";
/// Subject of the root.
const ROOT_NAME: &str = "CN=SOFTWARE TEE DEVELOPMENT ROOT - NOT SECURE,O=DEV ONLY,C=XX";
/// Subject of the intermediate. Verifiers of Intel's take the kind of CA from the word "Platform".
const INTERMEDIATE_NAME: &str = "CN=Dev SGX PCK Platform CA - NOT SECURE,O=DEV ONLY,C=XX";
/// Subject of a machine's certificate.
const LEAF_NAME: &str = "CN=Dev SGX PCK Certificate - NOT SECURE,O=DEV ONLY,C=XX";

/// A P-256 key from a seed: SHA-256 over seed, label and the first counter for which that is a key.
pub fn derive_key(seed: &[u8], label: &str) -> Result<SigningKey> {
    (0u8..=u8::MAX)
        .find_map(|counter| {
            let digest =
                Sha256::new().chain_update(seed).chain_update(label).chain_update([counter]).finalize();
            SigningKey::from_slice(&digest).ok()
        })
        .ok_or_else(|| signature::Error::new().into())
}

/// What goes into a certificate.
#[derive(Clone)]
pub struct Template {
    /// Subject in RFC 4514's form.
    pub subject: String,
    /// Issuer in RFC 4514's form.
    pub issuer: String,
    /// basicConstraints' cA.
    pub is_ca: bool,
    /// keyUsage.
    pub usage: KeyUsage,
    /// Seconds since 1970.
    pub valid_from_seconds: u64,
    /// Seconds since 1970.
    pub valid_until_seconds: u64,
    /// Serial number.
    pub serial: u32,
    /// Further extensions.
    pub extensions: Vec<Extension>,
    /// Whether it has no extension but those: neither what it may be used for nor the names of keys.
    pub is_bare: bool,
}

impl Template {
    /// A CA's.
    pub fn issuer(subject: &str, issuer: &str, serial: u32) -> Self {
        let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
        Self { is_ca: true, usage, ..Self::leaf(subject, issuer, serial) }
    }

    /// A leaf's.
    pub fn leaf(subject: &str, issuer: &str, serial: u32) -> Self {
        Self {
            subject: subject.into(),
            issuer: issuer.into(),
            is_ca: false,
            usage: KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation),
            valid_from_seconds: VALID_FROM_SECONDS,
            valid_until_seconds: VALID_UNTIL_SECONDS,
            serial,
            extensions: Vec::new(),
            is_bare: false,
        }
    }

    /// The certificate of `key`, signed by `issuer_key`.
    pub fn sign(self, key: &SigningKey, issuer_key: &SigningKey) -> Result<Certificate> {
        self.sign_info(SubjectPublicKeyInfo::from_key(key.verifying_key())?, issuer_key)
    }

    /// The certificate of a key of any kind, signed by `issuer_key`.
    pub fn sign_info(self, info: SubjectPublicKeyInfoOwned, issuer_key: &SigningKey) -> Result<Certificate> {
        let validity = Validity::new(time(self.valid_from_seconds)?, time(self.valid_until_seconds)?);
        let serial = SerialNumber::from(self.serial);
        let profile = Profile {
            subject: Name::from_str(&self.subject)?,
            issuer: Name::from_str(&self.issuer)?,
            template: self,
        };
        CertificateBuilder::new(profile, serial, validity, info)?.build::<_, DerSignature>(issuer_key)
    }
}

fn time(seconds: u64) -> Result<Time> {
    Ok(DateTime::from_unix_duration(Duration::from_secs(seconds))?.into())
}

struct Profile {
    subject: Name,
    issuer: Name,
    template: Template,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        if self.template.is_bare {
            return Ok(self.template.extensions.clone());
        }
        let subject = tbs.subject();
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(SubjectKeyIdentifier::try_from(issuer_key)?.0),
            ..Default::default()
        };
        let constraints = BasicConstraints { ca: self.template.is_ca, path_len_constraint: None };
        let mut extensions = vec![
            constraints.to_extension(subject, &[])?,
            self.template.usage.to_extension(subject, &[])?,
            SubjectKeyIdentifier::try_from(key)?.to_extension(subject, &[])?,
            authority.to_extension(subject, &[])?,
        ];
        extensions.extend(self.template.extensions.iter().cloned());
        Ok(extensions)
    }
}

/// The root's key.
pub fn root_key() -> Result<SigningKey> {
    derive_key(SEED, "root")
}

/// The root: [`crate::simulated::DEVELOPMENT_ROOT`] is its DER.
pub fn root_certificate() -> Result<Certificate> {
    let key = root_key()?;
    Template::issuer(ROOT_NAME, ROOT_NAME, 1).sign(&key, &key)
}

/// The intermediate's key.
pub fn intermediate_key() -> Result<SigningKey> {
    derive_key(SEED, "intermediate")
}

/// The intermediate.
pub fn intermediate_certificate() -> Result<Certificate> {
    Template::issuer(INTERMEDIATE_NAME, ROOT_NAME, 2).sign(&intermediate_key()?, &root_key()?)
}

/// A simulated machine: what stands for the processor and its quoting enclave.
pub struct Machine {
    platform_key: SigningKey,
    attestation_key: SigningKey,
    instance: [u8; 16],
}

impl Machine {
    /// The machine that a seed stands for.
    pub fn new(seed: &[u8; 32]) -> Result<Self> {
        let digest = Sha256::new().chain_update(seed).chain_update("instance").finalize();
        let instance = digest.iter().copied().zip(0u8..16).map(|(byte, _)| byte).collect::<Vec<_>>();
        Ok(Self {
            platform_key: derive_key(seed, "pck")?,
            attestation_key: derive_key(seed, "attestation")?,
            instance: instance.try_into().unwrap_or_default(),
        })
    }

    /// Which machine it is, as its certificate says.
    pub fn instance(&self) -> [u8; 16] {
        self.instance
    }

    /// SCALE of an [`Evidence`] for a program and the report data that it chose.
    pub fn evidence(&self, measurement: [u8; 32], report_data: [u8; 64]) -> Result<Vec<u8>> {
        let quote = self.draft(measurement, report_data)?.finish(self)?;
        let quote = quote.try_into().map_err(|_| signature::Error::new())?;
        Ok(Evidence::Simulated(quote).encode())
    }

    /// A quote that is yet to be signed, so that a test can spoil it first.
    pub fn draft(&self, measurement: [u8; 32], report_data: [u8; 64]) -> Result<Draft> {
        let point = self.attestation_key.verifying_key().to_sec1_point(false);
        let attestation_key = point.as_bytes().get(1..).unwrap_or_default().to_vec();
        let qe_authentication = vec![0; 32];
        let mut bound = [0; 64];
        let hash = Sha256::new().chain_update(&attestation_key).chain_update(&qe_authentication).finalize();
        bound.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        let signer = Sha256::digest(b"SOFTWARE-TEE-MRSIGNER").into();
        Ok(Draft {
            header: header(),
            report: report(ATTRIBUTES_INIT | ATTRIBUTES_DEBUG, measurement, signer, 1, report_data),
            attestation_key,
            qe_report: report(ATTRIBUTES_INIT, [0; 32], qe_signer(), QE_PRODUCT, bound),
            qe_authentication,
            certification_type: 5,
            certificates: pem(&[
                self.certificate_template()?.sign(&self.platform_key, &intermediate_key()?)?,
                intermediate_certificate()?,
                root_certificate()?,
            ])?,
        })
    }

    /// What goes into the machine's certificate.
    pub fn certificate_template(&self) -> Result<Template> {
        let extension = sgx_extension(&PlatformClaims::simulated(self.instance))?;
        Ok(Template { extensions: vec![extension], ..Template::leaf(LEAF_NAME, INTERMEDIATE_NAME, 3) })
    }

    /// The key that its certificate is for.
    pub fn platform_key(&self) -> &SigningKey {
        &self.platform_key
    }
}

/// A chain in PEM, leaf first.
pub fn pem(certificates: &[Certificate]) -> Result<Vec<u8>> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str(&certificate.to_pem(LineEnding::LF)?);
    }
    Ok(text.into_bytes())
}

/// A quote that is yet to be signed.
#[derive(Clone)]
pub struct Draft {
    /// 48 bytes, and what a quote of version 5 has after them.
    pub header: Vec<u8>,
    /// The body: 384 bytes of an enclave.
    pub report: Vec<u8>,
    /// x and y.
    pub attestation_key: Vec<u8>,
    /// 384 bytes.
    pub qe_report: Vec<u8>,
    /// At most 65535 bytes.
    pub qe_authentication: Vec<u8>,
    /// 5 for a PEM chain.
    pub certification_type: u16,
    /// PEM, leaf first.
    pub certificates: Vec<u8>,
}

impl Draft {
    /// Signs it with the machine's keys and puts it together.
    pub fn finish(self, machine: &Machine) -> Result<Vec<u8>> {
        self.sign(&machine.attestation_key, &machine.platform_key)
    }

    /// Signs it with these keys and puts it together, in the form of the version that its header says.
    pub fn sign(self, attestation_key: &SigningKey, platform_key: &SigningKey) -> Result<Vec<u8>> {
        let is_nested = self.header.first().is_some_and(|version| *version > 3);
        let mut quote = [self.header, self.report].concat();
        let signature: Signature = attestation_key.try_sign(&quote)?;
        let qe_signature: Signature = platform_key.try_sign(&self.qe_report)?;
        let mut certification = [
            self.qe_report,
            qe_signature.to_bytes().to_vec(),
            u16::try_from(self.qe_authentication.len()).unwrap_or(u16::MAX).to_le_bytes().to_vec(),
            self.qe_authentication,
            self.certification_type.to_le_bytes().to_vec(),
            counted(self.certificates),
        ]
        .concat();
        if is_nested {
            // Type 6: the quoting enclave's report and what certifies it.
            certification = [vec![6, 0], counted(certification)].concat();
        }
        let authentication = [signature.to_bytes().to_vec(), self.attestation_key, certification].concat();
        quote.extend(counted(authentication));
        Ok(quote)
    }
}

fn counted(bytes: Vec<u8>) -> Vec<u8> {
    [u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec(), bytes].concat()
}

const ATTRIBUTES_INIT: u8 = 0x01;
const ATTRIBUTES_DEBUG: u8 = 0x02;
/// CPUSVN, PCESVN: any, as nothing is behind them.
const CPU_SVN: [u8; 16] = [1; 16];
const PCE_SVN: u16 = 13;

fn header() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    // Version 3, ECDSA over P-256, SGX, QE SVN 1.
    bytes.extend([3, 0, 2, 0, 0, 0, 0, 0, 1, 0]);
    bytes.extend(PCE_SVN.to_le_bytes());
    bytes.extend(QE_VENDOR_INTEL);
    bytes.extend(USER_DATA);
    bytes
}

fn report(
    flags: u8,
    measurement: [u8; 32],
    signer: [u8; 32],
    product: u16,
    report_data: [u8; 64],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(REPORT_BYTES);
    bytes.extend(CPU_SVN);
    bytes.extend([0; 4 + 28]);
    bytes.push(flags);
    bytes.extend([0; 15]);
    bytes.extend(measurement);
    bytes.extend([0; 32]);
    bytes.extend(signer);
    bytes.extend([0; 96]);
    bytes.extend(product.to_le_bytes());
    // ISVSVN 1.
    bytes.extend([1, 0]);
    bytes.extend([0; 60]);
    bytes.extend(report_data);
    bytes
}

#[derive(der::Sequence)]
struct Item {
    name: ObjectIdentifier,
    value: Any,
}

/// What a PCK certificate says of its machine.
#[derive(Clone, Debug)]
pub struct PlatformClaims {
    /// PPID.
    pub ppid: [u8; 16],
    /// SVNs of the components.
    pub cpu_svn: [u8; 16],
    /// PCE SVN.
    pub pce_svn: u16,
    /// PCE id.
    pub pce_id: [u8; 2],
    /// FMSPC.
    pub fmspc: [u8; 6],
    /// Platform instance id, and whether the platform is dynamic, has cached keys and SMT.
    pub instance: Option<([u8; 16], [bool; 3])>,
}

impl PlatformClaims {
    /// Of a simulated machine.
    pub fn simulated(instance: [u8; 16]) -> Self {
        Self {
            ppid: *b"SOFTWARE-TEE-DEV",
            cpu_svn: CPU_SVN,
            pce_svn: PCE_SVN,
            pce_id: [0; 2],
            fmspc: FMSPC,
            instance: Some((instance, [false; 3])),
        }
    }
}

/// Intel's SGX extension with the given claims.
pub fn sgx_extension(claims: &PlatformClaims) -> Result<Extension> {
    let item = |suffix: &str, value: Any| -> Result<Item> {
        let name = format!("{SGX_EXTENSION}.{suffix}");
        Ok(Item { name: ObjectIdentifier::new(&name).map_err(der::Error::from)?, value })
    };
    let octets = |bytes: &[u8]| Any::new(Tag::OctetString, bytes);
    let mut tcb = Vec::new();
    for (component, svn) in (1u8..).zip(claims.cpu_svn) {
        tcb.push(item(&format!("2.{component}"), Any::encode_from(&svn)?)?);
    }
    tcb.push(item("2.17", Any::encode_from(&claims.pce_svn)?)?);
    tcb.push(item("2.18", octets(&claims.cpu_svn)?)?);
    let mut items = vec![
        item("1", octets(&claims.ppid)?)?,
        item("2", Any::encode_from(&tcb)?)?,
        item("3", octets(&claims.pce_id)?)?,
        item("4", octets(&claims.fmspc)?)?,
        // SGX type: scalable.
        item("5", Any::new(Tag::Enumerated, [1])?)?,
    ];
    if let Some((instance, flags)) = &claims.instance {
        items.push(item("6", octets(instance)?)?);
        let mut configuration = Vec::new();
        for (name, flag) in ["7.1", "7.2", "7.3"].into_iter().zip(flags) {
            configuration.push(item(name, Any::encode_from(flag)?)?);
        }
        items.push(item("7", Any::encode_from(&configuration)?)?);
    }
    Ok(Extension { extn_id: SGX_EXTENSION, critical: false, extn_value: OctetString::new(items.to_der()?)? })
}

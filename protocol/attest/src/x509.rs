//! Certificate chains of P-256 keys, as quotes carry them (RFC 5280, as far as those chains use it).
//!
//! Not checked: revocation, since it takes lists that a caller would have to bring. The simulated platform has none.

use crate::AppraisalError;
use alloc::vec::Vec;
use der::{
    Decode, DecodePem, Encode, EncodePem, Tag, Tagged,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
    oid::AssociatedOid,
    pem::LineEnding,
};
use p256::ecdsa::{DerSignature, VerifyingKey, signature::Verifier};
use phala_types::Millis;
use x509_cert::{
    Certificate, Version,
    ext::pkix::{BasicConstraints, KeyUsage},
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

/// ecdsa-with-SHA256, RFC 5758 section 3.2.
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// id-ecPublicKey, RFC 5480 section 2.1.1.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1, RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// Intel's SGX extension of a PCK certificate ("SGX PCK Certificate and Certificate Revocation List Profile
/// Specification", section 1.3.5).
pub(crate) const SGX_EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");
/// The FMSPC in it.
const SGX_FMSPC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1.4");
/// The platform instance id in it.
const SGX_PLATFORM_INSTANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1.6");

const PEM_BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----\n";
const PEM_END: &[u8] = b"-----END CERTIFICATE-----\n";

/// A leaf whose chain was verified up to the pinned root.
pub(crate) struct Leaf {
    certificate: Certificate,
    /// Its key.
    pub key: VerifyingKey,
}

/// Verifies the chain leaf, intermediate, root in PEM, where the root has to be `root_der` to the byte.
pub(crate) fn verify_chain(pem: &[u8], root_der: &[u8], now: Millis) -> Result<Leaf, AppraisalError> {
    let [leaf, intermediate, root] = read_pem_chain(pem)?;
    if root.to_der().ok().as_deref() != Some(root_der) {
        return Err(AppraisalError::ForeignRoot);
    }
    let root_key = check(&root, Role::Issuer, now)?;
    let intermediate_key = check(&intermediate, Role::Issuer, now)?;
    let key = check(&leaf, Role::Leaf, now)?;
    check_issued_by(&intermediate, &root, &root_key)?;
    check_issued_by(&leaf, &intermediate, &intermediate_key)?;
    Ok(Leaf { certificate: leaf, key })
}

/// What is used of Intel's SGX extension.
pub(crate) struct SgxPlatform {
    /// Family, model, stepping, platform type and SKU.
    pub fmspc: [u8; 6],
    /// Which machine.
    pub instance: [u8; 16],
}

impl Leaf {
    /// Reads the SGX extension: a sequence of pairs of a name and a value, each name once.
    pub(crate) fn sgx_platform(&self) -> Result<SgxPlatform, AppraisalError> {
        let malformed = AppraisalError::MalformedPlatform;
        let mut extensions = self
            .certificate
            .tbs_certificate()
            .extensions()
            .into_iter()
            .flatten()
            .filter(|extension| extension.extn_id == SGX_EXTENSION);
        let (Some(extension), None) = (extensions.next(), extensions.next()) else {
            return Err(malformed);
        };
        let items = Vec::<AnyRef>::from_der(extension.extn_value.as_bytes()).map_err(|_| malformed)?;
        let mut fmspc = None;
        let mut instance = None;
        for item in items {
            let pair = item.sequence(|reader| {
                Ok::<_, der::Error>((ObjectIdentifier::decode(reader)?, AnyRef::decode(reader)?))
            });
            let (name, value) = pair.map_err(|_| malformed)?;
            match name {
                SGX_FMSPC if fmspc.is_none() => fmspc = Some(octets(value).ok_or(malformed)?),
                SGX_PLATFORM_INSTANCE if instance.is_none() => {
                    instance = Some(octets(value).ok_or(malformed)?);
                }
                SGX_FMSPC | SGX_PLATFORM_INSTANCE => return Err(malformed),
                _ => {}
            }
        }
        Ok(SgxPlatform { fmspc: fmspc.ok_or(malformed)?, instance: instance.ok_or(malformed)? })
    }
}

fn octets<const N: usize>(value: AnyRef<'_>) -> Option<[u8; N]> {
    if value.tag() != Tag::OctetString {
        return None;
    }
    value.decode_as::<&OctetStringRef>().ok()?.as_bytes().try_into().ok()
}

/// Reads exactly three certificates and nothing before, between or after them.
///
/// Each is encoded again and compared, so that there is one way to write a certificate: the PEM reader of `der` 0.8
/// lets a wrong length of an inner sequence pass.
fn read_pem_chain(mut pem: &[u8]) -> Result<[Certificate; 3], AppraisalError> {
    let malformed = AppraisalError::MalformedCertificates;
    let mut next = || {
        if !pem.starts_with(PEM_BEGIN) {
            return Err(malformed);
        }
        let end = pem.windows(PEM_END.len()).position(|window| window == PEM_END).ok_or(malformed)?;
        let length = end.checked_add(PEM_END.len()).ok_or(malformed)?;
        let (one, rest) = pem.split_at_checked(length).ok_or(malformed)?;
        pem = rest;
        let certificate = Certificate::from_pem(one).map_err(|_| malformed)?;
        let again = certificate.to_pem(LineEnding::LF).map_err(|_| malformed)?;
        if again.as_bytes() == one { Ok(certificate) } else { Err(malformed) }
    };
    let chain = [next()?, next()?, next()?];
    if pem.is_empty() { Ok(chain) } else { Err(malformed) }
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Issuer,
    Leaf,
}

/// Checks all that a certificate says of itself, and returns its key.
fn check(certificate: &Certificate, role: Role, now: Millis) -> Result<VerifyingKey, AppraisalError> {
    let tbs = certificate.tbs_certificate();
    let unsupported = AppraisalError::UnsupportedCertificate;
    if tbs.version() != Version::V3
        || !is_ecdsa_with_sha256(certificate.signature_algorithm())
        || !is_ecdsa_with_sha256(tbs.signature())
    {
        return Err(unsupported);
    }
    let known = |oid: ObjectIdentifier| oid == BasicConstraints::OID || oid == KeyUsage::OID;
    if tbs.extensions().into_iter().flatten().any(|e| e.critical && !known(e.extn_id)) {
        return Err(unsupported);
    }

    let now = core::time::Duration::from_millis(now.value());
    if now < tbs.validity().not_before.to_unix_duration() {
        return Err(AppraisalError::CertificateNotYetValid);
    }
    if now > tbs.validity().not_after.to_unix_duration() {
        return Err(AppraisalError::CertificateExpired);
    }

    let misused = AppraisalError::CertificateMisused;
    let (_, constraints) = tbs.get_extension::<BasicConstraints>().map_err(|_| misused)?.ok_or(misused)?;
    let (_, usage) = tbs.get_extension::<KeyUsage>().map_err(|_| misused)?.ok_or(misused)?;
    let is_fit = match role {
        Role::Issuer => constraints.ca && usage.key_cert_sign(),
        Role::Leaf => !constraints.ca && usage.digital_signature() && !usage.key_cert_sign(),
    };
    if !is_fit {
        return Err(misused);
    }
    p256_key(tbs.subject_public_key_info()).ok_or(unsupported)
}

fn is_ecdsa_with_sha256(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.oid == ECDSA_WITH_SHA256 && algorithm.parameters.is_none()
}

fn p256_key(info: &SubjectPublicKeyInfoOwned) -> Option<VerifyingKey> {
    let curve = info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
    if info.algorithm.oid != EC_PUBLIC_KEY || curve != P256 {
        return None;
    }
    VerifyingKey::from_sec1_bytes(info.subject_public_key.as_bytes()?).ok()
}

/// Checks name and signature. What is verified is the certificate as it was understood, encoded again.
fn check_issued_by(
    certificate: &Certificate,
    issuer: &Certificate,
    issuer_key: &VerifyingKey,
) -> Result<(), AppraisalError> {
    if certificate.tbs_certificate().issuer() != issuer.tbs_certificate().subject() {
        return Err(AppraisalError::WrongIssuer);
    }
    let bad = AppraisalError::CertificateSignature;
    let signed = certificate.tbs_certificate().to_der().map_err(|_| bad)?;
    let signature =
        DerSignature::from_bytes(certificate.signature().as_bytes().ok_or(bad)?).map_err(|_| bad)?;
    issuer_key.verify(&signed, &signature).map_err(|_| bad)
}

//! Certificates and their chains, as evidence carries them (RFC 5280, as far as those chains use it).
//!
//! What is verified is a certificate as it was understood: it is encoded again, and one that was not written that way is
//! refused. Not checked here: revocation, which takes lists that [`crate::revocation`] reads.

use crate::AppraisalError;
use alloc::vec::Vec;
use der::{
    Decode, Encode,
    asn1::{AnyRef, BitString, ObjectIdentifier},
    oid::AssociatedOid,
    pem::LineEnding,
};
use p256::ecdsa::signature::Verifier;
use phala_types::{Bytes, Digest, Millis};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    Certificate, Version,
    ext::pkix::{BasicConstraints, KeyUsage},
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

/// ecdsa-with-SHA256, RFC 5758 section 3.2.
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// ecdsa-with-SHA384, RFC 5758 section 3.2.
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
/// id-ecPublicKey, RFC 5480 section 2.1.1.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1, RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// secp384r1, RFC 5480 section 2.1.1.1.
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

const PEM_END: &[u8] = b"-----END CERTIFICATE-----\n";

/// A serial number: RFC 5280 section 4.1.2.2 allows 20 octets, and a sign in front of them.
pub type Serial = Bytes<21>;

/// What a certificate is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// To sign other certificates, with so many intermediates at most below it.
    Issuer {
        /// How many intermediates are below it.
        below: u8,
    },
    /// To sign something that is no certificate.
    Leaf,
}

/// A public key of a certificate.
#[derive(Clone)]
pub(crate) enum Key {
    /// On P-256, with SHA-256.
    P256(p256::ecdsa::VerifyingKey),
    /// On P-384, with SHA-384.
    P384(p384::ecdsa::VerifyingKey),
}

impl Key {
    /// Whether a signature in DER is this key's.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &BitString) -> bool {
        let Some(signature) = signature.as_bytes() else { return false };
        match self {
            Self::P256(key) => p256::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }

    /// Whether a signature, r and s in a row and big-endian, is this key's.
    pub(crate) fn has_signed_raw(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }

    /// Whether an algorithm is the one that this key signs with.
    pub(crate) fn signs_by(&self, algorithm: &AlgorithmIdentifierOwned) -> bool {
        let oid = match self {
            Self::P256(_) => ECDSA_WITH_SHA256,
            Self::P384(_) => ECDSA_WITH_SHA384,
        };
        algorithm.oid == oid && algorithm.parameters.is_none()
    }
}

/// The key at x and y on P-256, as quotes carry it.
pub(crate) fn p256_from_coordinates(coordinates: &[u8; 64]) -> Option<Key> {
    let mut uncompressed = [0x04; 65];
    uncompressed.get_mut(1..)?.copy_from_slice(coordinates);
    p256::ecdsa::VerifyingKey::from_sec1_bytes(&uncompressed).ok().map(Key::P256)
}

/// One certificate that was read, and nothing of which is verified.
pub(crate) fn from_der(bytes: &[u8]) -> Result<Certificate, AppraisalError> {
    let malformed = AppraisalError::MalformedCertificates;
    let certificate = Certificate::from_der(bytes).map_err(|_| malformed)?;
    if certificate.to_der().map_err(|_| malformed)? == bytes { Ok(certificate) } else { Err(malformed) }
}

/// Exactly `N` certificates in PEM (RFC 7468), leaf first, in the one form in which Intel writes them: lines of 64, each
/// ended by a line feed, and nothing between. The text may end as one of C does, since the quoting enclave's does.
pub(crate) fn from_pem_chain<const N: usize>(text: &[u8]) -> Result<[Certificate; N], AppraisalError> {
    let malformed = AppraisalError::MalformedCertificates;
    let mut rest = text.strip_suffix(&[0]).unwrap_or(text);
    let mut chain = Vec::with_capacity(N);
    while chain.len() < N {
        let end = rest.windows(PEM_END.len()).position(|window| window == PEM_END).ok_or(malformed)?;
        let (one, after) = rest.split_at_checked(end.saturating_add(PEM_END.len())).ok_or(malformed)?;
        rest = after;
        // Decoded to bytes first: the PEM reader of `der` 0.8 lets a wrong length of an inner sequence pass.
        let (_, bytes) = der::pem::decode_vec(one).map_err(|_| malformed)?;
        let again = der::pem::encode_string("CERTIFICATE", LineEnding::LF, &bytes).map_err(|_| malformed)?;
        if again.as_bytes() != one {
            return Err(malformed);
        }
        chain.push(from_der(&bytes)?);
    }
    if rest.is_empty() { chain.try_into().map_err(|_| malformed) } else { Err(malformed) }
}

/// A chain that was verified up to its root.
pub(crate) struct Path<const N: usize> {
    /// The certificates, leaf first, the root included.
    pub certificates: [Certificate; N],
    /// The leaf's key.
    pub key: Key,
    /// When the first certificate of it ends.
    pub valid_until: Millis,
}

/// Verifies a chain, leaf first, that has to end in the very certificate `root_der`. What the leaf is for is `used`.
pub(crate) fn verify_path<const N: usize>(
    certificates: [Certificate; N],
    root_der: &[u8],
    used: Use,
    now: Millis,
) -> Result<Path<N>, AppraisalError> {
    let (key, valid_until) = verify_chain(&certificates, root_der, used, now)?;
    Ok(Path { certificates, key, valid_until })
}

/// The same of a chain of any length: the leaf's key, and when the first certificate ends.
pub(crate) fn verify_chain(
    certificates: &[Certificate],
    root_der: &[u8],
    used: Use,
    now: Millis,
) -> Result<(Key, Millis), AppraisalError> {
    if certificates.last().and_then(|root| root.to_der().ok()).as_deref() != Some(root_der) {
        return Err(AppraisalError::ForeignRoot);
    }
    let mut issuer: Option<(&Certificate, Key)> = None;
    let mut valid_until = Millis::new(u64::MAX);
    for (position, certificate) in certificates.iter().enumerate().rev() {
        let used = match u8::try_from(position).map(|position| position.checked_sub(1)) {
            Ok(Some(below)) => Use::Issuer { below },
            _ => used,
        };
        check(certificate, used, now)?;
        let key = key(certificate.tbs_certificate().subject_public_key_info())
            .ok_or(AppraisalError::UnsupportedCertificate)?;
        if let Some((issuer, issuer_key)) = &issuer {
            check_issued_by(certificate, issuer, issuer_key)?;
        }
        valid_until = valid_until.min(ends(certificate));
        issuer = Some((certificate, key));
    }
    let (_, key) = issuer.ok_or(AppraisalError::MalformedCertificates)?;
    Ok((key, valid_until))
}

/// Checks what a certificate says of itself: version, dates, what it may be used for, and that nothing critical is unknown.
pub(crate) fn check(certificate: &Certificate, used: Use, now: Millis) -> Result<(), AppraisalError> {
    let tbs = certificate.tbs_certificate();
    let known = |oid: ObjectIdentifier| oid == BasicConstraints::OID || oid == KeyUsage::OID;
    if tbs.version() != Version::V3
        || certificate.signature_algorithm() != tbs.signature()
        || tbs
            .extensions()
            .into_iter()
            .flatten()
            .any(|extension| extension.critical && !known(extension.extn_id))
    {
        return Err(AppraisalError::UnsupportedCertificate);
    }
    check_dates(certificate, now)?;

    let misused = AppraisalError::CertificateMisused;
    let (_, constraints) = tbs.get_extension::<BasicConstraints>().map_err(|_| misused)?.ok_or(misused)?;
    let (_, usage) = tbs.get_extension::<KeyUsage>().map_err(|_| misused)?.ok_or(misused)?;
    let is_fit = match used {
        Use::Issuer { below } => {
            constraints.ca
                && usage.key_cert_sign()
                && constraints.path_len_constraint.is_none_or(|length| below <= length)
        }
        Use::Leaf => !constraints.ca && usage.digital_signature() && !usage.key_cert_sign(),
    };
    if is_fit { Ok(()) } else { Err(misused) }
}

/// Checks that a certificate is valid now.
pub(crate) fn check_dates(certificate: &Certificate, now: Millis) -> Result<(), AppraisalError> {
    let validity = certificate.tbs_certificate().validity();
    if now < millis(validity.not_before) {
        return Err(AppraisalError::CertificateNotYetValid);
    }
    if now > millis(validity.not_after) {
        return Err(AppraisalError::CertificateExpired);
    }
    Ok(())
}

/// Until when a certificate says that it is valid.
pub(crate) fn ends(certificate: &Certificate) -> Millis {
    millis(certificate.tbs_certificate().validity().not_after)
}

/// A certificate's time. Its years end at 9999.
pub(crate) fn millis(time: x509_cert::time::Time) -> Millis {
    let millis = time.to_unix_duration().as_millis();
    Millis::new(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// A certificate's serial number, as revocation lists name it.
pub(crate) fn serial(serial: &SerialNumber) -> Result<Serial, AppraisalError> {
    serial.as_bytes().to_vec().try_into().map_err(|_| AppraisalError::UnsupportedCertificate)
}

/// SHA-256 of a certificate's key with its kind: the same for every certificate of one key.
pub(crate) fn key_digest(certificate: &Certificate) -> Result<Digest, AppraisalError> {
    let info = certificate.tbs_certificate().subject_public_key_info().to_der();
    let info = info.map_err(|_| AppraisalError::MalformedCertificates)?;
    Ok(Digest::new(Sha256::digest(info).into()))
}

/// The key in a certificate, where it is of a kind that is used here.
pub(crate) fn key(info: &SubjectPublicKeyInfoOwned) -> Option<Key> {
    let curve = info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
    let point = info.subject_public_key.as_bytes()?;
    match curve {
        _ if info.algorithm.oid != EC_PUBLIC_KEY => None,
        P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Key::P256),
        P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Key::P384),
        _ => None,
    }
}

/// Checks a certificate's issuer, by name and signature.
pub(crate) fn check_issued_by(
    certificate: &Certificate,
    issuer: &Certificate,
    issuer_key: &Key,
) -> Result<(), AppraisalError> {
    if certificate.tbs_certificate().issuer() != issuer.tbs_certificate().subject() {
        return Err(AppraisalError::WrongIssuer);
    }
    if !issuer_key.signs_by(certificate.signature_algorithm()) {
        return Err(AppraisalError::UnsupportedCertificate);
    }
    let bad = AppraisalError::CertificateSignature;
    let signed = certificate.tbs_certificate().to_der().map_err(|_| bad)?;
    if issuer_key.has_signed(&signed, certificate.signature()) { Ok(()) } else { Err(bad) }
}

/// The one extension of a name in a certificate: its content. None or two are an error.
pub(crate) fn sole_extension(certificate: &Certificate, name: ObjectIdentifier) -> Option<&[u8]> {
    let extensions = certificate.tbs_certificate().extensions();
    let mut named = extensions.into_iter().flatten().filter(|extension| extension.extn_id == name);
    match (named.next(), named.next()) {
        (Some(extension), None) => Some(extension.extn_value.as_bytes()),
        _ => None,
    }
}

/// The common name of a certificate's subject, where it has exactly one.
pub(crate) fn common_name(certificate: &Certificate) -> Option<&str> {
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    let name = certificate.tbs_certificate().subject();
    let mut values = name
        .iter_rdn()
        .flat_map(|part| part.as_ref().iter())
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .map(|attribute| AnyRef::from(&attribute.value));
    match (values.next(), values.next()) {
        (Some(value), None) => core::str::from_utf8(value.value()).ok(),
        _ => None,
    }
}

//! The certificates of the keys that sign reports: VCEK, of one chip, and VLEK, of one cloud.
//!
//! Source: AMD, "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification" (57230), chapter 3.

use super::{Product, Tcb};
use crate::{
    Anchors, AppraisalError, Collateral, Issuer, Label,
    anchors::AmdAnchor,
    revocation::RevocationList,
    x509::{self, Key, Use},
};
use alloc::string::String;
use der::{
    Decode, Encode, Reader as _, SliceReader, Tag, Tagged,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef},
};
use phala_types::Millis;
use rsa::{
    BigUint, RsaPublicKey,
    pss::{Signature, VerifyingKey},
    sha2::Sha384,
    signature::Verifier,
};
use x509_cert::{Certificate, Version, spki::AlgorithmIdentifierOwned};

/// id-RSASSA-PSS, RFC 4055 section 3.1.
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// rsaEncryption, RFC 4055 section 1.2.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The parameters of AMD's signatures: SHA-384, MGF1 with SHA-384, a salt of 48 bytes, and the usual trailer.
const PSS_PARAMETERS: &[u8] = &[
    0x30, 0x39, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
    0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03,
    0x02, 0x01, 0x30, 0xa3, 0x03, 0x02, 0x01, 0x01,
];
/// The length of AMD's RSA keys: 4096 bits. Others are not read.
const MODULUS_BYTES: usize = 512;

/// AMD's extensions, all below one name.
const fn extension(arcs: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(arcs)
}
const PRODUCT_NAME: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.2");
const CHIP_ID: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.4");
const CLOUD: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.5");
const BOOT_LOADER: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.3.3");
const MICROCODE: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = extension("1.3.6.1.4.1.3704.1.3.9");

const MALFORMED: AppraisalError = AppraisalError::MalformedEndorsementKey;

/// A key that may sign reports, traced to AMD.
pub(crate) struct EndorsementKey {
    /// The key.
    pub key: Key,
    /// Whose it is.
    pub owner: Owner,
    /// Under which versions of microcode and firmware it was derived.
    pub tcb: Tcb,
    /// The product of its root.
    pub product: Product,
    /// When the first certificate or list ends that this rests on.
    pub valid_until: Millis,
    /// Whether a revocation list was at hand.
    pub revocation_checked: bool,
}

/// Whose key signs reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owner {
    /// One chip's (VCEK). Its name is the first bytes of the report's.
    Chip(alloc::vec::Vec<u8>),
    /// One cloud's (VLEK), by the name that AMD gave it.
    Cloud(Label),
}

/// Verifies the certificate of a key up to the root of `product`, or of the product that it says if a report says none.
pub(crate) fn verify(
    certificate: &[u8],
    issuer: Option<&[u8]>,
    product: Option<Product>,
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<EndorsementKey, AppraisalError> {
    let leaf = x509::from_der(certificate)?;
    let named = product_of(&leaf)?;
    if product.is_some_and(|product| product != named) {
        return Err(AppraisalError::ForeignEndorsementKey);
    }
    let anchor = anchors.amd.iter().find(|it| it.product == named).ok_or(AppraisalError::ForeignRoot)?;
    let owner = owner(&leaf)?;
    let root = x509::from_der(anchor.ark)?;
    x509::check(&root, Use::Issuer { below: 1 }, now)?;
    let middle = intermediate(anchor, &owner, issuer, &root)?;
    x509::check(&middle, Use::Issuer { below: 0 }, now)?;
    check_leaf(&leaf, now)?;
    check_issued_by(&leaf, &middle)?;

    let mut valid_until = x509::ends(&root).min(x509::ends(&middle)).min(x509::ends(&leaf));
    let list = collateral.revocation_list(Issuer::AmdRoot(named));
    if let Some(list) = &list {
        list.check(&middle, &root, now)?;
        valid_until = valid_until.min(list.valid_until);
    }
    let info = leaf.tbs_certificate().subject_public_key_info();
    let Some(key @ Key::P384(_)) = x509::key(info) else {
        return Err(AppraisalError::UnsupportedCertificate);
    };
    Ok(EndorsementKey {
        key,
        tcb: tcb(&leaf, named)?,
        owner,
        product: named,
        valid_until,
        revocation_checked: list.is_some(),
    })
}

/// Verifies the revocation list of a product's root.
pub(crate) fn verify_revocations(
    product: Product,
    list: &[u8],
    anchors: &Anchors<'_>,
    now: Millis,
) -> Result<RevocationList, AppraisalError> {
    let anchor = anchors.amd.iter().find(|it| it.product == product).ok_or(AppraisalError::ForeignRoot)?;
    let root = x509::from_der(anchor.ark)?;
    x509::check(&root, Use::Issuer { below: 1 }, now)?;
    RevocationList::verify_with(list, &root, now, |list, signed| {
        is_pss(&list.signature_algorithm)
            && list.signature.as_bytes().is_some_and(|signature| has_signed(&root, signed, signature))
    })
}

/// The certificate between leaf and root: one that is pinned, or, for a cloud's key, one that the evidence brings.
fn intermediate(
    anchor: &AmdAnchor<'_>,
    owner: &Owner,
    issuer: Option<&[u8]>,
    root: &Certificate,
) -> Result<Certificate, AppraisalError> {
    match (owner, issuer) {
        // A test holds the pinned ones to their roots.
        (Owner::Chip(_), None) => x509::from_der(anchor.ask),
        (Owner::Cloud(_), Some(bytes)) => {
            let certificate = x509::from_der(bytes)?;
            check_issued_by(&certificate, root)?;
            Ok(certificate)
        }
        // Another intermediate than the one that is pinned has no business here, and none is missing.
        _ => Err(AppraisalError::ForeignEndorsementKey),
    }
}

/// A VCEK has neither basicConstraints nor keyUsage; it is what its name and extensions say.
fn check_leaf(leaf: &Certificate, now: Millis) -> Result<(), AppraisalError> {
    let tbs = leaf.tbs_certificate();
    let is_critical = tbs.extensions().into_iter().flatten().any(|extension| extension.critical);
    if tbs.version() != Version::V3 || leaf.signature_algorithm() != tbs.signature() || is_critical {
        return Err(AppraisalError::UnsupportedCertificate);
    }
    x509::check_dates(leaf, now)
}

fn check_issued_by(certificate: &Certificate, issuer: &Certificate) -> Result<(), AppraisalError> {
    if certificate.tbs_certificate().issuer() != issuer.tbs_certificate().subject() {
        return Err(AppraisalError::WrongIssuer);
    }
    if !is_pss(certificate.signature_algorithm()) {
        return Err(AppraisalError::UnsupportedCertificate);
    }
    let bad = AppraisalError::CertificateSignature;
    let signed = certificate.tbs_certificate().to_der().map_err(|_| bad)?;
    let signature = certificate.signature().as_bytes().ok_or(bad)?;
    if has_signed(issuer, &signed, signature) { Ok(()) } else { Err(bad) }
}

fn is_pss(algorithm: &AlgorithmIdentifierOwned) -> bool {
    let parameters = algorithm.parameters.as_ref().and_then(|parameters| parameters.to_der().ok());
    algorithm.oid == RSASSA_PSS && parameters.as_deref() == Some(PSS_PARAMETERS)
}

/// Whether a signature is by the RSA key of a certificate.
fn has_signed(issuer: &Certificate, message: &[u8], signature: &[u8]) -> bool {
    let Some(key) = rsa_key(issuer) else { return false };
    let Ok(signature) = Signature::try_from(signature) else { return false };
    VerifyingKey::<Sha384>::new(key).verify(message, &signature).is_ok()
}

fn rsa_key(certificate: &Certificate) -> Option<RsaPublicKey> {
    let info = certificate.tbs_certificate().subject_public_key_info();
    if info.algorithm.oid != RSA {
        return None;
    }
    // RSAPublicKey, RFC 8017 appendix A.1.1.
    let (modulus, exponent) = AnyRef::from_der(info.subject_public_key.as_bytes()?)
        .ok()?
        .sequence(|reader| Ok::<_, der::Error>((UintRef::decode(reader)?, UintRef::decode(reader)?)))
        .ok()?;
    if modulus.as_bytes().len() != MODULUS_BYTES {
        return None;
    }
    RsaPublicKey::new(BigUint::from_bytes_be(modulus.as_bytes()), BigUint::from_bytes_be(exponent.as_bytes()))
        .ok()
}

/// The product that a certificate is for: "Milan-B0" is one of Milan's.
fn product_of(leaf: &Certificate) -> Result<Product, AppraisalError> {
    let name = text(x509::sole_extension(leaf, PRODUCT_NAME).ok_or(MALFORMED)?)?;
    let family = name.split('-').next().unwrap_or_default();
    match family {
        "Milan" => Ok(Product::Milan),
        "Genoa" => Ok(Product::Genoa),
        "Turin" => Ok(Product::Turin),
        _ => Err(AppraisalError::ForeignEndorsementKey),
    }
}

/// Whose key it is, by its name, and by the extension that only this kind has.
fn owner(leaf: &Certificate) -> Result<Owner, AppraisalError> {
    let chip = x509::sole_extension(leaf, CHIP_ID);
    let cloud = x509::sole_extension(leaf, CLOUD);
    match (x509::common_name(leaf), chip, cloud) {
        (Some("SEV-VCEK"), Some(chip), None) => Ok(Owner::Chip(chip_id(chip)?)),
        (Some("SEV-VLEK"), None, Some(cloud)) => {
            Ok(Owner::Cloud(Label::new(&text(cloud)?).ok_or(MALFORMED)?))
        }
        _ => Err(MALFORMED),
    }
}

/// The name of a chip: 64 bytes, or 8 of Turin, as they are or as an octet string.
fn chip_id(bytes: &[u8]) -> Result<alloc::vec::Vec<u8>, AppraisalError> {
    match bytes.len() {
        8 | 64 => Ok(bytes.to_vec()),
        _ => {
            let value = <&OctetStringRef>::from_der(bytes).map_err(|_| MALFORMED)?.as_bytes();
            if matches!(value.len(), 8 | 64) { Ok(value.to_vec()) } else { Err(MALFORMED) }
        }
    }
}

fn tcb(leaf: &Certificate, product: Product) -> Result<Tcb, AppraisalError> {
    let version = |name| {
        let bytes = x509::sole_extension(leaf, name).ok_or(MALFORMED)?;
        u8::from_der(bytes).map_err(|_| MALFORMED)
    };
    Ok(Tcb {
        fmc: if product == Product::Turin { version(FMC)? } else { 0 },
        boot_loader: version(BOOT_LOADER)?,
        tee: version(TEE)?,
        snp: version(SNP)?,
        microcode: version(MICROCODE)?,
    })
}

/// A text as AMD writes it: an IA5String.
fn text(bytes: &[u8]) -> Result<String, AppraisalError> {
    let mut reader = SliceReader::new(bytes).map_err(|_| MALFORMED)?;
    let value = AnyRef::decode(&mut reader).map_err(|_| MALFORMED)?;
    if value.tag() != Tag::Ia5String || !reader.is_finished() || value.value().len() > 64 {
        return Err(MALFORMED);
    }
    core::str::from_utf8(value.value()).map(Into::into).map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pinned_root_vouches_for_itself_and_its_intermediate_alone() {
        let anchors = Anchors::VENDORS.amd;
        assert_eq!(anchors.len(), 3);
        for anchor in anchors {
            let [ark, ask] = [anchor.ark, anchor.ask].map(|bytes| x509::from_der(bytes).unwrap());
            assert_eq!(check_issued_by(&ark, &ark), Ok(()));
            assert_eq!(check_issued_by(&ask, &ark), Ok(()));
            assert_eq!(x509::common_name(&ark), Some(&*format!("ARK-{:?}", anchor.product)));
            assert_eq!(x509::common_name(&ask), Some(&*format!("SEV-{:?}", anchor.product)));
            for other in anchors.iter().filter(|it| it.product != anchor.product) {
                let other = x509::from_der(other.ark).unwrap();
                assert_eq!(check_issued_by(&ask, &other), Err(AppraisalError::WrongIssuer));
                assert!(!has_signed(
                    &other,
                    &ask.tbs_certificate().to_der().unwrap(),
                    ask.signature().raw_bytes()
                ));
            }
        }
    }
}

//! Certificate revocation lists (RFC 5280 section 5).

use crate::{
    AppraisalError,
    x509::{self, Key, Serial},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use der::{Decode as _, Encode as _, asn1::ObjectIdentifier};
use phala_types::{Digest, List, Millis};
use scale_info::TypeInfo;
use x509_cert::{Certificate, crl::CertificateList, ext::pkix::KeyUsage};

/// How many certificates one list may revoke. A list of 32 KiB has room for fewer.
pub const REVOKED_MAX: u32 = 1024;

/// cRLNumber, RFC 5280 section 5.2.3.
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");

/// A revocation list whose signature was verified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct RevocationList {
    /// SHA-256 of its issuer's key.
    pub issuer_key: Digest,
    /// The issuer's serial number: the issuer itself may be revoked later.
    pub issuer_serial: Serial,
    /// When it was made.
    pub issued: Millis,
    /// When a newer one is due. It is not used after that, nor after its issuer's certificate has ended.
    pub valid_until: Millis,
    /// The serial numbers of the revoked certificates, in order.
    pub revoked: List<Serial, REVOKED_MAX>,
}

impl RevocationList {
    /// Verifies a list in DER by its issuer, whose own certificate the caller has verified.
    pub(crate) fn verify(
        bytes: &[u8],
        issuer: &Certificate,
        issuer_key: &Key,
        now: Millis,
    ) -> Result<Self, AppraisalError> {
        let signs = issuer_key;
        Self::verify_with(bytes, issuer, now, |list, signed| {
            signs.signs_by(&list.signature_algorithm) && signs.has_signed(signed, &list.signature)
        })
    }

    /// The same where `is_signed` looks at the signature: over the second argument, as the first says.
    pub(crate) fn verify_with(
        bytes: &[u8],
        issuer: &Certificate,
        now: Millis,
        is_signed: impl FnOnce(&CertificateList, &[u8]) -> bool,
    ) -> Result<Self, AppraisalError> {
        let malformed = AppraisalError::MalformedRevocationList;
        let list = CertificateList::from_der(bytes).map_err(|_| malformed)?;
        if list.to_der().map_err(|_| malformed)? != bytes {
            return Err(malformed);
        }
        let body = &list.tbs_cert_list;
        // An unknown critical extension may say that the list is about some certificates only, or a difference of two.
        let is_known = |critical: bool, oid: ObjectIdentifier| !critical || oid == CRL_NUMBER;
        let extensions = body.crl_extensions.iter().flatten();
        let revoked = body.revoked_certificates.iter().flatten();
        let entries = revoked.clone().flat_map(|entry| entry.crl_entry_extensions.iter().flatten());
        if body.signature != list.signature_algorithm
            || !extensions.clone().all(|it| is_known(it.critical, it.extn_id))
            || !entries.clone().all(|it| !it.critical)
        {
            return Err(AppraisalError::UnsupportedRevocationList);
        }
        if body.issuer != *issuer.tbs_certificate().subject() {
            return Err(AppraisalError::ForeignRevocationList);
        }
        let usage = issuer.tbs_certificate().get_extension::<KeyUsage>();
        if !usage.is_ok_and(|usage| usage.is_some_and(|(_, usage)| usage.crl_sign())) {
            return Err(AppraisalError::CertificateMisused);
        }
        let signed = body.to_der().map_err(|_| malformed)?;
        if !is_signed(&list, &signed) {
            return Err(AppraisalError::RevocationListSignature);
        }

        let issued = x509::millis(body.this_update);
        let next = body.next_update.map(x509::millis).ok_or(AppraisalError::UnsupportedRevocationList)?;
        let mut serials = revoked
            .map(|entry| x509::serial(&entry.serial_number))
            .collect::<Result<alloc::vec::Vec<_>, _>>()?;
        serials.sort();
        let result = Self {
            issuer_key: x509::key_digest(issuer)?,
            issuer_serial: x509::serial(issuer.tbs_certificate().serial_number())?,
            issued,
            valid_until: next.min(x509::ends(issuer)),
            revoked: serials.try_into().map_err(|_| AppraisalError::UnsupportedRevocationList)?,
        };
        result.check_dates(now)?;
        Ok(result)
    }

    /// Checks that it can be used now.
    pub(crate) fn check_dates(&self, now: Millis) -> Result<(), AppraisalError> {
        if now < self.issued {
            return Err(AppraisalError::CollateralNotYetValid);
        }
        if now > self.valid_until { Err(AppraisalError::CollateralExpired) } else { Ok(()) }
    }

    /// Checks that it does not name a certificate.
    pub(crate) fn check_serial(&self, serial: &Serial) -> Result<(), AppraisalError> {
        match self.revoked.binary_search(serial) {
            Ok(_) => Err(AppraisalError::CertificateRevoked),
            Err(_) => Ok(()),
        }
    }

    /// Checks that it can be used now, is about `issuer`'s certificates, and does not name this one.
    pub(crate) fn check(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Millis,
    ) -> Result<(), AppraisalError> {
        self.check_dates(now)?;
        if self.issuer_key != x509::key_digest(issuer)? {
            return Err(AppraisalError::ForeignRevocationList);
        }
        self.check_serial(&x509::serial(certificate.tbs_certificate().serial_number())?)
    }
}

//! What a PCK certificate says of its machine.
//!
//! Source: Intel, "SGX PCK Certificate and Certificate Revocation List Profile Specification", section 1.3.5.

use super::{Fmspc, tcb::PlatformTcb};
use crate::{AppraisalError, x509};
use alloc::vec::Vec;
use der::{
    Decode, Tag, Tagged,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
};
use x509_cert::Certificate;

/// Intel's SGX extension.
pub(crate) const SGX_EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");

const MALFORMED: AppraisalError = AppraisalError::MalformedPlatform;

/// What Intel certifies of a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pck {
    /// PPID: the machine's name.
    pub ppid: [u8; 16],
    /// SVNs of microcode and firmware.
    pub tcb: PlatformTcb,
    /// The id of its provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// Family, model, stepping, platform type and SKU.
    pub fmspc: Fmspc,
    /// Platform instance id, which changes when the machine is provisioned anew. Only from the platform CA.
    pub instance: Option<[u8; 16]>,
    /// Whether processors may be added to the machine. Only from the platform CA.
    pub is_dynamic: Option<bool>,
    /// Whether Intel keeps the machine's root keys. Only from the platform CA.
    pub has_cached_keys: Option<bool>,
    /// Whether threads share a core. Only from the platform CA.
    pub has_smt: Option<bool>,
}

impl Pck {
    /// Reads the extension of a certificate, which has to have it once.
    pub(crate) fn read(certificate: &Certificate) -> Result<Self, AppraisalError> {
        let extension = x509::sole_extension(certificate, SGX_EXTENSION).ok_or(MALFORMED)?;
        let items = Items::read(AnyRef::from_der(extension).map_err(|_| MALFORMED)?, &[])?;
        let tcb = Items::read(items.value(&[2])?, &[2])?;
        let mut components = [0u8; 16];
        for (number, component) in (1u8..).zip(&mut components) {
            *component = tcb.value(&[2, number])?.decode_as().map_err(|_| MALFORMED)?;
        }
        // The same SVNs in one string: the processor's own form. What levels are about is the components.
        let _: [u8; 16] = octets(tcb.value(&[2, 18])?)?;
        let configuration = match items.find(&[7])? {
            Some(value) => Some(Items::read(value, &[7])?),
            None => None,
        };
        let flag = |number: u8| match &configuration {
            Some(items) => match items.find(&[7, number])? {
                Some(value) => value.decode_as::<bool>().map(Some).map_err(|_| MALFORMED),
                None => Ok(None),
            },
            None => Ok(None),
        };
        Ok(Self {
            ppid: octets(items.value(&[1])?)?,
            tcb: PlatformTcb {
                cpu_svn: components,
                pce_svn: tcb.value(&[2, 17])?.decode_as().map_err(|_| MALFORMED)?,
            },
            pce_id: octets(items.value(&[3])?)?,
            fmspc: Fmspc(octets(items.value(&[4])?)?),
            instance: items.find(&[6])?.map(octets).transpose()?,
            is_dynamic: flag(1)?,
            has_cached_keys: flag(2)?,
            has_smt: flag(3)?,
        })
    }
}

/// Pairs of a name and a value, each name once and all below one.
struct Items<'a>(Vec<(ObjectIdentifier, AnyRef<'a>)>);

impl<'a> Items<'a> {
    /// Reads a sequence of pairs, whose names are one arc below the extension's with `below`.
    fn read(sequence: AnyRef<'a>, below: &[u8]) -> Result<Self, AppraisalError> {
        let parent = name(below)?;
        let pairs = sequence
            .sequence(|reader| {
                let mut pairs = Vec::new();
                while !der::Reader::is_finished(reader) {
                    let pair = AnyRef::decode(reader)?;
                    pairs.push(pair.sequence(|reader| {
                        Ok::<_, der::Error>((ObjectIdentifier::decode(reader)?, AnyRef::decode(reader)?))
                    })?);
                }
                Ok::<_, der::Error>(pairs)
            })
            .map_err(|_| MALFORMED)?;
        let is_below = |oid: &ObjectIdentifier| oid.parent() == Some(parent);
        if !pairs.iter().all(|(oid, _)| is_below(oid)) {
            return Err(MALFORMED);
        }
        Ok(Self(pairs))
    }

    /// The value of a name that may be missing.
    fn find(&self, arcs: &[u8]) -> Result<Option<AnyRef<'a>>, AppraisalError> {
        let wanted = name(arcs)?;
        let mut found = self.0.iter().filter(|(oid, _)| *oid == wanted);
        match (found.next(), found.next()) {
            (found, None) => Ok(found.map(|(_, value)| *value)),
            _ => Err(MALFORMED),
        }
    }

    /// The value of a name that has to be there.
    fn value(&self, arcs: &[u8]) -> Result<AnyRef<'a>, AppraisalError> {
        self.find(arcs)?.ok_or(MALFORMED)
    }
}

/// The extension's name with arcs below it.
fn name(arcs: &[u8]) -> Result<ObjectIdentifier, AppraisalError> {
    arcs.iter().try_fold(SGX_EXTENSION, |oid, arc| oid.push_arc((*arc).into()).map_err(|_| MALFORMED))
}

fn octets<const N: usize>(value: AnyRef<'_>) -> Result<[u8; N], AppraisalError> {
    if value.tag() != Tag::OctetString {
        return Err(MALFORMED);
    }
    let value = value.decode_as::<&OctetStringRef>().map_err(|_| MALFORMED)?;
    value.as_bytes().try_into().map_err(|_| MALFORMED)
}

//! AMD SEV-SNP: attestation reports and the certificates of the keys that sign them.
//!
//! A report is signed by a key of one chip (VCEK) or of one cloud (VLEK), which is derived under certain versions of
//! microcode and firmware. Its certificate says which, and both have to be what the report says: otherwise a key of old,
//! broken firmware could claim to be of a new one.
//!
//! - `report`: the layout. `key`: certificates. `rules`: what a policy may ask.

mod key;
mod report;
mod rules;

pub use key::Owner;
pub(crate) use key::verify_revocations;
pub use report::Body;
pub use rules::{ProductRules, Rules};

use crate::{Anchors, AppraisalError, Claims, Collateral, claims};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Millis, worker::Tier};
use report::Report;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Processors of one root.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// EPYC 7003.
    #[codec(index = 0)]
    Milan,
    /// EPYC 9004, 8004 and 97x4.
    #[codec(index = 1)]
    Genoa,
    /// EPYC 9005.
    #[codec(index = 2)]
    Turin,
}

/// Versions of microcode and firmware (table "TCB_VERSION").
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct Tcb {
    /// The first mutable code. Turin alone has it.
    pub fmc: u8,
    /// The boot loader of the secure processor.
    pub boot_loader: u8,
    /// The operating system of the secure processor.
    pub tee: u8,
    /// The SNP firmware.
    pub snp: u8,
    /// The microcode.
    pub microcode: u8,
}

impl Tcb {
    /// From the eight bytes of a product's report. Those that are reserved have to be zero.
    fn read(product: Product, bits: u64) -> Option<Self> {
        let [a, b, c, d, e, f, g, microcode] = bits.to_le_bytes();
        match product {
            Product::Milan | Product::Genoa => {
                ([c, d, e, f] == [0; 4]).then_some(Self { fmc: 0, boot_loader: a, tee: b, snp: g, microcode })
            }
            Product::Turin => {
                ([e, f, g] == [0; 3]).then_some(Self { fmc: a, boot_loader: b, tee: c, snp: d, microcode })
            }
        }
    }

    /// Whether each version is at least another's.
    fn reaches(&self, least: &Self) -> bool {
        self.fmc >= least.fmc
            && self.boot_loader >= least.boot_loader
            && self.tee >= least.tee
            && self.snp >= least.snp
            && self.microcode >= least.microcode
    }
}

/// What a genuine report says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// The product whose root vouches for it.
    pub product: Product,
    /// Whose key signed it.
    pub owner: Owner,
    /// The versions that run now.
    pub current: Tcb,
    /// The versions that the host chose to report, and by which the key is derived.
    pub reported: Tcb,
    /// The versions below which the machine cannot go back.
    pub committed: Tcb,
    /// The versions under which the guest was launched.
    pub launch: Tcb,
    /// Whether a revocation list of AMD's was at hand.
    pub revocation_checked: bool,
    /// The report.
    pub report: Body,
}

impl Facts {
    /// Whether nothing in the report names the chip.
    pub fn is_chip_masked(&self) -> bool {
        self.report.masks_chip() || self.report.chip_id == [0; 64]
    }
}

/// Verifies a report of SEV-SNP.
///
/// The measurement is of the launch measurement, HOST_DATA, and the digests of the identity's and the author's key.
pub(crate) fn verify(
    report: &[u8],
    endorsement_key: &[u8],
    issuer: Option<&[u8]>,
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<Claims, AppraisalError> {
    let report = Report::read(report)?;
    let body = &report.body;
    if body.is_debug() {
        return Err(AppraisalError::Debug);
    }
    // The bit 17 of a guest's policy is always set.
    if body.may_migrate() || body.policy & 1 << 17 == 0 {
        return Err(AppraisalError::Attributes);
    }
    let key = key::verify(endorsement_key, issuer, report.product()?, anchors, collateral, now)?;
    if !key.key.has_signed_raw(report.signed, &report.signature) {
        return Err(AppraisalError::ReportSignature);
    }
    let [current, reported, committed, launch] = report.versions(key.product)?;
    if reported != key.tcb {
        return Err(AppraisalError::ForeignTcb);
    }
    let is_owners = match &key.owner {
        Owner::Chip(chip) => body.signing_key() == 0 && is_chip(&body.chip_id, chip, body.masks_chip()),
        Owner::Cloud(_) => body.signing_key() == 1,
    };
    if !is_owners {
        return Err(AppraisalError::ForeignEndorsementKey);
    }

    let registers: [&[u8]; 4] =
        [&body.measurement, &body.host_data, &body.id_key_digest, &body.author_key_digest];
    Ok(Claims {
        tier: Tier::AmdSevSnp,
        measurement: claims::measurement(Tier::AmdSevSnp, &registers),
        report_data: body.report_data,
        machine: claims::machine(Tier::AmdSevSnp, &body.chip_id),
        valid_until: key.valid_until,
        facts: claims::Facts::AmdSevSnp(Facts {
            product: key.product,
            owner: key.owner,
            current,
            reported,
            committed,
            launch,
            revocation_checked: key.revocation_checked,
            report: report.body,
        }),
    })
}

/// Whether the report names the chip of a certificate: by all its bytes, and zeros after them. A masked name says nothing.
fn is_chip(reported: &[u8; 64], certified: &[u8], is_masked: bool) -> bool {
    if is_masked {
        return *reported == [0; 64];
    }
    let rest = reported.strip_prefix(certified);
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

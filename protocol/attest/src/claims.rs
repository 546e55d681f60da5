//! What genuine evidence says, before any policy is asked.

use crate::{amd, intel, nitro};
use phala_types::{Digest, Millis, worker::Tier};
use sha2::{Digest as _, Sha256};

/// What genuine evidence says. Signatures, certificates, revocation and dates were checked; no policy was asked yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// What attests it.
    pub tier: Tier,
    /// Which program runs, as a [`Reference`](crate::Reference) names it.
    pub measurement: Digest,
    /// What the program asked the TEE to vouch for.
    pub report_data: [u8; 64],
    /// Which machine it is: [`machine`] of the vendor's name for it.
    pub machine: Digest,
    /// When the first certificate or document ends that this rests on.
    pub valid_until: Millis,
    /// What only this kind of evidence says.
    pub facts: Facts,
}

/// What only one kind of evidence says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Facts {
    /// Nothing that could be relied on.
    Simulated,
    /// Of Intel SGX or TDX.
    Intel(intel::Facts),
    /// Of AMD SEV-SNP.
    AmdSevSnp(amd::Facts),
    /// Of AWS Nitro.
    AwsNitro(nitro::Facts),
}

/// The name of a machine: SHA-256 of its tier and of what its vendor calls it, so that no two vendors' names are equal.
///
/// It is as public as the evidence. What the chain keeps is a keyed hash of it.
pub fn machine(tier: Tier, vendors_name: &[u8]) -> Digest {
    let hash =
        Sha256::new().chain_update(b"phala-machine").chain_update([tier as u8]).chain_update(vendors_name);
    Digest::new(hash.finalize().into())
}

/// The name of a program that more than one register measures: SHA-256 of its tier and the registers, in the order that the
/// tier's module says.
pub(crate) fn measurement(tier: Tier, registers: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new().chain_update(b"phala-measurement").chain_update([tier as u8]);
    for register in registers {
        hash.update(register);
    }
    Digest::new(hash.finalize().into())
}

/// One rule of a policy, and whether it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check {
    /// What the rule asks for, in words for a person.
    pub what: &'static str,
    /// Whether it holds.
    pub result: Result<(), crate::AppraisalError>,
}

impl Check {
    /// A rule that holds if `holds`, and is refused by `error` if not.
    pub(crate) fn new(what: &'static str, holds: bool, error: crate::AppraisalError) -> Self {
        Self { what, result: if holds { Ok(()) } else { Err(error) } }
    }
}

//! Which TEEs are admitted.

use crate::{AppraisalError, Check, Claims, Facts, amd, intel, nitro};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Digest, List, Millis, worker::Tier};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How many programs a policy may admit at once: for each tier the current release, the ones before it that may still
/// run, and room for the shapes of virtual machines, each of which measures differently.
pub const MEASUREMENTS_MAX: u32 = 64;

/// Which evidence is admitted for one role, by kind. A kind that is `None` is refused, so the default admits nobody.
#[derive(
    Clone,
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
pub struct Policy {
    /// The simulated platform. Only a development network has this, and it makes all of its secrets readable.
    pub simulated: Option<SimulatedPolicy>,
    /// Intel SGX.
    pub intel_sgx: Option<intel::SgxRules>,
    /// Intel TDX.
    pub intel_tdx: Option<intel::TdxRules>,
    /// AMD SEV-SNP.
    pub amd_sev_snp: Option<amd::Rules>,
    /// AWS Nitro.
    pub aws_nitro: Option<nitro::Rules>,
    /// The programs that TEEs of hardware may run. An empty list admits none.
    pub references: List<Reference, MEASUREMENTS_MAX>,
}

/// A reference value: one program that is admitted for a while.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What attests it.
    pub tier: Tier,
    /// MRENCLAVE, or the digest of the registers that [`Claims::measurement`] describes.
    pub measurement: Digest,
    /// Since when it is admitted.
    pub not_before: Millis,
    /// Until when it is admitted, this moment included.
    pub not_after: Millis,
}

/// Which simulated workers are admitted.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct SimulatedPolicy {
    /// Which programs.
    pub measurements: Measurements,
}

/// Which simulated programs are admitted.
#[derive(
    Clone,
    PartialEq,
    Eq,
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
pub enum Measurements {
    /// These and no other. An empty list admits none.
    #[codec(index = 0)]
    OneOf(List<Digest, MEASUREMENTS_MAX>),
    /// Any at all, so that every build of a developer is admitted.
    #[codec(index = 1)]
    DangerAny,
}

impl Measurements {
    /// Whether a program is admitted.
    pub fn admit(&self, measurement: &Digest) -> bool {
        match self {
            Self::OneOf(list) => list.contains(measurement),
            Self::DangerAny => true,
        }
    }
}

impl Policy {
    /// Whether it names a tier at all.
    pub fn names(&self, tier: Tier) -> bool {
        match tier {
            Tier::Simulated => self.simulated.is_some(),
            Tier::IntelSgx => self.intel_sgx.is_some(),
            Tier::IntelTdx => self.intel_tdx.is_some(),
            Tier::AmdSevSnp => self.amd_sev_snp.is_some(),
            Tier::AwsNitro => self.aws_nitro.is_some(),
        }
    }

    /// Holds claims against each rule. Whoever admits a TEE looks for the first that does not hold; a person reads all.
    pub fn judge(&self, claims: &Claims, now: Millis) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.push(Check::new(
            "the policy admits this kind of TEE",
            self.names(claims.tier),
            AppraisalError::TierNotAdmitted,
        ));
        match (&claims.facts, &self.intel_sgx, &self.intel_tdx) {
            (Facts::Intel(facts), Some(rules), _) if claims.tier == Tier::IntelSgx => {
                rules.judge(facts, now, &mut checks);
            }
            (Facts::Intel(facts), _, Some(rules)) if claims.tier == Tier::IntelTdx => {
                rules.judge(facts, now, &mut checks);
            }
            _ => {}
        }
        if let (Facts::AmdSevSnp(facts), Some(rules)) = (&claims.facts, &self.amd_sev_snp) {
            rules.judge(facts, &mut checks);
        }
        if let (Facts::AwsNitro(facts), Some(rules)) = (&claims.facts, &self.aws_nitro) {
            rules.judge(facts, &mut checks);
        }
        checks.push(Check::new(
            "the policy admits this program",
            self.admits_program(claims.tier, &claims.measurement, now),
            AppraisalError::MeasurementNotAdmitted,
        ));
        checks
    }

    /// Whether a program may run now: what is asked again of a registration after its evidence is gone.
    pub fn admits_program(&self, tier: Tier, measurement: &Digest, now: Millis) -> bool {
        if tier == Tier::Simulated {
            let simulated = self.simulated.as_ref();
            return simulated.is_some_and(|simulated| simulated.measurements.admit(measurement));
        }
        self.references.iter().any(|reference| {
            reference.tier == tier
                && reference.measurement == *measurement
                && reference.not_before <= now
                && now <= reference.not_after
        })
    }
}

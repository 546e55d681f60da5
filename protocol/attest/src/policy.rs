//! Which TEEs are admitted.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Digest, List};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How many programs a policy may admit at once: the current release, the ones before it that may still run, and room.
pub const MEASUREMENTS_MAX: u32 = 64;

/// Which evidence is admitted, by kind. A kind that is `None` is refused, so the default admits nobody.
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

/// Which programs are admitted.
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

//! Short names that vendors give.

use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use phala_types::Bytes;
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name: "INTEL-SA-00615" or "cc-us-east-2.amazonaws.com", and room for others.
pub const LABEL_BYTES_MAX: u32 = 40;

/// A name that a vendor gave something, in ASCII.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Label(Bytes<LABEL_BYTES_MAX>);

impl Label {
    /// From its text, if that is short and in ASCII.
    pub fn new(name: &str) -> Option<Self> {
        name.as_bytes().to_vec().try_into().ok().filter(|_| name.is_ascii()).map(Self)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).ok_or_else(|| serde::de::Error::custom("a name has at most 40 ASCII characters"))
    }
}

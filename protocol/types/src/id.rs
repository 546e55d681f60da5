//! Ids, heights and amounts: each its own type, so that none can be taken for another.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! id32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking,
            MaxEncodedLen, TypeInfo,
        )]
        pub struct $name([u8; 32]);

        impl $name {
            /// From its 32 bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl core::str::FromStr for $name {
            type Err = hex::FromHexError;

            /// From 64 hexadecimal digits, with or without `0x`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Encode, Decode,
            DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// From its number.
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// Its number.
            pub const fn value(self) -> $inner {
                self.0
            }

            /// The next one, or `None` past the last.
            pub fn next(self) -> Option<Self> {
                self.0.checked_add(1).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id32!(
    /// A worker: its Ed25519 signing key (RFC 8032), attested when it registered.
    WorkerId
);
id32!(
    /// A contract: the account id that other contracts and wallets address it by.
    ContractId
);
id32!(
    /// An account of a user or an operator.
    AccountId
);
id32!(
    /// BLAKE2b-256 of a contract's WebAssembly, as `source.hash` of its bundle.
    CodeHash
);
id32!(
    /// BLAKE2b-256 of a block's SCALE-encoded header.
    BlockHash
);
id32!(
    /// The hash of the chain's block 0, by which everything signed or sealed names its network.
    GenesisHash
);
id32!(
    /// A hiding commitment to the state of a cluster: equal for equal states, and telling nothing of them.
    StateRoot
);
id32!(
    /// A BLAKE2b-256 hash of something that a receipt points at.
    Digest
);
id32!(
    /// 32 random bytes that make a request unique.
    Nonce
);

number!(
    /// A block's height.
    BlockNumber(u32)
);
number!(
    /// A cluster of workers that share contracts.
    ClusterId(u32)
);
number!(
    /// How many messages of a topic precede this one.
    MessageNumber(u64)
);
number!(
    /// Which generation of a key sealed something. It rises when a key is replaced.
    KeyVersion(u32)
);
number!(
    /// Milliseconds since 1970-01-01 UTC, as the chain's timestamp pallet says.
    Millis(u64)
);
number!(
    /// PHA in its smallest unit: 1 PHA = 10^12.
    Amount(u128)
);
number!(
    /// Execution work, in the engine's unit.
    Gas(u64)
);

/// A block by height and hash.
#[derive(
    Clone,
    Copy,
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
pub struct BlockRef {
    /// Its height.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: BlockHash,
}

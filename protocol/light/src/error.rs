//! Why a header, a justification or a storage proof was not believed.

use core::fmt;
use phala_types::{BlockNumber, relay::Blame};

/// Why a block is not taken as finalized. Nothing of the light client changes then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LightError {
    /// The header is not the SCALE of one header.
    MalformedHeader,
    /// A GRANDPA item of the header's digest does not decode.
    MalformedDigest,
    /// The justification is not the SCALE of one justification.
    MalformedJustification,
    /// The genesis header is another network's.
    WrongGenesis,
    /// The genesis header is not that of block 0.
    NotGenesis,
    /// The first authorities are not proven.
    UnprovenAuthorities(ProofError),
    /// A set of authorities is empty, or its weights overflow.
    InvalidAuthorities,
    /// The block is not above the newest finalized one.
    NotAbove {
        /// The block.
        number: BlockNumber,
        /// The newest finalized one.
        head: BlockNumber,
    },
    /// The justification is for another block than the header's.
    WrongTarget,
    /// The justification was signed by the set of authorities before this one.
    OutdatedSet,
    /// The justification was signed by the set of authorities after this one: the block where they change is missing.
    SkippedSet,
    /// A vote's signature is not the voter's.
    BadSignature,
    /// A vote is of somebody who is not among the authorities.
    ForeignAuthority,
    /// A vote is for a block whose height is another one.
    InconsistentVote,
    /// The headers between the voted blocks are not all there.
    MissingAncestry,
    /// The justification has headers that no vote needs.
    UnusedAncestry,
    /// The votes do not finalize the block: their weight is not more than two thirds.
    InsufficientWeight,
    /// The block changes the authorities after a delay, which no runtime of this network does.
    DelayedChange,
    /// The block forces a change of the authorities, which takes a person to believe.
    ForcedChange,
}

impl LightError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::MalformedHeader | Self::MalformedDigest | Self::MalformedJustification => Blame::Malformed,
            Self::NotAbove { .. } | Self::OutdatedSet | Self::SkippedSet => Blame::OutOfOrder,
            Self::UnprovenAuthorities(error) => error.blame(),
            Self::WrongGenesis
            | Self::NotGenesis
            | Self::InvalidAuthorities
            | Self::WrongTarget
            | Self::BadSignature
            | Self::ForeignAuthority
            | Self::InconsistentVote
            | Self::MissingAncestry
            | Self::UnusedAncestry
            | Self::InsufficientWeight
            | Self::DelayedChange
            | Self::ForcedChange => Blame::Rejected,
        }
    }
}

impl fmt::Display for LightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedHeader => "the header does not decode",
            Self::MalformedDigest => "the header's digest has a GRANDPA item that does not decode",
            Self::MalformedJustification => "the justification does not decode",
            Self::WrongGenesis => "the genesis block is another network's",
            Self::NotGenesis => "the genesis header is not that of block 0",
            Self::UnprovenAuthorities(_) => "the first authorities are not proven",
            Self::InvalidAuthorities => "the set of authorities is not valid",
            Self::NotAbove { number, head } => {
                return write!(f, "block {number} is not above the newest finalized block {head}");
            }
            Self::WrongTarget => "the justification is for another block",
            Self::OutdatedSet => "the justification is of an earlier set of authorities",
            Self::SkippedSet => "the justification is of a later set of authorities",
            Self::BadSignature => "a vote's signature is not the voter's",
            Self::ForeignAuthority => "a voter is not among the authorities",
            Self::InconsistentVote => "a vote is for a block of another height",
            Self::MissingAncestry => "headers between the voted blocks are missing",
            Self::UnusedAncestry => "the justification has headers that no vote needs",
            Self::InsufficientWeight => "the votes do not finalize the block",
            Self::DelayedChange => "the block changes the authorities after a delay",
            Self::ForcedChange => "the block forces a change of the authorities",
        })
    }
}

impl core::error::Error for LightError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::UnprovenAuthorities(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a storage proof was not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProofError {
    /// The root node is missing: the proof is of another block.
    ForeignRoot,
    /// A node on the way to a key is missing, so that its value is neither proven nor proven absent.
    MissingNode,
    /// A node is not one of a trie.
    MalformedNode,
    /// A value does not decode as what it should be.
    MalformedValue,
    /// A value is proven absent that every block has.
    AbsentValue,
    /// A mistake of the caller: it asks for a key that it did not read.
    NotRead,
}

impl ProofError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::MalformedNode | Self::MalformedValue => Blame::Malformed,
            Self::ForeignRoot | Self::MissingNode | Self::AbsentValue | Self::NotRead => Blame::Rejected,
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForeignRoot => "the storage proof is of another block",
            Self::MissingNode => "the storage proof is incomplete",
            Self::MalformedNode => "the storage proof has a node that is not one",
            Self::MalformedValue => "a proven value does not decode",
            Self::AbsentValue => "a value is absent that every block has",
            Self::NotRead => "the key was not read",
        })
    }
}

impl core::error::Error for ProofError {}

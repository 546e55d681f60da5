//! What a TEE hands out so that others believe it.

use codec::{Decode, DecodeWithMemTracking, Encode};
use phala_types::{Bytes, limits::EVIDENCE_BYTES_MAX};
use scale_info::TypeInfo;

/// The longest quote: what is left of the longest evidence after its kind (1 byte) and the quote's length (4 bytes).
pub const QUOTE_BYTES_MAX: u32 = EVIDENCE_BYTES_MAX - 5;

/// Evidence by kind. Each kind has its own rules and its own root; none is read by another's.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Evidence {
    /// A quote of the simulated platform, under the development root. It protects nothing.
    #[codec(index = 0)]
    Simulated(Bytes<QUOTE_BYTES_MAX>),
}

//! What a TEE hands out so that others believe it.

use codec::{Decode, DecodeWithMemTracking, Encode};
use phala_types::{Bytes, limits::EVIDENCE_BYTES_MAX};
use scale_info::TypeInfo;

/// The longest quote: what is left of the longest evidence after its kind (1 byte) and the quote's length (4 bytes).
pub const QUOTE_BYTES_MAX: u32 = EVIDENCE_BYTES_MAX - 5;

/// A report of AMD's: its length never varies.
pub const SNP_REPORT_BYTES: usize = 1184;

/// One certificate in DER. AMD's take 1.3 to 1.7 KB, with an RSA key of 4096 bits among them.
pub const CERTIFICATE_BYTES_MAX: u32 = 2 * 1024;

/// Evidence by kind. Each kind has its own rules and its own root; none is read by another's.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Evidence {
    /// A quote of the simulated platform, under the development root. It protects nothing.
    #[codec(index = 0)]
    Simulated(Bytes<QUOTE_BYTES_MAX>),
    /// A DCAP quote of Intel SGX (version 3) or TDX (version 4 or 5), with its certificates and nothing after it.
    #[codec(index = 1)]
    Intel(Bytes<QUOTE_BYTES_MAX>),
    /// A report of AMD SEV-SNP and the certificates of the key that signed it.
    #[codec(index = 2)]
    AmdSevSnp {
        /// The attestation report, 1184 bytes.
        report: Bytes<{ SNP_REPORT_BYTES as u32 }>,
        /// The certificate of the VCEK or VLEK in DER.
        endorsement_key: Bytes<CERTIFICATE_BYTES_MAX>,
        /// The certificate of the intermediate in DER, where it is not one that the verifier brings: the ASVK.
        issuer: Option<Bytes<CERTIFICATE_BYTES_MAX>>,
    },
    /// An attestation document of AWS Nitro: COSE_Sign1 with its certificates within.
    #[codec(index = 3)]
    AwsNitro(Bytes<QUOTE_BYTES_MAX>),
}

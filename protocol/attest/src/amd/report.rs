//! The layout of attestation reports, versions 2 to 5.
//!
//! Source: AMD, "SEV Secure Nested Paging Firmware ABI Specification" (56860), revision 1.58, table "ATTESTATION_REPORT".
//! All integers are little-endian. Only the layout is read here; nothing is verified.

use super::{Product, Tcb};
use crate::{AppraisalError, evidence::SNP_REPORT_BYTES, reader::Reader};

/// How many bytes of a report are signed.
pub(crate) const SIGNED_BYTES: usize = 0x2a0;
/// Length of r, and of s, as they stand in the report.
const SCALAR_BYTES: usize = 72;
/// Length of r, and of s, on P-384.
const P384_BYTES: usize = 48;
/// Signature algorithm: ECDSA over P-384 with SHA-384.
const ALGORITHM_P384_SHA384: u32 = 1;

/// A report taken apart.
pub(crate) struct Report<'a> {
    /// What is signed.
    pub signed: &'a [u8],
    /// r and s in a row, big-endian.
    pub signature: [u8; 2 * P384_BYTES],
    /// What it says.
    pub body: Body,
    /// The versions as they stand in it: current, reported, committed, launch.
    pub tcb: [u64; 4],
    /// The processor's family and model, from version 3 on.
    pub processor: Option<(u8, u8)>,
}

/// What a report says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    /// Version of the report.
    pub version: u32,
    /// The guest's policy (table "Guest Policy").
    pub policy: u64,
    /// At which privilege level the report was asked for: 0 is the highest.
    pub vmpl: u32,
    /// What the platform has enabled (field PLATFORM_INFO).
    pub platform: u64,
    /// Whether an author's key signed the guest's identity, whether the chip's name is masked, and which key signed: 0 the
    /// VCEK, 1 the VLEK, 7 none.
    pub keys: u32,
    /// What the guest asked to vouch for.
    pub report_data: [u8; 64],
    /// The launch measurement.
    pub measurement: [u8; 48],
    /// What the host bound to the guest at its launch.
    pub host_data: [u8; 32],
    /// SHA-384 of the key that signed the guest's identity block, or zeros.
    pub id_key_digest: [u8; 48],
    /// SHA-384 of the key that signed that key, or zeros.
    pub author_key_digest: [u8; 48],
    /// The name of the chip, or zeros if it is masked.
    pub chip_id: [u8; 64],
}

impl<'a> Report<'a> {
    /// Takes all of `bytes` apart. None may be missing and none left over.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        if bytes.len() < SNP_REPORT_BYTES {
            return Err(AppraisalError::Truncated);
        }
        let mut reader = Reader(bytes);
        let version = reader.u32()?;
        // GUEST_SVN is the guest's owner's own.
        reader.take(4)?;
        let policy = reader.u64()?;
        // FAMILY_ID and IMAGE_ID are the guest's owner's own.
        reader.take(16 + 16)?;
        let vmpl = reader.u32()?;
        let algorithm = reader.u32()?;
        let current_tcb = reader.u64()?;
        let platform = reader.u64()?;
        let keys = reader.u32()?;
        let reserved = reader.u32()?;
        let report_data = reader.array()?;
        let measurement = reader.array()?;
        let host_data = reader.array()?;
        let (id_key_digest, author_key_digest) = (reader.array()?, reader.array()?);
        // REPORT_ID and that of a migration agent.
        reader.take(32 + 32)?;
        let reported_tcb = reader.u64()?;
        let [family, model, ..]: [u8; 24] = reader.array()?;
        let chip_id = reader.array()?;
        let committed_tcb = reader.u64()?;
        // Builds of the firmware, which the versions say better.
        reader.take(8)?;
        let launch_tcb = reader.u64()?;
        // Vectors of mitigations, and reserved.
        reader.take(168)?;
        let signature = signature(&mut reader)?;
        reader.end()?;
        if !(2..=5).contains(&version) || algorithm != ALGORITHM_P384_SHA384 || reserved != 0 {
            return Err(AppraisalError::UnsupportedReport);
        }
        Ok(Self {
            signed: bytes.get(..SIGNED_BYTES).ok_or(AppraisalError::Truncated)?,
            signature,
            body: Body {
                version,
                policy,
                vmpl,
                platform,
                keys,
                report_data,
                measurement,
                host_data,
                id_key_digest,
                author_key_digest,
                chip_id,
            },
            tcb: [current_tcb, reported_tcb, committed_tcb, launch_tcb],
            processor: (version > 2).then_some((family, model)),
        })
    }

    /// Which product signed it, by its processor. Version 2 does not say it.
    pub(crate) fn product(&self) -> Result<Option<Product>, AppraisalError> {
        let Some(processor) = self.processor else { return Ok(None) };
        let product = match processor {
            (0x19, 0x00..=0x0f) => Product::Milan,
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Product::Genoa,
            (0x1a, 0x00..=0x11) => Product::Turin,
            _ => return Err(AppraisalError::UnsupportedReport),
        };
        Ok(Some(product))
    }

    /// Current, reported, committed and launch TCB, in the form of a product. Bytes that are reserved have to be zero.
    pub(crate) fn versions(&self, product: Product) -> Result<[Tcb; 4], AppraisalError> {
        let mut versions = [Tcb::default(); 4];
        for (version, bits) in versions.iter_mut().zip(self.tcb) {
            *version = Tcb::read(product, bits).ok_or(AppraisalError::UnsupportedReport)?;
        }
        Ok(versions)
    }
}

impl Body {
    /// Whether the host may read the guest's memory.
    pub fn is_debug(&self) -> bool {
        self.policy & 1 << 19 != 0
    }

    /// Whether a migration agent may take the guest to another machine.
    pub fn may_migrate(&self) -> bool {
        self.policy & 1 << 18 != 0
    }

    /// Whether the guest may run where threads share a core.
    pub fn allows_smt(&self) -> bool {
        self.policy & 1 << 16 != 0
    }

    /// Whether the guest runs only where its host cannot see ciphertext.
    pub fn demands_ciphertext_hiding(&self) -> bool {
        self.policy & 1 << 24 != 0
    }

    /// Whether the platform hides ciphertext from its host.
    pub fn has_ciphertext_hiding(&self) -> bool {
        self.platform & 1 << 4 != 0
    }

    /// Whether the firmware found no two addresses for one cell of memory since it last started (against BadRAM).
    pub fn has_alias_check(&self) -> bool {
        self.platform & 1 << 5 != 0
    }

    /// Whether the name of the chip is left out.
    pub fn masks_chip(&self) -> bool {
        self.keys & 1 << 1 != 0
    }

    /// Which key signed.
    pub(crate) fn signing_key(&self) -> u32 {
        self.keys >> 2 & 0b111
    }
}

/// r and s, each little-endian and longer than the curve needs.
fn signature(reader: &mut Reader<'_>) -> Result<[u8; 2 * P384_BYTES], AppraisalError> {
    let mut signature = [0; 2 * P384_BYTES];
    let bad = AppraisalError::ReportSignature;
    for scalar in signature.chunks_exact_mut(P384_BYTES) {
        let bytes: [u8; SCALAR_BYTES] = reader.array()?;
        let (low, high) = bytes.split_at_checked(P384_BYTES).ok_or(bad)?;
        if high.iter().any(|byte| *byte != 0) {
            return Err(bad);
        }
        for (to, from) in scalar.iter_mut().zip(low.iter().rev()) {
            *to = *from;
        }
    }
    if reader.take(512_usize.saturating_sub(2 * SCALAR_BYTES))?.iter().any(|byte| *byte != 0) {
        return Err(bad);
    }
    Ok(signature)
}

//! Reports, field by field.

use super::{Kind, TCB};
use p384::ecdsa::{Signature, SigningKey, signature::Signer as _};
use phala_attest::{SNP_REPORT_BYTES, amd::Tcb};

/// A report that is yet to be signed.
#[derive(Clone)]
pub struct Draft {
    /// All 1184 bytes. The signature is put in at the end.
    pub bytes: Vec<u8>,
}

impl Draft {
    /// Of a machine in a true story.
    pub fn new(kind: Kind) -> Self {
        let mut draft = Self { bytes: vec![0; SNP_REPORT_BYTES] };
        let version: u32 = match kind {
            Kind::Genoa => 3,
            Kind::GenoaCloud => 4,
            Kind::Turin => 5,
        };
        draft.put(0x00, &version.to_le_bytes());
        // SMT, the bit that is always set, and ciphertext hiding.
        draft.put(0x08, &(1u64 << 16 | 1 << 17 | 1 << 24).to_le_bytes());
        draft.put(0x34, &1u32.to_le_bytes());
        // SMT, ciphertext hiding, alias check.
        draft.put(0x40, &0b11_0001u64.to_le_bytes());
        let signed_by: u32 = if kind == Kind::GenoaCloud { 1 } else { 0 };
        draft.put(0x48, &(signed_by << 2).to_le_bytes());
        draft.put(0x50, &[7; 64]);
        draft.put(0x90, &[0x51; 48]);
        draft.put(0xc0, &[0x52; 32]);
        for at in [0x38, 0x180, 0x1e0, 0x1f0] {
            draft.put(at, &tcb(kind, TCB));
        }
        let (family, model) = if kind == Kind::Turin { (0x1a, 0x02) } else { (0x19, 0x11) };
        draft.put(0x188, &[family, model]);
        let chip: &[u8] = if kind == Kind::Turin { &[9; 8] } else { &[9; 64] };
        draft.put(0x1a0, chip);
        draft
    }

    /// Writes bytes at a place.
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Signs it and puts the signature in.
    pub fn sign(mut self, key: &SigningKey) -> Vec<u8> {
        let signature: Signature = key.sign(&self.bytes[..0x2a0]);
        let bytes = signature.to_bytes();
        let (r, s) = bytes.split_at(48);
        for (at, scalar) in [(0x2a0, r), (0x2e8, s)] {
            let little = scalar.iter().rev().copied().collect::<Vec<_>>();
            self.put(at, &little);
        }
        self.bytes
    }
}

/// The eight bytes of versions.
pub(super) fn tcb(kind: Kind, tcb: Tcb) -> [u8; 8] {
    let Tcb { fmc, boot_loader, tee, snp, microcode } = tcb;
    match kind {
        Kind::Turin => [fmc, boot_loader, tee, snp, 0, 0, 0, microcode],
        _ => [boot_loader, tee, 0, 0, 0, 0, snp, microcode],
    }
}

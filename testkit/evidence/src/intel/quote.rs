//! Quotes, field by field.

use super::{Kind, documents::QE_SIGNER};
use p256::ecdsa::SigningKey;
use phala_attest::danger_simulated::Draft;
use sha2::{Digest as _, Sha256};

/// Intel's quoting enclave vendor id.
const VENDOR: [u8; 16] =
    [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];

/// A quote of a machine with a certificate, which is put in later.
pub(super) fn draft(kind: Kind, attestation: &SigningKey) -> Draft {
    let point = attestation.verifying_key().to_sec1_point(false);
    let mut draft = Draft {
        header: header(kind),
        report: match kind {
            Kind::Sgx => enclave([5, 0], [0x51; 32], [0x52; 32], (0, 0), [7; 64]),
            _ => machine(kind),
        },
        attestation_key: point.as_bytes()[1..].to_vec(),
        qe_report: enclave([0x15, 0], [0x53; 32], QE_SIGNER, (1, 8), [0; 64]),
        qe_authentication: vec![3; 32],
        certification_type: 5,
        certificates: Vec::new(),
    };
    bind(&mut draft);
    draft
}

/// Makes the quoting enclave's report vouch for the attestation key.
pub(super) fn bind(draft: &mut Draft) {
    let hash = Sha256::digest([&draft.attestation_key[..], &draft.qe_authentication].concat());
    draft.qe_report[320..352].copy_from_slice(&hash);
}

fn header(kind: Kind) -> Vec<u8> {
    let version = match kind {
        Kind::Sgx => 3,
        Kind::Tdx10 => 4,
        _ => 5,
    };
    let tee = if kind.is_tdx() { 0x81 } else { 0 };
    let mut bytes = vec![version, 0, 2, 0, tee, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(VENDOR);
    bytes.extend([0; 20]);
    let body: Option<(u16, u32)> = match kind {
        Kind::Sgx | Kind::Tdx10 => None,
        Kind::Tdx10InV5 => Some((2, 584)),
        Kind::Tdx15 => Some((3, 648)),
        Kind::Tdx15Extended => Some((4, 885)),
    };
    if let Some((kind, length)) = body {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(length.to_le_bytes());
    }
    bytes
}

/// An enclave's report: flags, MRENCLAVE, MRSIGNER, ISVPRODID and ISVSVN, report data.
fn enclave(
    flags: [u8; 2],
    measurement: [u8; 32],
    signer: [u8; 32],
    (product, svn): (u16, u16),
    report_data: [u8; 64],
) -> Vec<u8> {
    let mut bytes = vec![5; 16];
    bytes.extend([0; 4 + 28]);
    bytes.extend(flags);
    bytes.extend([0; 6]);
    bytes.extend([0xe7, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(measurement);
    bytes.extend([0; 32]);
    bytes.extend(signer);
    bytes.extend([0; 96]);
    bytes.extend(product.to_le_bytes());
    bytes.extend(svn.to_le_bytes());
    bytes.extend([0; 60]);
    bytes.extend(report_data);
    bytes
}

/// A virtual machine's report.
fn machine(kind: Kind) -> Vec<u8> {
    // TEE_TCB_SVN: module 5 of version 1, then components.
    let mut svn = [5; 16];
    svn[1] = 1;
    let mut bytes = svn.to_vec();
    bytes.extend([0x31; 48]);
    bytes.extend([0; 48 + 8]);
    bytes.extend([0, 0, 0, 0x10, 0, 0, 0, 0]);
    bytes.extend([0xe7, 0x02, 0x06, 0, 0, 0, 0, 0]);
    for register in 0u8..8 {
        bytes.extend([0x40 + register; 48]);
    }
    bytes.extend([7; 64]);
    if matches!(kind, Kind::Tdx15 | Kind::Tdx15Extended) {
        bytes.extend(svn);
        bytes.extend([0; 48]);
    }
    if kind == Kind::Tdx15Extended {
        bytes.extend([0; 1 + 32 + 48]);
        bytes.extend([0; 48 + 8]);
        bytes.extend([5; 16 + 16 + 12]);
        bytes.extend([0; 48 + 8]);
    }
    bytes
}

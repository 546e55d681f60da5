//! Quotes of the simulated platform: the layout, the certificates and the signatures of a real SGX quote, and no TEE.
//!
//! So that nothing takes one for real, each carries five marks, and one that lacks any is refused: its own kind of
//! [`crate::Evidence`], the pinned [`DEVELOPMENT_ROOT`], the debug bit, [`FMSPC`] and [`USER_DATA`].
//!
//! Not checked: TCB levels and revocation. They say how much a machine can be trusted, and this one cannot.

use crate::{AppraisalError, sgx::Quote, x509};
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use phala_types::{Digest, Millis};
use sha2::{Digest as _, Sha256};

/// The root certificate of all simulated machines, in DER. Its private key is public.
pub const DEVELOPMENT_ROOT: &[u8] = include_bytes!("simulated/root.der");

/// The FMSPC of a simulated machine. Intel has none like it.
pub const FMSPC: [u8; 6] = [0xde, 0xde, 0xde, 0x00, 0x00, 0x00];

/// What the header of a simulated quote says.
pub const USER_DATA: [u8; 20] = *b"SOFTWARE-TEE-DEVONLY";

/// ISVPRODID of the simulated quoting enclave.
pub const QE_PRODUCT: u16 = 1;

/// MRSIGNER of the simulated quoting enclave.
pub fn qe_signer() -> [u8; 32] {
    Sha256::digest(b"SOFTWARE-TEE-QE-SIGNER").into()
}

/// What a simulated quote says, verified.
pub(crate) struct Claims {
    pub measurement: Digest,
    pub report_data: [u8; 64],
    pub platform: [u8; 16],
}

/// Verifies a simulated quote.
pub(crate) fn verify(quote: &[u8], now: Millis) -> Result<Claims, AppraisalError> {
    let quote = Quote::read(quote)?;
    if quote.user_data != USER_DATA {
        return Err(AppraisalError::NotMarkedSimulated);
    }
    if !quote.report.is_debug() {
        return Err(AppraisalError::NotDebug);
    }

    let pck = x509::verify_chain(quote.certificates, DEVELOPMENT_ROOT, now)?;
    let platform = pck.sgx_platform()?;
    if platform.fmspc != FMSPC {
        return Err(AppraisalError::ForeignPlatform);
    }

    verify_quoting_enclave(&quote, &pck.key)?;
    let attestation_key =
        key_from_coordinates(&quote.attestation_key).ok_or(AppraisalError::MalformedAttestationKey)?;
    if !is_signed_by(quote.signed, &quote.signature, &attestation_key) {
        return Err(AppraisalError::QuoteSignature);
    }
    Ok(Claims {
        measurement: Digest::new(quote.report.measurement),
        report_data: quote.report.report_data,
        platform: platform.instance,
    })
}

/// The platform vouches for the quoting enclave, which vouches for the attestation key.
fn verify_quoting_enclave(quote: &Quote<'_>, pck: &VerifyingKey) -> Result<(), AppraisalError> {
    if !is_signed_by(quote.qe_report_signed, &quote.qe_signature, pck) {
        return Err(AppraisalError::QuotingEnclaveSignature);
    }
    let enclave = &quote.qe_report;
    if enclave.signer != qe_signer() || enclave.product != QE_PRODUCT || enclave.is_debug() {
        return Err(AppraisalError::ForeignQuotingEnclave);
    }
    let bound: [u8; 32] = Sha256::new()
        .chain_update(quote.attestation_key)
        .chain_update(quote.qe_authentication)
        .finalize()
        .into();
    // The rest of the quoting enclave's report data is zero.
    match enclave.report_data.split_first_chunk::<32>() {
        Some((hash, padding)) if *hash == bound && padding.iter().all(|byte| *byte == 0) => Ok(()),
        _ => Err(AppraisalError::AttestationKeyNotBound),
    }
}

fn key_from_coordinates(coordinates: &[u8; 64]) -> Option<VerifyingKey> {
    let mut uncompressed = [0x04; 65];
    uncompressed.get_mut(1..)?.copy_from_slice(coordinates);
    VerifyingKey::from_sec1_bytes(&uncompressed).ok()
}

fn is_signed_by(message: &[u8], signature: &[u8; 64], key: &VerifyingKey) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

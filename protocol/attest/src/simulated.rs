//! Quotes of the simulated platform: the layout, the certificates and the signatures of a real SGX quote, and no TEE.
//!
//! So that nothing takes one for real, each carries five marks, and one that lacks any is refused: its own kind of
//! [`crate::Evidence`], the pinned [`DEVELOPMENT_ROOT`], the debug bit, [`FMSPC`] and [`USER_DATA`].
//!
//! Not checked: TCB levels and revocation. They say how much a machine can be trusted, and this one cannot.

use crate::{
    AppraisalError, Claims, Facts, claims,
    intel::{
        self,
        quote::{Body, Quote},
    },
    x509::{self, Use},
};
use phala_types::{Digest, Millis, worker::Tier};
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

/// Verifies a simulated quote.
pub(crate) fn verify(quote: &[u8], now: Millis) -> Result<Claims, AppraisalError> {
    let quote = Quote::read(quote)?;
    let Body::Sgx(report) = &quote.body else { return Err(AppraisalError::UnsupportedQuote) };
    if quote.user_data != USER_DATA {
        return Err(AppraisalError::NotMarkedSimulated);
    }
    if !report.is_debug() {
        return Err(AppraisalError::NotDebug);
    }

    let chain = x509::from_pem_chain::<3>(quote.certificates)?;
    let path = x509::verify_path(chain, DEVELOPMENT_ROOT, Use::Leaf, now)?;
    let [leaf, ..] = &path.certificates;
    let pck = intel::Pck::read(leaf)?;
    if pck.fmspc.0 != FMSPC {
        return Err(AppraisalError::ForeignPlatform);
    }
    // The name of a machine: as a real one's is its PPID, a simulated one's is what stands for its instance.
    let instance = pck.instance.ok_or(AppraisalError::MalformedPlatform)?;

    intel::check_quoting_enclave_signature(&quote, &path.key)?;
    let enclave = &quote.qe_report;
    if enclave.signer != qe_signer() || enclave.product != QE_PRODUCT || enclave.is_debug() {
        return Err(AppraisalError::ForeignQuotingEnclave);
    }
    let attestation_key =
        x509::p256_from_coordinates(&quote.attestation_key).ok_or(AppraisalError::MalformedAttestationKey)?;
    if !attestation_key.has_signed_raw(quote.signed, &quote.signature) {
        return Err(AppraisalError::QuoteSignature);
    }
    Ok(Claims {
        tier: Tier::Simulated,
        measurement: Digest::new(report.measurement),
        report_data: report.report_data,
        machine: claims::machine(Tier::Simulated, &instance),
        valid_until: path.valid_until,
        facts: Facts::Simulated,
    })
}

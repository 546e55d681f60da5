//! Evidence, a policy and a time in; a [`Verified`] TEE out.
//!
//! [`appraise`] is the only way to a [`Verified`]: it takes the SCALE bytes of an [`Evidence`], checks them by the
//! rules of their kind, and then holds what they say against the [`Policy`]. A kind that the policy does not name is
//! refused before anything is verified, and the default policy names none, so that it admits nobody.
//!
//! - [`simulated`]: quotes of the development platform, which protect nothing.
//! - `sgx` and `x509`: the layout of quotes and the checks of certificate chains, which hardware kinds share.
//! - `danger_simulated`: the development keys, only with the feature `danger_simulated_keys`.
//!
//! Not checked here: that the evidence is fresh (the registration in its report data names a recent block, and the
//! chain looks at that), and that no other registration uses the same platform (the chain knows). There is no
//! evidence of real hardware yet.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

#[cfg(feature = "danger_simulated_keys")]
pub mod danger_simulated;
mod error;
mod evidence;
mod policy;
mod sgx;
pub mod simulated;
mod x509;

pub use error::AppraisalError;
pub use evidence::{Evidence, QUOTE_BYTES_MAX};
pub use policy::{MEASUREMENTS_MAX, Measurements, Policy, SimulatedPolicy};

use phala_types::{
    ContractId, Digest, GenesisHash, Millis, Untrusted, decode_exact,
    limits::EVIDENCE_BYTES_MAX,
    tag::Tag,
    worker::{Registration, Tier},
};
use sha2::{Digest as _, Sha512};

/// A TEE that a policy admits. Only [`appraise`] makes one: holding it is the proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    tier: Tier,
    measurement: Digest,
    report_data: [u8; 64],
    platform: [u8; 16],
    attestation: Digest,
}

impl Verified {
    /// How it is attested.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Which program runs in it: MRENCLAVE or its like.
    pub fn measurement(&self) -> Digest {
        self.measurement
    }

    /// What the program asked the TEE to vouch for. Compare it with [`report_data`].
    pub fn report_data(&self) -> &[u8; 64] {
        &self.report_data
    }

    /// Which machine it is: the platform instance id. A simulated machine makes up its own.
    pub fn platform(&self) -> &[u8; 16] {
        &self.platform
    }

    /// BLAKE2b-256 of the evidence, by which a record on the chain and a receipt name it.
    pub fn attestation(&self) -> Digest {
        self.attestation
    }
}

/// Verifies `evidence`, the SCALE bytes of an [`Evidence`], and holds it against `policy` at the time `now`.
///
/// Does not look at the report data: [`appraise_registration`] does.
pub fn appraise(
    evidence: Untrusted<&[u8]>,
    policy: &Policy,
    now: Millis,
) -> Result<Verified, AppraisalError> {
    let bytes = evidence.unverified();
    if bytes.len() > EVIDENCE_BYTES_MAX as usize {
        return Err(AppraisalError::EvidenceTooLong);
    }
    match decode_exact(bytes).map_err(|_| AppraisalError::MalformedEvidence)? {
        Evidence::Simulated(quote) => {
            let admitted = policy.simulated.as_ref().ok_or(AppraisalError::TierNotAdmitted)?;
            let claims = simulated::verify(&quote, now)?;
            if !admitted.measurements.admit(&claims.measurement) {
                return Err(AppraisalError::MeasurementNotAdmitted);
            }
            Ok(Verified {
                tier: Tier::Simulated,
                measurement: claims.measurement,
                report_data: claims.report_data,
                platform: claims.platform,
                attestation: Digest::new(sp_crypto_hashing::blake2_256(bytes)),
            })
        }
    }
}

/// [`appraise`], and that the evidence vouches for this very registration.
///
/// Does not check that the registration's network, anchor and operator are the ones at hand: the chain does.
pub fn appraise_registration(
    registration: &Registration,
    evidence: Untrusted<&[u8]>,
    policy: &Policy,
    now: Millis,
) -> Result<Verified, AppraisalError> {
    let verified = appraise(evidence, policy, now)?;
    if verified.report_data != report_data(registration) {
        return Err(AppraisalError::ReportDataMismatch);
    }
    Ok(verified)
}

/// What a TEE vouches for when a contract asks it to: SHA-512 of a tag of its own, the network, the contract and the
/// contract's data. No data makes it another contract's, or a registration.
pub fn contract_report_data(genesis: &GenesisHash, contract: &ContractId, user_data: &[u8]) -> [u8; 64] {
    Sha512::digest(Tag::CONTRACT_EVIDENCE.preimage(genesis, &(contract, user_data))).into()
}

/// What a TEE has to vouch for in order to register: SHA-512 of the tag, the network and the registration.
pub fn report_data(registration: &Registration) -> [u8; 64] {
    Sha512::digest(registration.report_preimage()).into()
}

//! Evidence, the vendors' documents, a policy and a time in; a [`Verified`] TEE out. The words are those of RFC 9334.
//!
//! [`appraise`] is the only way to a [`Verified`]. It takes the SCALE bytes of an [`Evidence`], verifies them by the rules of
//! their kind ([`verify`]: what it says is then called [`Claims`]), and holds the claims against the [`Policy`]. A kind that
//! the policy does not name is refused before anything is verified, and the default policy names none, so that it admits
//! nobody. A [`Document`] of a vendor's is verified when it arrives ([`verify_document`]), and found again by [`Collateral`].
//!
//! - [`intel`]: SGX and TDX. [`amd`]: SEV-SNP. [`nitro`]: AWS Nitro. [`simulated`]: quotes that protect nothing.
//! - `x509` and [`revocation`]: certificates, their chains and who revoked them.
//! - `danger_simulated`: the development keys, only with the feature `danger_simulated_keys`.
//!
//! Not checked here: that the evidence is fresh (the registration in its report data names a recent block, and the
//! chain looks at that), and that no other registration uses the same machine (the chain knows).
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

pub mod amd;
mod anchors;
mod claims;
mod collateral;
#[cfg(feature = "danger_simulated_keys")]
pub mod danger_simulated;
mod error;
mod evidence;
pub mod intel;
mod label;
pub mod nitro;
mod policy;
mod reader;
pub mod revocation;
pub mod simulated;
mod x509;

pub use anchors::{AmdAnchor, Anchors};
pub use claims::{Check, Claims, Facts, machine};
pub use collateral::{Collateral, Document, Documents, Issuer, VerifiedDocument};
pub use error::AppraisalError;
pub use evidence::{CERTIFICATE_BYTES_MAX, Evidence, QUOTE_BYTES_MAX, SNP_REPORT_BYTES};
pub use label::{LABEL_BYTES_MAX, Label};
pub use policy::{MEASUREMENTS_MAX, Measurements, Policy, Reference, SimulatedPolicy};

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
    claims: Claims,
    attestation: Digest,
}

impl Verified {
    /// How it is attested.
    pub fn tier(&self) -> Tier {
        self.claims.tier
    }

    /// Which program runs in it: MRENCLAVE or its like.
    pub fn measurement(&self) -> Digest {
        self.claims.measurement
    }

    /// What the program asked the TEE to vouch for. Compare it with [`report_data`].
    pub fn report_data(&self) -> &[u8; 64] {
        &self.claims.report_data
    }

    /// Which machine it is. A simulated machine makes up its own name.
    pub fn machine(&self) -> Digest {
        self.claims.machine
    }

    /// All that the evidence says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// BLAKE2b-256 of the evidence, by which a record on the chain and a receipt name it.
    pub fn attestation(&self) -> Digest {
        self.attestation
    }
}

/// Verifies `evidence`, the SCALE bytes of an [`Evidence`], by the vendors' documents, and holds it against `policy` at the
/// time `now`.
///
/// Does not look at the report data: [`appraise_registration`] does.
pub fn appraise(
    evidence: Untrusted<&[u8]>,
    collateral: &impl Collateral,
    policy: &Policy,
    now: Millis,
) -> Result<Verified, AppraisalError> {
    appraise_under(&Anchors::VENDORS, evidence, collateral, policy, now)
}

/// [`appraise`] under other anchors than the vendors'.
#[cfg(feature = "danger_test_anchors")]
pub fn danger_appraise_under(
    anchors: &Anchors<'_>,
    evidence: Untrusted<&[u8]>,
    collateral: &impl Collateral,
    policy: &Policy,
    now: Millis,
) -> Result<Verified, AppraisalError> {
    appraise_under(anchors, evidence, collateral, policy, now)
}

fn appraise_under(
    anchors: &Anchors<'_>,
    evidence: Untrusted<&[u8]>,
    collateral: &impl Collateral,
    policy: &Policy,
    now: Millis,
) -> Result<Verified, AppraisalError> {
    let bytes = evidence.unverified();
    let evidence = decode(bytes)?;
    // A kind that is refused anyway costs nothing to refuse.
    if !tiers(&evidence).iter().any(|tier| policy.names(*tier)) {
        return Err(AppraisalError::TierNotAdmitted);
    }
    let claims = verify_under(anchors, &evidence, collateral, now)?;
    for check in policy.judge(&claims, now) {
        check.result?;
    }
    Ok(Verified { claims, attestation: Digest::new(sp_crypto_hashing::blake2_256(bytes)) })
}

/// Verifies evidence and asks no policy: what is genuine may still be a debug build of a stranger's program.
pub fn verify(
    evidence: Untrusted<&[u8]>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<Claims, AppraisalError> {
    verify_under(&Anchors::VENDORS, &decode(evidence.unverified())?, collateral, now)
}

/// [`verify`] under other anchors than the vendors'.
#[cfg(feature = "danger_test_anchors")]
pub fn danger_verify_under(
    anchors: &Anchors<'_>,
    evidence: Untrusted<&[u8]>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<Claims, AppraisalError> {
    verify_under(anchors, &decode(evidence.unverified())?, collateral, now)
}

/// Verifies a document of a vendor's: its signature, the chain of its signer, who was revoked, and its dates.
///
/// All of Intel's but the root's own revocation list take that list from `collateral`.
pub fn verify_document(
    document: Untrusted<&Document>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<VerifiedDocument, AppraisalError> {
    collateral::verify_document(document.unverified(), &Anchors::VENDORS, collateral, now)
}

/// [`verify_document`] under other anchors than the vendors'.
#[cfg(feature = "danger_test_anchors")]
pub fn danger_verify_document_under(
    anchors: &Anchors<'_>,
    document: Untrusted<&Document>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<VerifiedDocument, AppraisalError> {
    collateral::verify_document(document.unverified(), anchors, collateral, now)
}

fn decode(bytes: &[u8]) -> Result<Evidence, AppraisalError> {
    if bytes.len() > EVIDENCE_BYTES_MAX as usize {
        return Err(AppraisalError::EvidenceTooLong);
    }
    decode_exact(bytes).map_err(|_| AppraisalError::MalformedEvidence)
}

/// What a kind of evidence may turn out to be.
fn tiers(evidence: &Evidence) -> &'static [Tier] {
    match evidence {
        Evidence::Simulated(_) => &[Tier::Simulated],
        Evidence::Intel(_) => &[Tier::IntelSgx, Tier::IntelTdx],
        Evidence::AmdSevSnp { .. } => &[Tier::AmdSevSnp],
        Evidence::AwsNitro(_) => &[Tier::AwsNitro],
    }
}

fn verify_under(
    anchors: &Anchors<'_>,
    evidence: &Evidence,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<Claims, AppraisalError> {
    match evidence {
        Evidence::Simulated(quote) => simulated::verify(quote, now),
        Evidence::Intel(quote) => intel::verify(quote, anchors, collateral, now),
        Evidence::AmdSevSnp { report, endorsement_key, issuer } => amd::verify(
            report,
            endorsement_key,
            issuer.as_deref().map(|it| &it[..]),
            anchors,
            collateral,
            now,
        ),
        Evidence::AwsNitro(document) => nitro::verify(document, anchors, now),
    }
}

/// [`appraise`], and that the evidence vouches for this very registration.
///
/// Does not check that the registration's network, anchor and operator are the ones at hand: the chain does.
pub fn appraise_registration(
    registration: &Registration,
    evidence: Untrusted<&[u8]>,
    collateral: &impl Collateral,
    policy: &Policy,
    now: Millis,
) -> Result<Verified, AppraisalError> {
    let verified = appraise(evidence, collateral, policy, now)?;
    if *verified.report_data() != report_data(registration) {
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

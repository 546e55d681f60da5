//! Intel SGX and TDX: DCAP quotes and the documents by which they are judged.
//!
//! What is checked follows Intel's "DCAP quote verification" and, where its library leaves something to the caller, is
//! checked as well: the PCE id, every attribute and XFRM of an enclave, every attribute of a virtual machine, that nothing
//! follows the quote, and that documents' signers were not revoked after they signed.
//!
//! - `quote`: layouts. `pck`: what a certificate says of its machine. `document`: Intel's signed JSON. `tcb`: levels.
//! - The documents are verified when they arrive, once ([`crate::verify_document`]); a quote costs four signatures.

mod document;
mod pck;
pub(crate) mod quote;
mod rules;
pub(crate) mod tcb;

pub use document::{DOCUMENT_BYTES_MAX, Signed};
pub(crate) use document::{verify_pck_list, verify_qe_identity, verify_root_list, verify_tcb_info};
pub(crate) use pck::Pck;
#[cfg(feature = "danger_simulated_keys")]
pub(crate) use pck::SGX_EXTENSION;
pub use quote::{EnclaveReport, TdReport, without_padding};
pub use rules::{FMSPCS_MAX, SgxRules, TcbRules, TdxRules};
pub use tcb::{Advisory, Issue, PartLevel, QeIdentity, Standing, TcbInfo, TcbLevel, TcbStatus, TdxModule};

use crate::{
    Anchors, AppraisalError, Claims, Collateral, Issuer, claims,
    x509::{self, Key, Use},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Digest, Millis, worker::Tier};
use quote::{Body, Quote};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// Common names of Intel's certificates below its root.
pub(crate) const PLATFORM_CA: &str = "Intel SGX PCK Platform CA";
pub(crate) const PROCESSOR_CA: &str = "Intel SGX PCK Processor CA";
pub(crate) const TCB_SIGNER: &str = "Intel SGX TCB Signing";

/// Which of Intel's TEEs.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Tee {
    /// SGX: enclaves.
    #[codec(index = 0)]
    Sgx,
    /// TDX: virtual machines.
    #[codec(index = 1)]
    Tdx,
}

/// Family, model, stepping, platform type and SKU of a machine, as Intel encodes them.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Fmspc(pub [u8; 6]);

impl core::fmt::Display for Fmspc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl Serialize for Fmspc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fmspc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        let mut bytes = [0; 6];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| serde::de::Error::custom("an FMSPC is twelve hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

/// What a genuine quote says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Which machines it is one of.
    pub fmspc: Fmspc,
    /// What its microcode, firmware and modules are worth.
    pub standing: Standing,
    /// The lower of the numbers of evaluation of the documents that say so.
    pub evaluation: u32,
    /// Whether processors may be added to the machine, where Intel says it.
    pub is_dynamic: Option<bool>,
    /// Whether Intel keeps the machine's root keys, where Intel says it.
    pub has_cached_keys: Option<bool>,
    /// Whether threads share a core, where Intel says it.
    pub has_smt: Option<bool>,
    /// What is attested.
    pub report: Report,
}

/// What a quote attests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// An enclave.
    Sgx(EnclaveReport),
    /// A virtual machine.
    Tdx(TdReport),
}

/// The machine that a quote is from, unverified: what whoever fetches the documents for it has to ask Intel for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// Which TEE.
    pub tee: Tee,
    /// Which machines' TCB information.
    pub fmspc: Fmspc,
    /// Whose revocation list.
    pub issuer: Issuer,
}

/// Reads from a quote which documents it takes to judge it. Nothing is verified.
pub fn needs(quote: &[u8]) -> Result<Needs, AppraisalError> {
    let quote = Quote::read(quote)?;
    let [leaf, authority, _] = x509::from_pem_chain::<3>(quote.certificates)?;
    Ok(Needs {
        tee: match quote.body {
            Body::Sgx(_) => Tee::Sgx,
            Body::Tdx(_) => Tee::Tdx,
        },
        fmspc: Pck::read(&leaf)?.fmspc,
        issuer: document::pck_issuer(&authority)?,
    })
}

/// Verifies a quote of SGX or TDX.
pub(crate) fn verify(
    quote: &[u8],
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<Claims, AppraisalError> {
    let missing = AppraisalError::CollateralMissing;
    let quote = Quote::read(quote)?;
    let tee = check_attributes(&quote.body)?;

    // The machine: its certificate, and that nobody above it was revoked.
    let chain = x509::from_pem_chain::<3>(quote.certificates)?;
    let path = x509::verify_path(chain, anchors.intel_root, Use::Leaf, now)?;
    let [leaf, authority, root] = &path.certificates;
    let root_list = collateral.revocation_list(Issuer::IntelRoot).ok_or(missing)?;
    root_list.check(authority, root, now)?;
    let pck_list = collateral.revocation_list(document::pck_issuer(authority)?).ok_or(missing)?;
    root_list.check_serial(&pck_list.issuer_serial)?;
    pck_list.check(leaf, authority, now)?;
    let pck = Pck::read(leaf)?;

    // The quoting enclave, which the machine vouches for and which vouches for the attestation key.
    check_quoting_enclave_signature(&quote, &path.key)?;
    let identity = collateral.qe_identity(tee).ok_or(missing)?;
    identity.issue.check(&root_list, now)?;
    let qe_standing = check_quoting_enclave(&quote.qe_report, &identity)?;
    let attestation_key =
        x509::p256_from_coordinates(&quote.attestation_key).ok_or(AppraisalError::MalformedAttestationKey)?;
    if !attestation_key.has_signed_raw(quote.signed, &quote.signature) {
        return Err(AppraisalError::QuoteSignature);
    }

    // What the machine is worth.
    let info = collateral.tcb_info(tee, pck.fmspc).ok_or(missing)?;
    info.issue.check(&root_list, now)?;
    if info.tee != tee || info.fmspc != pck.fmspc || identity.tee != tee {
        return Err(AppraisalError::ForeignCollateral);
    }
    if info.pce_id != pck.pce_id {
        return Err(AppraisalError::ForeignPce);
    }
    let standing = match &quote.body {
        Body::Sgx(_) => info.sgx(pck.tcb, qe_standing)?,
        Body::Tdx(report) => {
            check_module(report, &info)?;
            info.tdx(pck.tcb, report.tee_tcb_svn, report.tee_tcb_svn_now, qe_standing)?
        }
    };

    let ends =
        [root_list.valid_until, pck_list.valid_until, info.issue.valid_until, identity.issue.valid_until];
    let valid_until = ends.into_iter().fold(path.valid_until, Millis::min);
    let (tier, measurement, report_data, report) = match quote.body {
        Body::Sgx(report) => {
            (Tier::IntelSgx, Digest::new(report.measurement), report.report_data, Report::Sgx(report))
        }
        Body::Tdx(report) => {
            let registers = report.registers.each_ref().map(|register| &register[..]);
            let measurement = claims::measurement(Tier::IntelTdx, &registers);
            (Tier::IntelTdx, measurement, report.report_data, Report::Tdx(report))
        }
    };
    Ok(Claims {
        tier,
        measurement,
        report_data,
        // The same machine runs enclaves and virtual machines, and has one name.
        machine: claims::machine(Tier::IntelSgx, &pck.ppid),
        valid_until,
        facts: claims::Facts::Intel(Facts {
            fmspc: pck.fmspc,
            standing,
            evaluation: info.issue.evaluation.min(identity.issue.evaluation),
            is_dynamic: pck.is_dynamic,
            has_cached_keys: pck.has_cached_keys,
            has_smt: pck.has_smt,
            report,
        }),
    })
}

/// Checks that the platform vouches for the quoting enclave's report, and the report for the attestation key.
pub(crate) fn check_quoting_enclave_signature(quote: &Quote<'_>, pck: &Key) -> Result<(), AppraisalError> {
    if !pck.has_signed_raw(quote.qe_report_signed, &quote.qe_signature) {
        return Err(AppraisalError::QuotingEnclaveSignature);
    }
    let bound: [u8; 32] = Sha256::new()
        .chain_update(quote.attestation_key)
        .chain_update(quote.qe_authentication)
        .finalize()
        .into();
    // The rest of the quoting enclave's report data is zero.
    match quote.qe_report.report_data.split_first_chunk::<32>() {
        Some((hash, padding)) if *hash == bound && padding.iter().all(|byte| *byte == 0) => Ok(()),
        _ => Err(AppraisalError::AttestationKeyNotBound),
    }
}

/// Checks that the quoting enclave is Intel's, and returns what it is worth.
fn check_quoting_enclave<'a>(
    enclave: &EnclaveReport,
    identity: &'a QeIdentity,
) -> Result<&'a Standing, AppraisalError> {
    let mask = u128::from_le_bytes(identity.attributes_mask);
    let is_expected = enclave.signer == *identity.signer.as_bytes()
        && enclave.product == identity.product
        && enclave.misc_select & identity.misc_select_mask
            == identity.misc_select & identity.misc_select_mask
        && enclave.attributes() & mask == u128::from_le_bytes(identity.attributes) & mask
        && !enclave.is_debug();
    if is_expected { identity.standing(enclave.isv_svn) } else { Err(AppraisalError::ForeignQuotingEnclave) }
}

/// Attributes of an enclave that has all protection: INIT and MODE64BIT are set, and nothing but KSS and AEXNOTIFY beside
/// them. PROVISIONKEY and EINITTOKENKEY give keys of the machine; DEBUG lets the host read.
///
/// Source: Intel, "Software Developer's Manual", volume 3D, table "Layout of ATTRIBUTES".
const SGX_FLAGS_REQUIRED: u64 = 0x05;
const SGX_FLAGS_ALLOWED: u64 = SGX_FLAGS_REQUIRED | 1 << 7 | 1 << 10;

/// Attributes of a virtual machine that has all protection: SEPT_VE_DISABLE is set; ICSSD, LASS, PKS, KL and PERFMON may
/// be. DEBUG and the other bits of the group "under debug" let the host read; MIGRATABLE and SERVTD_EXT let another machine
/// in; TPA is for a provisioning agent; the rest is reserved.
///
/// Source: Intel, "TDX Module ABI Specification", table "TD_ATTRIBUTES".
const TDX_UNDER_DEBUG: u64 = 0xff;
const TDX_REQUIRED: u64 = 1 << 28;
const TDX_ALLOWED: u64 = TDX_REQUIRED | 1 << 16 | 1 << 27 | 1 << 30 | 1 << 31 | 1 << 63;

/// Checks that nobody but the program can read its memory, whatever a policy says.
fn check_attributes(body: &Body) -> Result<Tee, AppraisalError> {
    match body {
        Body::Sgx(report) => {
            if report.is_debug() {
                return Err(AppraisalError::Debug);
            }
            let is_plain = report.flags & SGX_FLAGS_REQUIRED == SGX_FLAGS_REQUIRED
                && report.flags & !SGX_FLAGS_ALLOWED == 0;
            // What the host configures is in no measurement.
            let is_configured = report.config_svn != 0 || report.config_id.iter().any(|byte| *byte != 0);
            if is_plain && !is_configured { Ok(Tee::Sgx) } else { Err(AppraisalError::Attributes) }
        }
        Body::Tdx(report) => {
            if report.attributes & TDX_UNDER_DEBUG != 0 {
                return Err(AppraisalError::Debug);
            }
            let is_plain =
                report.attributes & TDX_REQUIRED == TDX_REQUIRED && report.attributes & !TDX_ALLOWED == 0;
            if is_plain && !report.has_service_td { Ok(Tee::Tdx) } else { Err(AppraisalError::Attributes) }
        }
    }
}

/// Checks that the TDX module is the one that Intel's document describes.
fn check_module(report: &TdReport, info: &TcbInfo) -> Result<(), AppraisalError> {
    let module = info.module(report.tee_tcb_svn)?;
    let is_expected = report.seam_signer == module.signer
        && report.seam_attributes & module.attributes_mask == module.attributes & module.attributes_mask
        && report.seam_attributes & !module.attributes_mask == 0;
    if is_expected { Ok(()) } else { Err(AppraisalError::ForeignTdxModule) }
}

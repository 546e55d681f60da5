//! The documents that Intel's provisioning certification service gives out, as it signs them: JSON and its signature.

use super::{
    Fmspc, PLATFORM_CA, PROCESSOR_CA, TCB_SIGNER, Tee,
    tcb::{
        Advisory, Issue, PartLevel, QeIdentity, Standing, TcbInfo, TcbLevel, TcbStatus, TdxModule,
        parts_in_order,
    },
};
use crate::{
    Anchors, AppraisalError, Collateral, Issuer,
    revocation::RevocationList,
    x509::{self, Use},
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use phala_types::{Bytes, Digest, List, Millis};
use scale_info::TypeInfo;
use serde::Deserialize;

/// The longest document in JSON, certificate chain in PEM, or revocation list: Intel's longest today has 7 KB.
pub const DOCUMENT_BYTES_MAX: u32 = 32 * 1024;

const MALFORMED: AppraisalError = AppraisalError::MalformedCollateral;

/// A document of Intel's, unverified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Signed {
    /// The text in JSON to the byte, as it was signed.
    pub text: Bytes<DOCUMENT_BYTES_MAX>,
    /// r and s of ECDSA over P-256 with SHA-256.
    pub signature: [u8; 64],
    /// PEM: the signer's certificate and the root.
    pub certificates: Bytes<DOCUMENT_BYTES_MAX>,
}

impl Signed {
    /// Verifies the signature and its chain. Returns the signer's serial number and the end of its chain.
    fn verify(
        &self,
        anchors: &Anchors<'_>,
        collateral: &impl Collateral,
        now: Millis,
    ) -> Result<(x509::Serial, Millis), AppraisalError> {
        let chain = x509::from_pem_chain::<2>(&self.certificates)?;
        let path = x509::verify_path(chain, anchors.intel_root, Use::Leaf, now)?;
        let [signer, root] = &path.certificates;
        let revoked =
            collateral.revocation_list(Issuer::IntelRoot).ok_or(AppraisalError::CollateralMissing)?;
        revoked.check(signer, root, now)?;
        if x509::common_name(signer) != Some(TCB_SIGNER) {
            return Err(AppraisalError::CertificateMisused);
        }
        if !path.key.has_signed_raw(&self.text, &self.signature) {
            return Err(AppraisalError::CollateralSignature);
        }
        Ok((x509::serial(signer.tbs_certificate().serial_number())?, path.valid_until))
    }
}

/// Verifies the root's own revocation list, in DER.
pub(crate) fn verify_root_list(
    list: &[u8],
    anchors: &Anchors<'_>,
    now: Millis,
) -> Result<RevocationList, AppraisalError> {
    let root = x509::from_der(anchors.intel_root)?;
    x509::check(&root, Use::Issuer { below: 1 }, now)?;
    let key = x509::key(root.tbs_certificate().subject_public_key_info());
    RevocationList::verify(list, &root, &key.ok_or(AppraisalError::UnsupportedCertificate)?, now)
}

/// Verifies the revocation list of a PCK CA, in DER, whose certificate and the root's are in PEM.
pub(crate) fn verify_pck_list(
    list: &[u8],
    certificates: &[u8],
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<(Issuer, RevocationList), AppraisalError> {
    let chain = x509::from_pem_chain::<2>(certificates)?;
    let path = x509::verify_path(chain, anchors.intel_root, Use::Issuer { below: 0 }, now)?;
    let [authority, root] = &path.certificates;
    let issuer = pck_issuer(authority)?;
    let revoked = collateral.revocation_list(Issuer::IntelRoot).ok_or(AppraisalError::CollateralMissing)?;
    revoked.check(authority, root, now)?;
    Ok((issuer, RevocationList::verify(list, authority, &path.key, now)?))
}

/// Which of Intel's CAs for PCK certificates it is.
pub(crate) fn pck_issuer(authority: &x509_cert::Certificate) -> Result<Issuer, AppraisalError> {
    match x509::common_name(authority) {
        Some(PLATFORM_CA) => Ok(Issuer::IntelPlatform),
        Some(PROCESSOR_CA) => Ok(Issuer::IntelProcessor),
        _ => Err(AppraisalError::CertificateMisused),
    }
}

/// Verifies the TCB information of one FMSPC.
pub(crate) fn verify_tcb_info(
    signed: &Signed,
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<TcbInfo, AppraisalError> {
    let (signer, chain_ends) = signed.verify(anchors, collateral, now)?;
    let text: TcbInfoText = serde_json::from_slice(&signed.text).map_err(|_| MALFORMED)?;
    let tee = match (text.id.as_str(), text.version) {
        ("SGX", 3) => Tee::Sgx,
        ("TDX", 3) => Tee::Tdx,
        _ => return Err(AppraisalError::UnsupportedCollateral),
    };
    // Another type would compare components in another way.
    if text.tcb_type != 0 {
        return Err(AppraisalError::UnsupportedCollateral);
    }
    let levels = text.tcb_levels.into_iter().map(|it| it.read(tee)).collect::<Result<Vec<_>, _>>()?;
    let modules = match (tee, text.tdx_module) {
        (Tee::Sgx, _) => Vec::new(),
        (Tee::Tdx, None) => return Err(MALFORMED),
        (Tee::Tdx, Some(base)) => {
            let base = base.read(0, Vec::new());
            let versions = text.tdx_module_identities.into_iter().map(ModuleIdentityText::read);
            core::iter::once(base).chain(versions).collect::<Result<Vec<_>, _>>()?
        }
    };
    let distinct = modules.iter().map(|module| module.version).collect::<alloc::collections::BTreeSet<_>>();
    if distinct.len() != modules.len() {
        return Err(MALFORMED);
    }
    Ok(TcbInfo {
        tee,
        fmspc: Fmspc(octets(&text.fmspc)?),
        pce_id: octets(&text.pce_id)?,
        issue: issue(&text.issue_date, &text.next_update, chain_ends, text.evaluation, signer, now)?,
        levels: list(TcbInfo::in_order(levels))?,
        modules: list(modules)?,
    })
}

/// Verifies the identity of the quoting enclave.
pub(crate) fn verify_qe_identity(
    signed: &Signed,
    anchors: &Anchors<'_>,
    collateral: &impl Collateral,
    now: Millis,
) -> Result<QeIdentity, AppraisalError> {
    let (signer, chain_ends) = signed.verify(anchors, collateral, now)?;
    let text: QeIdentityText = serde_json::from_slice(&signed.text).map_err(|_| MALFORMED)?;
    let tee = match (text.id.as_str(), text.version) {
        ("QE", 2) => Tee::Sgx,
        ("TD_QE", 2 | 3) => Tee::Tdx,
        _ => return Err(AppraisalError::UnsupportedCollateral),
    };
    Ok(QeIdentity {
        tee,
        issue: issue(&text.issue_date, &text.next_update, chain_ends, text.evaluation, signer, now)?,
        misc_select: u32::from_le_bytes(octets(&text.miscselect)?),
        misc_select_mask: u32::from_le_bytes(octets(&text.miscselect_mask)?),
        attributes: octets(&text.attributes)?,
        attributes_mask: octets(&text.attributes_mask)?,
        signer: Digest::new(octets(&text.mrsigner)?),
        product: text.isvprodid,
        levels: part_levels(text.tcb_levels)?,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TcbInfoText {
    id: String,
    version: u8,
    issue_date: String,
    next_update: String,
    fmspc: String,
    pce_id: String,
    tcb_type: u32,
    #[serde(rename = "tcbEvaluationDataNumber")]
    evaluation: u32,
    tdx_module: Option<ModuleText>,
    #[serde(default)]
    tdx_module_identities: Vec<ModuleIdentityText>,
    tcb_levels: Vec<LevelText<TcbText>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QeIdentityText {
    id: String,
    version: u8,
    issue_date: String,
    next_update: String,
    #[serde(rename = "tcbEvaluationDataNumber")]
    evaluation: u32,
    miscselect: String,
    miscselect_mask: String,
    attributes: String,
    attributes_mask: String,
    mrsigner: String,
    isvprodid: u16,
    tcb_levels: Vec<LevelText<PartText>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LevelText<T> {
    tcb: T,
    tcb_date: String,
    tcb_status: TcbStatus,
    #[serde(rename = "advisoryIDs", default)]
    advisory_ids: Vec<String>,
}

#[derive(Deserialize)]
struct TcbText {
    #[serde(rename = "sgxtcbcomponents")]
    sgx: Vec<ComponentText>,
    #[serde(rename = "tdxtcbcomponents", default)]
    tdx: Vec<ComponentText>,
    pcesvn: u16,
}

#[derive(Deserialize)]
struct ComponentText {
    svn: u8,
}

#[derive(Deserialize)]
struct PartText {
    isvsvn: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModuleText {
    mrsigner: String,
    attributes: String,
    attributes_mask: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModuleIdentityText {
    id: String,
    mrsigner: String,
    attributes: String,
    attributes_mask: String,
    tcb_levels: Vec<LevelText<PartText>>,
}

impl<T> LevelText<T> {
    fn standing(&self) -> Result<Standing, AppraisalError> {
        // These two follow from comparing two levels, and are no level's.
        if matches!(
            self.tcb_status,
            TcbStatus::TdRelaunchAdvised | TcbStatus::TdRelaunchAdvisedConfigurationNeeded
        ) {
            return Err(MALFORMED);
        }
        let advisories = self.advisory_ids.iter().map(|name| Advisory::new(name).ok_or(MALFORMED));
        Ok(Standing {
            status: self.tcb_status,
            dated: date(&self.tcb_date)?,
            advisories: list(advisories.collect::<Result<Vec<_>, _>>()?)?,
        })
    }
}

impl LevelText<TcbText> {
    fn read(self, tee: Tee) -> Result<TcbLevel, AppraisalError> {
        let components = |list: &[ComponentText]| {
            list.iter().map(|component| component.svn).collect::<Vec<_>>().try_into().map_err(|_| MALFORMED)
        };
        Ok(TcbLevel {
            sgx_components: components(&self.tcb.sgx)?,
            pce_svn: self.tcb.pcesvn,
            tdx_components: match tee {
                Tee::Sgx => [0; 16],
                Tee::Tdx => components(&self.tcb.tdx)?,
            },
            standing: self.standing()?,
        })
    }
}

impl ModuleText {
    fn read(self, version: u8, levels: Vec<LevelText<PartText>>) -> Result<TdxModule, AppraisalError> {
        Ok(TdxModule {
            version,
            signer: octets(&self.mrsigner)?,
            attributes: u64::from_le_bytes(octets(&self.attributes)?),
            attributes_mask: u64::from_le_bytes(octets(&self.attributes_mask)?),
            levels: part_levels(levels)?,
        })
    }
}

impl ModuleIdentityText {
    fn read(self) -> Result<TdxModule, AppraisalError> {
        let digits = self.id.strip_prefix("TDX_").filter(|digits| digits.len() == 2).ok_or(MALFORMED)?;
        let version = u8::from_str_radix(digits, 16).map_err(|_| MALFORMED)?;
        let Self { mrsigner, attributes, attributes_mask, tcb_levels, .. } = self;
        ModuleText { mrsigner, attributes, attributes_mask }.read(version, tcb_levels)
    }
}

fn part_levels<const N: u32>(levels: Vec<LevelText<PartText>>) -> Result<List<PartLevel, N>, AppraisalError> {
    let read = |it: LevelText<PartText>| Ok(PartLevel { isv_svn: it.tcb.isvsvn, standing: it.standing()? });
    list(parts_in_order(levels.into_iter().map(read).collect::<Result<_, AppraisalError>>()?))
}

fn issue(
    issued: &str,
    next_update: &str,
    chain_ends: Millis,
    evaluation: u32,
    signer: x509::Serial,
    now: Millis,
) -> Result<Issue, AppraisalError> {
    let (issued, valid_until) = (date(issued)?, date(next_update)?.min(chain_ends));
    let issue = Issue { issued, valid_until, evaluation, signer };
    issue.check_dates(now)?;
    Ok(issue)
}

impl Issue {
    /// Checks that a document can be used now, and that its signer was not revoked since.
    pub(crate) fn check(&self, root_list: &RevocationList, now: Millis) -> Result<(), AppraisalError> {
        self.check_dates(now)?;
        root_list.check_serial(&self.signer)
    }

    fn check_dates(&self, now: Millis) -> Result<(), AppraisalError> {
        if now < self.issued {
            return Err(AppraisalError::CollateralNotYetValid);
        }
        if now > self.valid_until { Err(AppraisalError::CollateralExpired) } else { Ok(()) }
    }
}

/// A time in the form of RFC 3339, in UTC and whole seconds.
fn date(text: &str) -> Result<Millis, AppraisalError> {
    let time = text.parse::<der::DateTime>().map_err(|_| MALFORMED)?;
    u64::try_from(time.unix_duration().as_millis()).map(Millis::new).map_err(|_| MALFORMED)
}

fn octets<const N: usize>(text: &str) -> Result<[u8; N], AppraisalError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| MALFORMED)?;
    Ok(bytes)
}

fn list<T, const N: u32>(items: Vec<T>) -> Result<List<T, N>, AppraisalError> {
    items.try_into().map_err(|_| MALFORMED)
}

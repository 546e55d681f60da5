//! TCB levels: what Intel says a machine's microcode, firmware and modules are worth.
//!
//! Source: Intel, "Get TCB Info" and "Get Enclave Identity" of the PCS API version 4, and the order in which Intel's own
//! verifier (`QuoteVerifier.cpp`, `TcbLevelCheck`) tries levels and merges statuses.

use super::{Fmspc, Tee};
use crate::{AppraisalError, Label, x509::Serial};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{Digest, List, Millis};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How many levels one document may list: Intel's longest has about twenty.
pub const LEVELS_MAX: u32 = 64;
/// How many advisories one level may name: Intel's longest list has about twenty.
pub const ADVISORIES_MAX: u32 = 64;
/// How many TDX modules one document may list: there have been two.
pub const MODULES_MAX: u32 = 16;

/// The name of an advisory.
pub type Advisory = Label;

/// What Intel says of a TCB level, or what follows from several.
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
    Serialize,
    Deserialize,
)]
pub enum TcbStatus {
    /// Nothing is known against it.
    #[codec(index = 0)]
    UpToDate,
    /// Software has to be compiled with mitigations.
    #[codec(index = 1)]
    #[serde(rename = "SWHardeningNeeded")]
    SwHardeningNeeded,
    /// The machine's settings may be unsafe.
    #[codec(index = 2)]
    ConfigurationNeeded,
    /// Both.
    #[codec(index = 3)]
    #[serde(rename = "ConfigurationAndSWHardeningNeeded")]
    ConfigurationAndSwHardeningNeeded,
    /// A virtual machine of TDX 1.5 was launched under an older module, and the present one is up to date.
    #[codec(index = 4)]
    #[serde(rename = "TDRelaunchAdvised")]
    TdRelaunchAdvised,
    /// The same, and the machine's settings may be unsafe.
    #[codec(index = 5)]
    #[serde(rename = "TDRelaunchAdvisedConfigurationNeeded")]
    TdRelaunchAdvisedConfigurationNeeded,
    /// A fix was published and is not installed.
    #[codec(index = 6)]
    OutOfDate,
    /// The same, and the machine's settings may be unsafe.
    #[codec(index = 7)]
    OutOfDateConfigurationNeeded,
    /// Its keys are known to have leaked. No policy can admit it.
    #[codec(index = 8)]
    Revoked,
}

use TcbStatus::*;

impl TcbStatus {
    /// Intel's name of it.
    pub fn name(self) -> &'static str {
        match self {
            UpToDate => "UpToDate",
            SwHardeningNeeded => "SWHardeningNeeded",
            ConfigurationNeeded => "ConfigurationNeeded",
            ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            TdRelaunchAdvised => "TDRelaunchAdvised",
            TdRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
            OutOfDate => "OutOfDate",
            OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Revoked => "Revoked",
        }
    }

    /// Whether a fix is missing.
    pub fn is_out_of_date(self) -> bool {
        matches!(self, OutOfDate | OutOfDateConfigurationNeeded)
    }

    /// The status that it had before the fix was published.
    pub(crate) fn once_updated(self) -> Self {
        match self {
            OutOfDate => UpToDate,
            OutOfDateConfigurationNeeded => ConfigurationNeeded,
            other => other,
        }
    }

    fn needs_configuration(self) -> bool {
        matches!(self, ConfigurationNeeded | ConfigurationAndSwHardeningNeeded | OutOfDateConfigurationNeeded)
    }

    /// The status of a platform together with a part of it: the quoting enclave, or the TDX module.
    fn with_part(self, part: Self) -> Self {
        match part {
            Revoked => Revoked,
            _ if !part.is_out_of_date() || self == Revoked => self,
            _ if self.needs_configuration() || part.needs_configuration() => OutOfDateConfigurationNeeded,
            _ => OutOfDate,
        }
    }

    /// The status of a virtual machine that was launched under one TCB and runs under another.
    fn after_update(self, current: Self) -> Self {
        if current == Revoked || self == Revoked {
            Revoked
        } else if !self.is_out_of_date() || current.is_out_of_date() {
            self
        } else if self.needs_configuration() || current.needs_configuration() {
            TdRelaunchAdvisedConfigurationNeeded
        } else {
            TdRelaunchAdvised
        }
    }
}

/// What Intel says of one level.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Standing {
    /// Its status.
    pub status: TcbStatus,
    /// Since when Intel has known all that is wrong with it.
    pub dated: Millis,
    /// What is known against it. Some name life-cycle notes (`INTEL-DOC-…`) of a level that is up to date.
    pub advisories: List<Advisory, ADVISORIES_MAX>,
}

impl Standing {
    fn with_part(mut self, part: &Self) -> Result<Self, AppraisalError> {
        self.status = self.status.with_part(part.status);
        self.dated = self.dated.min(part.dated);
        for advisory in &part.advisories {
            if !self.advisories.contains(advisory) {
                self.advisories
                    .try_push(advisory.clone())
                    .map_err(|_| AppraisalError::MalformedCollateral)?;
            }
        }
        Ok(self)
    }
}

/// A level of a platform.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TcbLevel {
    /// The least SVN of each SGX component.
    pub sgx_components: [u8; 16],
    /// The least PCE SVN.
    pub pce_svn: u16,
    /// The least SVN of each TDX component, and zeros for SGX.
    pub tdx_components: [u8; 16],
    /// What it is worth.
    pub standing: Standing,
}

/// A level of a part that has one SVN.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct PartLevel {
    /// The least ISVSVN.
    pub isv_svn: u16,
    /// What it is worth.
    pub standing: Standing,
}

/// A TDX module of one version.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TdxModule {
    /// Its version: the second byte of TEE_TCB_SVN. Zero is the module for all quotes that name none.
    pub version: u8,
    /// MRSIGNERSEAM.
    pub signer: [u8; 48],
    /// SEAMATTRIBUTES, where the mask is set. They are zero elsewhere.
    pub attributes: u64,
    /// Which bits of the attributes may be set.
    pub attributes_mask: u64,
    /// Its levels, highest first. Version zero has none.
    pub levels: List<PartLevel, LEVELS_MAX>,
}

/// Who signed a document of Intel's, and when.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Issue {
    /// When it was issued.
    pub issued: Millis,
    /// When a newer one is due, or the signer's certificate ends.
    pub valid_until: Millis,
    /// Intel's number of the event that made it write the document anew.
    pub evaluation: u32,
    /// The serial number of the signer's certificate, which the root may revoke later.
    pub signer: Serial,
}

/// What Intel publishes of machines of one FMSPC ("TCB info"), verified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TcbInfo {
    /// Which TEE it is about.
    pub tee: Tee,
    /// Which machines.
    pub fmspc: Fmspc,
    /// The id of their provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// By whom and when.
    pub issue: Issue,
    /// Levels in the order in which they are tried: highest first.
    pub levels: List<TcbLevel, LEVELS_MAX>,
    /// TDX modules, the one of version zero among them. None for SGX.
    pub modules: List<TdxModule, MODULES_MAX>,
}

/// What Intel publishes of its quoting enclave, verified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct QeIdentity {
    /// Which TEE it is about.
    pub tee: Tee,
    /// By whom and when.
    pub issue: Issue,
    /// MISCSELECT, where the mask is set.
    pub misc_select: u32,
    /// Which bits of MISCSELECT are compared.
    pub misc_select_mask: u32,
    /// ATTRIBUTES, where the mask is set.
    pub attributes: [u8; 16],
    /// Which bits of ATTRIBUTES are compared.
    pub attributes_mask: [u8; 16],
    /// MRSIGNER.
    pub signer: Digest,
    /// ISVPRODID.
    pub product: u16,
    /// Its levels, highest first.
    pub levels: List<PartLevel, LEVELS_MAX>,
}

/// What a machine says of its own TCB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PlatformTcb {
    /// SVN of each component, from the PCK certificate.
    pub cpu_svn: [u8; 16],
    /// PCE SVN, from the PCK certificate.
    pub pce_svn: u16,
}

impl TcbInfo {
    /// Puts levels into the order in which Intel's own verifier tries them, whatever the document's was.
    pub(crate) fn in_order(mut levels: Vec<TcbLevel>) -> Vec<TcbLevel> {
        levels.sort_by(|a, b| {
            let key = |it: &TcbLevel| (it.sgx_components, it.pce_svn, it.tdx_components);
            key(b).cmp(&key(a))
        });
        levels
    }

    /// What an SGX machine is worth, together with its quoting enclave.
    pub(crate) fn sgx(&self, platform: PlatformTcb, qe: &Standing) -> Result<Standing, AppraisalError> {
        let level = self.level(platform, None)?;
        level.standing.clone().with_part(qe)?.unless_revoked()
    }

    /// What a TDX machine is worth, together with its module and quoting enclave: by the TCB under which the virtual machine
    /// was launched, and by the present one, where the quote has it.
    pub(crate) fn tdx(
        &self,
        platform: PlatformTcb,
        launched: [u8; 16],
        present: Option<[u8; 16]>,
        qe: &Standing,
    ) -> Result<Standing, AppraisalError> {
        let mut standing = self.platform_with_module(platform, launched)?.with_part(qe)?;
        if let Some(present) = present {
            let present = self.platform_with_module(platform, present)?.with_part(qe)?;
            standing.status = standing.status.after_update(present.status);
        }
        standing.unless_revoked()
    }

    /// The module that a quote names by its TEE_TCB_SVN.
    pub(crate) fn module(&self, tee_tcb_svn: [u8; 16]) -> Result<&TdxModule, AppraisalError> {
        let [_, version, ..] = tee_tcb_svn;
        let mut modules = self.modules.iter();
        modules.find(|module| module.version == version).ok_or(AppraisalError::UnknownTdxModule)
    }

    fn platform_with_module(
        &self,
        platform: PlatformTcb,
        tee_tcb_svn: [u8; 16],
    ) -> Result<Standing, AppraisalError> {
        let standing = self.level(platform, Some(tee_tcb_svn))?.standing.clone();
        let [isv_svn, version, ..] = tee_tcb_svn;
        if version == 0 {
            return Ok(standing);
        }
        let module = self.module(tee_tcb_svn)?;
        standing.with_part(part_standing(&module.levels, isv_svn.into())?)
    }

    fn level(
        &self,
        platform: PlatformTcb,
        tee_tcb_svn: Option<[u8; 16]>,
    ) -> Result<&TcbLevel, AppraisalError> {
        let reaches = |have: &[u8], least: &[u8]| have.iter().zip(least).all(|(have, least)| have >= least);
        let reaches_tdx = |level: &TcbLevel| match &tee_tcb_svn {
            None => true,
            // Of a module that has a version, the first two components are looked up by the module's own levels.
            Some([_, version, rest @ ..]) if *version > 0 => {
                reaches(rest, level.tdx_components.get(2..).unwrap_or(&level.tdx_components))
            }
            Some(all) => reaches(all, &level.tdx_components),
        };
        self.levels
            .iter()
            .find(|level| {
                reaches(&platform.cpu_svn, &level.sgx_components)
                    && platform.pce_svn >= level.pce_svn
                    && reaches_tdx(level)
            })
            .ok_or(AppraisalError::NoTcbLevel)
    }
}

impl QeIdentity {
    /// What the quoting enclave of an SVN is worth.
    pub(crate) fn standing(&self, isv_svn: u16) -> Result<&Standing, AppraisalError> {
        part_standing(&self.levels, isv_svn)
    }
}

impl Standing {
    fn unless_revoked(self) -> Result<Self, AppraisalError> {
        if self.status == Revoked { Err(AppraisalError::TcbRevoked) } else { Ok(self) }
    }
}

fn part_standing(levels: &[PartLevel], isv_svn: u16) -> Result<&Standing, AppraisalError> {
    let level = levels.iter().find(|level| isv_svn >= level.isv_svn);
    level.map(|level| &level.standing).ok_or(AppraisalError::NoTcbLevel)
}

/// Puts levels of a part in order: highest first.
pub(crate) fn parts_in_order(mut levels: Vec<PartLevel>) -> Vec<PartLevel> {
    levels.sort_by_key(|level| core::cmp::Reverse(level.isv_svn));
    levels
}

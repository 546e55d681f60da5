//! What a policy may ask of a genuine quote.

use super::{Advisory, Facts, Fmspc, Report, TcbStatus};
use crate::{AppraisalError, Check};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::{List, Millis};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How many kinds of machine a policy may name: Intel has made about as many with SGX or TDX.
pub const FMSPCS_MAX: u32 = 64;
/// How many advisories a policy may refuse.
const REFUSED_ADVISORIES_MAX: u32 = 64;

const MILLIS_PER_DAY: u64 = 24 * 3600 * 1000;

/// What a machine has to be worth.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct TcbRules {
    /// The statuses that are admitted. An empty list admits none.
    pub statuses: List<TcbStatus, 9>,
    /// For how many days after the date of its level a machine that is out of date is taken for one that is not. Zero for
    /// none.
    pub out_of_date_days: u16,
    /// Advisories that are refused, whatever the status. Others are informative: Intel names some for levels that are up to
    /// date.
    pub refused_advisories: List<Advisory, REFUSED_ADVISORIES_MAX>,
    /// The least number of evaluation that documents may have, so that older ones that are still valid are not used.
    pub evaluation_min: u32,
    /// The kinds of machine that are admitted. An empty list admits none; `None` admits all but those refused.
    pub fmspcs: Option<List<Fmspc, FMSPCS_MAX>>,
    /// The kinds of machine that are refused.
    pub refused_fmspcs: List<Fmspc, FMSPCS_MAX>,
    /// Whether threads may share a core.
    pub smt: bool,
    /// Whether Intel may keep the machine's root keys.
    pub cached_keys: bool,
    /// Whether processors may be added to the machine.
    pub dynamic_platform: bool,
}

/// What an SGX enclave has to be.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct SgxRules {
    /// Its machine.
    pub tcb: TcbRules,
    /// The bits of XFRM that it may have set.
    pub xfrm_allowed: u64,
}

/// What a TDX virtual machine has to be.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct TdxRules {
    /// Its machine.
    pub tcb: TcbRules,
    /// The bits of XFAM that it may have set.
    pub xfam_allowed: u64,
}

impl SgxRules {
    /// Holds a quote against each rule.
    pub(crate) fn judge(&self, facts: &Facts, now: Millis, checks: &mut Vec<Check>) {
        self.tcb.judge(facts, now, checks);
        let holds = matches!(&facts.report, Report::Sgx(report) if report.xfrm & !self.xfrm_allowed == 0);
        checks.push(Check::new(
            "the enclave uses no extension of the processor that the policy does not admit",
            holds,
            AppraisalError::ExtensionsNotAdmitted,
        ));
    }
}

impl TdxRules {
    /// Holds a quote against each rule.
    pub(crate) fn judge(&self, facts: &Facts, now: Millis, checks: &mut Vec<Check>) {
        self.tcb.judge(facts, now, checks);
        let holds = matches!(&facts.report, Report::Tdx(report) if report.xfam & !self.xfam_allowed == 0);
        checks.push(Check::new(
            "the virtual machine uses no extension of the processor that the policy does not admit",
            holds,
            AppraisalError::ExtensionsNotAdmitted,
        ));
    }
}

impl TcbRules {
    fn judge(&self, facts: &Facts, now: Millis, checks: &mut Vec<Check>) {
        let standing = &facts.standing;
        // Saturating: a date at the end of time has no days after it.
        let grace_ms = u64::from(self.out_of_date_days).saturating_mul(MILLIS_PER_DAY);
        let is_in_grace = self.out_of_date_days > 0
            && now.value() <= standing.dated.value().saturating_add(grace_ms)
            && self.statuses.contains(&standing.status.once_updated());
        let is_clean = !standing.advisories.iter().any(|it| self.refused_advisories.contains(it));
        let is_allowed = self.fmspcs.as_ref().is_none_or(|list| list.contains(&facts.fmspc));
        // What Intel does not say of a machine of one socket is not so.
        let or_no = |fact: Option<bool>| fact.unwrap_or(false);
        checks.extend([
            Check::new(
                "the policy admits the status of its TCB",
                self.statuses.contains(&standing.status) || is_in_grace,
                AppraisalError::StatusNotAdmitted,
            ),
            Check::new(
                "no advisory is known that the policy refuses",
                is_clean,
                AppraisalError::AdvisoryRefused,
            ),
            Check::new(
                "the vendor's documents are of a recent evaluation",
                facts.evaluation >= self.evaluation_min,
                AppraisalError::EvaluationTooOld,
            ),
            Check::new(
                "the policy admits this kind of machine",
                is_allowed && !self.refused_fmspcs.contains(&facts.fmspc),
                AppraisalError::MachineKindNotAdmitted,
            ),
            Check::new(
                "the policy admits the machine's settings",
                (self.smt || !or_no(facts.has_smt))
                    && (self.cached_keys || !or_no(facts.has_cached_keys))
                    && (self.dynamic_platform || !or_no(facts.is_dynamic)),
                AppraisalError::SettingsNotAdmitted,
            ),
        ]);
    }
}

//! The service for anybody: ask the chain why evidence is or would be refused, without a transaction.

use crate::{Config, Pallet, Policies, collateral::Registry};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use codec::{Decode, Encode};
use phala_attest::{
    AppraisalError, Check, Claims, Collateral, Document, Documents, Facts, Policy, verify, verify_document,
};
use phala_types::{
    Digest, Millis, Untrusted,
    worker::{Role, Tier},
};
use polkadot_sdk::*;
use scale_info::TypeInfo;

/// What genuine evidence says, and which rules of a policy it keeps.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Appraisal {
    /// What attests it.
    pub tier: Tier,
    /// The program.
    pub measurement: Digest,
    /// The machine's name in its evidence: the chain keeps [`phala_types::worker::machine_on_chain`] of it.
    pub machine: Digest,
    /// When the first certificate or document ends that this rests on.
    pub valid_until: Millis,
    /// What its machine's TCB is worth, in the vendor's word, where the vendor has one.
    pub status: Option<String>,
    /// What is known against its machine.
    pub advisories: Vec<String>,
    /// Each rule of the policy. The evidence is admitted if none is refused.
    pub rules: Vec<Rule>,
}

/// A rule of a policy.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Rule {
    /// What it asks for, in words for a person.
    pub what: String,
    /// Why it does not hold, if it does not.
    pub refused: Option<Refused>,
}

/// Why evidence or a document is refused.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Refused {
    /// The name of the rule, as [`AppraisalError`] has it.
    pub code: String,
    /// The same in words for a person.
    pub text: String,
}

impl From<AppraisalError> for Refused {
    fn from(error: AppraisalError) -> Self {
        Self { code: format!("{error:?}"), text: error.to_string() }
    }
}

impl Appraisal {
    fn new(claims: Claims, checks: Vec<Check>) -> Self {
        let standing = match &claims.facts {
            Facts::Intel(facts) => Some(&facts.standing),
            _ => None,
        };
        let rule =
            |check: Check| Rule { what: check.what.into(), refused: check.result.err().map(Into::into) };
        Self {
            tier: claims.tier,
            measurement: claims.measurement,
            machine: claims.machine,
            valid_until: claims.valid_until,
            status: standing.map(|it| it.status.name().into()),
            advisories: standing
                .map(|it| it.advisories.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            rules: checks.into_iter().map(rule).collect(),
        }
    }
}

/// Appraises evidence by documents, a policy and a time that the asker brings. Reads nothing of the chain.
///
/// Documents are verified in their order: a vendor's root's revocation list comes first.
pub fn appraise(
    evidence: &[u8],
    documents: &[Document],
    policy: &Policy,
    now: Millis,
) -> Result<Appraisal, Refused> {
    let mut known = Documents::default();
    for document in documents {
        known.keep(verify_document(Untrusted::new(document), &known, now)?);
    }
    judged(evidence, &known, policy, now)
}

fn judged(
    evidence: &[u8],
    collateral: &impl Collateral,
    policy: &Policy,
    now: Millis,
) -> Result<Appraisal, Refused> {
    let claims = verify(Untrusted::new(evidence), collateral, now)?;
    let checks = policy.judge(&claims, now);
    Ok(Appraisal::new(claims, checks))
}

impl<T: Config> Pallet<T> {
    /// Appraises evidence by the chain's documents, the policy of a role, and the block's time.
    ///
    /// Does not look at the lists of machines, nor at what the evidence vouches for.
    pub fn would_admit(role: Role, evidence: &[u8]) -> Result<Appraisal, Refused> {
        judged(evidence, &Registry::<T>::new(), &Policies::<T>::get(role), Self::now_ms())
    }
}

sp_api::decl_runtime_apis! {
    /// The remote attestation service for anybody.
    pub trait AttestationApi {
        /// Appraises evidence by documents, a policy and a time that the asker brings. See [`appraise`].
        fn appraise(
            evidence: Vec<u8>,
            documents: Vec<Document>,
            policy: Policy,
            now: Millis,
        ) -> Result<Appraisal, Refused>;

        /// Appraises evidence as the chain would at this block for a worker of that role. See [`Pallet::would_admit`].
        fn would_admit(role: Role, evidence: Vec<u8>) -> Result<Appraisal, Refused>;
    }
}

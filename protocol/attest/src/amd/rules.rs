//! What a policy may ask of a genuine report.

use super::{Facts, Owner, Product, Tcb};
use crate::{AppraisalError, Check, Label};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use phala_types::List;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// How many products a policy may name: one entry for each root of AMD's, and room for those to come.
const PRODUCTS_MAX: u32 = 8;
/// How many clouds a policy may name.
const CLOUDS_MAX: u32 = 16;

/// What a product has to be, to be admitted.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct ProductRules {
    /// The product. Whoever names [`Product::Milan`] admits forged reports: the seed of its keys can be read by software, and
    /// then every version can be claimed (arXiv 2605.12990).
    pub product: Product,
    /// The least versions: AMD publishes no list of advisories, but says which versions mend what.
    pub tcb_min: Tcb,
}

/// What a virtual machine has to be. The default admits none.
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
pub struct Rules {
    /// The products that are admitted. An empty list admits none.
    pub products: List<ProductRules, PRODUCTS_MAX>,
    /// The clouds whose keys (VLEK) are admitted, by the names that AMD gave them. Keys of chips need no entry.
    pub clouds: List<Label, CLOUDS_MAX>,
    /// Whether the guest may allow that threads share a core.
    pub smt: bool,
    /// Whether the firmware has to have looked for aliases of memory.
    pub alias_check: bool,
    /// Whether the platform has to hide ciphertext from its host, and the guest has to demand it.
    pub ciphertext_hiding: bool,
    /// Whether a revocation list of AMD's has to be at hand.
    pub revocation_list: bool,
}

impl Rules {
    /// Holds a report against each rule.
    pub(crate) fn judge(&self, facts: &Facts, checks: &mut Vec<Check>) {
        let body = &facts.report;
        let product = self.products.iter().find(|it| it.product == facts.product);
        let least = product.map(|it| it.tcb_min);
        let versions = [facts.current, facts.reported, facts.committed, facts.launch];
        let cloud = match &facts.owner {
            Owner::Chip(_) => true,
            Owner::Cloud(name) => self.clouds.contains(name),
        };
        checks.extend([
            Check::new(
                "the report says which processor made it",
                body.version >= 3,
                AppraisalError::ReportTooOld,
            ),
            Check::new(
                "the policy admits this product",
                product.is_some(),
                AppraisalError::MachineKindNotAdmitted,
            ),
            Check::new(
                "microcode and firmware are new enough, at launch, now and for good",
                least.is_some_and(|least| versions.iter().all(|version| version.reaches(&least))),
                AppraisalError::TcbTooOld,
            ),
            Check::new(
                "the key that signed is one chip's, or of a cloud that the policy admits",
                cloud,
                AppraisalError::CloudNotAdmitted,
            ),
            Check::new("the report names its chip", !facts.is_chip_masked(), AppraisalError::ChipMasked),
            Check::new(
                "the report was asked for at the highest privilege level",
                body.vmpl == 0,
                AppraisalError::PrivilegeLevel,
            ),
            Check::new(
                "the policy admits the machine's settings",
                (self.smt || !body.allows_smt())
                    && (!self.alias_check || body.has_alias_check())
                    && (!self.ciphertext_hiding
                        || body.has_ciphertext_hiding() && body.demands_ciphertext_hiding()),
                AppraisalError::SettingsNotAdmitted,
            ),
            Check::new(
                "a revocation list of the vendor's is at hand, where the policy asks for one",
                !self.revocation_list || facts.revocation_checked,
                AppraisalError::CollateralMissing,
            ),
        ]);
    }
}

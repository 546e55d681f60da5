//! Whatever is done to evidence, it is neither believed nor a reason to panic.

use phala_attest::{Documents, Measurements, Policy, SimulatedPolicy, appraise, danger_simulated::Machine};
use phala_types::{Millis, Untrusted};
use proptest::{prelude::*, sample::Index};
use std::sync::OnceLock;

/// 2026-11-22.
const NOW: Millis = Millis::new(1_795_305_600_000);

fn evidence() -> &'static [u8] {
    static EVIDENCE: OnceLock<Vec<u8>> = OnceLock::new();
    EVIDENCE.get_or_init(|| Machine::new(&[1; 32]).unwrap().evidence([5; 32], [7; 64]).unwrap())
}

fn is_admitted(evidence: &[u8]) -> bool {
    let simulated = Some(SimulatedPolicy { measurements: Measurements::DangerAny });
    let policy = Policy { simulated, ..Policy::default() };
    appraise(Untrusted::new(evidence), &Documents::default(), &policy, NOW).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn changed_evidence_is_not_admitted(at in any::<Index>(), value in any::<u8>()) {
        let mut changed = evidence().to_vec();
        let at = at.index(changed.len());
        changed[at] = value;
        prop_assert_eq!(is_admitted(&changed), changed == evidence());
    }

    #[test]
    fn evidence_with_a_byte_more_or_less_is_not_admitted(at in any::<Index>(), value in any::<u8>()) {
        let mut shorter = evidence().to_vec();
        let at = at.index(shorter.len());
        shorter.remove(at);
        prop_assert!(!is_admitted(&shorter));
        let mut longer = evidence().to_vec();
        longer.insert(at, value);
        prop_assert!(!is_admitted(&longer));
    }

    #[test]
    fn parts_of_evidence_in_another_order_are_not_admitted(a in any::<Index>(), b in any::<Index>()) {
        let mut spliced = evidence().to_vec();
        let (a, b) = (a.index(spliced.len()), b.index(spliced.len()));
        let (low, high) = (a.min(b), a.max(b));
        spliced[low..].rotate_left(high - low);
        prop_assert_eq!(is_admitted(&spliced), spliced == evidence());
    }

    #[test]
    fn garbage_is_not_admitted(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(!is_admitted(&bytes));
        let quote = phala_attest::Evidence::Simulated(bytes.try_into().unwrap());
        prop_assert!(!is_admitted(&codec::Encode::encode(&quote)));
    }
}

//! Appraising evidence: none that is not genuine passes, whatever the policy admits.
#![no_main]

use phala_attest::appraise;
use phala_types::{Untrusted, decode_exact, worker::Tier};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let evidence = Untrusted::new(input);
    if let Ok(verified) = appraise(evidence, &phala_fuzz::development_policy(), phala_fuzz::NOW) {
        assert!(verified.tier() == Tier::Simulated);
        // What is signed is what was signed: a change of it that passes is a forgery.
        assert!(*verified.report_data() == phala_fuzz::REPORT_DATA);
        assert!(*verified.measurement().as_bytes() == phala_fuzz::MEASUREMENT);
        assert!(decode_exact::<phala_attest::Evidence>(input).is_ok());
    }
});

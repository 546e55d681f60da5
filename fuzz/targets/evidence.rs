//! Appraising evidence: none that is not genuine passes, whatever the policy admits.
#![no_main]

use codec::Encode as _;
use der::asn1::OctetString;
use phala_attest::{
    AppraisalError, Documents, Evidence, Verified, appraise,
    danger_simulated::{self, Draft, Machine},
};
use phala_fuzz::{MEASUREMENT, REPORT_DATA, decode, development_policy};
use phala_types::{Untrusted, worker::Tier};
use std::sync::LazyLock;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    match what {
        // Evidence as it comes.
        0 => {
            if let Ok(verified) = appraised(bytes) {
                // What is signed is what was signed: a change of it that passes is a forgery.
                assert!(*verified.report_data() == REPORT_DATA);
                assert!(*verified.measurement().as_bytes() == MEASUREMENT);
                assert!(decode::<Evidence>(bytes).is_some());
            }
        }
        // One part of a quote, which a machine then signs.
        1 => {
            let Some((part, bytes)) = bytes.split_first() else { return };
            let mut draft = genuine();
            match part {
                0 => draft.header = bytes.to_vec(),
                1 => draft.report = bytes.to_vec(),
                2 => draft.attestation_key = bytes.to_vec(),
                3 => draft.qe_report = bytes.to_vec(),
                4 => draft.qe_authentication = bytes.to_vec(),
                5 => draft.certificates = bytes.to_vec(),
                _ => return,
            }
            let _ = signed(draft);
        }
        // Intel's extension of a machine's certificate, which the root's keys then sign.
        2 => {
            let mut template = MACHINE.certificate_template().expect("it is constant");
            template.extensions[0].extn_value = OctetString::new(bytes).expect("inputs are short");
            let issuer = danger_simulated::intermediate_key().expect("it is constant");
            let Ok(leaf) = template.sign(MACHINE.platform_key(), &issuer) else { return };
            let certificates =
                [danger_simulated::pem(&[leaf]).expect("it was encoded"), ISSUERS.clone()].concat();
            let _ = signed(Draft { certificates, ..genuine() });
        }
        _ => {}
    }
});

static MACHINE: LazyLock<Machine> = LazyLock::new(|| Machine::new(&[1; 32]).expect("it is constant"));

/// Intermediate and root in PEM.
static ISSUERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let root = danger_simulated::root_certificate().expect("it is constant");
    let intermediate = danger_simulated::intermediate_certificate().expect("it is constant");
    danger_simulated::pem(&[intermediate, root]).expect("they are constant")
});

/// Made once: it takes three signatures.
static GENUINE: LazyLock<Draft> =
    LazyLock::new(|| MACHINE.draft(MEASUREMENT, REPORT_DATA).expect("it is constant"));

fn genuine() -> Draft {
    GENUINE.clone()
}

fn signed(draft: Draft) -> Option<Verified> {
    let quote = draft.finish(&MACHINE).ok()?;
    appraised(&Evidence::Simulated(quote.try_into().ok()?).encode()).ok()
}

fn appraised(evidence: &[u8]) -> Result<Verified, AppraisalError> {
    let verified =
        appraise(Untrusted::new(evidence), &Documents::default(), &development_policy(), phala_fuzz::NOW)?;
    assert!(verified.tier() == Tier::Simulated);
    Ok(verified)
}
